"""What a bank file says, whatever its format: movements in whole đồng, and what is wrong with a file.

A statement is taken as a whole or refused as a whole. Where it names balances, opening + movements = closing must hold;
MT940 and CAMT.053 always name them, so a line that went missing on the way can never give a wrong total. Example:

    opening 1,000,000 + in 250,000 − out 40,000 = closing 1,210,000    taken
    opening 1,000,000 + in 250,000              ≠ closing 1,210,000    refused: `balance_differs`
"""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

MOST_BYTES = 20_000_000
MOST_LINES = 100_000
MOST_DONG = 10**15  # a quadrillion đồng: more than any account holds, and exact in a 64-bit ledger of milli-đồng
LONGEST_TEXT = 1_000
LONGEST_NAME = 200
LONGEST_KEY = 80
MOST_PROBLEMS = 200


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: a stable code, where (a line, a row, an element), and a sentence for the reader."""

    code: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class BankFileError(ValueError):
    """A file that was not taken; `problems` has all that is wrong with it, `code` is the first one's."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
        self.code = problems[0].code


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement. Money in is positive, in đồng. `reference` is the bank's own number of it, or empty."""

    booked_on: date
    amount_dong: int
    text: str
    counterparty: str
    reference: str


@dataclass(frozen=True, slots=True)
class BankStatement:
    """A whole file. Balances are in đồng, None where the file names none; `account` is empty where it names none."""

    format: str
    currency: str
    account: str
    opening_dong: int | None
    closing_dong: int | None
    lines: tuple[StatementLine, ...]


class Problems:
    """Collects all that is wrong before the file is refused."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, code: str, place: str, message: str) -> None:
        """Notes one; after 200 the rest is not worth reading."""
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(Problem(code, place, message))

    def check(self) -> None:
        """Raises BankFileError with everything found, if anything was."""
        if self.found:
            raise BankFileError(self.found)


def refuse(code: str, message: str, place: str = "") -> BankFileError:
    """The error of a file with one thing wrong, to be raised."""
    return BankFileError([Problem(code, place, message)])


def checked(statement: BankStatement) -> BankStatement:
    """The statement, once it holds together: currency, size, and the sum of its lines. Raises BankFileError."""
    problems = Problems()
    if statement.currency != "VND":
        told = f"The account is in {statement.currency or 'an unnamed currency'}; only đồng (VND) can be booked."
        problems.add("wrong_currency", "", told)
    if len(statement.lines) > MOST_LINES:
        problems.add("too_many_lines", "", f"The file has more than {MOST_LINES:,} movements; split it by date.")
    _check_sum(statement, problems)
    problems.check()
    return statement


def _check_sum(statement: BankStatement, problems: Problems) -> None:
    total = sum(line.amount_dong for line in statement.lines)
    figures = (total, statement.opening_dong or 0, statement.closing_dong or 0)
    if any(abs(figure) > MOST_DONG for figure in figures):
        problems.add("amount_too_large", "", "The amounts add up to more than any account holds; check the file.")
    elif statement.opening_dong is not None and statement.closing_dong is not None:
        off = statement.opening_dong + total - statement.closing_dong
        if off:
            told = f"Opening balance and movements come to {off:,} đồng more than the closing balance"
            problems.add("balance_differs", "", f"{told}; lines are missing or doubled. Download the file again.")


def plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """Text on one line, without control characters, cut to length."""
    shown = "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in text)
    return " ".join(shown.split())[:longest]


def movement_keys(lines: Iterable[StatementLine]) -> list[str]:
    """What tells each movement from every other of the account, so that overlapping files meet.

    Date, amount and the bank's reference (a digest of text and counterparty where there is none); the second of two
    movements alike in all that gets `/2`. The amount is part of it because banks give a transfer and its fee one
    reference, the date because some number movements afresh each day.
    """
    seen: Counter[str] = Counter()
    keys = []
    for line in lines:
        key = _key(line)
        seen[key] += 1
        keys.append(key if seen[key] == 1 else f"{key}/{seen[key]}")
    return keys


def _key(line: StatementLine) -> str:
    reference = line.reference or "~" + _digest(f"{line.text}\0{line.counterparty}")
    key = f"{line.booked_on:%Y%m%d}/{line.amount_dong}/{reference}"
    return key if len(key) <= LONGEST_KEY - 8 else f"{line.booked_on:%Y%m%d}/{line.amount_dong}/~{_digest(reference)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:20]
