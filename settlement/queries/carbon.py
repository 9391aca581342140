"""A participant's carbon report: the figures of `settlement.domain.carbon`, from runs, meters and certificates."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from settlement.domain.carbon import METHOD, CarbonTotals, HourEnergy, totals_of
from settlement.models import Issuer
from tariffs.queries import Factor, emission_factor
from trading.models import Market

DEFAULT_COUNTRY = "VN"


class CarbonError(LookupError):
    """The report cannot be made. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class UsedFactor:
    """An emission factor and the local days it was used from and to (inclusive)."""

    first_on: date
    last_on: date
    factor: Factor


@dataclass(frozen=True, slots=True)
class CarbonReport:
    """A participant's figures over the local hours in [start, end).

    `unsettled_hours` rest on an estimate or wait for a run, so they can still change. With `retired_only` only retired
    certificates count; otherwise also those still held, and the report is a draft.
    """

    market_id: int
    participant_id: int
    start: datetime
    end: datetime
    method: str
    country: str
    retired_only: bool
    totals: CarbonTotals
    hours: tuple[HourEnergy, ...]
    unsettled_hours: frozenset[datetime]
    factors: tuple[UsedFactor, ...]


# `c` holds the contracts, `t` the certificates that count.
_INTERVALS = """
    SELECT date_trunc('hour', c.delivery_start, s.timezone), r.import_wh, r.bought_wh,
           coalesce(g.own_pv, 0)::bigint, coalesce(g.own_storage, 0)::bigint, coalesce(t.pv, 0)::bigint,
           coalesce(t.storage, 0)::bigint, coalesce(t.usable, 0)::bigint, coalesce(t.retired, 0)::bigint,
           r.estimated OR d.contract_id IS NULL OR d.stale OR d.run_id <> run.id
               OR coalesce(i.revision, 0) > run.reading_revision
    FROM trading_contract c JOIN trading_market m ON m.id = c.market_id JOIN meters_site s ON s.id = m.site_id
    CROSS JOIN LATERAL (
        SELECT id, coalesce(results_of_id, id) AS results, reading_revision FROM settlement_settlementrun
        WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) run JOIN settlement_participantresult r ON r.run_id = run.results AND r.participant_id = %(participant)s
    LEFT JOIN settlement_certifiedcontract d ON d.contract_id = c.id
    LEFT JOIN meters_intervalrevision i ON i.site_id = m.site_id AND i.start = c.delivery_start
    LEFT JOIN LATERAL (
        SELECT sum(output_wh - green_wh - stored_wh) FILTER (WHERE origin = 'pv') AS own_pv,
               sum(output_wh - green_wh) FILTER (WHERE origin = 'storage') AS own_storage
        FROM settlement_greensurplus WHERE contract_id = c.id AND producer_id = %(participant)s
    ) g ON true LEFT JOIN (
        SELECT contract_id, sum(quantity_wh) AS usable, sum(quantity_wh) FILTER (WHERE state = 'retired') AS retired,
               sum(quantity_wh) FILTER (WHERE origin = 'pv' AND producer_id <> holder_id) AS pv,
               sum(quantity_wh) FILTER (WHERE origin = 'storage' AND producer_id <> holder_id) AS storage
        FROM settlement_certificate WHERE market_id = %(market)s AND holder_id = %(participant)s
        AND hour_start >= %(start)s AND hour_start < %(end)s AND state = ANY(%(states)s) GROUP BY contract_id
    ) t ON t.contract_id = c.id
    WHERE c.market_id = %(market)s AND c.delivery_start >= %(start)s AND c.delivery_start < %(end)s
    ORDER BY c.delivery_start
"""


class _Row(NamedTuple):
    hour: datetime
    import_wh: int
    bought_wh: int
    own_pv_wh: int
    own_storage_wh: int
    pv_wh: int
    storage_wh: int
    usable_wh: int
    retired_wh: int
    unsettled: bool


def carbon_report(
    market: Market, participant_id: int, start: datetime, end: datetime, *, retired_only: bool = False
) -> CarbonReport:
    """The report of a participant over the hours in [start, end), which lie on the market's local hours.

    The emission factor is the official one of the hour's local day in the rulebook, or where there is none any that is
    there; the report says which. Raises CarbonError (`no_emission_factor`).
    """
    rows = _rows(market.pk, participant_id, start, end, retired_only)
    country = Issuer.objects.filter(site_id=market.site_id).values_list("country", flat=True).first()
    factors = _Factors(country or DEFAULT_COUNTRY, ZoneInfo(market.site.timezone))
    by_hour: dict[datetime, list[_Row]] = defaultdict(list)
    for row in rows:
        by_hour[row.hour].append(row)
    hours = tuple(_hour(hour, of, factors.at(hour).mg_per_kwh) for hour, of in by_hour.items())
    return CarbonReport(
        market_id=market.pk,
        participant_id=participant_id,
        start=start,
        end=end,
        method=METHOD,
        country=factors.country,
        retired_only=retired_only,
        totals=totals_of(hours),
        hours=hours,
        unsettled_hours=frozenset(row.hour for row in rows if row.unsettled),
        factors=factors.used(),
    )


def _rows(market_id: int, participant_id: int, start: datetime, end: datetime, retired_only: bool) -> list[_Row]:
    states = ["retired"] if retired_only else ["retired", "issued", "transferred"]
    values: dict[str, Any] = {"market": market_id, "participant": participant_id, "start": start, "end": end}
    with connection.cursor() as cursor:
        cursor.execute(_INTERVALS, {**values, "states": states})
        return [_Row(*row) for row in cursor.fetchall()]


def _hour(start: datetime, rows: list[_Row], factor: int) -> HourEnergy:
    local_pv = [min(row.pv_wh, row.bought_wh) for row in rows]
    local_storage = [min(row.storage_wh, row.bought_wh - pv) for row, pv in zip(rows, local_pv, strict=True)]
    bought_wh = sum(row.bought_wh for row in rows)
    return HourEnergy(
        start=start,
        own_pv_wh=sum(row.own_pv_wh for row in rows),
        own_storage_wh=sum(row.own_storage_wh for row in rows),
        local_pv_wh=sum(local_pv),
        local_storage_wh=sum(local_storage),
        local_other_wh=bought_wh - sum(local_pv) - sum(local_storage),
        grid_wh=sum(row.import_wh - row.bought_wh for row in rows),
        certificate_wh=sum(row.usable_wh for row in rows),
        retired_wh=sum(row.retired_wh for row in rows),
        factor_mg_per_kwh=factor,
    )


class _Factors:
    """The emission factor of each local day, looked up once."""

    def __init__(self, country: str, zone: ZoneInfo) -> None:
        self.country = country
        self._zone = zone
        self._by_day: dict[date, Factor] = {}

    def at(self, hour: datetime) -> Factor:
        """The factor of the hour. Raises CarbonError."""
        on = hour.astimezone(self._zone).date()
        if on not in self._by_day:
            self._by_day[on] = self._look_up(on)
        return self._by_day[on]

    def used(self) -> tuple[UsedFactor, ...]:
        """Stretches of days with the same factor, by date."""
        stretches: list[UsedFactor] = []
        for on, factor in sorted(self._by_day.items()):
            if stretches and stretches[-1].factor == factor:
                stretches[-1] = UsedFactor(stretches[-1].first_on, on, factor)
            else:
                stretches.append(UsedFactor(on, on, factor))
        return tuple(stretches)

    def _look_up(self, on: date) -> Factor:
        factor = emission_factor(self.country, on) or emission_factor(self.country, on, official_only=False)
        if factor is None:
            raise CarbonError(
                "no_emission_factor",
                f"The rulebook has no emission factor of {self.country} for {on.isoformat()}; add one from that day.",
            )
        return factor
