"""What closes took of a day, added up once more: not from stored results, but from the intervals as they were just
computed again from their sources."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

import numpy as np
from django.db import connection

from meters.columns import IntArray, read_columns
from settlement.models import MonthClose, SettlementRun
from settlement.operations.verify.interval import Cleared, Ledger, who
from settlement.operations.verify.report import Difference

KINDS = (
    "grid_import", "grid_export", "grid_spill", "pool_sold", "pool_bought", "grid_only", "local_sold", "local_bought",
    "compensation_received", "compensation_paid", "network_fee",
)  # fmt: skip
MOST_TOLD = 20
Figures = dict[tuple[str, int], IntArray]  # (kind, price) → Wh and milli-đồng (2, accounts)


def check_figures(market_id: int, on: date, ledger: Ledger, cleared: list[Cleared]) -> list[Difference]:
    """Each close of the day's month that was approved, held against the day's intervals."""
    closes = MonthClose.objects.filter(market_id=market_id, month=on.replace(day=1), state__in=("approved", "issued"))
    by_run = {each.run.pk: each for each in cleared}
    return [found for close in closes for found in _compare(close, on, ledger, _figures(ledger, _seen(close, by_run)))]


def _seen(close: MonthClose, by_run: dict[int, Cleared]) -> Iterable[Cleared]:
    """Of each of the day's intervals, the results of the last run that the close knew."""
    contracts = {each.run.contract_id for each in by_run.values()}
    runs = SettlementRun.objects.filter(contract_id__in=contracts, pk__lte=close.last_run_id)
    last = runs.order_by("contract_id", "-number").distinct("contract_id")
    holders = (results or pk for pk, results in last.values_list("pk", "results_of_id"))
    return [by_run[pk] for pk in holders if pk in by_run]


def _figures(ledger: Ledger, cleared: Iterable[Cleared]) -> Figures:
    sums: Figures = defaultdict(lambda: np.zeros((2, len(ledger.owners)), dtype=np.int64))
    for each in cleared:
        places = np.searchsorted(ledger.owners, each.interval.participant_ids)
        for kind, price, wh, amount in _of_interval(each):
            sums[kind, price][0, places] += wh
            sums[kind, price][1, places] += amount
    return sums


def _of_interval(each: Cleared) -> Iterable[tuple[str, int, IntArray, IntArray]]:
    """(kind, price, Wh, milli-đồng) by participant, with the ledger's signs."""
    inputs, result, cash = each.inputs, each.result, each.result.cash
    surplus, zero = each.interval.surplus_price, np.zeros(inputs.participants, dtype=np.int64)
    for price in np.unique(inputs.retail_price[result.grid_import_wh > 0]).tolist():
        wh = np.where(inputs.retail_price == price, -result.grid_import_wh, 0)
        yield "grid_import", price, wh, wh * price
    yield "grid_export", surplus, result.grid_export_wh - result.unpaid_spill_wh, cash.grid_surplus
    yield "grid_spill", 0, result.unpaid_spill_wh, zero
    pool = result.pool
    for name, index, sign, money in (
        ("pool_sold", pool.seller_index, 1, cash.pool_sale),
        ("pool_bought", pool.buyer_index, -1, cash.pool_purchase),
    ):
        yield name, 0, _sum(index, sign * pool.wh, zero), money
    for name, index, sign, money in (
        ("local_sold", inputs.seller_index, 1, cash.local_sale),
        ("local_bought", inputs.buyer_index, -1, cash.local_purchase),
    ):
        yield name, 0, _sum(index, sign * result.delivered_wh, zero), money
    owed = result.compensation
    yield "compensation_received", 0, _sum(owed.counterparty_index, owed.charged_wh, zero), cash.compensation_received
    yield "compensation_paid", 0, _sum(owed.payer_index, -owed.charged_wh, zero), cash.compensation_paid
    grid_only = inputs.export_wh * surplus - inputs.import_wh * inputs.retail_price
    yield "grid_only", 0, -inputs.import_wh, grid_only
    yield from _fees(each)


def _sum(index: IntArray, values: IntArray, zero: IntArray) -> IntArray:
    sums = zero.copy()
    np.add.at(sums, index, values)
    return sums


def _fees(each: Cleared) -> Iterable[tuple[str, int, IntArray, IntArray]]:
    """Under the terms' fee where that is what the wires cost altogether, else under no price."""
    fee, wh, amount = each.interval.network_fee, -each.result.bought_wh, each.result.cash.network_fee
    plain = amount == wh * fee
    yield "network_fee", fee, np.where(plain, wh, 0), np.where(plain, amount, 0)
    yield "network_fee", 0, np.where(plain, 0, wh), np.where(plain, 0, amount)


_STORED = """
    SELECT participant_id, array_position(%s, kind::text)::bigint - 1,
           CASE WHEN kind = 'grid_only' THEN 0 ELSE price END, energy_wh, amount_millidong
    FROM settlement_monthfigure WHERE close_id = %s AND "on" = %s AND kind <> 'pmax'
"""


def _compare(close: MonthClose, on: date, ledger: Ledger, again: Figures) -> list[Difference]:
    stored: Figures = defaultdict(lambda: np.zeros((2, len(ledger.owners)), dtype=np.int64))
    names = ("participant", "kind", "price", "wh", "amount")
    with connection.cursor() as cursor:
        rows = read_columns(cursor, _STORED, (list(KINDS), close.pk, on), names)
    places = np.searchsorted(ledger.owners, rows["participant"])
    keys = np.unique(np.stack([rows["kind"], rows["price"]]), axis=1).T if len(places) else np.zeros((0, 2), np.int64)
    for kind, price in keys.tolist():
        own = (rows["kind"] == kind) & (rows["price"] == price)
        for number, name in enumerate(("wh", "amount")):
            np.add.at(stored[KINDS[kind], price][number], places[own], rows[name][own])
    nothing = np.zeros((2, len(ledger.owners)), dtype=np.int64)
    found = []
    for key in sorted(again.keys() | stored.keys()):
        source, kept = again.get(key, nothing), stored.get(key, nothing)
        for place in np.flatnonzero((source != kept).any(axis=0))[:MOST_TOLD].tolist():
            told = {
                "name": f"{key[0]} @ {key[1]}", "who": who(int(ledger.owners[place])),
                "source": _pair(source, place), "stored": _pair(kept, place),
            }  # fmt: skip
            found.append(Difference("close_differs", f"{on.isoformat()}, close {close.number}", told))
    return found[:MOST_TOLD]


def _pair(values: IntArray, place: int) -> str:
    return f"{int(values[1, place])} / {int(values[0, place])}"
