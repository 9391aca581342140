"""Setting the demo up, once: site, market, members, logins, tariffs, papers, and some days of readings.

Everything is looked for before it is made, and the readings are recorded last, so that a start that was broken off is
completed by the next one.
"""

from datetime import UTC, datetime, timedelta

from django.db import transaction

from accounts.models import Membership, Participant, User
from accounts.operations import add_membership, create_user
from meters.models import MeteringPoint, Reading, Site
from meters.operations import record_readings
from simulator.demo_history import INTERVAL_MINUTES, MODEL_ZONE, TIMEZONE, readings_at, starts_between
from simulator.demo_papers import add_issuer, add_papers
from simulator.demo_past import past
from simulator.domain.campus import EIU
from simulator.domain.demo import HOME_MONTH_WH, DemoMember, demo_members
from simulator.loading import add_device, add_points, add_roof_and_battery, admit
from tariffs.models import Tariff, TariffRow
from tariffs.operations import apply_rulebook, assign_tariff, set_terms
from tariffs.shipped import reference
from trading.models import Market
from trading.operations import create_market, schedule, set_clock
from units.interval import Interval

CODE = "campus"
NETWORK_FEE = 120
DAYS_OF_HISTORY = 4
FIRST_HOUR, FIRST_MINUTE = 8, 20
PASSWORD = "wattbourse"
# Whom each login acts for; the administrators of the site and its auditor act for nobody and see everything.
LOGINS: dict[str, tuple[str, ...]] = {
    "prosumer": ("nha-b1",),
    "tenant": ("co-khi-an-phat", "det-binh-minh"),
    "administrator": (),
    "second": (),
    "auditor": (),
}
ADMINISTRATORS = ("administrator", "second")


def seed(wall: datetime) -> Market:
    """The demo's market, made where it is missing. A new one starts in the morning of this day."""
    market = Market.objects.select_related("site").filter(code=CODE).first()
    if market is None:
        with transaction.atomic():
            market = _make(first_moment(wall))
            # The market goes on from its last contract, which must be one of now before any of the past is there.
            schedule(market, first_moment(wall))
    _logins(wall)
    if not Reading.objects.filter(site_id=market.site_id).exists():
        _history(market)
    add_issuer(market.site)
    add_papers(market.site, past(market).days[0].on)
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
        legal_basis=Market.LegalBasis.RETAIL_UNIT,
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
    add_points(site, participant, given.key, pv=given.pv_peak_w > 0, store=member.stores)
    for code in member.points[1:]:
        MeteringPoint.objects.create(site=site, participant=participant, code=code)
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
        user = User.objects.filter(username=name).first() or create_user(
            by=None, username=name, password=PASSWORD, at=at, is_staff=name in ADMINISTRATORS,
            is_auditor=name == "auditor",
        )  # fmt: skip
        for participant in Participant.objects.filter(code__in=codes).exclude(memberships__user=user):
            add_membership(by=None, user=user, participant=participant, role=Membership.Role.OWNER, at=at)


def _history(market: Market) -> None:
    """What every meter showed on the days before, with the batteries at rest."""
    assert market.clock_at is not None
    now = Interval.of(market.clock_at, INTERVAL_MINUTES, MODEL_ZONE).start
    rows = readings_at(starts_between(now - timedelta(days=DAYS_OF_HISTORY), now))
    record_readings(site=market.site, rows=rows, by=None, at=market.clock_at, source="demo", minutes=INTERVAL_MINUTES)
