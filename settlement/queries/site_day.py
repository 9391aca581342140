"""What a whole market moved in a stretch of time, without a name: for the public.

Example: members took 400 kWh from the wires, 120 of them from neighbours → 30 % local. Panels gave 300 kWh and 40 left
for the grid → 260 kWh of sun were used on the site, which at 659.2 g a kWh spared 171 kg of CO₂.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from meters.queries import output_since
from trading.models import Market

PPM = 1_000_000


@dataclass(frozen=True, slots=True)
class SiteDay:
    """Settled intervals of a market together, Wh. `green_wh` is what panels gave less all that left for the grid."""

    intervals: int
    import_wh: int
    local_wh: int
    green_wh: int

    @property
    def local_ppm(self) -> int | None:
        """The share of what members took that came from neighbours; None where nothing was taken."""
        return self.local_wh * PPM // self.import_wh if self.import_wh else None

    def spared_grams(self, mg_per_kwh: int) -> int:
        """CO₂ that the grid would have emitted for the green energy, in grams, rounded down."""
        return self.green_wh * mg_per_kwh // PPM


_SUMS = """
    SELECT count(DISTINCT c.id), coalesce(sum(r.import_wh), 0)::bigint, coalesce(sum(r.bought_wh), 0)::bigint,
           coalesce(sum(r.grid_export_wh), 0)::bigint, max(c.delivery_start)
    FROM trading_contract c CROSS JOIN LATERAL (
        SELECT coalesce(results_of_id, id) AS results FROM settlement_settlementrun
        WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) run JOIN settlement_participantresult r ON r.run_id = run.results
    WHERE c.market_id = %s AND c.delivery_start >= %s AND c.delivery_start < %s
"""


def site_day(market: Market, start: datetime, end: datetime) -> SiteDay:
    """All members together over the settled intervals that begin in [start, end)."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, (market.pk, start, end))
        count, taken, local, exported, last = cursor.fetchone()
    if not count:
        return SiteDay(0, 0, 0, 0)
    until = last + timedelta(minutes=market.interval_minutes)
    made = int(output_since(market.site_id, start, until)[1].sum())
    return SiteDay(count, taken, local, max(0, made - exported))
