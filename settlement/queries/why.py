"""'Why this amount': from a document's line, or a ledger entry, down to runs, trades, orders, readings and tariff rows.

Everything is read as the document's close saw it, so a trace of an old invoice tells what that invoice was made from.
The days of a line add up to it exactly; what the month as a whole brings (tiers, fees of the month, meters billed
apart) is a node of its own. Who may look is decided by the page: `policies.may_view` for the participant, and only
`policies.may_audit` reads other parties' names (`names=True`).
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils.translation import gettext, override

from accounts.models import Participant
from settlement.domain import explain
from settlement.domain.explain import Node, Reader
from settlement.domain.month import POSTED, SOLD
from settlement.models import Invoice, InvoiceLine, LedgerEntry, MonthClose, SettlementRun
from settlement.queries.reasons import Scene, reasons_of
from units.interval import Interval, day_bounds
from units.numbers import Language

MOST_INTERVALS = 50

_OF_RESULT = "SELECT {wh} AS wh, {amount} AS amount FROM settlement_participantresult p" + (
    " WHERE p.run_id = run.results AND p.participant_id = %(participant)s"
)
_OF_TRADES = """
    SELECT coalesce(sum(d.delivered_wh), 0)::bigint AS wh, coalesce(sum(d.delivered_wh * t.price), 0)::bigint AS amount
    FROM settlement_traderesult d JOIN trading_trade t ON t.market_id = d.market_id AND t.trade_no = d.trade_no
    WHERE d.run_id = run.results AND t.{party} = %(participant)s
"""
_OF_COMPENSATION = """
    SELECT coalesce(sum(charged_wh), 0)::bigint AS wh, coalesce(sum(amount_millidong), 0)::bigint AS amount
    FROM settlement_compensation WHERE run_id = run.results AND {party} = %(participant)s
"""
_OF_FEES = """
    SELECT wh, amount FROM (
        SELECT coalesce(-sum(e.energy_wh), 0)::bigint AS wh, coalesce(-sum(e.amount_millidong), 0)::bigint AS amount
        FROM settlement_ledgertransaction t JOIN settlement_ledgerentry e ON e.transaction_id = t.id
        JOIN settlement_ledgeraccount a ON a.id = e.account_id
        WHERE t.contract_id = run.contract_id AND t.category = 'network_fee' AND t.run_id <= run.run_id
        AND a.kind = 'participant' AND a.participant_id = %(participant)s
    ) fees WHERE %(price)s = CASE WHEN amount = wh * run.network_fee THEN run.network_fee ELSE 0 END
"""
# The part of an interval in a line of each kind: Wh and milli-đồng, both without sign.
_PARTS = {
    "grid_import": _OF_RESULT.format(wh="p.grid_import_wh", amount="p.grid_import_wh * p.retail_price")
    + " AND p.retail_price = %(price)s",
    "grid_export": _OF_RESULT.format(
        wh="p.grid_export_wh - p.unpaid_spill_wh", amount="(p.grid_export_wh - p.unpaid_spill_wh) * run.surplus_price"
    )
    + " AND run.surplus_price = %(price)s",
    "grid_spill": _OF_RESULT.format(wh="p.unpaid_spill_wh", amount="0::bigint"),
    "pool_sold": _OF_RESULT.format(wh="p.pool_sold_wh", amount="p.pool_sold_wh * run.pool_price"),
    "pool_bought": _OF_RESULT.format(wh="p.pool_bought_wh", amount="p.pool_bought_wh * run.pool_price"),
    "local_sold": _OF_TRADES.format(party="seller_id"),
    "local_bought": _OF_TRADES.format(party="buyer_id"),
    "compensation_received": _OF_COMPENSATION.format(party="payee_id"),
    "compensation_paid": _OF_COMPENSATION.format(party="payer_id"),
    "network_fee": _OF_FEES,
}
_INTERVALS = """
    SELECT run.contract_id, run.run_id, run.delivery_start, run.delivery_end, part.wh, part.amount FROM (
        SELECT c.id AS contract_id, c.delivery_start, c.delivery_end, r.id AS run_id,
               coalesce(r.results_of_id, r.id) AS results, r.surplus_price, r.network_fee,
               coalesce(r.pool_price, 0) AS pool_price
        FROM trading_contract c CROSS JOIN LATERAL (
            SELECT * FROM settlement_settlementrun WHERE contract_id = c.id AND id <= %(last_run)s
            ORDER BY number DESC LIMIT 1
        ) r WHERE c.market_id = %(market)s AND c.delivery_start >= %(start)s AND c.delivery_start < %(end)s
    ) run CROSS JOIN LATERAL ({part}) part WHERE part.wh <> 0 OR part.amount <> 0
"""


@dataclass(frozen=True, slots=True)
class _Part:
    """An interval's part of a line: Wh and milli-đồng owed, as this document has them."""

    contract_id: int
    run_id: int
    start: datetime
    end: datetime
    wh: int
    owed: int


def explain_line(invoice_id: int, position: int, *, language: Language = "en", names: bool = False) -> Node:
    """The tree behind a line: its days, then its newest 50 intervals with all their reasons.

    Raises InvoiceLine.DoesNotExist.
    """
    line = InvoiceLine.objects.get(invoice_id=invoice_id, position=position)
    invoice = Invoice.objects.select_related("market__site", "participant", "close").get(pk=invoice_id)
    zone = ZoneInfo(invoice.market.site.timezone)
    with override(language):
        reader = _reader(invoice.participant, language, names)
        parts = _parts_of(invoice, line, zone)
        days = _days(reader, parts, zone)
        beyond = line.amount_millidong - sum(part.owed for part in parts)
        rest = (Node("beyond", explain.beyond_sentence(reader, beyond), beyond),) if beyond else ()
        scene = Scene(invoice.market, invoice.participant_id, zone, reader)
        shown = parts[:MOST_INTERVALS]
        runs = SettlementRun.objects.select_related("contract").in_bulk({part.run_id for part in shown})
        told = explain.line_sentence(
            reader,
            line.kind,
            line.quantity,
            line.amount_millidong,
            line.amount_dong,
            line.since,
            line.until,
            len(parts),
        )
        return Node(
            "line", told, line.amount_millidong, line.quantity,
            (*days, *rest, *(_interval(scene, line.kind, part, runs[part.run_id]) for part in shown)),
            more=len(parts) - len(shown), key=f"{invoice_id}/{position}",
        )  # fmt: skip


def explain_entry(*, transaction_id: int, account_id: int, language: Language = "en", names: bool = False) -> Node:
    """The tree behind a ledger entry of a run. Raises LedgerEntry.DoesNotExist, also for other entries."""
    entry = LedgerEntry.objects.select_related(
        "transaction__run__contract", "account__participant", "transaction__market__site"
    ).get(transaction_id=transaction_id, account_id=account_id)
    run, participant = entry.transaction.run, entry.account.participant
    if run is None or participant is None:
        raise LedgerEntry.DoesNotExist("The entry is not a participant's share of a settlement run.")
    market = entry.transaction.market
    zone = ZoneInfo(market.site.timezone)
    with override(language):
        reader = _reader(participant, language, names)
        scene = Scene(market, participant.pk, zone, reader)
        kinds = [kind for kind, category in POSTED.items() if category == entry.transaction.category]
        told = explain.entry_sentence(
            reader, entry.transaction.get_category_display(), entry.amount_millidong, entry.energy_wh, transaction_id
        )
        return Node(
            "entry", told, entry.amount_millidong, entry.energy_wh, reasons_of(scene, run, kinds),
            key=f"{transaction_id}/{account_id}",
        )  # fmt: skip


def _reader(participant: Participant, language: Language, names: bool) -> Reader:
    return Reader(language, gettext, own=not names, name=participant.name)


def _parts_of(invoice: Invoice, line: InvoiceLine, zone: ZoneInfo) -> list[_Part]:
    """The intervals behind a line, the newest first. An adjustment's are the differences to what was billed before."""
    if line.kind not in _PARTS or invoice.close is None or invoice.metering_point_id is not None:
        return []
    now = _parts(invoice, line, zone, invoice.close)
    earlier = MonthClose.objects.filter(
        market_id=invoice.market_id, month=invoice.month, number__lt=invoice.close.number, state=MonthClose.State.ISSUED
    ).order_by("number")
    before = _parts(invoice, line, zone, last) if (last := earlier.last()) else {}
    found = [_less(now.get(contract), before.get(contract)) for contract in now.keys() | before.keys()]
    changed = [part for part in found if part.wh or part.owed]
    return sorted(changed, key=lambda part: part.start, reverse=True)


def _less(now: _Part | None, before: _Part | None) -> _Part:
    if now is None or before is None:
        only = now or before
        assert only is not None
        sign = 1 if now else -1
        return _Part(only.contract_id, only.run_id, only.start, only.end, sign * only.wh, sign * only.owed)
    return _Part(now.contract_id, now.run_id, now.start, now.end, now.wh - before.wh, now.owed - before.owed)


def _parts(invoice: Invoice, line: InvoiceLine, zone: ZoneInfo, close: MonthClose) -> dict[int, _Part]:
    sign = -1 if line.kind in SOLD else 1
    values: dict[str, Any] = {
        "market": invoice.market_id, "participant": invoice.participant_id, "price": line.price or 0,
        "last_run": close.last_run_id, "start": day_bounds(line.since, zone).start,
        "end": day_bounds(line.until, zone).end,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_INTERVALS.format(part=_PARTS[line.kind]), values)
        rows: list[Any] = cursor.fetchall()
    return {
        contract: _Part(contract, run, start, end, wh, sign * amount) for contract, run, start, end, wh, amount in rows
    }


def _days(reader: Reader, parts: list[_Part], zone: ZoneInfo) -> list[Node]:
    sums: dict[date, list[int]] = defaultdict(lambda: [0, 0])
    for part in parts:
        day = sums[part.start.astimezone(zone).date()]
        day[0] += part.wh
        day[1] += part.owed
    return [
        Node("day", explain.day_sentence(reader, on, wh, owed), owed, wh, key=on.isoformat())
        for on, (wh, owed) in sorted(sums.items())
    ]


def _interval(scene: Scene, kind: str, part: _Part, run: SettlementRun) -> Node:
    label = Interval(part.start, part.end).label(scene.zone)
    on = part.start.astimezone(scene.zone).date()
    told = explain.interval_sentence(scene.reader, on, label, part.wh, part.owed)
    entries = _entries(scene, run, POSTED[kind])
    return Node(
        "interval", told, part.owed, part.wh, (*entries, *reasons_of(scene, run, [kind])), key=str(part.contract_id)
    )


def _entries(scene: Scene, run: SettlementRun, category: str) -> tuple[Node, ...]:
    rows = LedgerEntry.objects.filter(
        transaction__contract_id=run.contract_id, transaction__category=category, transaction__run_id__lte=run.pk,
        account__participant_id=scene.participant_id, account__kind="participant",
    ).select_related("transaction").order_by("transaction_id")  # fmt: skip
    return tuple(
        Node(
            "entry",
            explain.entry_sentence(
                scene.reader, row.transaction.get_category_display(), row.amount_millidong, row.energy_wh,
                row.transaction_id,
            ),
            row.amount_millidong,
            row.energy_wh,
            key=f"{row.transaction_id}/{row.account_id}",
        )
        for row in rows
    )  # fmt: skip
