"""SWIFT MT940, read by the library mt-940, and every amount read once more by us.

The library is made for the dialects of many banks and reads what it can: of an amount of 16 digits it takes 15 and
calls the last one a reference. So the money is taken from fields that match SWIFT's own form in full, the library's
figure must be the same, and no `:61:` may have been passed over. The text is handed to the library's collection, never
to its `parse`, which would open a file named by its argument.
"""

import logging
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from mt940.models import Transactions

from settlement.domain.bank.blocks import joined
from settlement.domain.bank.statement import (
    LONGEST_NAME,
    BankStatement,
    Problems,
    StatementLine,
    plain,
    refuse,
)

# The library logs what it cannot read, which is people's names and accounts.
logging.getLogger("mt940").setLevel(logging.CRITICAL + 1)

_ENVELOPE = re.compile(r"\{[1-5]:[^{}\n]*(?:\{[^{}\n]*\}[^{}\n]*)*(?:\}|$)", re.MULTILINE)
_END = re.compile(r"^-(?:\}.*)?$", re.MULTILINE)
_MOVEMENT = re.compile(
    r"(?P<value>[0-9]{6})(?P<entry>[0-9]{4})?(?P<mark>R?[DC])(?P<funds>[A-Z])?"
    r"(?P<whole>[0-9]{1,14}),(?P<rest>[0-9]{0,2})(?P<kind>[A-Z][A-Z0-9]{3})(?P<references>[^\n]*)(?P<more>[\s\S]*)"
)
_BALANCE = re.compile(r"(?P<mark>[DC])[0-9]{6}(?P<currency>[A-Z]{3})(?P<whole>[0-9]{1,14}),(?P<rest>[0-9]{0,2})\s*")
_FIELD = re.compile(r"^:(?P<tag>[0-9]{2}[A-Z]?):(?P<value>(?:(?!^:[0-9]{2}[A-Z]?:)[\s\S])*)", re.MULTILINE)
_OUT = {"D", "RC"}  # a debit, and the reversal of a credit
_NO_REFERENCE = {"NONREF", "NOREF", ""}


def parse_mt940(text: str) -> BankStatement:
    """Raises BankFileError with all that is wrong."""
    bare = _END.sub("", _ENVELOPE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    starts = [match.start() for match in re.finditer(r"^:20:", bare, re.MULTILINE)]
    if not starts or _FIELD.search(bare[: starts[0]]):
        raise refuse("no_statement", "The file does not begin with a reference (:20:), as a statement in MT940 does.")
    problems = Problems()
    blocks = []
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(bare)], strict=True), start=1):
        block = _block(bare[start:end], f"statement {number}", problems)
        blocks += [block] if block else []
    problems.check()
    return joined(blocks)


def _block(text: str, place: str, problems: Problems) -> BankStatement | None:
    before = len(problems.found)
    fields = [(match["tag"], match["value"].strip()) for match in _FIELD.finditer(text)]
    opening = _balance([value for tag, value in fields if tag in ("60F", "60M")], "opening", place, problems)
    closing = _balance([value for tag, value in fields if tag in ("62F", "62M")], "closing", place, problems)
    lines = _lines(text, [value for tag, value in fields if tag == "61"], place, problems)
    if len(problems.found) > before or opening is None or closing is None:
        return None
    if opening[0] != closing[0]:
        problems.add("several_currencies", place, "Opening and closing balance are in different currencies.")
    account = next((value for tag, value in fields if tag in ("25", "25P")), "")
    return BankStatement(
        format="mt940",
        currency=opening[0],
        account=re.sub("[^0-9A-Za-z]", "", account.split("\n")[0].split("/")[-1]),
        opening_dong=opening[1],
        closing_dong=closing[1],
        lines=tuple(lines),
    )


def _balance(values: list[str], name: str, place: str, problems: Problems) -> tuple[str, int] | None:
    """(currency, đồng) of the one balance of that name."""
    match = _BALANCE.fullmatch(values[0]) if len(values) == 1 else None
    if len(values) != 1:
        problems.add("no_balance", place, f"The statement needs one {name} balance and has {len(values)}.")
    elif match is None:
        problems.add("bad_balance", place, f"“{values[0][:40]}” is not a balance ({name}) like C261105VND1000000,00.")
    elif int(match["rest"] or 0):
        problems.add("not_whole_dong", place, f"The {name} balance is not a whole number of đồng.")
    else:
        return match["currency"], int(match["whole"]) * (-1 if match["mark"] == "D" else 1)
    return None


def _lines(text: str, values: list[str], place: str, problems: Problems) -> list[StatementLine]:
    parsed = _by_library(text, place)
    if len(parsed) != len(values):
        told = f"The statement has {len(values)} movements (:61:), of which {len(parsed)} can be read."
        problems.add("unreadable_movement", place, told)
        return []
    lines = [
        _line(value, data, f"{place}, movement {number}", problems)
        for number, (value, data) in enumerate(zip(values, parsed, strict=True), start=1)
    ]
    return [line for line in lines if line is not None]


def _by_library(text: str, place: str) -> list[dict[str, Any]]:
    try:
        return [transaction.data for transaction in Transactions().parse(text)]
    except (ValueError, RuntimeError, ArithmeticError, LookupError, TypeError, AttributeError) as error:
        raise refuse("unreadable_movement", "A field of the statement is not as SWIFT describes it.", place) from error


def _line(value: str, data: dict[str, Any], place: str, problems: Problems) -> StatementLine | None:
    match = _MOVEMENT.fullmatch(value)
    if match is None:
        told = f"“{value[:40]}” is not a movement like 2611051105C250000,00NTRFNONREF."
        problems.add("unreadable_movement", place, told)
        return None
    amount = int(match["whole"]) * (-1 if match["mark"] in _OUT else 1)
    if int(match["rest"] or 0):
        problems.add("not_whole_dong", place, "The amount is not a whole number of đồng.")
    elif amount == 0:
        problems.add("zero_amount", place, "The movement moves no money.")
    elif abs(Decimal(data["amount"].amount)) != abs(amount):
        problems.add("unreadable_movement", place, "The amount can be read in two ways.")
    else:
        return _movement(match, data, amount, place, problems)
    return None


def _movement(
    match: re.Match[str], data: dict[str, Any], amount: int, place: str, problems: Problems
) -> StatementLine | None:
    try:
        on = _booked_on(match["value"], match["entry"])
    except ValueError:
        problems.add("bad_date", place, f"“{match['value']}” is not a date like 261105.")
        return None
    own, _, bank = match["references"].partition("//")
    details = [data.get(name) for name in ("transaction_details", "purpose", "extra_details", "additional_purpose")]
    name = data.get("applicant_name")
    return StatementLine(
        booked_on=on,
        amount_dong=amount,
        text=plain(" ".join([*(str(part) for part in details if part), "" if own in _NO_REFERENCE else own])),
        counterparty=plain(str(name or ""), LONGEST_NAME),
        reference=plain("" if bank.strip() in _NO_REFERENCE else bank),
    )


def _booked_on(value: str, entry: str | None) -> date:
    """The entry date, whose year is that which brings it nearest to the value date."""
    valued = date(2000 + int(value[:2]), int(value[2:4]), int(value[4:6]))
    if entry is None:
        return valued
    years = [valued.year + step for step in (-1, 0, 1)]
    near = [date(year, int(entry[:2]), int(entry[2:])) for year in years if _is_day(year, entry)]
    if not near or (nearest := min(near, key=lambda day: abs(day - valued))) - valued > timedelta(days=180):
        raise ValueError(entry)
    return nearest


def _is_day(year: int, entry: str) -> bool:
    try:
        date(year, int(entry[:2]), int(entry[2:]))
    except ValueError:
        return False
    return True
