"""Whole numbers in Vietnamese words, as an accountant writes them on an invoice.

Three digits make a group, groups are called nghìn (10^3), triệu (10^6), tỷ (10^9); beyond that the reading starts anew
in front of tỷ: nghìn tỷ (10^12), triệu tỷ (10^15), tỷ tỷ (10^18). A group of zeros is not read; any other group behind
the first is read to its hundreds, so that no digit can be slipped in: 1,001 is `một nghìn không trăm lẻ một`.

Some words change with their place: 1 is `mốt`, 4 is `tư` behind a `mươi`, 5 is `lăm` behind `mười` or a `mươi`. A zero
among the tens is `lẻ` (the South's word, and the usual one in bookkeeping, where the North also says `linh`).

Example: 1,234,505 is `một triệu hai trăm ba mươi tư nghìn năm trăm lẻ năm`.
"""

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_AFTER_MUOI = {5: "lăm"}
_AFTER_TENS = {1: "mốt", 4: "tư", 5: "lăm"}
_GROUPS = ("triệu", "nghìn", "")
_BILLION = 10**9


def number_in_vietnamese(number: int) -> str:
    """`number` in words, in small letters; negative ones begin with `âm`."""
    if number < 0:
        return f"âm {number_in_vietnamese(-number)}"
    return " ".join(_words(number, first=True)) if number else _DIGITS[0]


def _words(number: int, *, first: bool) -> list[str]:
    """The words of a number > 0; `first`: nothing has been read before it."""
    billions, rest = divmod(number, _BILLION)
    words = [*_words(billions, first=first), "tỷ"] if billions else []
    for group, name in zip(_thousands(rest), _GROUPS, strict=True):
        if group:
            words += _group(group, full=not first or bool(words))
            words += [name] if name else []
    return words


def _thousands(number: int) -> tuple[int, int, int]:
    return number // 10**6, number // 10**3 % 10**3, number % 10**3


def _group(group: int, *, full: bool) -> list[str]:
    """Three digits (1–999); `full`: the hundreds are read even where they are zero."""
    hundreds, rest = divmod(group, 100)
    words = [_DIGITS[hundreds], "trăm"] if hundreds or full else []
    return words + _below_hundred(rest, after_hundreds=bool(words))


def _below_hundred(number: int, *, after_hundreds: bool) -> list[str]:
    tens, ones = divmod(number, 10)
    if not tens:
        return [] if not ones else ["lẻ", _DIGITS[ones]] if after_hundreds else [_DIGITS[ones]]
    words = ["mười"] if tens == 1 else [_DIGITS[tens], "mươi"]
    special = _AFTER_MUOI if tens == 1 else _AFTER_TENS
    return [*words, special.get(ones, _DIGITS[ones])] if ones else words
