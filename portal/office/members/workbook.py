"""The sheet of members as XLSX: numbers are numbers, names are text, and what has a choice offers it."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import xlsxwriter
from django.utils.translation import gettext as _

from members.domain.sheet import COLUMNS, REQUIRED, texts_of

ROWS_WITH_CHOICES = 2_000
MOST_CHOICES = 200  # a list beside the cell; a spreadsheet takes no longer one without a sheet of its own
WIDTHS = {"name": 34, "tariff": 26, "email": 28, "serial": 18}


def workbook(rows: Iterable[Mapping[str, Any]], tariffs: Sequence[str]) -> bytes:
    """The first sheet is the one that is read; the second says what each column holds."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet, bold = book.add_worksheet("members"), book.add_format({"bold": True})
    choices = book.add_worksheet("tariffs")
    for at, code in enumerate(tariffs):
        choices.write_string(at, 0, code)
    for at, (name, column) in enumerate(COLUMNS.items()):
        sheet.write_string(0, at, name, bold)
        sheet.set_column(at, at, WIDTHS.get(name, max(12, len(name) + 1)))
        if column.choices:
            _offer(sheet, at, list(column.choices))
        elif name == "tariff" and tariffs:
            _offer(sheet, at, f"=tariffs!$A$1:$A${len(tariffs)}")
    sheet.freeze_panes(1, 1)
    for line, row in enumerate(rows, start=1):
        for at, (name, text) in enumerate(texts_of(row).items()):
            if text:
                _write(sheet, line, at, COLUMNS[name].kind, text)
    _explain(book.add_worksheet("columns"), bold)
    book.close()
    return out.getvalue()


def _offer(sheet: Any, at: int, source: Any) -> None:
    sheet.data_validation(1, at, ROWS_WITH_CHOICES, at, {"validate": "list", "source": source})


def _write(sheet: Any, line: int, at: int, kind: str, text: str) -> None:
    if kind in ("kilo", "whole"):
        sheet.write_number(line, at, float(text))
    else:
        sheet.write_string(line, at, text)


def _explain(sheet: Any, bold: Any) -> None:
    words = {
        "kilo": _("a number, in the unit of its name"),
        "whole": _("a whole number"),
        "yesno": _("yes or no"),
        "day": _("a day, like 2026-05-31"),
        "email": _("an e-mail address"),
        "code": _("letters without accents, digits and hyphens"),
        "text": _("text"),
    }
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 70)
    for at, (name, column) in enumerate(COLUMNS.items()):
        sheet.write_string(at, 0, name, bold if name in REQUIRED else None)
        sheet.write_string(at, 1, ", ".join(column.choices) or words[column.kind])
