"""What is wrong with a sheet or a form, as a sentence in the reader's language."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from members.domain.sheet import Mistake, SheetRefused


def of_sheet(error: SheetRefused) -> str:
    """Why a file could not be read."""
    return _of_file()[error.code].format(**error.values)


def _of_file() -> dict[str, str]:
    return {
        "empty_file": _("The file is empty."),
        "too_large": _("The file is larger than {most} MB; load it in parts."),
        "too_many_rows": _("The file has more than {most} rows; load it in parts."),
        "long_cell": _("A cell on line {line} is far too long; look at what it holds."),
        "not_readable": _("The file is no spreadsheet that can be read; save it as XLSX or as “CSV UTF-8”."),
        "not_utf8": _("The file is not in UTF-8; save it as XLSX or as “CSV UTF-8”."),
        "not_csv": _("A quotation mark on line {line} is not closed; close or remove it."),
        "no_rows": _("The file needs a line that names the columns and a line for each metering point."),
        "no_code_column": _("The first line names no column “{column}”; take the template."),
        "unknown_column": _("There is no column “{column}”; use {columns}."),
        "column_twice": _("The column “{column}” stands there twice."),
    }


def told(mistake: Mistake) -> str:
    """One mistake with the column it stands in."""
    if mistake.code == "said":
        return str(mistake.values["message"])
    sentence = _sentences()[mistake.code].format(**mistake.values)
    return f"{mistake.column}: {sentence}" if mistake.column else sentence


def told_row(rows: list[dict[str, Any]]) -> list[str]:
    """Mistakes as they were kept."""
    return [told(Mistake(row["code"], row["column"], row["values"])) for row in rows]


def kept(mistake: Mistake) -> dict[str, Any]:
    """A mistake as it is kept, without its sentence."""
    return {"code": mistake.code, "column": mistake.column, "values": dict(mistake.values)}


def _sentences() -> Mapping[str, str]:
    found: dict[str, str] = {}
    parts: tuple[Callable[[], dict[str, str]], ...] = (_of_cells, _of_rows, _of_members, _of_meters)
    for part in parts:
        found |= part()
    return found


def _of_cells() -> dict[str, str]:
    number = _("“{text}” is no number; write it like 5.5.")
    return {
        "formula": _("The cell holds a formula; paste its value instead."),
        "bad_text": _("Leave out the characters that cannot be seen."),
        "too_long": _("At most {most} letters."),
        "bad_code": _("Use letters without accents, digits and hyphens."),
        "bad_choice": _("Use one of {choices}."),
        "not_a_number": number,
        "number_too_long": number,
        "ambiguous_numbers": number,
        "too_many_decimals": _("“{text}” has too many decimals; kW and kWh have at most three, đồng none."),
        "negative": _("A figure below 0 makes no sense here."),
        "not_yes_or_no": _("Write yes or no."),
        "bad_email": _("This is no e-mail address; look for a typing mistake."),
        "bad_day": _("“{text}” is no day; write it like 2026-05-31."),
    }


def _of_rows() -> dict[str, str]:
    return {
        "wrong_cells": _("There are {count} cells, but the first line names {columns} columns."),
        "no_column_name": _("A cell stands in a column without a name."),
        "no_code": _("Give the member's code."),
        "no_point": _("Say at which metering point the meter hangs."),
        "point_twice": _("“{text}” stands on line {line} already."),
        "serial_twice": _("“{text}” stands on line {line} already."),
        "code_twice": _("The member stands on line {line} already; a further row is for a further metering point."),
        "differs": _("Line {line} says something else of the same member."),
        "member_refused": _("Line {line} of the same member is refused."),
    }


def _of_members() -> dict[str, str]:
    return {
        "no_name": _("A new member needs a name."),
        "no_kind": _("A new member needs a kind."),
        "no_tariff": _("A new member needs a tariff."),
        "unknown_tariff": _("There is no tariff “{text}” in the rulebook."),
        "known_elsewhere": _(
            "This code belongs to a member of another site, “{text}”; say the same, or use another code."
        ),
        "already_member": _("There is a member with this code already."),
        "power_alone": _("Give {column} too."),
    }


def _of_meters() -> dict[str, str]:
    return {
        "point_of_other": _("The metering point {text} belongs to another member."),
        "role_stays": _("The point is “{text}”, and that stays."),
        "meter_differs": _("The meter {text} is registered with another figure. Exchange it, or leave the cell empty."),
        "other_meter": _("The meter {text} hangs there; exchange it on the member's page."),
        "serial_taken": _("The serial number {text} is registered already; look for a typing mistake."),
        "no_serial": _("Give the meter's serial number too."),
        "bad_multiplier": _("The multiplier is a whole number from 1 to 100000."),
        "bad_digits": _("A register shows 1 to 9 digits of kWh."),
        "register_full": _("A register of {digits} digits cannot show so much."),
        "no_limit": _("What a connection can carry is above 0 kW; leave it out if unknown."),
    }
