"""The rows as numbers: what a million readings are while they are checked, and the readings they become."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from meters.domain.readings_csv.header import Form
from meters.domain.readings_csv.table import Ints
from units.interval import from_ms


@dataclass(frozen=True, slots=True)
class PointInfo:
    """What is known of a metering point: what its connection carries (W; None: not known) and how its meter counts.

    `multiplier` is that of the current transformers; it applies to register values only.
    """

    max_import_w: int | None = None
    max_export_w: int | None = None
    multiplier: int = 1


class ReadingRow(NamedTuple):
    """Energy through one metering point in the interval that begins at `start` (UTC), with the line it came from."""

    metering_point: str
    start: datetime
    import_wh: int
    export_wh: int
    quality: str
    line: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Arrays over the rows, −1 where a cell could not be read. `point` and `quality` index the two tuples of names.

    `imported` and `exported` are Wh: of the interval, or the counter's value at its start in the register form.
    """

    form: Form
    points: tuple[str, ...]
    qualities: tuple[str, ...]
    lines: Ints
    point: Ints
    start_ms: Ints
    imported: Ints
    exported: Ints
    quality: Ints

    def name(self, row: int) -> str:
        return self.points[int(self.point[row])]

    def take(self, rows: Ints | NDArray[np.bool_]) -> Self:
        """The rows at these indexes, or where this mask is true."""
        arrays = ("lines", "point", "start_ms", "imported", "exported", "quality")
        return replace(self, **{name: getattr(self, name)[rows] for name in arrays})

    def readable(self) -> Self:
        """The rows of which every cell could be read."""
        worst = np.minimum.reduce([self.point, self.start_ms, self.imported, self.exported, self.quality])
        return self.take(worst >= 0)

    def successive(self) -> tuple[Ints, Ints]:
        """Pairs of row indexes that follow each other in time at one point (ties by line): earlier, later."""
        order = np.lexsort((self.start_ms, self.point))
        earlier, later = order[:-1], order[1:]
        same = self.point[earlier] == self.point[later]
        return earlier[same], later[same]

    def readings(self) -> list[ReadingRow]:
        moments = {ms: from_ms(ms) for ms in np.unique(self.start_ms).tolist()}
        columns: tuple[Sequence[object], ...] = (
            [self.points[i] for i in self.point.tolist()],
            [moments[ms] for ms in self.start_ms.tolist()],
            self.imported.tolist(),
            self.exported.tolist(),
            [self.qualities[i] for i in self.quality.tolist()],
            self.lines.tolist(),
        )
        return list(map(ReadingRow._make, zip(*columns, strict=True)))
