"""Interval readings from a CSV file: all of them, or none and a list of what to put right.

A file is what an energy manager exports from a meter-reading system or from Excel, in English or Vietnamese habits:

    metering_point;start;import_kwh;export_kwh
    MP-1;01/06/2026 10:00;12,5;0
    MP-1;01/06/2026 10:30;1.204,25;0

This becomes two readings of MP-1, from 03:00 and 03:30 UTC, importing 12,500 and 1,204,250 Wh. Separator, number style
and time form are found once for the whole file; what is doubtful is refused, not guessed. docs/formats/readings-csv.md
describes every form and lists every code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

import numpy as np

from meters.domain.readings_csv.checks import find_duplicates, find_excess, find_gaps
from meters.domain.readings_csv.energies import energy_reader, style_of
from meters.domain.readings_csv.errors import CellError, CsvRejected, Findings
from meters.domain.readings_csv.header import POINT, QUALITY, START, Form
from meters.domain.readings_csv.names import name_reader
from meters.domain.readings_csv.registers import gap_energies, intervals_of
from meters.domain.readings_csv.rows import PointInfo, ReadingRow, Rows
from meters.domain.readings_csv.table import Ints, Table, read_table
from meters.domain.readings_csv.text import decode
from meters.domain.readings_csv.times import form_of, time_reader
from units.interval import interval_ms
from units.numbers import DecimalStyle

__all__ = ["CellError", "CsvRejected", "ParsedReadings", "PointInfo", "ReadingRow", "parse"]

QUALITIES = ("measured", "estimated", "corrected")
MAX_ERRORS = 100
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ParsedReadings:
    """All readings of a file, in its order (registers: by point and time), and what is odd but no error.

    `warnings` holds the first hundred or so of `warnings_total`.
    """

    rows: list[ReadingRow]
    warnings: list[CellError]
    warnings_total: int


def parse(
    data: bytes,
    *,
    known_points: Mapping[str, PointInfo],
    interval_minutes: int,
    timezone: tzinfo,
    file_name: str = "readings.csv",
    decimal_style: DecimalStyle | None = None,
    allow_gaps: bool = False,
    register_reset: Mapping[str, int] | None = None,
    known_qualities: Sequence[str] = QUALITIES,
    not_after: datetime | None = None,
    max_errors: int = MAX_ERRORS,
    max_bytes: int = MAX_BYTES,
) -> ParsedReadings:
    """Reads an uploaded file of interval readings. All or nothing.

    `timezone` is the site's: times without an offset are on its clock, and so is the grid of `interval_minutes`.
    `decimal_style` overrules what the file suggests. `register_reset` declares, per point, how many digits its counter
    has before it rolls over. With `allow_gaps` a missing interval is a warning. An interval that ends after `not_after`
    is an error. A row without quality gets the first of `known_qualities`.

    Raises CsvRejected with the first `max_errors` errors by line and their total; IntervalError on a bad length.
    """
    interval_ms(interval_minutes)
    errors, warnings = Findings(file_name, max_errors), Findings(file_name, max_errors)
    table = read_table(decode(data, file=file_name, max_bytes=max_bytes), errors)
    style = decimal_style or style_of(table, file_name)
    rows = _read_cells(table, style, known_points, known_qualities, errors, (timezone, interval_minutes, not_after))
    find_duplicates(rows, timezone, errors)
    errors.raise_if_any()
    if allow_gaps:
        find_gaps(rows, interval_minutes, timezone, warnings, "it will be estimated until the reading comes.")
    else:
        find_gaps(rows, interval_minutes, timezone, errors, "add what is missing, or allow gaps to have it estimated.")
    if rows.form is Form.REGISTER:
        gap_energies(rows, interval_minutes, timezone, warnings)
        rows = intervals_of(rows, known_points, register_reset or {}, interval_minutes, errors)
        errors.raise_if_any()
    find_excess(rows, known_points, interval_minutes, errors)
    errors.raise_if_any()
    return ParsedReadings(rows.readings(), warnings.first(), warnings.total)


def _read_cells(
    table: Table,
    style: DecimalStyle,
    known_points: Mapping[str, PointInfo],
    qualities: Sequence[str],
    errors: Findings,
    clock: tuple[tzinfo, int, datetime | None],
) -> Rows:
    """Every cell as a number; the rows of which all cells could be read."""
    points = tuple(known_points)
    form = table.header.form
    energy = energy_reader(form, style)
    readers = {
        POINT: name_reader(
            points, "unknown_metering_point", "is no metering point of this site; correct or onboard it."
        ),
        START: time_reader(form_of(table.columns[START].texts), *clock),
        form.value[0]: energy,
        form.value[1]: energy,
        QUALITY: name_reader(
            qualities, "unknown_quality", f"is no quality; use one of {', '.join(qualities)}.", otherwise=0
        ),
    }
    cells = {name: column.read(readers[name], table.lines, errors) for name, column in table.columns.items()}
    measured: Ints = np.zeros(len(table.lines), np.int64)
    return Rows(
        form=form,
        points=points,
        qualities=tuple(qualities),
        lines=table.lines,
        point=cells[POINT],
        start_ms=cells[START],
        imported=cells[form.value[0]],
        exported=cells[form.value[1]],
        quality=cells.get(QUALITY, measured),
    ).readable()
