"""What was settled keeps its rules: refused in words by the operations, and by the database behind their back."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Participant
from meters.models import Site
from simulator.loading import run_code
from tariffs.domain.windows import Window
from tariffs.models import NetworkFee, RulesLock, SiteTerms, Tariff, TariffAssignment, TariffRow, VatRate
from tariffs.operations import (
    RulesSettled,
    assign_tariff,
    lock_rules,
    replace_rows,
    set_network_fee,
    set_terms,
    set_vat_rate,
)

AT = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)
SINCE, SETTLED = date(2026, 1, 1), date(2026, 6, 9)
NEXT = SETTLED + timedelta(days=1)
pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> Site:
    return Site.objects.create(code="s", name="s")


@pytest.fixture
def tariff(site: Site) -> Tariff:
    tariff = Tariff.objects.create(code="t", name="t")
    replace_rows(tariff=tariff, rows=[Window(127, 0, 1_440, 2_000, SINCE)], by=None, at=AT)
    assign(site, tariff, "p", SINCE)
    set_terms(site=site, valid_from=SINCE, surplus_price=671, network_fee=120, by=None, at=AT)
    return tariff


def assign(site: Site, tariff: Tariff, code: str, since: date) -> Participant:
    person = Participant.objects.get_or_create(code=code, defaults={"name": code, "kind": "household"})[0]
    assign_tariff(site=site, participant=person, tariff=tariff, valid_from=since, by=None, at=AT)
    return person


def refused_by_the_database(change) -> None:
    with pytest.raises(IntegrityError, match="settled until 2026-06-09"), transaction.atomic():
        change()


def test_the_lock_only_ever_moves_forward(site: Site) -> None:
    for on in (date(2026, 6, 8), SETTLED, date(2026, 6, 1), SETTLED):
        lock_rules(site.pk, on)
    assert RulesLock.objects.get(site=site).settled_until == SETTLED
    with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
        RulesLock.objects.update(settled_until=SINCE)
    with pytest.raises(Exception, match="Cannot delete"), transaction.atomic():
        RulesLock.objects.all().delete()


def test_a_backtest_locks_nothing_for_the_country() -> None:
    scratch = Site.objects.create(code=run_code(AT), name="a scene")
    named_alike = Site.objects.create(code="bt-park", name="a park in Bình Thuận")
    lock_rules(scratch.pk, SETTLED)
    assert not RulesLock.objects.exists()
    vat_from(SINCE, 800)
    vat_from(SINCE, 900)
    lock_rules(named_alike.pk, SETTLED)
    with pytest.raises(RulesSettled):
        vat_from(SINCE, 1_000)


def vat_from(since: date, rate_bp: int) -> None:
    set_vat_rate(country="VN", category="service", rate_bp=rate_bp, valid_from=since, source="law", by=None, at=AT)


def test_a_price_changes_from_the_day_after_what_is_settled(site: Site, tariff: Tariff) -> None:
    lock_rules(site.pk, SETTLED)
    old = Window(127, 0, 1_440, 2_000, SINCE, NEXT)
    replace_rows(tariff=tariff, rows=[old, Window(127, 0, 1_440, 2_100, NEXT)], by=None, at=AT)
    assert list(tariff.rows.values_list("price", "valid_to")) == [(2_000, NEXT), (2_100, None)]


@pytest.mark.parametrize(
    "rows",
    [
        [Window(127, 0, 1_440, 2_001, SINCE)],
        [Window(127, 0, 1_440, 2_000, SINCE, SETTLED), Window(127, 0, 1_440, 2_100, SETTLED)],
        [Window(127, 0, 720, 2_000, SINCE), Window(127, 720, 1_440, 2_000, SINCE)],
        [Window(127, 0, 1_440, 2_100, NEXT)],
        [Window(127, 0, 1_440, 1_900, date(2025, 1, 1), SINCE), Window(127, 0, 1_440, 2_000, SINCE)],
    ],
)
def test_rows_that_alter_a_settled_day_are_refused_whole(site: Site, tariff: Tariff, rows: list[Window]) -> None:
    lock_rules(site.pk, SETTLED)
    with pytest.raises(RulesSettled) as refused:
        replace_rows(tariff=tariff, rows=rows, by=None, at=AT)
    assert refused.value.code == "rules_settled" and "2026-06-09" in str(refused.value)
    assert list(tariff.rows.values_list("price", "valid_to")) == [(2_000, None)]


def test_a_tariff_that_nobody_was_on_may_change(site: Site, tariff: Tariff) -> None:
    lock_rules(site.pk, SETTLED)
    other = Tariff.objects.create(code="other", name="other")
    replace_rows(tariff=other, rows=[Window(127, 0, 1_440, 1, SINCE)], by=None, at=AT)
    assign(site, other, "p", NEXT)
    replace_rows(tariff=other, rows=[Window(127, 0, 1_440, 2, SINCE)], by=None, at=AT)
    assert other.rows.get().price == 2


def test_terms_fees_and_assignments_begin_after_what_is_settled(site: Site, tariff: Tariff) -> None:
    lock_rules(site.pk, SETTLED)
    fee = {"site": site, "seller_zone": "a", "buyer_zone": "b", "price": 1}
    terms = {"site": site, "surplus_price": 700, "network_fee": 120}
    for change, code in (
        (lambda on: set_terms(**terms, valid_from=on, by=None, at=AT), "rules_settled"),
        (lambda on: set_network_fee(**fee, valid_from=on, by=None, at=AT), "rules_settled"),
        (lambda on: assign(site, Tariff.objects.get_or_create(code="u", name="u")[0], "p", on), "rules_settled"),
    ):
        with pytest.raises(RulesSettled) as refused:
            change(SETTLED)
        assert refused.value.code == code
        change(NEXT)
    assert SiteTerms.objects.count() == 2 and NetworkFee.objects.get().valid_from == NEXT


def test_saying_the_same_again_is_no_change(site: Site, tariff: Tariff) -> None:
    lock_rules(site.pk, SETTLED)
    assign(site, tariff, "p", SINCE)
    set_terms(site=site, valid_from=SINCE, surplus_price=671, network_fee=120, by=None, at=AT)
    replace_rows(tariff=tariff, rows=[Window(127, 0, 1_440, 2_000, SINCE)], by=None, at=AT)
    assert tariff.rows.count() == TariffAssignment.objects.count() == SiteTerms.objects.count() == 1


def test_a_hole_may_be_filled(site: Site, tariff: Tariff) -> None:
    """Somebody who had no tariff was charged nothing, with an alarm; the one that was forgotten may still come."""
    lock_rules(site.pk, SETTLED)
    assign(site, tariff, "newcomer", SETTLED)
    assign(site, tariff, "newcomer", SINCE)
    set_vat_rate(country="VN", category="electricity", rate_bp=800, valid_from=SINCE, by=None, at=AT)
    with pytest.raises(RulesSettled):
        set_vat_rate(country="VN", category="electricity", rate_bp=1_000, valid_from=SETTLED, by=None, at=AT)
    with pytest.raises(RulesSettled):
        set_vat_rate(country="VN", category="electricity", rate_bp=1_000, valid_from=SINCE, by=None, at=AT)


def test_the_database_refuses_what_passes_the_operations_by(site: Site, tariff: Tariff) -> None:
    VatRate.objects.create(country="VN", category="electricity", rate_bp=800, valid_from=SINCE)
    lock_rules(site.pk, SETTLED)
    refused_by_the_database(lambda: TariffRow.objects.update(price=1))
    refused_by_the_database(lambda: TariffRow.objects.update(valid_to=SETTLED))
    refused_by_the_database(lambda: TariffRow.objects.all().delete())
    refused_by_the_database(lambda: tariff.rows.create(
        period="flat", weekdays=127, from_minute=0, to_minute=1_440, price=1, valid_from=SETTLED
    ))  # fmt: skip
    refused_by_the_database(lambda: SiteTerms.objects.update(surplus_price=1))
    refused_by_the_database(lambda: SiteTerms.objects.create(
        site=site, valid_from=SETTLED, surplus_price=1, network_fee=1
    ))  # fmt: skip
    refused_by_the_database(lambda: TariffAssignment.objects.all().delete())
    refused_by_the_database(lambda: VatRate.objects.update(rate_bp=1_000))
    refused_by_the_database(lambda: NetworkFee.objects.create(
        site=site, seller_zone="a", buyer_zone="b", price=1, valid_from=SETTLED
    ))  # fmt: skip
    TariffRow.objects.update(valid_to=NEXT, doubt="Read in two places.")
    VatRate.objects.update(valid_to=date(2027, 1, 1))
    assert TariffRow.objects.get().valid_to == NEXT


@pytest.mark.django_db(transaction=True)
def test_a_change_under_way_is_there_when_settlement_reads(site: Site, tariff: Tariff) -> None:
    """Settlement of a new day waits for a change that has begun, and the change is refused once the day is noted."""
    noted = threading.Event()

    def settle() -> None:
        lock_rules(site.pk, NEXT)
        noted.set()
        connection.close()

    worker = threading.Thread(target=settle)
    with transaction.atomic():
        set_terms(site=site, valid_from=NEXT, surplus_price=700, network_fee=120, by=None, at=AT)
        worker.start()
        while not _somebody_waits():
            assert not noted.is_set()
    worker.join()
    assert noted.is_set() and SiteTerms.objects.get(valid_from=NEXT).surplus_price == 700
    with pytest.raises(RulesSettled):
        set_terms(site=site, valid_from=NEXT, surplus_price=800, network_fee=120, by=None, at=AT)


def _somebody_waits() -> bool:
    """Whether another session waits for the lock now. Inside a transaction the server shows one and the same picture
    of the sessions until it is cleared."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock' AND query LIKE '%%tariffs_ruleslock%%')"
        )
        return bool(cursor.fetchone()[0])
