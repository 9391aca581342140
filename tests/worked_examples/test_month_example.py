"""Two bills for December 2026, worked out by hand, and their January.

Nhà Lan is a home on tiers with a few panels; Xưởng Bình is a workshop that pays by the hour of the day and for its
highest half hour. Prices rise by 5 % on 15 December, VAT from 8 % to 10 % on 1 January. Nothing but dated rows of the
rulebook says so. The platform takes 15 đồng for each kWh bought from a neighbour and 20,000 đồng a month.

| | home until the 14th | home from the 15th | workshop until the 14th | from the 15th |
|---|---|---|---|---|
| up to 50 kWh | 1,984 | 2,083 | 06:00–18:00 and night 1,833 | 1,925 |
| up to 100 kWh | 2,050 | 2,152 | 18:00–22:30 peak 3,398 | 3,568 |
| above | 2,380 | 2,499 | for each kW 235,414 | 235,414 |
"""

from datetime import UTC, date, datetime

import pytest
from django.db.models import Sum

from settlement.models import Invoice, LedgerEntry
from tariffs.domain.windows import ALL_WEEK, MINUTES_A_DAY, TIER, Window
from tariffs.models import Tariff
from tariffs.operations import assign_tariff, replace_rows
from tariffs.operations.rules import set_capacity_price
from tests.billing_world import bill, close_month, interval, make_billing_world
from tests.settlement_world import FIRST_DAY, TUESDAY_TEN, World

pytestmark = pytest.mark.django_db
RISE = date(2026, 12, 15)
DECEMBER, JANUARY = date(2026, 12, 1), date(2027, 1, 1)
PEAK_FROM, PEAK_TO = 18 * 60, 22 * 60 + 30


def home_tariff() -> Tariff:
    made = Tariff.objects.create(code="home", name="home")
    tiers = ((0, 50_000, 1_984, 2_083), (50_000, 100_000, 2_050, 2_152), (100_000, None, 2_380, 2_499))
    rows = []
    for low, high, old, new in tiers:
        rows.append(Window(ALL_WEEK, 0, MINUTES_A_DAY, old, FIRST_DAY, RISE, TIER, "", low, high))
        rows.append(Window(ALL_WEEK, 0, MINUTES_A_DAY, new, RISE, None, TIER, "", low, high))
    replace_rows(tariff=made, rows=rows, by=None, at=TUESDAY_TEN)
    return made


def works_tariff() -> Tariff:
    made = Tariff.objects.create(code="works", name="works")
    rows = []
    for since, until, normal, peak in ((FIRST_DAY, RISE, 1_833, 3_398), (RISE, None, 1_925, 3_568)):
        rows.append(Window(ALL_WEEK, 0, PEAK_FROM, normal, since, until, "normal"))
        rows.append(Window(ALL_WEEK, PEAK_FROM, PEAK_TO, peak, since, until, "peak"))
        rows.append(Window(ALL_WEEK, PEAK_TO, MINUTES_A_DAY, normal, since, until, "normal"))
    replace_rows(tariff=made, rows=rows, by=None, at=TUESDAY_TEN)
    set_capacity_price(tariff=made, price_per_kw=235_414, valid_from=FIRST_DAY, by=None, at=TUESDAY_TEN)
    return made


def local(month: int, day: int, hour: int) -> datetime:
    """An hour in Bình Dương (UTC+7)."""
    return datetime(2026 if month == 12 else 2027, month, day, hour - 7, tzinfo=UTC)


def read(world: World, at: datetime, home: tuple[int, int], works: tuple[int, int], sold_wh: int = 0) -> None:
    trades = [("home", "works", sold_wh, 1_700)] if sold_wh else []
    interval(world, at, {"home": home, "works": works}, trades)


def lines(code: str, month: date) -> list[tuple[str, int, int | None, int]]:
    document = Invoice.objects.get(participant__code=code, month=month).frozen()
    return [(line.kind, line.quantity, line.price, line.amount_dong) for line in document.lines]


@pytest.fixture
def world() -> World:
    """December and January, settled and closed."""
    world = make_billing_world(platform_fee_price=15, platform_fee_month=20_000)
    for code, tariff in (("home", home_tariff()), ("works", works_tariff())):
        assign_tariff(
            site=world.site, participant=world.add(code), tariff=tariff, valid_from=FIRST_DAY,
            expected_month_wh=120_000, by=None, at=TUESDAY_TEN,
        )  # fmt: skip
        bill(world, code)
    # Each reading stands for many days of the same kind, so that the sums stay short.
    read(world, local(12, 5, 10), home=(30_000, 0), works=(0, 0))
    read(world, local(12, 10, 10), home=(0, 5_000), works=(20_000, 0), sold_wh=5_000)
    read(world, local(12, 20, 18), home=(60_000, 0), works=(12_345, 0))
    read(world, local(12, 21, 10), home=(0, 0), works=(1_001, 0))
    read(world, local(1, 12, 10), home=(10_000, 0), works=(2_000, 0))
    close_month(world, DECEMBER, datetime(2027, 1, 10, tzinfo=UTC))
    close_month(world, JANUARY, datetime(2027, 2, 10, tzinfo=UTC))
    return world


def test_the_home_in_december(world: World) -> None:
    # The tiers of 1–14 December are 14 days of 31: 50,000 × 14 ÷ 31 = 22,580 Wh (down), 100,000 × 14 ÷ 31 = 45,161 Wh.
    # Those of 15–31 December are the rest of the month's: 50,000 − 22,580 = 27,420 Wh, 100,000 − 45,161 = 54,839 Wh.
    assert lines("home", DECEMBER) == [
        ("local_sold", 5_000, None, -8_500),  # 5 kWh × 1,700, owed to the home; a home adds no VAT
        ("tier_import", 22_580, 1_984, 44_799),  # 44,798.720
        ("tier_import", 7_420, 2_050, 15_211),  # 30,000 − 22,580; 15,211.000
        ("tier_import", 27_420, 2_083, 57_116),  # 57,115.860
        ("tier_import", 27_419, 2_152, 59_006),  # 54,839 − 27,420; 59,005.688
        ("tier_import", 5_161, 2_499, 12_897),  # 60,000 − 54,839; 12,897.339
        ("platform_month", 1, 20_000, 20_000),
    ]
    bill = Invoice.objects.get(participant__code="home", month=DECEMBER)
    # Taxed: 44,799 + 15,211 + 57,116 + 59,006 + 12,897 + 20,000 = 209,029; 8 % are 16,722.32.
    assert bill.net_dong == 209_029 - 8_500
    assert bill.vat_dong == 16_722
    assert bill.total_dong == 217_251


def test_the_workshop_in_december(world: World) -> None:
    assert lines("works", DECEMBER) == [
        ("local_bought", 5_000, None, 8_500),  # from the home
        ("grid_import", 15_000, 1_833, 27_495),  # 20,000 − 5,000 on the 10th, before the rise
        ("grid_import", 1_001, 1_925, 1_927),  # on the 21st; 1,926.925
        ("grid_import", 12_345, 3_568, 44_047),  # on the 20th at 18:00, peak; 44,046.960
        ("capacity", 40_000, 235_414, 9_416_560),  # 20 kWh in half an hour are 40 kW on average
        ("network_fee", 5_000, 120, 600),
        ("platform_fee", 5_000, 15, 75),
        ("platform_month", 1, 20_000, 20_000),
    ]
    bill = Invoice.objects.get(participant__code="works", month=DECEMBER)
    # 8,500 + 27,495 + 1,927 + 44,047 + 9,416,560 + 600 + 75 + 20,000 = 9,519,204; 8 % are 761,536.32.
    assert (bill.net_dong, bill.vat_dong, bill.total_dong) == (9_519_204, 761_536, 10_280_740)


def test_january_is_taxed_at_ten_percent_by_data_alone(world: World) -> None:
    assert lines("home", JANUARY) == [("tier_import", 10_000, 2_083, 20_830), ("platform_month", 1, 20_000, 20_000)]
    assert lines("works", JANUARY) == [
        ("grid_import", 2_000, 1_925, 3_850),
        ("capacity", 4_000, 235_414, 941_656),
        ("platform_month", 1, 20_000, 20_000),
    ]
    bills = {bill.participant.code: bill for bill in Invoice.objects.filter(month=JANUARY)}
    # 10 % of 40,830 are 4,083; 10 % of 965,506 are 96,550.6.
    assert (bills["home"].vat_dong, bills["home"].total_dong) == (4_083, 44_913)
    assert (bills["works"].vat_dong, bills["works"].total_dong) == (96_551, 1_062_057)


def test_what_they_saved_is_the_difference_to_the_grid_alone(world: World) -> None:
    # The home got 8,500 where the grid would have paid 5 × 671 = 3,355; the tiers are the same on both sides, and the
    # platform's 20,000 are on one: 8,500 − 3,355 − 20,000.
    home = Invoice.objects.get(participant__code="home", month=DECEMBER).frozen()
    assert home.saved_dong == -14_855
    # The workshop paid 8,500 + 600 + 75 + 20,000 where the grid would have taken 5 × 1,833 = 9,165.
    works = Invoice.objects.get(participant__code="works", month=DECEMBER).frozen()
    assert works.saved_dong == 9_165 - 29_175


def test_nothing_is_left_on_their_accounts_but_what_was_invoiced(world: World) -> None:
    for code in ("home", "works"):
        entries = LedgerEntry.objects.filter(account__participant=world.people[code])
        total = Invoice.objects.filter(participant__code=code).aggregate(s=Sum("total_dong"))["s"]
        assert (entries.filter(account__kind="participant").aggregate(s=Sum("amount_millidong"))["s"] or 0) == 0
        assert entries.filter(account__kind="receivable").aggregate(s=Sum("amount_millidong"))["s"] == -total * 1_000
