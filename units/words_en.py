"""Whole numbers in English words, in the short form of cheques and invoices: no `and`, hyphens below one hundred.

The short scale: thousand, million, billion (10^9), trillion, quadrillion, quintillion (10^18).
Example: 1,234,021 is `one million two hundred thirty-four thousand twenty-one`.
"""

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SCALES = ("", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion", "sextillion")
LARGEST = 10 ** (3 * len(_SCALES)) - 1


class NumberTooLarge(ValueError):
    """The number has no name here."""

    code = "number_too_large"


def number_in_english(number: int) -> str:
    """`number` in words, in small letters; negative ones begin with `minus`. Raises NumberTooLarge from 10^24 on."""
    if number < 0:
        return f"minus {number_in_english(-number)}"
    if number > LARGEST:
        raise NumberTooLarge("A number of more than 24 digits cannot be written in English words.")
    return " ".join(_words(number)) if number else _SMALL[0]


def _words(number: int) -> list[str]:
    words: list[str] = []
    for power in range(len(_SCALES) - 1, -1, -1):
        group = number // 1000**power % 1000
        if group:
            words += _group(group)
            words += [_SCALES[power]] if power else []
    return words


def _group(group: int) -> list[str]:
    hundreds, rest = divmod(group, 100)
    words = [_SMALL[hundreds], "hundred"] if hundreds else []
    return [*words, _below_hundred(rest)] if rest else words


def _below_hundred(number: int) -> str:
    if number < len(_SMALL):
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return f"{_TENS[tens]}-{_SMALL[ones]}" if ones else _TENS[tens]
