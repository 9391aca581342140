"""The lines of a recorded stream of orders, read strictly: a market, or one message.

A field of the wrong kind is refused by name, never guessed: `true` is no number, `1650.0` is no price. Fields that are
not known here are passed over, so that a stream may carry more than a replay needs; null is the same as absent.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from trading.domain.book import Book
from trading.domain.checks import Rules
from trading.domain.errors import Rejected
from trading.domain.messages import (
    BUY,
    CANCEL_TAKER,
    GTC,
    IOC,
    SELL,
    Amend,
    Cancel,
    CancelAll,
    Halt,
    Message,
    New,
    Party,
    Resume,
    Time,
    Uncross,
)

Record = dict[str, Any]

LARGEST = 2**63 - 1  # what a bigint column holds
LONGEST_CLIENT_ORDER_ID = 36
NO_SIDE = 0  # the core refuses it as invalid_side
NEVER_CLOSES_MS = LARGEST
LARGEST_PRICE = 10**12

_SIDES = {"buy": BUY, "sell": SELL}


class FieldError(ValueError):
    """A line that is no message; the text names the field and what to give."""


class MarketLine(NamedTuple):
    """A market to start: its rules, its contracts as empty books, and the beneficial owners that are known."""

    rules: Rules
    books: list[Book]
    owners: dict[Party, Party]


# Fields


def text(record: Record, name: str, longest: int = 200) -> str:
    """A required text."""
    value = record.get(name)
    if type(value) is str and 0 < len(value) <= longest:
        return value
    if value is None:
        raise FieldError(f"{name} is missing; give a text of 1 to {longest} characters.")
    raise FieldError(f"{name} must be a text of 1 to {longest} characters.")


def number(record: Record, name: str) -> int | None:
    """An optional whole number."""
    value = record.get(name)
    if value is None or (type(value) is int and abs(value) <= LARGEST):
        return value
    raise FieldError(f"{name} must be a whole number of at most 19 digits, without a decimal point or quotes.")


def choice(record: Record, name: str, default: str) -> str:
    """An optional word; which words are known is the core's to say."""
    value = record.get(name)
    if value is None:
        return default
    if type(value) is str:
        return value
    raise FieldError(f"{name} must be a text.")


def yes_or_no(record: Record, name: str) -> bool:
    """An optional true or false, false where absent."""
    value = record.get(name)
    if value is None or value is False:
        return False
    if value is True:
        return True
    raise FieldError(f"{name} must be true or false.")


# Messages


def message(record: Record) -> Message | Rejected:
    """The message of a line, or the refusal that is plain without a market. Raises `FieldError`."""
    op = record.get("op")
    read = _READERS.get(op) if type(op) is str else None
    if read is None:
        raise FieldError(f"op must be one of {', '.join(_READERS)}.")
    return read(record)


def _new(record: Record) -> New | Rejected:
    market_order = _is_market(record)
    side, quantity = record.get("side"), number(record, "quantity_wh")
    if type(side) is not str:
        raise FieldError("side must be buy or sell.")
    if quantity is None:
        raise FieldError("quantity_wh is missing; give a whole number of Wh.")
    price = number(record, "price")
    new = New(
        text(record, "participant"),
        text(record, "client_order_id", LONGEST_CLIENT_ORDER_ID),
        text(record, "contract"),
        _SIDES.get(side, NO_SIDE),
        quantity,
        price,
        IOC if market_order else GTC,
    )
    if not _TERMS.isdisjoint(record):
        new = _on_terms(new, record)
    return new if (price is None) == market_order else Rejected("invalid_price")


def _is_market(record: Record) -> bool:
    kind = record.get("type")
    if kind is not None and kind not in ("limit", "market"):
        raise FieldError("type must be limit or market.")
    return bool(kind == "market")


_TERMS = frozenset(("tif", "expires_at", "post_only", "stp", "display_wh", "min_quantity_wh"))


def _on_terms(new: New, record: Record) -> New:
    """The order with the terms that the line states; what it leaves out stays as it is."""
    return new._replace(
        tif=choice(record, "tif", new.tif),
        expires_at=number(record, "expires_at") or 0,
        post_only=yes_or_no(record, "post_only"),
        stp=choice(record, "stp", CANCEL_TAKER),
        display_wh=number(record, "display_wh") or 0,
        min_quantity_wh=number(record, "min_quantity_wh") or 0,
    )


def _cancel(record: Record) -> Cancel:
    return Cancel(text(record, "participant"), text(record, "client_order_id", LONGEST_CLIENT_ORDER_ID))


def _amend(record: Record) -> Amend:
    return Amend(*_cancel(record), number(record, "quantity_wh"), number(record, "price"))


def _cancel_all(record: Record) -> CancelAll:
    return CancelAll(text(record, "participant"), _contract_or_all(record))


def _contract_or_all(record: Record) -> str | None:
    return None if record.get("contract") is None else text(record, "contract")


_READERS: dict[str, Callable[[Record], Message | Rejected]] = {
    "new": _new,
    "cancel": _cancel,
    "amend": _amend,
    "cancel_all": _cancel_all,
    "halt": lambda record: Halt(_contract_or_all(record), yes_or_no(record, "freeze")),
    "resume": lambda record: Resume(_contract_or_all(record)),
    "uncross": lambda record: Uncross(text(record, "contract")),
    "time": lambda _record: Time(),
}


# Markets


def market(record: Record) -> MarketLine:
    """The market of a market line. Raises `FieldError`."""
    rules = _rules(record)
    contracts = record.get("contracts")
    if type(contracts) is not list or not contracts:
        raise FieldError("contracts must be a list of at least one contract.")
    books = [_contract(contract, record) for contract in contracts]
    if len({book.contract for book in books}) < len(books):
        raise FieldError("contracts must have different ids.")
    return MarketLine(rules, books, _owners(record))


def _rules(record: Record) -> Rules:
    tick, lot_wh = _or(record, "tick", 1), _or(record, "lot_wh", 100)
    rules = Rules(tick, lot_wh, _or(record, "min_wh", lot_wh), _or(record, "max_wh", max(10_000_000, lot_wh)))
    if min(tick, lot_wh, rules.min_wh) < 1:
        raise FieldError("tick, lot_wh and min_wh must be at least 1.")
    if rules.max_wh < rules.min_wh:
        raise FieldError("max_wh must not be below min_wh.")
    return rules


def _contract(contract: object, market_record: Record) -> Book:
    if not isinstance(contract, dict):
        raise FieldError("each of the contracts must be an object with an id.")
    name = text(contract, "id")
    opens_at, closes_at = _or(contract, "gate_opens_at", 0), _or(contract, "gate_closes_at", NEVER_CLOSES_MS)
    if closes_at <= opens_at:
        raise FieldError(f"gate_closes_at of {name} must come after its gate_opens_at.")
    lowest = _or(contract, "min_price", _or(market_record, "min_price", -LARGEST_PRICE))
    highest = _or(contract, "max_price", _or(market_record, "max_price", LARGEST_PRICE))
    if highest < lowest:
        raise FieldError(f"max_price of {name} must not be below its min_price.")
    return Book(name, opens_at, closes_at, lowest, highest, _or(contract, "call_until", 0))


def _owners(record: Record) -> dict[Party, Party]:
    owners = record.get("owners")
    if owners is None:
        return {}
    if not isinstance(owners, dict):
        raise FieldError("owners must be an object: participant to beneficial owner.")
    return {participant: text(owners, participant) for participant in owners}


def _or(record: Record, name: str, default: int) -> int:
    value = number(record, name)
    return default if value is None else value
