"""The wall of a lobby: a market in three panels for everybody who passes, without a login and without any name.

Only markets that WATTBOURSE_WALLS lists have one. What it shows is read at most every few seconds, however many ask.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.strings import wall_strings
from settlement.queries.carbon import DEFAULT_COUNTRY
from settlement.queries.site_day import SiteDay, site_day
from tariffs.queries import Factor, NoTerms, emission_factor, terms_on
from trading.models import Contract, Market
from trading.queries import market_now
from units.interval import Interval, day_bounds

KEEP_S = 5
TRADABLE = (Contract.State.CALL, Contract.State.CONTINUOUS)


@dataclass(frozen=True, slots=True)
class Wall:
    """What everybody may see: prices in đồng/kWh, None where not known; the day's sums; when trading ends next."""

    at: datetime
    price: int | None
    interval: str
    grid_pays: int | None
    day: SiteDay
    factor: Factor | None
    gate_interval: str
    gate_at: datetime | None

    @property
    def spared_grams(self) -> int | None:
        """CO₂ avoided today; None without an official factor."""
        return self.day.spared_grams(self.factor.mg_per_kwh) if self.factor else None


@never_cache
@require_safe
def wall(request: HttpRequest, code: str) -> HttpResponse:
    """The wall of one market; 404 where it has none."""
    market = Market.objects.select_related("site").filter(code=code).first()
    if market is None or code not in settings.WALLS:
        raise Http404
    shown = _kept(market)
    return render(request, "home/wall.html", {"market": market, "wall": shown, "page": _page(market, shown)})


def _kept(market: Market) -> Wall:
    key = f"wall:{market.pk}"
    found = cache.get(key)
    if found is None:
        found = read_wall(market, market_now(market, datetime.now(UTC)))
        cache.set(key, found, KEEP_S)
    assert isinstance(found, Wall)
    return found


def read_wall(market: Market, at: datetime) -> Wall:
    """What the wall shows at a moment of the market's time."""
    zone = ZoneInfo(market.site.timezone)
    on = at.astimezone(zone).date()
    day = day_bounds(on, zone)
    rows = Contract.objects.filter(market=market, delivery_end__gt=at).order_by("delivery_start")
    priced = rows.filter(last_price__isnull=False).first()
    gate = rows.filter(state__in=TRADABLE, gate_closes_at__gt=at).first()
    try:
        grid_pays: int | None = terms_on(market.site_id, on).surplus_price
    except NoTerms:
        grid_pays = None
    return Wall(
        at, priced.last_price if priced else None, _label(priced, zone), grid_pays, site_day(market, day.start, at),
        emission_factor(DEFAULT_COUNTRY, on), _label(gate, zone), gate.gate_closes_at if gate else None,
    )  # fmt: skip


def _label(contract: Contract | None, zone: ZoneInfo) -> str:
    return Interval(contract.delivery_start, contract.delivery_end).label(zone) if contract else ""


def _page(market: Market, shown: Wall) -> dict[str, Any]:
    return {
        "timezone": market.site.timezone,
        "language": get_language(),
        "now": shown.at.isoformat(),
        "rate": market.clock_rate if market.clock_at else 1,
        "gate": shown.gate_at.isoformat() if shown.gate_at else None,
        "gate_interval": shown.gate_interval,
        "strings": wall_strings(),
    }
