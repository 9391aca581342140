"""What a payer writes into a transfer, so that the money finds its document whatever the banks do to the text.

A reference is 20 capital letters and digits: `WB`, seven that stand for the code of a series, nine digits, two check
digits (ISO 7064 MOD 97-10 over all before them, which catches every wrong digit and every two neighbours swapped).
Example: document 17 of series `C26TWB` is `WBC26TWBX000000017` and its check, 23.

Banks make capitals of it, drop or insert spaces and dashes, strip accents around it, and glue their own numbers to it.
The length is fixed, so it is found without a boundary; people who type it write O for 0 and I or L for 1, which is
forgiven in the digits. A reference that was cut off is not guessed at.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterator

PREFIX = "WB"
TAG = 7
DIGITS = 9
LENGTH = len(PREFIX) + TAG + DIGITS + 2
_SHAPE = re.compile(rf"(?=(?P<tag>{PREFIX}[A-Z0-9]{{{TAG}}})(?P<number>[0-9OIL]{{{DIGITS + 2}}}))")
_TYPED = str.maketrans("OIL", "011")
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def make_reference(code: str, number: int) -> str:
    """The reference of document `number` (0 to 999,999,999) of what `code` names. Raises ValueError beyond that.

    Up to seven letters and digits of the code stand as they are; of a longer one, the first three and four that a
    digest of the whole gives. Two sites that number alike need codes that tell them apart: `park-a-C26TWB`.
    """
    if not 0 <= number < 10**DIGITS:
        raise ValueError(f"{number} does not fit into a payment reference of {DIGITS} digits.")
    body = f"{PREFIX}{_tag(squeezed(code))}{number:0{DIGITS}}"
    return f"{body}{_check(body):02}"


def find_references(text: str) -> tuple[str, ...]:
    """The valid references in a bank's text, each once, in their order."""
    return tuple(dict.fromkeys(_found(squeezed(text))))


def _tag(code: str) -> str:
    if len(code) <= TAG:
        return f"{code:X<{TAG}}"
    value = int.from_bytes(hashlib.sha256(code.encode()).digest()[:8])
    return code[:3] + "".join(_LETTERS[value // 36**place % 36] for place in range(TAG - 3))


def _found(text: str) -> Iterator[str]:
    for match in _SHAPE.finditer(text):
        reference = match["tag"] + match["number"].translate(_TYPED)
        if int(reference[-2:]) == _check(reference[:-2]):
            yield reference


def squeezed(text: str) -> str:
    """Only capital letters A to Z and digits, without accents."""
    plain = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "D")).upper()
    return re.sub("[^A-Z0-9]", "", plain)


def _check(body: str) -> int:
    """98 − (the body as a number, letters as 10 to 35, two places on) mod 97: 2 to 98."""
    digits = "".join(str(int(letter, 36)) for letter in body) + "00"
    return 98 - int(digits) % 97
