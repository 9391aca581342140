"""What would become of a member's rows: compared with what is there, each row new, changed, unchanged or refused.

| the row says | and there is | it is |
|---|---|---|
| a member that is not in the market | – | new |
| pv_kwp 6 | panels of 5 kWp | changed |
| nothing else than what is there | – | unchanged |
| serial EM-2 at point B1 | EM-1 hangs at B1 | refused: a meter is exchanged with its registers |

A member is written whole or not at all, so one refused row refuses the others of the same member.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from members.domain import defaults
from members.domain.sheet import MEMBER_COLUMNS, Group, Mistake

NEW, CHANGED, UNCHANGED, REFUSED = "new", "changed", "unchanged", "refused"
_OF_METER = ("multiplier", "digits", "start_import_kwh", "start_export_kwh", "installed_on")
_LIMITS = ("max_import_kw", "max_export_kw")
_STORES = (("battery_kwh", "battery_kw"), ("ev_kwh", "ev_kw"))
WH_PER_KWH = 1_000


@dataclass(frozen=True, slots=True)
class Before:
    """What is there of one member and of what its rows name.

    `values` are the sheet's columns, empty for somebody unknown; `points` by code in lower case: (whose it is, the
    sheet's columns); `serials` to the code of their point.
    """

    key: int | None
    admitted: bool
    active: bool
    values: Mapping[str, Any]
    emails: frozenset[str]
    points: Mapping[str, tuple[int, Mapping[str, Any]]]
    serials: Mapping[str, str]
    tariffs: frozenset[str]


@dataclass(slots=True)
class Verdict:
    """By line: the state, the columns that change, what is wrong."""

    states: dict[int, str] = field(default_factory=dict)
    changes: dict[int, list[str]] = field(default_factory=dict)
    mistakes: dict[int, list[Mistake]] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        return any(self.mistakes.values())


def compare(group: Group, before: Before) -> Verdict:
    """What would become of the rows of one member."""
    verdict = Verdict(mistakes={line: list(group.mistakes.get(line, ())) for line in group.lines})
    verdict.changes = {line: [] for line in group.lines}
    first = group.lines[0]
    verdict.changes[first] += _member_changes(group, before)
    verdict.mistakes[first] += _member_mistakes(group, before)
    new_lines = set(group.lines) if not before.admitted else set()
    for line, point in group.points:
        there = before.points.get(str(point.get("point", "")).casefold())
        verdict.mistakes[line] += _point_mistakes(point, there, before)
        verdict.changes[line] += _point_changes(point, there)
        if there is None:
            new_lines.add(line)
    _settle(group, verdict, new_lines)
    return verdict


def _settle(group: Group, verdict: Verdict, new_lines: set[int]) -> None:
    wrong = next((line for line in group.lines if verdict.mistakes[line]), None)
    for line in group.lines:
        if wrong is not None:
            verdict.states[line] = REFUSED
            if not verdict.mistakes[line]:
                verdict.mistakes[line].append(Mistake("member_refused", values={"line": wrong}))
        elif line in new_lines:
            verdict.states[line] = NEW
        else:
            verdict.states[line] = CHANGED if verdict.changes[line] else UNCHANGED


def _member_changes(group: Group, before: Before) -> list[str]:
    changes = [] if before.active or not before.admitted else ["code"]
    for name in MEMBER_COLUMNS:
        if name not in group.member:
            continue
        value = group.member[name]
        if name == "email":
            same = str(value).lower() in before.emails
        else:
            same = before.values.get(name, 0 if name.endswith(("kwp", "kwh", "kw")) else None) == value
        if not same:
            changes.append(name)
    return changes


def _member_mistakes(group: Group, before: Before) -> list[Mistake]:
    given, found = group.member, []
    if not before.admitted:
        needed = ("tariff",) if before.key else ("name", "kind", "tariff")
        wrong = {mistake.column for mistakes in group.mistakes.values() for mistake in mistakes}
        found += [
            Mistake(f"no_{name}", name)
            for name in needed
            if not (given.get(name) or before.values.get(name)) and name not in wrong
        ]
        known = {name: before.values[name] for name in ("name", "kind") if before.key is not None}
        found += [
            Mistake("known_elsewhere", name, {"text": str(value)})
            for name, value in known.items()
            if given.get(name, value) != value
        ]
    tariff = given.get("tariff")
    if tariff and tariff not in before.tariffs:
        found.append(Mistake("unknown_tariff", "tariff", {"text": tariff}))
    for energy, power in _STORES:
        if given.get(power) and not (given.get(energy) or (energy not in given and before.values.get(energy))):
            found.append(Mistake("power_alone", power, {"column": energy}))
    return found


def _point_changes(point: Mapping[str, Any], there: tuple[int, Mapping[str, Any]] | None) -> list[str]:
    if there is None:
        return list(point)
    values = there[1]
    changes = [name for name in _LIMITS if name in point and point[name] != values.get(name)]
    return changes + (["serial"] if "serial" in point and "serial" not in values else [])


def _point_mistakes(
    point: Mapping[str, Any], there: tuple[int, Mapping[str, Any]] | None, before: Before
) -> list[Mistake]:
    found = _meter_mistakes(point)
    serial = point.get("serial")
    values: Mapping[str, Any] = {}
    if there is not None:
        owner, values = there
        if owner != before.key:
            return [*found, Mistake("point_of_other", "point", {"text": str(point["point"])})]
        if point.get("role", values["role"]) != values["role"]:
            found.append(Mistake("role_stays", "role", {"text": str(values["role"])}))
    hangs = values.get("serial")
    if serial and hangs == serial:
        found += [
            Mistake("meter_differs", name, {"text": serial})
            for name in _OF_METER
            if name in point and point[name] != values.get(name)
        ]
    elif serial and hangs:
        found.append(Mistake("other_meter", "serial", {"text": str(hangs)}))
    elif serial and serial in before.serials:
        found.append(Mistake("serial_taken", "serial", {"text": serial}))
    elif not serial and not hangs and any(name in point for name in _OF_METER):
        found.append(Mistake("no_serial", "serial"))
    return found


def _meter_mistakes(point: Mapping[str, Any]) -> list[Mistake]:
    found = []
    if not 1 <= point.get("multiplier", defaults.MULTIPLIER) <= defaults.MOST_MULTIPLIER:
        found.append(Mistake("bad_multiplier", "multiplier"))
    digits = point.get("digits", defaults.DIGITS)
    if not 1 <= digits <= defaults.MOST_DIGITS:
        return [*found, Mistake("bad_digits", "digits")]
    for name in ("start_import_kwh", "start_export_kwh"):
        if point.get(name, 0) >= 10**digits * WH_PER_KWH:
            found.append(Mistake("register_full", name, {"digits": digits}))
    for name in _LIMITS:
        if point.get(name) == 0:
            found.append(Mistake("no_limit", name))
    return found
