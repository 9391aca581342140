"""Read one recorded interval field by field; whatever is wrong is named by its place and by what to write instead.

Example: `{"trades": [[1, "a", "b", "6 kWh", 1700]]}` gives: trades[0][3] is "6 kWh"; give whole Wh, 0 or more.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

REQUIRED = ("meters", "trades", "retail", "surplus_price", "network_fee")
OPTIONAL = ("deadband_pct", "deadband_wh", "mode", "pool", "force_majeure", "estimated", "surplus_cap_wh")
RESERVED_IDS = ("_operator", "_network")
LARGEST = 2**63 - 1


class ReplayError(ValueError):
    """A line that cannot be replayed; `code` is stable, the text names the field and says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Trade:
    """One recorded trade: quantity in Wh, price in đồng/kWh."""

    seq: int
    seller: str
    buyer: str
    wh: int
    price: int


def parse(line: str | bytes) -> dict[str, Any]:
    """One JSON object, no name twice, every required field there, no misspelt optional one."""
    try:
        text = line.decode("utf-8-sig") if isinstance(line, bytes) else line.removeprefix("\ufeff")
        interval = json.loads(text, object_pairs_hook=_no_twins)
    except ReplayError:
        raise
    except UnicodeDecodeError as problem:
        raise ReplayError("invalid_json", "the line is not UTF-8 text; save the file as UTF-8.") from problem
    except ValueError as problem:
        raise ReplayError("invalid_json", f"the line is not JSON ({problem}); give one object per line.") from problem
    _check_text(interval, text)
    if not isinstance(interval, dict):
        raise ReplayError("invalid_json", f"the line is {shown(interval)}; give one object with meters, trades, …")
    _check_names(interval)
    return interval


def shown(value: Any) -> str:
    """The value as JSON, cut short, for a message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def whole(value: Any, field: str, unit: str, least: int | None = None) -> int:
    """A whole number in 64 bits, at least `least`; booleans and 5.0 are refused."""
    fits = isinstance(value, int) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST
    if not fits or (least is not None and value < least):
        raise invalid(field, value, f"give whole {unit}" + ("" if least is None else f", {least} or more"))
    return int(value)


def meters(value: Any) -> dict[str, tuple[int, int]]:
    """Import and export Wh by participant."""
    readings = {}
    for who, row in table(value, "meters", "an object of participant: [import_wh, export_wh]").items():
        field = f"meters.{who}"
        imported, exported = items(row, field, 2, "[import_wh, export_wh]; estimate a missing reading")
        readings[who] = (whole(imported, f"{field}[0]", "Wh", 0), whole(exported, f"{field}[1]", "Wh", 0))
    return readings


def trades(value: Any) -> list[Trade]:
    """The trades by sequence number, which is the order of execution."""
    if not isinstance(value, list):
        raise invalid("trades", value, 'give a list of [seq, "seller", "buyer", wh, price]')
    found: dict[int, Trade] = {}
    for position, row in enumerate(value):
        field = f"trades[{position}]"
        trade = _trade(field, items(row, field, 5, '[seq, "seller", "buyer", wh, price]'))
        if trade.seq in found:
            raise invalid(f"{field}[0]", trade.seq, "it is used twice; give every trade its own sequence number")
        found[trade.seq] = trade
    return [found[seq] for seq in sorted(found)]


def prices(value: Any, field: str, unit: str = "đồng/kWh", least: int | None = None) -> dict[str, int]:
    """A whole number by participant."""
    rows = table(value, field, f"an object of participant: whole {unit}")
    return {who: whole(number, f"{field}.{who}", unit, least) for who, number in rows.items()}


def limits(value: Any) -> dict[str, tuple[int | None, int | None]]:
    """Pool ask and bid by participant, None where it offers nothing on that side; `null` as a whole: no pool."""
    found = {}
    for who, row in table({} if value is None else value, "pool", "null or participant: [ask, bid]").items():
        ask, bid = items(row, f"pool.{who}", 2, "[ask_or_null, bid_or_null]")
        found[who] = (_limit(ask, f"pool.{who}[0]"), _limit(bid, f"pool.{who}[1]"))
    return found


def names(value: Any, field: str, known: Collection[str]) -> set[str]:
    """A list of participants, all of them `known`."""
    if not isinstance(value, list):
        raise invalid(field, value, "give a list of participants")
    found = {name(who, f"{field}[{position}]") for position, who in enumerate(value)}
    for who in sorted(found.difference(known)):
        raise invalid(field, value, f"{who} has neither a meter nor a trade in this interval, take it out")
    return found


def choice(value: Any, field: str, *allowed: Any) -> Any:
    """One of the allowed values; 0 and 1 do not pass for false and true."""
    if not any(type(value) is type(each) and value == each for each in allowed):
        raise invalid(field, value, "give " + " or ".join(shown(each) for each in allowed))
    return value


def name(value: Any, field: str) -> str:
    """A participant id: a string that is not one of the reserved account names."""
    if not isinstance(value, str) or value in RESERVED_IDS:
        raise invalid(field, value, "give a participant id as a string other than " + " and ".join(RESERVED_IDS))
    return value


def table(value: Any, field: str, wanted: str) -> Mapping[str, Any]:
    """An object keyed by participant."""
    if not isinstance(value, dict):
        raise invalid(field, value, f"give {wanted}")
    for key in value:
        name(key, f"{field} key")
    return value


def items(value: Any, field: str, length: int, wanted: str) -> list[Any]:
    """A list of exactly `length` items."""
    if not isinstance(value, list) or len(value) != length:
        raise invalid(field, value, f"give {wanted}")
    return value


def invalid(field: str, value: Any, advice: str) -> ReplayError:
    """The error for a field: its place, what it holds, what to do."""
    return ReplayError("invalid_field", f"{field} is {shown(value)}; {advice}.")


def _trade(field: str, row: list[Any]) -> Trade:
    return Trade(
        seq=whole(row[0], f"{field}[0]", "numbers"),
        seller=name(row[1], f"{field}[1]"),
        buyer=name(row[2], f"{field}[2]"),
        wh=whole(row[3], f"{field}[3]", "Wh", 0),
        price=whole(row[4], f"{field}[4]", "đồng/kWh"),
    )


def _limit(value: Any, field: str) -> int | None:
    return None if value is None else whole(value, field, "đồng/kWh or null")


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ReplayError("invalid_field", f"{shown(key)} appears twice in one object; keep one.")
        found[key] = value
    return found


def _check_text(interval: Any, text: str) -> None:
    """JSON can spell half a character ("\\ud800"), which no file or terminal can hold."""
    if "\\ud" not in text.lower():
        return
    try:
        json.dumps(interval, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ReplayError("invalid_json", "the line holds half a character (\\ud…); write the whole one.") from None


def _check_names(interval: dict[str, Any]) -> None:
    for field in REQUIRED:
        if field not in interval:
            raise ReplayError("missing_field", f"{field} is missing; add it.")
    known = REQUIRED + OPTIONAL
    for field in set(interval) - set(known):
        meant = get_close_matches(field, known, n=1, cutoff=0.8)
        if meant:
            raise ReplayError("unknown_field", f"{field} is unknown; did you mean {meant[0]}?")
