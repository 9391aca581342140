"""How a party stands on documents: which names, tax codes, addresses and bank accounts can be right.

Text is tidied before it is looked at: spaces around it and doubled ones go, and a tax code or an account is written
without any. A Vietnamese tax code has 10 digits, a branch's 13, written 0123456789-001 (law on tax administration
38/2019/QH14, article 35); since July 2025 a household's is the 12 digits of its head's personal number (circular
86/2024/TT-BTC). Example: `0123456789001` becomes `0123456789-001`, and `01234567` is refused.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

LONGEST = {
    "legal_name": (200, "The name has at most 200 letters."),
    "address": (300, "The address has at most 300 letters."),
    "phone": (30, "The telephone number has at most 30 letters."),
    "bank_name": (120, "The bank's name has at most 120 letters."),
}
TEXTS = (*LONGEST, "tax_code", "email", "bank_bin", "bank_account")
WITHOUT_SPACES = ("tax_code", "email", "bank_bin", "bank_account")
_ORGANISATION = re.compile(r"[0-9]{10}(-[0-9]{3})?")
_PERSON = re.compile(r"[0-9]{12}")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_BIN = re.compile(r"[0-9]{6}")
_ACCOUNT = re.compile(r"[0-9A-Za-z]{1,19}")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong; `place` names the line of a file and is empty for a form."""

    code: str
    message: str
    place: str = ""


def tidied(field: str, text: str) -> str:
    """The text as it is kept."""
    tidy = ("" if field in WITHOUT_SPACES else " ").join(text.split())
    if field == "tax_code" and re.fullmatch(r"[0-9]{13}", tidy):
        return f"{tidy[:10]}-{tidy[10:]}"
    return tidy


def mistakes_in(values: Mapping[str, object], *, person_too: bool) -> list[Mistake]:
    """All that is wrong with a whole set of details, tidied. With `person_too` a personal number is a tax code.

    Codes: `bad_text`, `no_legal_name`, `too_long`, `bad_tax_code`, `bad_email`, `bad_bank_bin`, `bad_bank_account`,
    `no_bank_account`.
    """
    text = {field: str(values.get(field, "")) for field in TEXTS}
    found = [Mistake("too_long", told) for field, (most, told) in LONGEST.items() if len(text[field]) > most]
    if any(unicodedata.category(letter) == "Cc" for each in text.values() for letter in each):
        found.append(Mistake("bad_text", "Leave out the characters that cannot be seen."))
    if not text["legal_name"]:
        found.append(Mistake("no_legal_name", "Give the name that stands on documents."))
    if text["tax_code"] and not is_tax_code(text["tax_code"], person_too=person_too):
        found.append(Mistake("bad_tax_code", PERSON_TAX_CODE if person_too else TAX_CODE))
    if text["email"] and (len(text["email"]) > 254 or not _EMAIL.fullmatch(text["email"])):
        found.append(Mistake("bad_email", "This is no e-mail address; look for a typing mistake."))
    return found + _bank_mistakes(text["bank_bin"], text["bank_account"])


TAX_CODE = "A tax code has 10 digits like 0123456789, or 13 like 0123456789-001. Spreadsheets drop a first 0."
PERSON_TAX_CODE = "A tax code has 10, 12 or 13 digits, like 0123456789-001; spreadsheets drop a first 0."


def is_tax_code(text: str, *, person_too: bool = False) -> bool:
    """Whether this is a Vietnamese tax code as it is kept."""
    return bool(_ORGANISATION.fullmatch(text) or (person_too and _PERSON.fullmatch(text)))


def _bank_mistakes(bank_bin: str, account: str) -> list[Mistake]:
    """A bank's number without an account leads nowhere; an account without it only lacks the code to scan."""
    found = []
    if bank_bin and not _BIN.fullmatch(bank_bin):
        found.append(Mistake("bad_bank_bin", "A bank's number at NAPAS has six digits, like 970436."))
    if account and not _ACCOUNT.fullmatch(account):
        found.append(Mistake("bad_bank_account", "An account has 1 to 19 letters and digits, without accents."))
    if bank_bin and not account:
        found.append(Mistake("no_bank_account", "Give the account at the bank, or leave the bank's number out."))
    return found
