"""Setting the demo up, once: site, market, members, logins, tariffs, and a few days of readings to forecast from.

Everything is looked for before it is made, and the readings are recorded last, so that a start that was broken off is
completed by the next one.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import Membership, Participant, User
from accounts.operations import add_membership, create_user
from meters.models import Reading, Site
from meters.operations import NewReading, record_readings
from simulator.domain.campus import EIU, CampusModel
from simulator.domain.demo import HOME_MONTH_WH, DemoMember, demo_members
from simulator.loading import add_device, add_points, add_roof_and_battery, admit
from tariffs.models import Tariff, TariffRow
from tariffs.operations import apply_rulebook, assign_tariff, set_terms
from tariffs.shipped import reference
from trading.models import Market
from trading.operations import create_market, set_clock
from units.interval import Interval

SEED = 2026
CODE = "campus"
TIMEZONE = "Asia/Ho_Chi_Minh"
INTERVAL_MINUTES = 30
NETWORK_FEE = 120
DAYS_OF_HISTORY = 4
FIRST_HOUR, FIRST_MINUTE = 8, 20
PASSWORD = "wattbourse"
# Whom each login acts for; the administrator of the site acts for nobody and sees everything.
LOGINS: dict[str, tuple[str, ...]] = {
    "prosumer": ("nha-b1",),
    "tenant": ("co-khi-an-phat", "det-binh-minh"),
    "administrator": (),
}

MODEL = CampusModel(seed=SEED)
MODEL_ZONE = ZoneInfo(TIMEZONE)


def seed(wall: datetime) -> Market:
    """The demo's market, made where it is missing. A new one starts in the morning of this day."""
    market = Market.objects.select_related("site").filter(code=CODE).first()
    if market is None:
        with transaction.atomic():
            market = _make(first_moment(wall))
    _logins(wall)
    if not Reading.objects.filter(site_id=market.site_id).exists():
        _history(market)
    return market


def first_moment(wall: datetime) -> datetime:
    """Soon after eight in the morning at the site, on the day that it is there now: the sun is up, and the first
    interval ends within seconds."""
    local = wall.astimezone(MODEL_ZONE)
    return local.replace(hour=FIRST_HOUR, minute=FIRST_MINUTE, second=0, microsecond=0).astimezone(UTC)


def _make(at: datetime) -> Market:
    site = Site.objects.create(
        code=CODE, name="Becamex campus and park", timezone=TIMEZONE, latitude=EIU.latitude, longitude=EIU.longitude
    )
    tariffs = _tariffs(site, at)
    rows = TariffRow.objects.filter(tariff__in=tariffs.values())
    market = create_market(
        site=site,
        code=CODE,
        name="Campus and park",
        legal_basis=Market.LegalBasis.SHADOW,
        interval_minutes=INTERVAL_MINUTES,
        open_ahead_minutes=48 * 60,
        call_ends_minutes=360,
        gate_minutes=5,
        min_price=0,
        max_price=max(rows.values_list("price", flat=True)),
    )
    set_clock(market, rate=0, clock_at=at, started_at=at)
    for member in demo_members():
        _member(market, member, tariffs[member.participant.tariff], at)
    return market


def _tariffs(site: Site, at: datetime) -> dict[str, Tariff]:
    """The members' tariffs by name, from the shipped rulebook unless it is there; the site's terms from it too."""
    rulebook = reference("vn")
    codes = {member.participant.tariff: f"vn-{member.participant.tariff}" for member in demo_members()}
    if Tariff.objects.filter(code__in=codes.values()).count() < len(codes):
        apply_rulebook(rulebook=rulebook, by=None, at=at)
    for row in rulebook.surplus:
        set_terms(
            site=site, valid_from=row.dated.valid_from, surplus_price=row.price, network_fee=NETWORK_FEE,
            surplus_cap_pct=row.cap_pct, legal_from=row.dated.legal_from, source=row.dated.source,
            doubt=row.dated.doubt, by=None, at=at,
        )  # fmt: skip
    return {name: Tariff.objects.get(code=code) for name, code in codes.items()}


def _member(market: Market, member: DemoMember, tariff: Tariff, at: datetime) -> None:
    given, site = member.participant, market.site
    participant = Participant.objects.create(code=given.key, name=given.name, kind=given.kind)
    stores = given.battery is not None or bool(member.devices)
    add_points(site, participant, given.key, pv=given.pv_peak_w > 0, store=stores)
    add_roof_and_battery(site, participant, given.pv_peak_w, given.battery)
    for device in member.devices:
        add_device(site, participant, device.key, device.parameters)
    since = site.terms.values_list("valid_from", flat=True)[0]
    expected = HOME_MONTH_WH if tariff.kind == Tariff.Kind.TIERED else 0
    assign_tariff(
        site=site, participant=participant, tariff=tariff, valid_from=since, expected_month_wh=expected, by=None, at=at
    )
    admit(market, participant, given)


def _logins(at: datetime) -> None:
    for name, codes in LOGINS.items():
        staff = name == "administrator"
        user = User.objects.filter(username=name).first() or create_user(
            by=None, username=name, password=PASSWORD, at=at, is_staff=staff
        )
        for participant in Participant.objects.filter(code__in=codes).exclude(memberships__user=user):
            add_membership(by=None, user=user, participant=participant, role=Membership.Role.OWNER, at=at)


def _history(market: Market) -> None:
    """What every meter showed on the days before, with the batteries at rest."""
    assert market.clock_at is not None
    now = Interval.of(market.clock_at, INTERVAL_MINUTES, MODEL_ZONE).start
    first = now - timedelta(days=DAYS_OF_HISTORY)
    count = DAYS_OF_HISTORY * 24 * 60 // INTERVAL_MINUTES
    starts = [first + timedelta(minutes=INTERVAL_MINUTES * number) for number in range(count)]
    rows = [row for member in demo_members() for row in _member_history(member, starts)]
    record_readings(site=market.site, rows=rows, by=None, at=market.clock_at, source="demo", minutes=INTERVAL_MINUTES)


def _member_history(member: DemoMember, starts: list[datetime]) -> list[NewReading]:
    key = member.participant.key
    load, generation = MODEL.intervals(key, member.shape, member.params, starts[0], INTERVAL_MINUTES, len(starts))
    net = (generation - load).tolist()
    rows = [NewReading(key, start, max(0, -wh), max(0, wh)) for start, wh in zip(starts, net, strict=True)]
    if member.participant.pv_peak_w:
        made = generation.tolist()
        rows += [NewReading(f"{key}.pv", start, 0, wh) for start, wh in zip(starts, made, strict=True)]
    if member.participant.battery is not None or member.devices:
        rows += [NewReading(f"{key}.store", start, 0, 0) for start in starts]
    return rows
