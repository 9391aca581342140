"""Who lives in the month-sized world, and the rules they live by: imported once Django is set up.

Of ten participants one generates (two of three such roofs follow the sun, the third, cogeneration, runs round the clock
and sells at night), one is a tenant on a time-of-use tariff, eight are households on a flat or a time-of-use tariff.
Everybody has a boundary point with a meter, every generator a sub-meter besides, the site one at its grid connection.
A third of the tenants bids in the pool, half of the generators ask there. The surplus is paid without a cap.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from accounts.models import Participant
from meters.columns import IntArray
from meters.models import Device, Meter, MeteringPoint, Site
from tariffs.models import SiteTerms, Tariff, TariffAssignment, TariffRow, VatRate
from trading.models import Admission, Contract, Market
from trading.operations import create_market
from units.interval import day_bounds

FIRST_ON = date(2026, 6, 1)
SINCE = date(2026, 1, 1)
CODE = "month"
SURPLUS_PRICE, NETWORK_FEE = 671, 120
CREDIT_MILLIDONG = 10**15
IN_A_ROUND = 10_000

# The parts of ten: which participant is what, by its place.
GENERATORS, TENANTS = 0, 1


@dataclass(frozen=True, eq=False, slots=True)
class People:
    """The market and, by ascending participant (n) and by generator (g), the ids and sizes that a day is made from."""

    market_id: int
    site_id: int
    zone: ZoneInfo
    ids: IntArray
    points: IntArray
    sub_points: IntArray
    grid_point: int
    peak_w: IntArray

    @property
    def place(self) -> IntArray:
        """0 … n − 1."""
        return np.arange(len(self.ids))

    @property
    def generates(self) -> np.ndarray:
        """Who has a generator (n)."""
        return self.place % 10 == GENERATORS

    @property
    def rents(self) -> np.ndarray:
        """Who is a tenant (n)."""
        return self.place % 10 == TENANTS


def found(participants: int) -> People:
    """A market with its rulebook and so many participants, its first contract a local midnight of 1 June 2026."""
    site = Site.objects.create(code=CODE, name="Month")
    market = create_market(
        site=site, code=CODE, name="Month", legal_basis=Market.LegalBasis.INTERNAL, open_ahead_minutes=1_560,
        ticking=False,
    )  # fmt: skip
    tariffs = _rulebook(site)
    people = _participants(participants)
    _points(site, people)
    _admit(market, site, people, tariffs)
    _first_contract(market)
    return people_of(market)


def people_of(market: Market) -> People:
    """The people of a market that was founded before."""
    points = MeteringPoint.objects.filter(site=market.site).order_by("participant_id")
    boundary = points.filter(role="boundary").values_list("participant_id", "pk")
    ids, at = np.array(list(boundary), dtype=np.int64).T
    sub = points.filter(role="generation").values_list("pk", flat=True)
    peaks = Device.objects.filter(site=market.site).order_by("participant_id").values_list("peak_w", flat=True)
    return People(
        market.pk, market.site_id, ZoneInfo(market.site.timezone), ids, at,
        np.array(list(sub), dtype=np.int64), points.get(role="grid").pk, np.array(list(peaks), dtype=np.int64),
    )  # fmt: skip


def _rulebook(site: Site) -> dict[str, Tariff]:
    """Terms, VAT, and three tariffs: a flat one, and the working day's windows for homes and for tenants."""
    SiteTerms.objects.create(site=site, valid_from=SINCE, surplus_price=SURPLUS_PRICE, network_fee=NETWORK_FEE)
    for category in (VatRate.Category.ELECTRICITY, VatRate.Category.SERVICE):
        VatRate.objects.create(country="VN", category=category, rate_bp=800, valid_from=SINCE, valid_to=NEXT_YEAR)
        VatRate.objects.create(country="VN", category=category, rate_bp=1_000, valid_from=NEXT_YEAR)
    return {
        "flat": _tariff("month-flat", [("flat", 127, 0, 1_440, 2_204)]),
        "home": _tariff("month-home", _windows(offpeak=1_622, normal=2_204, peak=3_640)),
        "tenant": _tariff("month-tenant", _windows(offpeak=1_190, normal=1_833, peak=3_398)),
    }


NEXT_YEAR = date(2027, 1, 1)
WORKING, SUNDAY = 63, 64


def _windows(*, offpeak: int, normal: int, peak: int) -> list[tuple[str, int, int, int, int]]:
    """Off-peak to 6:00, on working days peak from 17:30 to 22:30, else normal."""
    return [
        ("offpeak", WORKING | SUNDAY, 0, 360, offpeak),
        ("normal", WORKING, 360, 1_050, normal),
        ("peak", WORKING, 1_050, 1_350, peak),
        ("normal", WORKING, 1_350, 1_440, normal),
        ("normal", SUNDAY, 360, 1_440, normal),
    ]


def _tariff(code: str, windows: list[tuple[str, int, int, int, int]]) -> Tariff:
    tariff = Tariff.objects.create(code=code, name=code)
    for period, weekdays, since, until, price in windows:
        TariffRow.objects.create(
            tariff=tariff, period=period, weekdays=weekdays, from_minute=since, to_minute=until, price=price,
            valid_from=SINCE,
        )  # fmt: skip
    return tariff


def _participants(count: int) -> list[Participant]:
    kinds = {GENERATORS: "household", TENANTS: "tenant"}
    return Participant.objects.bulk_create(
        [Participant(code=f"m{n}", name=f"Member {n}", kind=kinds.get(n % 10, "household")) for n in range(count)],
        batch_size=IN_A_ROUND,
    )


def _points(site: Site, people: list[Participant]) -> None:
    boundary = MeteringPoint.objects.bulk_create(
        [MeteringPoint(site=site, participant=p, code=f"MP-{p.code}") for p in people], batch_size=IN_A_ROUND
    )
    owners = people[GENERATORS::10]
    sub = MeteringPoint.objects.bulk_create(
        [MeteringPoint(site=site, participant=p, code=f"MP-{p.code}-g", role="generation") for p in owners],
        batch_size=IN_A_ROUND,
    )
    keeper = Participant.objects.create(code="m-wires", name="The site's own wires", kind="storage")
    grid = MeteringPoint.objects.create(site=site, participant=keeper, code="MP-grid", role="grid")
    points = (*boundary, *sub, grid)
    Meter.objects.bulk_create(
        [Meter(metering_point=point, serial=f"S-{point.code}", installed_on=SINCE) for point in points],
        batch_size=IN_A_ROUND,
    )
    Device.objects.bulk_create(
        [
            Device(site=site, participant=p, name="generator", kind="pv", peak_w=8_000 + n * 37 % 12_000)
            for n, p in enumerate(owners)
        ],
        batch_size=IN_A_ROUND,
    )


def _admit(market: Market, site: Site, people: list[Participant], tariffs: dict[str, Tariff]) -> None:
    Admission.objects.bulk_create(
        [
            Admission(
                market=market,
                participant=person,
                credit_limit_millidong=CREDIT_MILLIDONG,
                pool_ask_price=SURPLUS_PRICE + n % 90 if n % 20 == GENERATORS else None,
                pool_bid_price=SURPLUS_PRICE + n % 350 if n % 10 == TENANTS and n % 3 == 0 else None,
            )
            for n, person in enumerate(people)
        ],
        batch_size=IN_A_ROUND,
    )
    TariffAssignment.objects.bulk_create(
        [
            TariffAssignment(site=site, participant=person, tariff=tariffs[_tariff_of(n)], valid_from=SINCE)
            for n, person in enumerate(people)
        ],
        batch_size=IN_A_ROUND,
    )


def _tariff_of(place: int) -> str:
    if place % 10 == TENANTS:
        return "tenant"
    return "home" if place % 2 else "flat"


def _first_contract(market: Market) -> None:
    """The calendar goes on from the last contract that is there, so the month begins at its own midnight."""
    start = day_bounds(FIRST_ON, ZoneInfo(market.site.timezone)).start.astimezone(UTC)
    Contract.objects.create(
        market=market,
        delivery_start=start,
        delivery_end=start + timedelta(minutes=market.interval_minutes),
        gate_opens_at=start - timedelta(minutes=market.open_ahead_minutes),
        gate_closes_at=start - timedelta(minutes=market.gate_minutes),
        min_price=market.min_price,
        max_price=market.max_price,
    )


def midnight(days: int, zone: ZoneInfo) -> datetime:
    """Local midnight so many days after the month began, in UTC."""
    return day_bounds(FIRST_ON + timedelta(days=days), zone).start.astimezone(UTC)
