"""What only shows when rows are seen together: the same interval twice, one missing, more than the wire can carry."""

from collections.abc import Iterable, Mapping
from datetime import tzinfo

import numpy as np

from meters.domain.readings_csv.energies import MAX_WH
from meters.domain.readings_csv.errors import Findings
from meters.domain.readings_csv.header import START
from meters.domain.readings_csv.rows import PointInfo, Rows
from meters.domain.readings_csv.table import Ints
from units.energy import energy_wh
from units.interval import MS_PER_MINUTE, from_ms
from units.numbers import grouped


def find_duplicates(rows: Rows, tz: tzinfo, findings: Findings) -> None:
    """`duplicate_row` for each row whose point and start were there before."""
    earlier, later = rows.successive()
    again = rows.start_ms[earlier] == rows.start_ms[later]
    pairs = _by_row(later[again], earlier[again])
    findings.extend((_duplicate(rows, row, first, tz) for row, first in pairs), len(pairs))


def _duplicate(rows: Rows, row: int, first: int, tz: tzinfo) -> tuple[int, str, str, str]:
    what = f"{rows.name(row)} at {clock(rows.start_ms[row], tz)} is already on line {rows.lines[first]}; keep one."
    return int(rows.lines[row]), START, "duplicate_row", what


def find_gaps(rows: Rows, minutes: int, tz: tzinfo, findings: Findings, advice: str) -> None:
    """`gap` for each stretch missing between the first and last row of a point, at the row that follows it."""
    step_ms = minutes * MS_PER_MINUTE
    earlier, later = rows.successive()
    missing = (rows.start_ms[later] - rows.start_ms[earlier]) // step_ms - 1
    pairs = _by_row(later[missing > 0], missing[missing > 0])
    findings.extend((_gap(rows, row, count, step_ms, tz, advice) for row, count in pairs), len(pairs))


def _gap(rows: Rows, row: int, count: int, step_ms: int, tz: tzinfo, advice: str) -> tuple[int, str, str, str]:
    first = clock(rows.start_ms[row] - count * step_ms, tz)
    what = "the row" if count == 1 else f"{grouped(count)} rows, the first"
    message = f"{rows.name(row)} lacks {what} for {first}; {advice}"
    return int(rows.lines[row]), START, "gap", message


def find_excess(rows: Rows, known: Mapping[str, PointInfo], minutes: int, findings: Findings) -> None:
    """`above_limit` where a reading is more than the point's connection can carry in `minutes`."""
    points = [known[name] for name in rows.points]
    imports, exports = rows.form.value
    _find_above(rows, imports, rows.imported, [point.max_import_w for point in points], minutes, findings)
    _find_above(rows, exports, rows.exported, [point.max_export_w for point in points], minutes, findings)


def _find_above(
    rows: Rows, column: str, wh: Ints, limits_w: Iterable[int | None], minutes: int, findings: Findings
) -> None:
    limits_wh = np.array([MAX_WH if w is None else energy_wh(w, minutes) for w in limits_w], np.int64)
    above = np.nonzero(wh > limits_wh[rows.point])[0].tolist()
    found = (
        (
            int(rows.lines[row]),
            column,
            "above_limit",
            f"{grouped(int(wh[row]))} Wh in {minutes} minutes is more than {rows.name(row)} can carry "
            f"({grouped(int(limits_wh[rows.point[row]]))} Wh); check the unit and the time.",
        )
        for row in above
    )
    findings.extend(found, len(above))


def clock(at_ms: int, tz: tzinfo) -> str:
    """What the site's clock shows, with its offset from UTC."""
    return f"{from_ms(int(at_ms)).astimezone(tz):%Y-%m-%d %H:%M %z}"


def _by_row(rows: Ints, values: Ints) -> list[tuple[int, int]]:
    return sorted(zip(rows.tolist(), values.tolist(), strict=True))
