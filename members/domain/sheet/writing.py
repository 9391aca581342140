"""What is known of members as rows of the sheet that can be read again."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from members.domain.sheet.columns import COLUMNS

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def texts_of(values: Mapping[str, Any]) -> dict[str, str]:
    """One row's values by column (W, Wh, đồng, ISO days) as the texts of its cells."""
    return {name: _text(COLUMNS[name].kind, values.get(name)) for name in COLUMNS}


def _text(kind: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if kind == "kilo":
        return kilo_text(int(value))
    if kind == "yesno":
        return "yes" if value else "no"
    return str(value)


def kilo_text(amount: int) -> str:
    """W as kW, Wh as kWh: 5,500 → `5.5`."""
    whole, rest = divmod(amount, 1_000)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".")


def csv_file(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """The rows as CSV in UTF-8 with the mark that Excel wants."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(text) for text in texts_of(row).values()])
    return out.getvalue().encode("utf-8-sig")


def _cell(text: str) -> str:
    """A spreadsheet must not take a name for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
