"""Reading a rulebook file field by field: each mistake is noted with a code, a sentence and its place, and reading goes
on, so that whoever wrote the file sees all mistakes at once.

Example: `prices[2].peak = 33.98` is noted as `not_whole` at `prices[2].peak`: give whole đồng per kWh.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any

LARGEST = 10**15
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in a rulebook file: a stable code, a sentence that says what to do, and the place in the file."""

    code: str
    place: str
    sentence: str


class RulebookRejected(ValueError):
    """The file is no rulebook. `mistakes` are all there are; `code` is that of the first."""

    def __init__(self, mistakes: Collection[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(" ".join(f"{mistake.place}: {mistake.sentence}" for mistake in self.mistakes))
        self.code = self.mistakes[0].code


def _storable(text: str) -> bool:
    """Whether a database takes the text: no NUL, no half of a character."""
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


@dataclass(slots=True)
class Section:
    """One table of the file and where it is. Each reader returns None where the field is absent or wrong."""

    values: Mapping[str, Any]
    place: str
    mistakes: list[Mistake]
    used: set[str] = field(default_factory=set)

    def note(self, name: str, code: str, sentence: str) -> None:
        """Note a mistake in the field `name`."""
        self.mistakes.append(Mistake(code, ".".join(part for part in (self.place, name) if part), sentence))

    def raw(self, name: str, required: bool = False) -> Any:
        """The field as it is in the file."""
        self.used.add(name)
        value = self.values.get(name)
        if value is None and required:
            self.note(name, "field_missing", f"This needs {name}.")
        return value

    def text(self, name: str, *, required: bool = False, longest: int = 200) -> str:
        """A text; "" where there is none."""
        value = self.raw(name, required)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > longest or not _storable(value):
            self.note(name, "bad_text", f"Give a text of at most {longest} characters.")
            return ""
        if required and not value.strip():
            self.note(name, "field_missing", f"This needs {name}.")
        return value

    def whole(
        self, name: str, *, required: bool = False, least: int = -LARGEST, most: int = LARGEST, default: Any = None
    ) -> Any:
        """A whole number within bounds, or `default`."""
        value = self.raw(name, required)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool):
            self.note(name, "not_whole", "Give a whole number, without quotes and decimals.")
            return default
        if not least <= value <= most:
            self.note(name, "out_of_range", f"Give a number from {least} to {most}.")
            return default
        return value

    def day(self, name: str, *, required: bool = False) -> date | None:
        """A date: TOML's own, or "2026-11-22"."""
        value = self.raw(name, required)
        if isinstance(value, date) and not isinstance(value, datetime):
            return self._possible(name, value)
        if isinstance(value, str) and _DAY.fullmatch(value):
            try:
                return self._possible(name, date.fromisoformat(value))
            except ValueError:
                value = ""
        if value is not None:
            self.note(name, "bad_date", "Give a date as year-month-day, such as 2026-11-22.")
        return None

    def _possible(self, name: str, day: date) -> date | None:
        if 1900 <= day.year <= 2200:
            return day
        self.note(name, "bad_date", "Give a date of the years 1900 to 2200.")
        return None

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false."""
        value = self.raw(name)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.note(name, "not_true_or_false", "Give true or false.")
        return default

    def choice(self, name: str, choices: Collection[str], default: str | None = None) -> str | None:
        """One of some words."""
        value = self.raw(name, required=default is None)
        if value is None:
            return default
        if isinstance(value, str) and value in choices:
            return value
        self.note(name, "unknown_word", f"Give one of {', '.join(sorted(choices))}.")
        return None

    def sections(self, name: str) -> list["Section"]:
        """A list of tables."""
        value = self.raw(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.note(name, "not_a_list", f"Give a list of tables, each begun by [[{name}]].")
            return []
        found = []
        for number, item in enumerate(value):
            place = f"{self.place}.{name}[{number}]" if self.place else f"{name}[{number}]"
            if isinstance(item, Mapping):
                found.append(Section(item, place, self.mistakes))
            else:
                self.mistakes.append(Mistake("not_a_table", place, "Give a table of fields here."))
        return found

    def done(self) -> None:
        """Note every field that nobody asked for."""
        for name in self.values:
            if name not in self.used:
                near = get_close_matches(str(name), self.used, 1)
                hint = f" Did you mean {near[0]}?" if near else " Leave it out."
                self.note(str(name)[:60], "unknown_field", f"There is no field of this name here.{hint}")
