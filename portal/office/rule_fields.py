"""One field of a form for a change of rules: its words, the unit in which it is asked, and how what was typed is read.

Numbers are asked in the unit that people use and kept in the one that the rulebook has: 8.5 % are 850 hundredths of a
per cent, 659.2 g are 659,200 mg, 0.25 kWh are 250 Wh. A comma is a decimal sign as a dot is. What cannot be read is a
sentence beside its field, and every field is read before any is complained about.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

HALF_HOURS, MINUTES_AN_HOUR, MINUTES_A_DAY = 48, 60, 24 * 60
MOST_PRICE = 1_000_000
_SPAN = re.compile(r"(\d{1,2})[:h](\d{2})\s*[-–]\s*(\d{1,2})[:h](\d{2})")
_DIGITS = re.compile(r"[-−]?\d+([.,]\d+)?")
Span = tuple[int, int]  # half hours of the day, [from, to)


class FieldError(ValueError):
    """What was typed cannot be read; the message says what to type."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field: `kind` is whole, decimal, text, choice, day, yes or hours; `least` and `most` in the rulebook's unit."""

    name: str
    label: str
    kind: str = "whole"
    unit: str = ""
    hint: str = ""
    value: str = ""
    decimals: int = 0
    least: int = 0
    most: int = MOST_PRICE
    longest: int = 200
    required: bool = True
    choices: Sequence[tuple[str, str]] = field(default=())

    def read(self, text: str) -> Any:
        """What was typed, in the rulebook's unit; None where a field that may be empty is. Raises FieldError."""
        if not text and self.kind != "yes":
            if self.required:
                raise FieldError(_("Fill this in."))
            return [] if self.kind == "hours" else None
        return _READERS[self.kind](self, text)

    def shown(self, given: str | None) -> str:
        """What the field shows: what was just sent, else what holds."""
        return self.value if given is None else given


def _number(asked: Field, text: str) -> int:
    compact = re.sub(r"[\s\u00a0\u202f₫%]", "", text)
    if asked.decimals == 0:
        compact = re.sub(r"[.,](?=\d{3}(\D|$))", "", compact)
    if not _DIGITS.fullmatch(compact) or len(compact) > 20:
        raise FieldError(_("Write a number, like {example}.").format(example="8.5" if asked.decimals else "1250"))
    try:
        scaled = Decimal(compact.replace(",", ".").replace("−", "-")).scaleb(asked.decimals)
    except InvalidOperation as error:
        raise FieldError(_("Write a number, like {example}.").format(example="1250")) from error
    if scaled != int(scaled):
        raise FieldError(_("At most {n} decimals.").format(n=asked.decimals))
    if not asked.least <= scaled <= asked.most:
        low, high = (plain(bound, asked.decimals) for bound in (asked.least, asked.most))
        raise FieldError(_("Give a number from {low} to {high}.").format(low=low, high=high))
    return int(scaled)


def plain(amount: int, decimals: int) -> str:
    """A number as a field shows it: 850 with two decimals is 8.5."""
    text = f"{Decimal(amount).scaleb(-decimals):f}"
    return text.rstrip("0").rstrip(".") if decimals else text


def _text(asked: Field, text: str) -> str:
    if len(text) > asked.longest:
        raise FieldError(_("At most {n} letters.").format(n=asked.longest))
    return text


def _choice(asked: Field, text: str) -> str:
    if text not in {value for value, _word in asked.choices}:
        raise FieldError(_("Choose one of the list."))
    return text


def _day(asked: Field, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise FieldError(_("Choose a day, like 2026-10-31.")) from error


def _hours(asked: Field, text: str) -> list[Span]:
    """Stretches of a day in half hours: `9:30-11:30, 17:00-20:00`."""
    spans = []
    for part in filter(None, (each.strip() for each in re.split(r"[,;]", text))):
        found = _SPAN.fullmatch(part)
        if not found:
            raise FieldError(_("Write hours like 09:30-11:30, 17:00-20:00."))
        hour, minute, to_hour, to_minute = map(int, found.groups())
        first, last = hour * MINUTES_AN_HOUR + minute, to_hour * MINUTES_AN_HOUR + to_minute
        if first % 30 or last % 30 or not first < last <= MINUTES_A_DAY:
            raise FieldError(_("Hours begin and end on half hours, the later after the earlier; a day ends at 24:00."))
        spans.append((first // 30, last // 30))
    return spans


_READERS: dict[str, Callable[[Field, str], Any]] = {
    "whole": _number,
    "decimal": _number,
    "text": _text,
    "choice": _choice,
    "day": _day,
    "hours": _hours,
    "yes": lambda asked, text: text == "yes",
}


def rest_of_day(*taken: Sequence[Span]) -> list[Span]:
    """What these stretches leave of a day. Raises FieldError where two of them meet in the same half hour."""
    covered = [False] * HALF_HOURS
    for first, last in (span for spans in taken for span in spans):
        if any(covered[first:last]):
            raise FieldError(_("Two stretches have a half hour in common; each belongs to one of them."))
        covered[first:last] = [True] * (last - first)
    bounds = [at for at in range(HALF_HOURS + 1) if _at(covered, at) != _at(covered, at - 1)]
    return list(zip(bounds[::2], bounds[1::2], strict=True))


def _at(covered: list[bool], at: int) -> bool:
    return covered[at] if 0 <= at < HALF_HOURS else True


def span_text(span: Span) -> str:
    """A stretch as a rulebook file has it: `09:30-11:30`."""
    return "-".join(f"{at // 2:02}:{at % 2 * 30:02}" for at in span)


class FieldsWrong(ValueError):
    """What is wrong, by field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


def dated(values: Mapping[str, Any]) -> dict[str, Any]:
    """The dates and the source of a row."""
    found = {"billed_from": values["effective_on"], "source": values["source"]}
    return found | ({"legal_from": values["legal_from"]} if values["legal_from"] else {})
