"""The audit's question: does a stored run come out again, byte for byte, from what is stored beside it?"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection

from meters.columns import IntArray, read_columns
from settlement.domain.clearing import clear
from settlement.domain.interval import Interval
from settlement.models import SettlementRun

_NONE = int(np.iinfo(np.int64).min)
_PARTICIPANT_COLUMNS = (
    "participant_id", "import_wh", "export_wh", "retail_price", "sold_wh", "bought_wh", "grid_import_wh",
    "grid_export_wh", "cash_millidong",
)  # fmt: skip
_OPTIONAL_COLUMNS = ("pool_ask_price", "pool_bid_price", "surplus_cap_wh", "zone_index")
_TRADE_COLUMNS = ("trade_no", "seller_id", "buyer_id", "quantity_wh", "price", "delivered_wh")


@dataclass(frozen=True, slots=True)
class Recomputed:
    """The digest of the inputs as they are stored, whether it is the run's own, and whether the results are too."""

    input_hash: str
    same_inputs: bool
    same_results: bool


def recompute(run_id: int) -> Recomputed:
    """Clear a past run again from its stored rules, meters and trades. Raises SettlementRun.DoesNotExist."""
    run = SettlementRun.objects.get(pk=run_id)
    people, trades = _people(run.results_of_id or run.pk), _trades(run)
    interval = _interval(run, people, trades)
    result = clear(interval.clearing_input())
    found = {name: getattr(result, name) for name in _PARTICIPANT_COLUMNS[4:]}
    same = all(np.array_equal(values, people[name]) for name, values in found.items())
    digest = interval.digest()
    return Recomputed(
        digest, digest == run.input_hash, same and np.array_equal(result.delivered_wh, trades["delivered_wh"])
    )


def interval_of(run: SettlementRun) -> Interval:
    """The input of a past run, from what is stored beside it."""
    return _interval(run, _people(run.results_of_id or run.pk), _trades(run))


def _people(run_id: int) -> dict[str, Any]:
    optional = ", ".join(f"coalesce({name}, {_NONE})" for name in _OPTIONAL_COLUMNS)
    query = (
        f"SELECT {', '.join(_PARTICIPANT_COLUMNS)}, {optional}, estimated::int::bigint"
        " FROM settlement_participantresult WHERE run_id = %s ORDER BY participant_id"
    )
    names = (*_PARTICIPANT_COLUMNS, *_OPTIONAL_COLUMNS, "estimated")
    with connection.cursor() as cursor:
        rows: dict[str, Any] = dict(read_columns(cursor, query, (run_id,), names))
    return rows | {name: np.ma.masked_equal(rows[name], _NONE) for name in _OPTIONAL_COLUMNS}


def _trades(run: SettlementRun) -> dict[str, IntArray]:
    query = (
        "SELECT t.trade_no, t.seller_id, t.buyer_id, t.quantity_wh, t.price::bigint, r.delivered_wh"
        " FROM settlement_traderesult r JOIN trading_trade t ON t.market_id = r.market_id AND t.trade_no = r.trade_no"
        " WHERE r.run_id = %s ORDER BY t.trade_no"
    )
    with connection.cursor() as cursor:
        return read_columns(cursor, query, (run.results_of_id or run.pk,), _TRADE_COLUMNS)


def _interval(run: SettlementRun, people: dict[str, Any], trades: dict[str, IntArray]) -> Interval:
    return Interval(
        contract_id=run.contract_id,
        mode=run.mode,
        surplus_price=run.surplus_price,
        network_fee=run.network_fee,
        deadband_pct=run.deadband_pct,
        deadband_wh=run.deadband_wh,
        force_majeure=run.force_majeure,
        participant_ids=people["participant_id"],
        import_wh=people["import_wh"],
        export_wh=people["export_wh"],
        estimated=people["estimated"] > 0,
        retail_price=people["retail_price"],
        pool_ask=people["pool_ask_price"],
        pool_bid=people["pool_bid_price"],
        surplus_cap_wh=people["surplus_cap_wh"],
        trade_no=trades["trade_no"],
        seller_id=trades["seller_id"],
        buyer_id=trades["buyer_id"],
        traded_wh=trades["quantity_wh"],
        price=trades["price"],
        zone_index=None if run.zone_fees is None else people["zone_index"].filled(0),
        zone_fees=None if run.zone_fees is None else np.array(run.zone_fees["fees"], dtype=np.int64),
    )
