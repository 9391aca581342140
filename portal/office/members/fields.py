"""The fields of the forms about members: named as the columns of the sheet, so that both are read in one way."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Participant
from members.domain.sheet import COLUMNS, MEMBER_COLUMNS, POINT_COLUMNS, Group, group_rows, parse_cells, texts_of
from meters.models import MeteringPoint
from portal.desk import Desk
from portal.templatetags.figures import reader
from tariffs.models import Tariff
from units.numbers import DecimalStyle, NumberError, decide_style

SECOND = "_2"
POINT, METER = ("point", "role", "max_import_kw", "max_export_kw"), (
    "serial", "multiplier", "digits", "start_import_kwh", "start_export_kwh", "installed_on",
)  # fmt: skip
DEVICES = ("pv_kwp", "battery_kwh", "battery_kw", "ev_kwh", "ev_kw")
TERMS = ("name", "kind", "zone", "tariff", "expected_month_kwh", "credit_limit_dong", "renter")


@dataclass(frozen=True, slots=True)
class Field:
    """An input: its column, what stands beside it, and what it holds."""

    name: str
    label: str
    value: str = ""
    hint: str = ""
    kind: str = "text"
    required: bool = False
    choices: Sequence[tuple[str, Any]] = field(default_factory=tuple)


def fields_of(
    names: Iterable[str], values: Mapping[str, Any], *, required: Iterable[str] = (), end: str = ""
) -> list[Field]:
    """The inputs for these columns. `values` are texts; `end` follows each name, for a second metering point."""
    labels, hints, needed = _labels(), _hints(), set(required)
    return [
        Field(
            name + end, labels[name], str(values.get(name + end, "")), hints.get(name, ""), _kind(name), name in needed,
            _choices(name),
        )
        for name in names
    ]  # fmt: skip


def _kind(name: str) -> str:
    kind = COLUMNS[name].kind
    if name == "tariff" or kind == "choice":
        return "select"
    return {"kilo": "decimal", "whole": "whole", "day": "date", "yesno": "check", "email": "email"}.get(kind, "text")


def _choices(name: str) -> Sequence[tuple[str, Any]]:
    if name == "kind":
        return Participant.Kind.choices
    if name == "role":
        return MeteringPoint.Role.choices
    if name == "tariff":
        return [(row.code, row.name) for row in Tariff.objects.order_by("pilot", "name")]
    return ()


def _labels() -> dict[str, str]:
    return {
        "code": _("Code"),
        "name": _("Name"),
        "kind": _("Kind of member"),
        "zone": _("Zone"),
        "tariff": _("Tariff of the grid"),
        "expected_month_kwh": _("Expected use a month, kWh"),
        "credit_limit_dong": _("Credit limit, đồng"),
        "renter": _("Residential renter: pays no more than the regulated price"),
        "point": _("Metering point"),
        "role": _("What it counts"),
        "max_import_kw": _("Can take at most, kW"),
        "max_export_kw": _("Can give at most, kW"),
        "serial": _("Serial number of the meter"),
        "multiplier": _("Multiplier"),
        "digits": _("Digits of the register"),
        "start_import_kwh": _("Import register shows, kWh"),
        "start_export_kwh": _("Export register shows, kWh"),
        "installed_on": _("Hung up on"),
        "pv_kwp": _("Solar panels, kWp"),
        "battery_kwh": _("Battery stores, kWh"),
        "battery_kw": _("Battery power, kW"),
        "ev_kwh": _("Car's battery, kWh"),
        "ev_kw": _("Car charges with, kW"),
        "email": _("E-mail address of the person"),
    }


def _hints() -> dict[str, str]:
    return {
        "code": _("Letters without accents, digits and hyphens; stays for ever"),
        "zone": _("Empty: site"),
        "credit_limit_dong": _("What may be open at a time; empty: the usual for this kind"),
        "expected_month_kwh": _("For a tariff by tiers"),
        "multiplier": _("Of the current transformers; 1 without"),
        "installed_on": _("Empty: today"),
        "start_import_kwh": _("As the display shows it"),
        "email": _("An invitation goes there; empty: nobody is invited yet"),
    }


def usual_values() -> dict[str, str]:
    """What the form for a new member shows at first."""
    return {"kind": "household", "role": "boundary", "multiplier": "1", "digits": "6", "role_2": "generation",
            "multiplier_2": "1", "digits_2": "6"}  # fmt: skip


def shown(values: Mapping[str, Any]) -> dict[str, str]:
    """What is there as texts of the form, decimals as the reader writes them."""
    texts = texts_of(values)
    if reader() == "vi":
        numbers = {name for name, column in COLUMNS.items() if column.kind == "kilo"}
        return {name: text.replace(".", ",") if name in numbers else text for name, text in texts.items()}
    return texts


def group_of(desk: Desk, code: str, names: Iterable[str]) -> Group:
    """What the form says of one member; a second metering point where one is filled in."""
    cells = {name: desk.text(name) for name in names}
    if "renter" in cells:
        cells["renter"] = cells["renter"] or "no"
    second = {name: desk.text(name + SECOND) for name in POINT_COLUMNS}
    rows = [parse_cells(1, {**_without_meter_alone(cells), "code": code}, style_of)]
    if second["point"] or second["serial"]:
        rows.append(parse_cells(2, {**second, "code": code}, style_of))
    return group_rows(rows)[0]


def _without_meter_alone(cells: dict[str, str]) -> dict[str, str]:
    """Usual values of a meter that is not given, and a role without a point, say nothing."""
    if not cells.get("serial"):
        cells = {name: text for name, text in cells.items() if name not in METER}
    if not cells.get("point") and not cells.get("serial"):
        cells = {name: text for name, text in cells.items() if name not in POINT}
    return cells


def style_of(text: str) -> DecimalStyle:
    """How a number of the form writes its decimals; a doubtful one as in the reader's language."""
    presumed = DecimalStyle.COMMA if reader() == "vi" else DecimalStyle.POINT
    try:
        return decide_style([text], presumed=presumed)
    except NumberError:
        return presumed


ADD_COLUMNS = ("code", *MEMBER_COLUMNS, *POINT_COLUMNS)
