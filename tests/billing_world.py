"""A small market whose month is settled and can be closed: a site with an issuer, a rulebook, members, a few days."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from accounts.models import BillingProfile, User
from meters.models import Meter, MeteringPoint
from settlement.models import Issuer, MonthClose
from settlement.operations import settle
from settlement.operations.month import advance, approve_close, start_close
from tariffs.models import VatRate
from tests.settlement_world import HALF_HOUR, World, make_world

JUNE = date(2026, 6, 1)
JULY_TENTH = datetime(2026, 7, 10, 3, 0, tzinfo=UTC)


def make_billing_world(code: str = "w", *, basis: str = "internal_accounting", **terms: int) -> World:
    """`make_world` with an issuer, VAT at 8 % until the end of 2026 and 10 % from then on."""
    world = make_world(code, **terms)
    world.market.legal_basis = basis
    world.market.save()
    symbol = f"{code:x<2}"[:2].upper()  # WX and WY for world w
    Issuer.objects.create(
        site=world.site,
        legal_name="Công ty Điện Trường",
        tax_code="3700123456",
        address="Thủ Dầu Một, Bình Dương",
        bank_name="Vietcombank",
        bank_bin="970436",
        bank_account="0071001234567",
        symbol=symbol,
        self_bill_symbol=symbol[0] + chr(ord(symbol[1]) + 1),
    )
    set_vat()
    return world


def set_vat() -> None:
    for category in ("electricity", "service"):
        for since, until, rate in ((date(2025, 7, 1), date(2027, 1, 1), 800), (date(2027, 1, 1), None, 1_000)):
            VatRate.objects.get_or_create(
                country="VN", category=category, valid_from=since, defaults={"valid_to": until, "rate_bp": rate}
            )


def bill(world: World, code: str, **profile: object) -> BillingProfile:
    values = {"legal_name": f"Legal {code}", "tax_code": "0312345678", "address": "Bình Dương", **profile}
    return BillingProfile.objects.create(participant=world.people[code], **values)


def hang_meter(world: World, code: str, *, start_wh: int = 0, multiplier: int = 1) -> Meter:
    point = MeteringPoint.objects.get(site=world.site, code=f"MP-{code}")
    return Meter.objects.create(
        metering_point=point, serial=f"SN-{world.market.code}-{code}", multiplier=multiplier,
        installed_on=date(2026, 1, 1), start_import_wh=start_wh,
    )  # fmt: skip


def interval(
    world: World,
    start: datetime,
    readings: dict[str, tuple[int, int]],
    trades: Sequence[tuple[str, str, int, int]] = (),
    kind: str = "R2",
) -> int:
    """Trade, meter and settle one interval; its contract."""
    contract = world.contract(start)
    for seller, buyer, wh, price in trades:
        world.trade(contract, seller, buyer, wh, price)
    world.read(readings, start)
    settle(contract_id=contract.pk, kind=kind, at=start + HALF_HOUR + timedelta(days=40))
    return contract.pk


def person(username: str, **more: object) -> User:
    return User.objects.get_or_create(username=username, defaults={"is_staff": True, **more})[0]


def compute(world: World, month: date = JUNE, at: datetime = JULY_TENTH) -> MonthClose:
    close = start_close(market=world.market, month=month, by=person("lan"), at=at)
    while advance(close.pk, at):
        pass
    close.refresh_from_db()
    return close


def close_month(
    world: World,
    month: date = JUNE,
    at: datetime = JULY_TENTH,
    accept: tuple[str, ...] = ("no_profile", "before_cutoff"),
) -> MonthClose:
    """A month computed by Lan, approved by Minh and issued."""
    close = compute(world, month, at)
    approve_close(close=close, by=person("minh"), at=at, accept=accept)
    while advance(close.pk, at):
        pass
    close.refresh_from_db()
    return close
