"""Numbers as people and files write them, read strictly and exactly.

Two styles: `POINT` (`1234.5`) and `COMMA`, the Vietnamese one (`1.234,5`: decimal comma, points between thousands).
`1.234` is 1.234 kWh in one and 1,234 kWh in the other: a cell alone cannot tell; `decide_style` reads a whole file.
A cell that fits only one style is evidence (`0.5` `12.25` → point; `12,5` `1.234.567` → comma); a file with nothing but
doubtful cells is refused unless the caller names the style.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Literal

Language = Literal["en", "vi"]

WH_DECIMALS = 3


class DecimalStyle(StrEnum):
    POINT = "point"
    COMMA = "comma"


class NumberError(ValueError):
    """A text that is not the number asked for. `code` says why, the message says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


_PATTERN = {
    DecimalStyle.POINT: re.compile(r"([-−]?)([0-9]+)(?:\.([0-9]+))?"),
    DecimalStyle.COMMA: re.compile(r"([-−]?)([0-9]+|[1-9][0-9]{0,2}(?:\.[0-9]{3})+)(?:,([0-9]+))?"),
}
_GROUP_OF_THREE = re.compile(r"[-−]?[1-9][0-9]{0,2}[.,][0-9]{3}")
_MAX_CHARACTERS = 24
_EXAMPLE = {DecimalStyle.POINT: "1234.5", DecimalStyle.COMMA: "1234,5 or 1.234,5"}


def parse_decimal(text: str, style: DecimalStyle = DecimalStyle.POINT) -> Decimal:
    """The exact number that `text` writes in `style`. Raises NumberError (`not_a_number`, `number_too_long`)."""
    sign, whole, fraction = _parts(text, style)
    return Decimal(f"{sign}{whole}.{fraction or 0}")


def kwh_to_wh(text: str, style: DecimalStyle = DecimalStyle.POINT) -> int:
    """kWh as text → whole Wh, exactly: `0.25` → 250. Finer than 1 Wh is refused (`too_many_decimals`), not rounded.

    Zeros beyond the third decimal change nothing and are accepted (`1.2340`).
    """
    sign, whole, fraction = _parts(text, style)
    if fraction[WH_DECIMALS:].strip("0"):
        raise NumberError("too_many_decimals", f"“{text.strip()}” kWh is finer than 1 Wh; give three decimals.")
    return int(f"{sign}{whole}{fraction[:WH_DECIMALS]:0<{WH_DECIMALS}}")


def whole_number(text: str, style: DecimalStyle = DecimalStyle.POINT) -> int:
    """A whole number as text → int. Raises NumberError (`too_many_decimals` where there is a fraction)."""
    sign, whole, fraction = _parts(text, style)
    if fraction.strip("0"):
        raise NumberError("too_many_decimals", f"“{text.strip()}” is not a whole number; leave out the decimals.")
    return int(sign + whole)


def _parts(text: str, style: DecimalStyle) -> tuple[str, str, str]:
    """Sign (`-` or nothing), digits before and digits after the decimal mark."""
    text = text.strip()
    if len(text) > _MAX_CHARACTERS:
        raise NumberError("number_too_long", f"A number has at most {_MAX_CHARACTERS} characters.")
    found = _PATTERN[style].fullmatch(text)
    if found is None:
        raise NumberError("not_a_number", f"“{text}” is not a number; write it like {_EXAMPLE[style]}.")
    sign, whole, fraction = found.groups()
    return "-" if sign else "", whole.replace(".", ""), fraction or ""


def evidence(text: str) -> DecimalStyle | None:
    """The only style in which `text` is a number; None where it fits both, neither, or is a doubtful `1.234`."""
    text = text.strip()
    if _GROUP_OF_THREE.fullmatch(text):
        return None
    fits = [style for style, pattern in _PATTERN.items() if pattern.fullmatch(text)]
    return fits[0] if len(fits) == 1 else None


def decide_style(texts: Iterable[str], *, presumed: DecimalStyle | None = None) -> DecimalStyle:
    """The style of all these numbers: that of the first cell which is evidence.

    A later cell of the other style is no number in this one, so `parse_decimal` refuses it. Where no cell is evidence,
    `presumed` settles the doubtful ones, if all carry that style's decimal mark; otherwise raises NumberError
    `ambiguous_numbers`.
    """
    doubtful: dict[DecimalStyle, str] = {}
    for text in texts:
        if (style := evidence(text)) is not None:
            return style
        if _GROUP_OF_THREE.fullmatch(text.strip()):
            doubtful.setdefault(DecimalStyle.COMMA if "," in text else DecimalStyle.POINT, text)
    return _settle(doubtful, presumed)


def _settle(doubtful: dict[DecimalStyle, str], presumed: DecimalStyle | None) -> DecimalStyle:
    if not doubtful:
        return presumed or DecimalStyle.POINT
    if set(doubtful) == {presumed}:
        return next(iter(doubtful))
    text = next(iter(doubtful.values())).strip()
    raise NumberError(
        "ambiguous_numbers",
        f"“{text}” can be {text[:-4]} and a fraction, or thousands; say whether decimals have a point or a comma.",
    )


def rounded_half_up(value: int, unit: int) -> int:
    """`value` in whole `unit`s (> 0), half rounded away from zero."""
    size = (2 * abs(value) + unit) // (2 * unit)
    return size if value >= 0 else -size


def grouped(value: int, language: Language = "en", *, decimals: int = 0) -> str:
    """A whole number of units of 10^-decimals, with marks between thousands: `1,234.5`, in Vietnamese `1.234,5`."""
    whole, fraction = divmod(abs(value), 10**decimals)
    text = f"{whole:,}" + (f".{fraction:0{decimals}}" if decimals else "")
    if language == "vi":
        text = text.translate(_SWAPPED)
    return f"−{text}" if value < 0 else text


_SWAPPED = str.maketrans(".,", ",.")
