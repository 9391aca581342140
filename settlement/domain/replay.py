"""Replay recorded intervals through the same clearing as the exchange: one JSON object a line in, one a line out.

In: `{"meters":{"p1":[import_wh,export_wh]},"trades":[[seq,"seller","buyer",wh,price]],"retail":{"p1":price},
"surplus_price":n,"network_fee":n,"deadband_pct":5,"deadband_wh":250,"mode":"fifo","pool":{"p1":[ask,bid]}}`
Out: `{"delivered":{"seq":wh},"pool":{"wh":n,"price":n},"sold":{},"bought":{},"grid_export":{},"grid_import":{},
"compensation":[[seq,"payer",missed_wh,charged_wh,millidong]],"cash_millidong":{"p1":n,"_operator":n,"_network":n}}`

Participants are all in `meters` and all parties of trades (one without a reading counts as 0 and 0), in ascending
order of their id as text, which breaks ties. Trades run by sequence number. Optional: `deadband_pct` (5),
`deadband_wh` (250), `mode` (fifo), `pool` (null), `force_majeure` (false), `estimated` (a list of participants),
`surplus_cap_wh` (by participant; adds `unpaid_spill` to the answer). A retail price may be absent for whoever takes
nothing from the grid.

A line that cannot be cleared is answered by `{"error":{"code","message","line"}}`, and the next line goes on.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from settlement.domain import replay_fields as fields
from settlement.domain.clearing import ClearingError, ClearingInput, ClearingResult, clear
from settlement.domain.clearing_input import IntArray
from settlement.domain.invariants import check
from settlement.domain.replay_fields import ReplayError


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one line: the JSON text to print, and whether the line was cleared."""

    text: str
    ok: bool


def replay(lines: Iterable[str | bytes], source: str) -> Iterator[Answer]:
    """Answer each line of `source` (a file's name, for messages) in turn; empty lines are passed over."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield Answer(_json(_replay_line(line)), ok=True)
        except (ReplayError, ClearingError) as problem:
            message = f"{source} line {number}: {problem}"
            yield Answer(_json({"error": {"code": problem.code, "message": message, "line": number}}), ok=False)


def replay_interval(interval: dict[str, Any]) -> dict[str, Any]:
    """Clear one interval in the replay's form. Raises `ReplayError` and `ClearingError`."""
    meters, trades = fields.meters(interval["meters"]), fields.trades(interval["trades"])
    ids = sorted({*meters, *(trade.seller for trade in trades), *(trade.buyer for trade in trades)})
    inputs = _inputs(interval, ids, meters, trades)
    result = clear(inputs)
    _require_retail(interval["retail"], ids, result)
    broken = check(inputs, result)
    if broken:
        raise ReplayError("invariant_broken", f"the result breaks a law: {broken[0].message} Report this line.")
    answer = _answer(ids, inputs, result)
    if interval.get("surplus_cap_wh") is not None:
        answer["unpaid_spill"] = _by_id(ids, result.unpaid_spill_wh)
    return answer


def _replay_line(line: str | bytes) -> dict[str, Any]:
    try:
        return replay_interval(fields.parse(line))
    except RecursionError:
        raise ReplayError(
            "invalid_json", "the line is nested too deeply; no field needs more than two levels."
        ) from None


def _inputs(
    interval: dict[str, Any], ids: list[str], meters: dict[str, tuple[int, int]], trades: list[fields.Trade]
) -> ClearingInput:
    index = {who: position for position, who in enumerate(ids)}
    readings = [meters.get(who, (0, 0)) for who in ids]
    retail = fields.prices(interval["retail"], "retail")
    return ClearingInput(
        import_wh=_array([imported for imported, _ in readings]),
        export_wh=_array([exported for _, exported in readings]),
        retail_price=_array([retail.get(who, 0) for who in ids]),
        surplus_price=fields.whole(interval["surplus_price"], "surplus_price", "đồng/kWh"),
        trade_seq=_array([trade.seq for trade in trades]),
        seller_index=_array([index[trade.seller] for trade in trades]),
        buyer_index=_array([index[trade.buyer] for trade in trades]),
        traded_wh=_array([trade.wh for trade in trades]),
        price=_array([trade.price for trade in trades]),
        network_fee=fields.whole(interval["network_fee"], "network_fee", "đồng/kWh"),
        **_pool(interval, ids),
        **_rules(interval, ids, readings),
    )


def _pool(interval: dict[str, Any], ids: list[str]) -> dict[str, Any]:
    limits = fields.limits(interval.get("pool"))
    asks = [limits.get(who, (None, None))[0] for who in ids]
    bids = [limits.get(who, (None, None))[1] for who in ids]
    return {
        "pool_ask": _array([ask or 0 for ask in asks]),
        "pool_bid": _array([bid or 0 for bid in bids]),
        "pool_ask_mask": np.array([ask is not None for ask in asks], dtype=bool),
        "pool_bid_mask": np.array([bid is not None for bid in bids], dtype=bool),
    }


def _rules(interval: dict[str, Any], ids: list[str], readings: list[tuple[int, int]]) -> dict[str, Any]:
    estimated = fields.names(interval.get("estimated") or [], "estimated", ids)
    caps = fields.prices(interval.get("surplus_cap_wh") or {}, "surplus_cap_wh", "Wh", 0)
    return {
        "estimated": np.array([who in estimated for who in ids], dtype=bool),
        "surplus_cap_wh": _array([caps.get(who, row[1]) for who, row in zip(ids, readings, strict=True)]),
        "force_majeure": fields.choice(interval.get("force_majeure", False), "force_majeure", True, False),
        "mode": fields.choice(interval.get("mode", "fifo"), "mode", "fifo", "prorata"),
        "deadband_pct": fields.whole(interval.get("deadband_pct", 5), "deadband_pct", "percent", 0),
        "deadband_wh": fields.whole(interval.get("deadband_wh", 250), "deadband_wh", "Wh", 0),
    }


def _require_retail(retail: dict[str, int], ids: list[str], result: ClearingResult) -> None:
    for who, wh in zip(ids, result.grid_import_wh.tolist(), strict=True):
        if wh and who not in retail:
            raise ReplayError("missing_field", f"retail.{who} is missing; add the price of its {wh} Wh from the grid.")


def _answer(ids: list[str], inputs: ClearingInput, result: ClearingResult) -> dict[str, Any]:
    cash = _by_id(ids, result.cash_millidong)
    return {
        "delivered": dict(zip(map(str, inputs.trade_seq.tolist()), result.delivered_wh.tolist(), strict=True)),
        "pool": {"wh": int(result.pool.wh.sum()), "price": result.pool.price},
        "sold": _by_id(ids, result.sold_wh),
        "bought": _by_id(ids, result.bought_wh),
        "grid_export": _by_id(ids, result.grid_export_wh),
        "grid_import": _by_id(ids, result.grid_import_wh),
        "compensation": _compensation(ids, result),
        "cash_millidong": cash | {"_operator": result.operator_millidong, "_network": result.network_millidong},
    }


def _compensation(ids: list[str], result: ClearingResult) -> list[list[Any]]:
    rows = result.compensation
    numbers = np.stack([rows.trade_seq, rows.payer_index, rows.missed_wh, rows.charged_wh, rows.millidong], axis=1)
    return [[seq, ids[payer], *rest] for seq, payer, *rest in numbers.tolist()]


def _array(values: list[int]) -> IntArray:
    return np.array(values, dtype=np.int64)


def _by_id(ids: list[str], values: IntArray) -> dict[str, int]:
    return dict(zip(ids, values.tolist(), strict=True))


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
