"""scene.toml: what the scene is called, when and where it plays, and the market's rules.

Every key has a default except `name`, `starts_on` and `days`. Unknown keys are faults, because a misspelt
`netwrok_fee` that silently leaves the default would change every bill.
"""

import re
import tomllib
from dataclasses import dataclass, fields
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from simulator.domain.scene.errors import Faults
from simulator.domain.scene.model import DELIVERY_MODES, LEGAL_BASES, MarketRules

FILE = "scene.toml"
SCENE_KEYS = ("name", "timezone", "interval_minutes", "starts_on", "days", "zones", "market")
INTERVALS = (15, 30)
MOST_DAYS = 400
FIRST_YEAR, LAST_YEAR = 1970, 2200
BOUNDS: dict[str, tuple[int, int]] = {
    "tick": (1, 1_000),
    "lot_wh": (1, 1_000_000),
    "opens_hours_ahead": (1, 168),
    "call_until_minutes": (0, 168 * 60),
    "gate_closes_minutes": (0, 24 * 60),
    "surplus_price": (0, 100_000),
    "surplus_cap_pct": (0, 100),
    "network_fee": (0, 100_000),
    "deadband_pct": (0, 100),
    "deadband_wh": (0, 10**9),
}
WORDS = {"legal_basis": LEGAL_BASES, "mode": DELIVERY_MODES}


@dataclass(frozen=True, slots=True)
class Heading:
    """What scene.toml says."""

    name: str
    timezone: str
    interval_minutes: int
    starts_on: date
    days: int
    zones: tuple[str, ...]
    rules: MarketRules


class _Document:
    """The TOML values with the line each key stands on."""

    def __init__(self, text: str, values: dict[str, Any], faults: Faults) -> None:
        self.text, self.values, self.faults = text, values, faults

    def fault(self, key: str, code: str, message: str) -> None:
        found = re.search(rf"(?m)^[ \t]*\[?{re.escape(key)}\b", self.text)
        line = self.text.count("\n", 0, found.start()) + 1 if found else None
        self.faults.add(FILE, line, key, code, message)


def parse_heading(content: bytes, faults: Faults) -> Heading | None:
    """Read scene.toml; None (with faults noted) where it will not do."""
    document = _read(content, faults)
    if document is None:
        return None
    before = len(faults.errors)
    _refuse_unknown(document, document.values, SCENE_KEYS)
    name, zone = _name(document), _timezone(document)
    starts_on, days = _starts_on(document), _whole(document, document.values, "days", None, (1, MOST_DAYS))
    minutes, zones, rules = _interval_minutes(document), _zones(document), _rules(document)
    if len(faults.errors) > before or starts_on is None or days is None:
        return None
    return Heading(name, zone, minutes, starts_on, days, zones, rules)


def _read(content: bytes, faults: Faults) -> _Document | None:
    try:
        text = content.decode("utf-8-sig")
        return _Document(text, tomllib.loads(text), faults)
    except UnicodeDecodeError:
        faults.add(FILE, None, None, "not_utf8", "The text is not UTF-8; save the file as UTF-8.")
    except tomllib.TOMLDecodeError as problem:
        found = re.search(r"line (\d+)", str(problem))
        told = f"This is not TOML ({problem}); write key = value, with texts in quotation marks."
        faults.add(FILE, int(found.group(1)) if found else None, None, "broken_toml", told)
    return None


def _refuse_unknown(document: _Document, table: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            document.fault(key, "unknown_key", f"‘{key}’ is no key here; it may be {', '.join(known)}.")


def _name(document: _Document) -> str:
    name = document.values.get("name")
    if isinstance(name, str) and name.strip():
        return name.strip()
    document.fault("name", "missing_value", 'Write what the scene is called: name = "…".')
    return ""


def _timezone(document: _Document) -> str:
    name = document.values.get("timezone", "Asia/Ho_Chi_Minh")
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, TypeError, AttributeError, OSError):
        told = f"{name!r} is no time zone; write one such as Asia/Ho_Chi_Minh."
        document.fault("timezone", "unknown_timezone", told)
        return "UTC"


def _starts_on(document: _Document) -> date | None:
    value = document.values.get("starts_on")
    if type(value) is date and FIRST_YEAR <= value.year <= LAST_YEAR:
        return value
    told = f"Write the first local day without quotation marks, from {FIRST_YEAR} on, such as starts_on = 2026-06-01."
    document.fault("starts_on", "bad_date", told)
    return None


def _interval_minutes(document: _Document) -> int:
    value = document.values.get("interval_minutes", 30)
    if type(value) is int and value in INTERVALS:
        return value
    document.fault("interval_minutes", "bad_interval", f"An interval lasts 15 or 30 minutes, not {value!r}.")
    return 30


def _zones(document: _Document) -> tuple[str, ...]:
    value = document.values.get("zones", ["main"])
    named = isinstance(value, list) and bool(value) and all(isinstance(zone, str) and zone for zone in value)
    if named and len(set(value)) == len(value):
        return tuple(value)
    document.fault("zones", "bad_zones", 'Write the zones as distinct texts, such as zones = ["campus", "park"].')
    return ()


def _rules(document: _Document) -> MarketRules:
    table = document.values.get("market", {})
    if not isinstance(table, dict):
        document.fault("market", "bad_market", "Write the rules under a heading [market].")
        return MarketRules()
    _refuse_unknown(document, table, tuple(entry.name for entry in fields(MarketRules)))
    given: dict[str, Any] = {}
    for entry in fields(MarketRules):
        if entry.name in WORDS:
            given[entry.name] = _word(document, table, entry.name, str(entry.default))
        else:
            given[entry.name] = _whole(document, table, entry.name, entry.default, BOUNDS[entry.name])
    if None in given.values():
        return MarketRules()
    return _in_order(document, MarketRules(**given))


def _in_order(document: _Document, rules: MarketRules) -> MarketRules:
    ends = rules.call_until_minutes or rules.opens_hours_ahead * 60
    if not rules.gate_closes_minutes <= ends <= rules.opens_hours_ahead * 60:
        told = "A contract opens, then its call ends, then its gate closes; the call may end at the gate, not later."
        document.fault("call_until_minutes", "phases_out_of_order", told)
    return rules


def _word(document: _Document, table: dict[str, Any], key: str, default: str) -> str | None:
    value = table.get(key, default)
    if value in WORDS[key]:
        return str(value)
    document.fault(key, f"unknown_{key}", f"{value!r} is not known; write one of {', '.join(WORDS[key])}.")
    return None


def _whole(document: _Document, table: dict[str, Any], key: str, default: Any, bounds: tuple[int, int]) -> int | None:
    value = table.get(key, default)
    if type(value) is int and bounds[0] <= value <= bounds[1]:
        return value
    told = "is missing; write" if value is None else f"is {value!r}; write"
    document.fault(key, "bad_number", f"{key} {told} a whole number from {bounds[0]} to {bounds[1]}.")
    return None
