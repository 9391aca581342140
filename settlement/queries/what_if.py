"""A participant's month under two rulebooks, side by side, out of its own readings and trades.

Everything is read from the last run of each interval, as the close of a month reads it; nothing is written and nothing
is locked, so that any member may ask as often as it likes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from accounts.models import BillingProfile, Participant
from meters.queries import curve
from settlement.domain.calendar import month_after
from settlement.domain.month import Figure
from settlement.domain.tariff_days import days_of
from settlement.domain.what_if import Comparison, Taken, Usage, Wires, compare
from settlement.domain.what_if_rules import Customer, Rate, RuleSet, SiteTerms, ZoneFee, under
from settlement.models import Issuer
from tariffs.domain.rulebook import Rulebook
from tariffs.domain.variants import brought_forward
from tariffs.models import CapacityPrice, NetworkFee, Tariff, TariffAssignment, VatRate
from tariffs.models import SiteTerms as TermsRow
from tariffs.queries import windows_of
from trading.models import Admission, Market
from units.interval import day_bounds

DEFAULT_COUNTRY = "VN"
HALF_HOUR_S = 1_800


class WhatIfError(ValueError):
    """A month that cannot be compared; `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Seat:
    """Whose month it is, at which market."""

    market: Market
    participant: Participant
    month: date

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.market.site.timezone)

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The month as UTC moments [start, end)."""
        return day_bounds(self.month, self.zone).start, day_bounds(month_after(self.month, 1), self.zone).start


def compare_rulebooks(
    market_id: int, participant_id: int, month: date, left: Rulebook | None, right: Rulebook | None
) -> Comparison:
    """The participant's month (its first day) under two rulebooks; None is the one in force. A rulebook that begins
    after the month is taken as if it had begun with it.

    Raises WhatIfError (`nothing_settled`), RulebookRejected, MonthError (`no_vat_rate`).
    """
    market = Market.objects.select_related("site").get(pk=market_id)
    seat = Seat(market, Participant.objects.get(pk=participant_id), month)
    usage = usage_of(seat)
    if not usage.taken:
        raise WhatIfError("nothing_settled", "Nothing of yours was settled in this month; choose another one.")
    found = [_for_month(rulebook, month) for rulebook in (left, right)]
    rules = rules_in_force(seat, filter(None, found))
    sides = [rules if rulebook is None else under(rules, rulebook) for rulebook in found]
    return compare(usage, rules, *sides)


def _for_month(rulebook: Rulebook | None, month: date) -> Rulebook | None:
    days = days_of(month)
    return None if rulebook is None else brought_forward(rulebook, days[0], days[-1])


def rules_in_force(seat: Seat, rulebooks: Iterable[Rulebook] = ()) -> RuleSet:
    """All that decides the participant's bill, with the tariffs that these rulebooks speak of."""
    site, country = seat.market.site, country_of(seat.market)
    assigned = TariffAssignment.objects.filter(site=site, participant=seat.participant).order_by("valid_from")
    own = list(assigned.values_list("valid_from", "tariff__code", "expected_month_wh"))
    tariffs = list(Tariff.objects.filter(code__in={code for _, code, _ in own} | _named(rulebooks)))
    rows, codes = windows_of([tariff.pk for tariff in tariffs]), {tariff.pk: tariff.code for tariff in tariffs}
    terms = TermsRow.objects.filter(site=site).values_list(
        "valid_from", "surplus_price", "surplus_cap_pct", "network_fee", "platform_fee_price", "platform_fee_month"
    )
    fees = NetworkFee.objects.filter(site=site).values_list("valid_from", "seller_zone", "buyer_zone", "price")
    power = CapacityPrice.objects.filter(tariff__in=tariffs)
    vat = VatRate.objects.filter(country=country)
    return RuleSet(
        site=site.code,
        participant=seat.participant.code,
        rows={codes[pk]: found for pk, found in rows.items()},
        customers={tariff.code: Customer(tariff.customer_class, tariff.voltage, tariff.kind) for tariff in tariffs},
        capacity=_rates(power.values_list("tariff__code", "valid_from", "valid_to", "price_per_kw")),
        vat=_rates(vat.values_list("category", "valid_from", "valid_to", "rate_bp")),
        terms=[SiteTerms(*row) for row in terms],
        fees=[ZoneFee(*row) for row in fees],
        assigned=own,
    )


def country_of(market: Market) -> str:
    """Whose VAT the market's documents have."""
    return Issuer.objects.filter(site=market.site).values_list("country", flat=True).first() or DEFAULT_COUNTRY


def _named(rulebooks: Iterable[Rulebook]) -> set[str]:
    return {
        code
        for book in rulebooks
        for code in (*(row.tariff for row in book.prices), *(row.tariff for row in book.assignments))
    }


def _rates(rows: Iterable[tuple[str, date, date | None, int]]) -> dict[str, list[Rate]]:
    found: dict[str, list[Rate]] = {}
    for name, since, until, value in rows:
        found.setdefault(name, []).append(Rate(since, until, value))
    return found


def usage_of(seat: Seat) -> Usage:
    """What the participant metered, traded and was charged in the month, by the last run of each interval."""
    profile = BillingProfile.objects.filter(participant=seat.participant).first()
    return Usage(
        month=seat.month,
        taxed_seller=profile.vat_registered if profile else False,
        taken=tuple(_taken(seat)),
        kept=tuple(Figure(*row) for row in _rows(seat, _KEPT)),
        fees=tuple(Figure(on, "network_fee", fee, wh, amount) for on, fee, wh, amount in _rows(seat, _FEES)),
        wires=tuple(_wires(seat)),
    )


def _taken(seat: Seat) -> Iterable[Taken]:
    start, end = seat.bounds
    output = curve(seat.market.site_id, seat.participant.pk, start, end, "generation")
    made = {point.start: point.export_wh for point in output}
    for at, took, gave, grid_took, grid_gave, unpaid in _rows(seat, _TAKEN):
        local = at.astimezone(seat.zone)
        half_hour = int(at.timestamp()) // HALF_HOUR_S
        output_wh = made.get(at, 0) if made else None
        minute = local.hour * 60 + local.minute
        yield Taken(local.date(), minute, half_hour, took, gave, grid_took, grid_gave, unpaid, output_wh)


def _wires(seat: Seat) -> Iterable[Wires]:
    """What came over the wires: each trade by its zones, as its run had them or as they are now; the rest of a day's
    fees is the pool's."""
    zones = dict(Admission.objects.filter(market=seat.market).values_list("participant_id", "zone"))
    for on, seller, seller_zone, buyer_zone, wh, millidong in _rows(seat, _TRADED):
        own = zones.get(seat.participant.pk, "")
        there = seller_zone if seller_zone is not None else zones.get(seller, "")
        yield Wires(on, there, buyer_zone if buyer_zone is not None else own, wh, millidong)
    yield from (Wires(on, None, None, wh, millidong) for on, wh, millidong in _rows(seat, _POOLED))


def _rows(seat: Seat, query: str) -> list[tuple[Any, ...]]:
    start, end = seat.bounds
    values: dict[str, Any] = {
        "market": seat.market.pk, "who": seat.participant.pk, "start": start, "end": end, "zone": seat.zone.key,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_RUNS + query, values)
        return list(cursor.fetchall())


_RUNS = """
    WITH runs AS (
        SELECT c.id AS contract_id, c.delivery_start, (c.delivery_start AT TIME ZONE %(zone)s)::date AS "on",
               coalesce(r.results_of_id, r.id) AS results_id, r.network_fee, r.zone_fees,
               coalesce(r.pool_price, 0) AS pool_price
        FROM trading_contract c CROSS JOIN LATERAL (
            SELECT * FROM settlement_settlementrun WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
        ) r WHERE c.market_id = %(market)s AND c.delivery_start >= %(start)s AND c.delivery_start < %(end)s
    ), own AS (
        SELECT r.*, p.import_wh, p.export_wh, p.grid_import_wh, p.grid_export_wh, p.unpaid_spill_wh, p.pool_sold_wh,
               p.pool_bought_wh, p.zone_index
        FROM runs r JOIN settlement_participantresult p ON p.run_id = r.results_id AND p.participant_id = %(who)s
    ), traded AS (
        SELECT r.*, t.seller_id, t.buyer_id, t.price, d.delivered_wh, coalesce(d.fee_price, r.network_fee) AS fee
        FROM runs r JOIN settlement_traderesult d ON d.run_id = r.results_id AND d.delivered_wh <> 0
        JOIN trading_trade t ON t.market_id = d.market_id AND t.trade_no = d.trade_no
        WHERE %(who)s IN (t.seller_id, t.buyer_id)
    ), fees AS (
        SELECT r."on", r.network_fee AS fee, sum(e.energy_wh) AS wh, sum(e.amount_millidong) AS amount
        FROM runs r
        JOIN settlement_ledgertransaction x ON x.contract_id = r.contract_id AND x.category = 'network_fee'
        JOIN settlement_ledgerentry e ON e.transaction_id = x.id
        JOIN settlement_ledgeraccount a ON a.id = e.account_id AND a.kind = 'participant'
             AND a.participant_id = %(who)s
        GROUP BY r.contract_id, r."on", r.network_fee
    )
"""
_TAKEN = """
    SELECT delivery_start, import_wh, export_wh, grid_import_wh, grid_export_wh, unpaid_spill_wh FROM own
    ORDER BY delivery_start
"""
_KEPT = """
    SELECT "on", kind, 0, sum(wh)::bigint, sum(amount)::bigint FROM (
        SELECT "on", f.* FROM own CROSS JOIN LATERAL (VALUES
            ('pool_sold', pool_sold_wh, pool_sold_wh * pool_price),
            ('pool_bought', -pool_bought_wh, -pool_bought_wh * pool_price)
        ) f (kind, wh, amount) WHERE f.wh <> 0
        UNION ALL
        SELECT "on", CASE WHEN seller_id = %(who)s THEN 'local_sold' ELSE 'local_bought' END,
               CASE WHEN seller_id = %(who)s THEN delivered_wh ELSE -delivered_wh END,
               CASE WHEN seller_id = %(who)s THEN delivered_wh ELSE -delivered_wh END * price
        FROM traded
        UNION ALL
        SELECT r."on", side.kind, side.wh, side.amount
        FROM runs r JOIN settlement_compensation c ON c.run_id = r.results_id
        CROSS JOIN LATERAL (VALUES
            (c.payee_id, 'compensation_received', c.charged_wh, c.amount_millidong),
            (c.payer_id, 'compensation_paid', -c.charged_wh, -c.amount_millidong)
        ) side (who, kind, wh, amount) WHERE c.charged_wh <> 0 AND side.who = %(who)s
    ) figures GROUP BY "on", kind ORDER BY "on", kind
"""
_FEES = """
    SELECT "on", CASE WHEN amount = wh * fee THEN fee ELSE 0 END, sum(wh)::bigint, sum(amount)::bigint FROM fees
    WHERE wh <> 0 OR amount <> 0 GROUP BY 1, 2 ORDER BY 1, 2
"""
_TRADED = """
    SELECT t."on", t.seller_id, t.zone_fees->'zones'->>s.zone_index, t.zone_fees->'zones'->>b.zone_index,
           t.delivered_wh, t.delivered_wh * t.fee
    FROM traded t
    LEFT JOIN settlement_participantresult s ON s.run_id = t.results_id AND s.participant_id = t.seller_id
    LEFT JOIN settlement_participantresult b ON b.run_id = t.results_id AND b.participant_id = t.buyer_id
    WHERE t.buyer_id = %(who)s ORDER BY t.delivery_start, t.seller_id
"""
_POOLED = """
    SELECT o."on", sum(o.pool_bought_wh)::bigint,
           (coalesce(max(f.amount), 0) - coalesce(max(t.amount), 0))::bigint
    FROM own o
    LEFT JOIN (SELECT "on", -sum(amount) AS amount FROM fees GROUP BY "on") f ON f."on" = o."on"
    LEFT JOIN (
        SELECT "on", sum(delivered_wh * fee) AS amount FROM traded WHERE buyer_id = %(who)s GROUP BY "on"
    ) t ON t."on" = o."on"
    GROUP BY o."on" HAVING sum(o.pool_bought_wh) <> 0 ORDER BY o."on"
"""
