"""Bars and shares as the coordinates of small drawings, so that they stand in the page before any script runs.

A drawing is as wide as the local day and 100 high; y grows downwards. Coordinates are whole thousandths, so that no
figure becomes a float on its way to the page: 12,345 is written `12.345`.

Example: a day of 48 half hours is 480 wide, each interval 10. With bars from 0 to 40,000 ₫ the interval of 10:00 (the
21st) at 20,000 ₫ has its bar at x 201, 8 wide, from y 50 down to the base line at 100.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from units.energy import largest_remainder
from units.interval import Interval

HEIGHT = 100
WIDTH = 480
MILLI = 1_000
GAP = MILLI  # on each side of a bar
PROMILLE = 1_000


@dataclass(frozen=True, slots=True)
class Value:
    """One interval to draw: what it came to, the mark to compare it with (None: none), a class and its words."""

    start: datetime
    amount: int
    mark: int | None
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, its mark and the whole height of its interval; texts ready for an SVG."""

    x: str
    width: str
    y: str
    height: str
    mark_y: str | None
    slot_x: str
    slot_width: str
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Scale:
    """What the height stands for: the highest and the lowest amount, and where 0 is."""

    top: int
    bottom: int

    @property
    def zero_y(self) -> str:
        """Where 0 is drawn."""
        return self.y(0)

    def y(self, amount: int) -> str:
        """Where an amount is drawn."""
        return text(self.milli_y(amount))

    def milli_y(self, amount: int) -> int:
        """The same in thousandths."""
        return (self.top - amount) * HEIGHT * MILLI // max(1, self.top - self.bottom)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A day of bars."""

    bars: tuple[Bar, ...]
    scale: Scale


def scale_of(amounts: Iterable[int]) -> Scale:
    """From 0, or the lowest amount below it, to a little above the highest."""
    amounts = [0, *amounts]
    high, low = max(amounts), min(amounts)
    room = max(1, (high - low) // 20)
    return Scale(high + room, low - room if low < 0 else 0)


def draw(values: Sequence[Value], day: Interval, minutes: int, also: Iterable[int] = ()) -> Drawing:
    """The bars of a local day with intervals of `minutes`; the scale has room for the amounts in `also`, too."""
    marks = [value.mark for value in values if value.mark is not None]
    scale = scale_of([*(value.amount for value in values), *marks, *also])
    length = (day.end - day.start) // timedelta(minutes=minutes)
    return Drawing(tuple(_bar(value, day, minutes, length, scale) for value in values), scale)


def _bar(value: Value, day: Interval, minutes: int, length: int, scale: Scale) -> Bar:
    number = (value.start - day.start) // timedelta(minutes=minutes)
    left, right = (WIDTH * MILLI * place // length for place in (number, number + 1))
    top, base = sorted((scale.milli_y(value.amount), scale.milli_y(0)))
    mark = None if value.mark is None else text(scale.milli_y(value.mark))
    return Bar(
        text(left + GAP), text(right - left - 2 * GAP), text(top), text(base - top), mark, text(left),
        text(right - left), value.kind, value.words,
    )  # fmt: skip


def place(at: datetime, day: Interval) -> str:
    """Where a moment of the day stands across the drawing."""
    second = timedelta(seconds=1)
    return text(WIDTH * MILLI * ((at - day.start) // second) // ((day.end - day.start) // second))


def text(milli: int) -> str:
    """Thousandths as a decimal number, with a point in every language: 12,345 → `12.345`, −500 → `-0.500`."""
    sign, size = ("-", -milli) if milli < 0 else ("", milli)
    return f"{sign}{size // MILLI}.{size % MILLI:03}"


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole: its class, word, Wh, share in tenths of a per cent, and where it lies in a bar 1,000 wide."""

    kind: str
    word: str
    wh: int
    promille: int
    x: int


def shares(parts: Sequence[tuple[str, str, int]]) -> list[Share]:
    """Parts (class, word, Wh) with shares that add up to 1,000 exactly; none where there is no energy at all."""
    if not any(wh for _, _, wh in parts):
        return []
    promille = largest_remainder(PROMILLE, [wh for _, _, wh in parts])
    before = [sum(promille[:number]) for number in range(len(parts))]
    return [Share(*part, share, x) for part, share, x in zip(parts, promille, before, strict=True)]
