"""Writing a market's log as a stream that `replay_orders` reads: for audits, what-ifs and bug reports.

The stream carries the sequence numbers, so that a replay gives the very same priorities. Participants are named by
their codes, contracts by their numbers.
"""

from collections.abc import Iterator
from typing import Any

from accounts.models import Participant
from trading.domain.messages import BUY, GTC, IOC, Amend, Cancel, CancelAll, Halt, Message, New, Resume, Uncross
from trading.models import Contract, Market
from trading.operations.audit import logged
from trading.operations.rows import OPS
from units.interval import to_ms

Record = dict[str, Any]


def export(market: Market, contract_ids: set[int] | None = None) -> Iterator[Record]:
    """The market line, then one record a command, in order. With `contract_ids` only what concerns those contracts."""
    codes = dict(Participant.objects.values_list("pk", "code"))
    yield {"market": _market_line(market, contract_ids, codes)}
    placed: set[tuple[Any, str]] = set()
    for entry in logged(market.pk):
        if contract_ids is not None and not _concerns(entry.message, contract_ids, placed):
            continue
        yield {"op": OPS[type(entry.message)], "at": entry.at_ms, "seq": entry.seq} | _fields(entry.message, codes)


def _concerns(message: Message, contract_ids: set[int], placed: set[tuple[Any, str]]) -> bool:
    if isinstance(message, New):
        if message.contract in contract_ids:
            placed.add((message.participant, message.client_order_id))
        return message.contract in contract_ids
    if isinstance(message, Cancel | Amend):
        return (message.participant, message.client_order_id) in placed
    if isinstance(message, Uncross) or (
        isinstance(message, CancelAll | Halt | Resume) and message.contract is not None
    ):
        return message.contract in contract_ids
    return True


def _market_line(market: Market, contract_ids: set[int] | None, codes: dict[int, str]) -> Record:
    contracts = Contract.objects.filter(market=market).order_by("delivery_start")
    if contract_ids is not None:
        contracts = contracts.filter(pk__in=contract_ids)
    owners = Participant.objects.filter(beneficial_owner__isnull=False).values_list("code", "beneficial_owner__code")
    return {
        "tick": market.tick, "lot_wh": market.lot_wh, "min_price": market.min_price, "max_price": market.max_price,
        "min_wh": market.min_wh, "max_wh": market.max_wh, "contracts": [_contract(row) for row in contracts],
        "owners": dict(owners),
    }  # fmt: skip


def _contract(row: Contract) -> Record:
    return {
        "id": str(row.pk), "gate_opens_at": to_ms(row.gate_opens_at), "gate_closes_at": to_ms(row.gate_closes_at),
        "call_until": to_ms(row.call_until) if row.call_until else 0, "min_price": row.min_price,
        "max_price": row.max_price,
    }  # fmt: skip


_ALWAYS = ("participant", "client_order_id", "contract", "quantity_wh", "price", "side")


def _fields(message: Message, codes: dict[int, str]) -> Record:
    record = message._asdict()
    if "participant" in record:
        record["participant"] = codes[record["participant"]]
    if record.get("contract") is not None:
        record["contract"] = str(record["contract"])
    if isinstance(message, New):
        record["side"] = "buy" if message.side == BUY else "sell"
        if message.price is None:
            record["type"] = "market"
        defaults = New._field_defaults | {"tif": IOC if message.price is None else GTC}
        return {
            k: v for k, v in record.items() if (k in _ALWAYS and v is not None) or k not in defaults or v != defaults[k]
        }
    return {key: value for key, value in record.items() if value is not None and value is not False}
