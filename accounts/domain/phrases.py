"""Recognises a sentence that was said in English, with its figures and names, to say it in another language.

What is wrong is said where it is found, in plain Python that knows no reader: f"The price must be a whole multiple of
{tick} VND/kWh.". The same sentence is listed once as a phrase with named places: "The price must be a whole multiple
of {bound} VND/kWh.". A phrase is compiled to a pattern; of a sentence it gives back which phrase that is and what
stands in its places. So 'The price must be a whole multiple of 50 VND/kWh.' becomes that phrase and {bound: 50}, and
the translation of the phrase is filled in with 50.

Where two phrases fit, the one with more letters of its own wins: 'There is no such close.' is not 'There is no {what}.'
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import NamedTuple

from units.numbers import Language, grouped

PLACE = re.compile(r"\{(\w+)\}")
NEXT_SENTENCE = re.compile(r"(?<=[.!?]) (?=\S)")
# Places that hold a count or an amount: the reader's marks stand between their thousands. A code, a year or a number of
# a document stands as it was said.
COUNTED = frozenset(("bound", "bytes", "count", "dong", "kwh", "least", "less", "more", "most", "price", "top", "wh"))
COUNTED_LENGTH = 24
# Places that hold digits alone, as in 'line 12': so that such a short phrase fits nothing else.
DIGITS = frozenset(("number", "position"))
# Places in which another sentence stands, told in its turn.
NESTED = frozenset(("advice", "law", "told"))
# What somebody put into a file may stand in a sentence: bounds that keep the search short whatever that was.
LONGEST = 1_500
SENTENCES_OF_A_PHRASE = 4
ENERGY = re.compile(r"−?[0-9,]+(\.[0-9]+)? k?Wh")
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
ISO_MONTH = re.compile(r"\d{4}-\d{2}")


class Found(NamedTuple):
    """A phrase and what stood in its places."""

    phrase: str
    values: Mapping[str, str]


class Phrases:
    """All sentences that can be recognised: those without places by themselves, the others by their pattern."""

    def __init__(self, phrases: Iterable[str]) -> None:
        listed = dict.fromkeys(phrases)
        self.fixed = frozenset(phrase for phrase in listed if not PLACE.search(phrase))
        open_ones = sorted((phrase for phrase in listed if phrase not in self.fixed), key=_letters, reverse=True)
        self._patterns = [(phrase, pattern_of(phrase)) for phrase in open_ones]

    def find(self, sentence: str) -> Found | None:
        """Which phrase it is; None for one that nobody listed."""
        if sentence in self.fixed:
            return Found(sentence, {})
        for phrase, pattern in self._patterns:
            if match := pattern.fullmatch(sentence):
                return Found(phrase, match.groupdict())
        return None

    def all_that_fit(self, sentence: str) -> list[str]:
        """Every phrase with places that a sentence could be, the one that wins first."""
        return [phrase for phrase, pattern in self._patterns if pattern.fullmatch(sentence)]

    def said(self, sentence: str, language: Language, translate: Callable[[str], str]) -> str:
        """The sentence in the reader's language, or several that stand one after another; what is unknown stays."""
        if len(sentence) > LONGEST:
            return sentence
        if (found := self.find(sentence)) is not None:
            return self._filled(found, language, translate)
        parts = NEXT_SENTENCE.split(sentence)
        for count in range(min(len(parts) - 1, SENTENCES_OF_A_PHRASE), 0, -1):
            if (found := self.find(" ".join(parts[:count]))) is not None:
                rest = self.said(" ".join(parts[count:]), language, translate)
                return f"{self._filled(found, language, translate)} {rest}"
        if len(parts) == 1:
            return sentence
        return f"{parts[0]} {self.said(' '.join(parts[1:]), language, translate)}"

    def _filled(self, found: Found, language: Language, translate: Callable[[str], str]) -> str:
        def value(place: re.Match[str]) -> str:
            name = place[1]
            told = found.values.get(name, place[0])
            if told in self.fixed or name in NESTED:
                return self.said(told, language, translate)
            return written(name, told, language)

        return PLACE.sub(value, translate(found.phrase))


def pattern_of(phrase: str) -> re.Pattern[str]:
    """What fits the phrase: its own letters, and in each place at least one character."""
    pieces = PLACE.split(phrase)
    names = pieces[1::2]
    places = [f"(?P={name})" if name in names[:n] else f"(?P<{name}>{_fits(name)})" for n, name in enumerate(names)]
    letters = [re.escape(piece) for piece in pieces[::2]]
    joined = "".join(own + place for own, place in zip(letters, [*places, ""], strict=True))
    return re.compile(joined, re.DOTALL)


def _fits(name: str) -> str:
    return r"[0-9]{1,9}" if name in DIGITS else ".+?"


def written(name: str, value: str, language: Language) -> str:
    """A value as the reader writes it: days and months by the calendar, amounts with marks between thousands."""
    if name in COUNTED and len(value) <= COUNTED_LENGTH and (amount := _amount(value)) is not None:
        return grouped(amount, language)
    if language != "vi":
        return value
    if ENERGY.fullmatch(value):
        return value.translate(_SWAPPED)
    if ISO_DAY.fullmatch(value) and _is_day(value):
        return f"{value[8:]}/{value[5:7]}/{value[:4]}"
    if ISO_MONTH.fullmatch(value) and _is_day(f"{value}-01"):
        return f"{value[5:]}/{value[:4]}"
    return value


_SWAPPED = str.maketrans(".,", ",.")


def _amount(value: str) -> int | None:
    plain = value.replace(",", "").replace("−", "-")
    return int(plain) if re.fullmatch(r"-?\d+", plain) else None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _letters(phrase: str) -> int:
    return len(PLACE.sub("", phrase))
