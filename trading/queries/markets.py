"""Markets, their time, and who in them a user may act for."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from accounts.models import Membership
from trading.domain.clock import market_time
from trading.models import Market


@dataclass(frozen=True, slots=True)
class MarketView:
    """A market and its rules. Energy in Wh, prices in VND/kWh, `rate` in market seconds per second."""

    id: int
    code: str
    name: str
    site_id: int
    site_name: str
    timezone: str
    legal_basis: str
    interval_minutes: int
    tick: int
    lot_wh: int
    halted: bool
    last_seq: int
    last_at: datetime | None
    clock_rate: int
    clock_at: datetime | None
    clock_started_at: datetime | None

    @property
    def tz(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.timezone)


@dataclass(frozen=True, slots=True)
class ParticipantView:
    """A party that a user may act for, and in what role."""

    id: int
    code: str
    name: str
    kind: str
    role: str


def market_now(market: Market | MarketView, wall: datetime) -> datetime:
    """What the market's clock shows when the wall's shows `wall`."""
    return market_time(wall, rate=market.clock_rate, clock_at=market.clock_at, started_at=market.clock_started_at)


def markets() -> list[MarketView]:
    """Every market, the oldest first."""
    return [_view(row) for row in Market.objects.select_related("site").order_by("id")]


def market_by_code(code: str) -> MarketView | None:
    """The market of that code, or None."""
    row = Market.objects.select_related("site").filter(code=code).first()
    return _view(row) if row else None


def market_by_id(market_id: int) -> MarketView | None:
    """The market of that number, or None."""
    row = Market.objects.select_related("site").filter(pk=market_id).first()
    return _view(row) if row else None


def default_market(user_id: int) -> MarketView | None:
    """The first market in which the user acts for someone, else the first there is."""
    rows = Market.objects.select_related("site").order_by("id")
    own = rows.filter(admissions__participant__memberships__user=user_id, admissions__active=True)
    row = own.first() or rows.first()
    return _view(row) if row else None


def last_seq(market_id: int) -> int:
    """The sequence number of the market's last event; 0 where nothing happened yet."""
    return Market.objects.values_list("last_seq", flat=True).get(pk=market_id)


def own_participants(market_id: int, user_id: int) -> list[ParticipantView]:
    """The participants of the market that the user may act for, by name."""
    rows = Membership.objects.filter(
        user=user_id, participant__admissions__market=market_id, participant__admissions__active=True
    ).select_related("participant")
    return [
        ParticipantView(row.participant_id, row.participant.code, row.participant.name, row.participant.kind, row.role)
        for row in rows.order_by("participant__name", "participant_id")
    ]


def _view(row: Market) -> MarketView:
    return MarketView(
        row.id, row.code, row.name, row.site_id, row.site.name, row.site.timezone, row.legal_basis,
        row.interval_minutes, row.tick, row.lot_wh, row.halted, row.last_seq, row.last_at, row.clock_rate,
        row.clock_at, row.clock_started_at,
    )  # fmt: skip
