"""The register form: energy of an interval = the counter at its end − the counter at its start, times the multiplier.

| start | register kWh | energy of the interval |
|---|---|---|
| 10:00 | 999,998.500 | 1.250 |
| 10:30 | 999,999.750 | 0.500 = 0.250 + 1,000,000 − 999,999.750 (six digits) |
| 11:00 | 0.250 | – (the next value is not known yet) |

A counter that falls is never guessed at. Either it rolled over, which the uploader declares with the number of the
meter's digits before the decimal mark (`register_reset={"MP1": 6}`), or the meter was exchanged or reset, and then
nobody knows the energy from these values: interval values must be supplied for that stretch.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import tzinfo

import numpy as np

from meters.domain.readings_csv.checks import clock
from meters.domain.readings_csv.energies import MAX_WH
from meters.domain.readings_csv.errors import Findings
from meters.domain.readings_csv.header import START
from meters.domain.readings_csv.rows import PointInfo, Rows
from meters.domain.readings_csv.table import Ints
from units.energy import format_energy
from units.interval import MS_PER_MINUTE

MAX_DIGITS = 12


def intervals_of(
    rows: Rows,
    known: Mapping[str, PointInfo],
    declared: Mapping[str, int],
    minutes: int,
    findings: Findings,
) -> Rows:
    """Rows whose energies are those of the intervals, ordered by point and time; one fewer per point.

    Values that are more than one interval apart give no reading: the energy between them belongs to several.
    Codes: `register_alone`, `register_reset`, `register_reset_implausible`.
    """
    _find_lone(rows, findings)
    earlier, later = rows.successive()
    whole = rows.start_ms[later] - rows.start_ms[earlier] == minutes * MS_PER_MINUTE
    names = rows.form.value
    energies = [
        _differences(rows, name, register, earlier, later, declared, findings)
        for name, register in zip(names, (rows.imported, rows.exported), strict=True)
    ]
    multiplier = np.array([known[name].multiplier for name in rows.points], np.int64)[rows.point[earlier]]
    # Cut to just above what is refused next, so that no product overflows.
    imported, exported = (np.minimum(energy, MAX_WH // multiplier + 1) * multiplier for energy in energies)
    return replace(rows.take(earlier), imported=imported, exported=exported).take(whole)


def gap_energies(rows: Rows, minutes: int, tz: tzinfo, warnings: Findings) -> None:
    """`energy_in_gap` for values more than one interval apart: what flowed there is counted in no interval."""
    earlier, later = rows.successive()
    apart = rows.start_ms[later] - rows.start_ms[earlier] > minutes * MS_PER_MINUTE
    pairs = sorted(zip(later[apart].tolist(), earlier[apart].tolist(), strict=True))
    found = (
        (
            int(rows.lines[row]),
            START,
            "energy_in_gap",
            f"What {rows.name(row)} counted from {clock(rows.start_ms[first], tz)} to {clock(rows.start_ms[row], tz)} "
            "belongs to several intervals and is in no reading; supply interval values for it.",
        )
        for row, first in pairs
    )
    warnings.extend(found, len(pairs))


def _find_lone(rows: Rows, findings: Findings) -> None:
    alone = np.nonzero(np.bincount(rows.point, minlength=len(rows.points))[rows.point] == 1)[0].tolist()
    message = "A counter value alone is no energy: {} needs the value at the end of the interval as well."
    found = ((int(rows.lines[row]), START, "register_alone", message.format(rows.name(row))) for row in alone)
    findings.extend(found, len(alone))


def _differences(
    rows: Rows,
    column: str,
    register: Ints,
    earlier: Ints,
    later: Ints,
    declared: Mapping[str, int],
    findings: Findings,
) -> Ints:
    energy: Ints = register[later] - register[earlier]
    falls: list[tuple[int, str, str, str]] = []
    for pair in sorted(np.nonzero(energy < 0)[0].tolist(), key=lambda pair: int(later[pair])):
        old, new, row = int(register[earlier[pair]]), int(register[later[pair]]), int(later[pair])
        digits = declared.get(rows.name(row))
        rolled = _rolled_over(old, new, digits)
        if rolled is None:
            falls.append((int(rows.lines[row]), column, *_falls(rows.name(row), old, new, digits)))
        else:
            energy[pair] = rolled
    findings.extend(falls, len(falls))
    return energy


def _rolled_over(old_wh: int, new_wh: int, digits: int | None) -> int | None:
    """The energy over a declared roll-over; None where none is declared or it would be over half the counter."""
    if digits is None or not 1 <= digits <= MAX_DIGITS:
        return None
    size_wh = 10**digits * 1_000
    energy = new_wh + size_wh - old_wh
    return energy if old_wh < size_wh and 2 * energy <= size_wh else None


def _falls(name: str, old_wh: int, new_wh: int, digits: int | None) -> tuple[str, str]:
    fall = f"The counter of {name} falls from {format_energy(old_wh)} to {format_energy(new_wh)}"
    exchanged = "if the meter was exchanged or reset, supply interval values for this stretch."
    if digits is None:
        return (
            "register_reset",
            f"{fall}. If it rolled over, declare register_reset with the meter's digits; {exchanged}",
        )
    return "register_reset_implausible", f"{fall}, which is no roll-over of {digits} digits; {exchanged}"
