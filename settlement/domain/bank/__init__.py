"""Bank files read into whole đồng, or refused with everything that is wrong. Pure: bytes in, a value out.

`parse_bank_file` finds the format by looking at the bytes, never at the name. docs/formats/bank-files.md describes what
it takes, with every code of refusal.
"""

import codecs
import re

from settlement.domain.bank.camt_file import parse_camt
from settlement.domain.bank.csv_file import parse_csv
from settlement.domain.bank.mt940_file import parse_mt940
from settlement.domain.bank.statement import (
    MOST_BYTES,
    BankFileError,
    BankStatement,
    Problem,
    StatementLine,
    checked,
    movement_keys,
    refuse,
)

__all__ = ["BankFileError", "BankStatement", "Problem", "StatementLine", "movement_keys", "parse_bank_file"]

_MT940 = re.compile(r"^(?:\{1:|:20:)", re.MULTILINE)
_WIDE = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def parse_bank_file(data: bytes, name: str) -> BankStatement:
    """A statement in CSV, MT940 or CAMT.053. `name` is for messages alone. Raises BankFileError, and nothing else."""
    if not data.strip():
        raise refuse("empty_file", f"{name or 'The file'} is empty.")
    if len(data) > MOST_BYTES:
        raise refuse("too_large", f"The file has more than {MOST_BYTES // 1_000_000} MB; split it by date.")
    if _is_xml(data):
        return checked(parse_camt(data))
    text = _decoded(data)
    return checked(parse_mt940(text) if _MT940.search(text[:2_000]) else parse_csv(text))


def _is_xml(data: bytes) -> bool:
    head = data[:200].replace(b"\0", b"").removeprefix(codecs.BOM_UTF8)
    for mark in _WIDE:
        head = head.removeprefix(mark)
    return head.lstrip().startswith(b"<")


def _decoded(data: bytes) -> str:
    try:
        text = data.decode(_WIDE.get(data[:2], "utf-8-sig"))
    except UnicodeDecodeError as error:
        told = "The file is not written in UTF-8; save it as “CSV UTF-8” or ask the bank for that."
        raise refuse("wrong_encoding", told) from error
    if "\0" in text:
        raise refuse("not_a_text", "The file is no text; upload the CSV, MT940 or CAMT.053 file as the bank gave it.")
    return text
