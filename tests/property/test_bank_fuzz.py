"""Hostile bank files: whatever the bytes, a sentence or the right total, never a crash.

The right total is what a naive reading of the balances says: where both were given, the lines are their difference.
"""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.domain.bank import BankFileError, BankStatement, movement_keys, parse_bank_file
from tests.unit.test_bank_files import CAMT, ENGLISH, MT940, VIETNAMESE

SEEDS = [text.encode() for text in (CAMT, ENGLISH, MT940, VIETNAMESE)]
NUMBERS = [b"999999999999999999999", b"1" * 400, b"-0", b"1e9", b"0x10", b"NaN", b"1.000,5", "٣".encode(), b"5.000"]
PIECES = [
    *NUMBERS,
    b"\n:61:2611051105C1,00NTRFX\n",
    b":20:X\n",
    b"<Ntry>",
    b"</Stmt>",
    b"&a;",
    b"<!DOCTYPE a>",
    b'"',
    b";",
    b",",
    b"\0",
    b"\xff\xfe",
    b"\xc3",
    b"VND",
    b"USD",
    b"\r",
    b"{",
    b"-}",
]  # fmt: skip


def taken(data: bytes) -> BankStatement | None:
    """The statement, or None where it was refused in sentences."""
    try:
        return parse_bank_file(data, "x")
    except BankFileError as error:
        assert error.problems
        assert all(problem.code and problem.message.endswith(".") for problem in error.problems)
        return None


def check(statement: BankStatement | None) -> None:
    if statement is None:
        return
    total = sum(line.amount_dong for line in statement.lines)
    assert statement.currency == "VND"
    assert abs(total) <= 10**15
    assert all(line.amount_dong and "\0" not in line.text + line.counterparty for line in statement.lines)
    assert len(set(movement_keys(statement.lines))) == len(statement.lines)
    if statement.opening_dong is not None and statement.closing_dong is not None:
        assert total == statement.closing_dong - statement.opening_dong
    assert statement.format == "csv" or statement.opening_dong is not None


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 2, 5, 40])))
        piece = draw(
            st.one_of(st.sampled_from(PIECES), st.binary(max_size=6), st.just(b""), st.just(data[start:end] * 2))
        )
        data = data[:start] + piece + data[end:]
    return data


@settings(max_examples=600, deadline=None)
@given(mutations())
def test_mutated_files(data: bytes) -> None:
    check(taken(data))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes(data: bytes) -> None:
    check(taken(data))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SEEDS), st.sampled_from(NUMBERS), st.integers(0, 40))
def test_huge_and_odd_numbers_in_the_place_of_a_number(seed: bytes, number: bytes, which: int) -> None:
    places = list(re.finditer(rb"[0-9][0-9.,]{3,}", seed))
    place = places[which % len(places)]
    check(taken(seed[: place.start()] + number + seed[place.end() :]))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SEEDS), st.sampled_from(["utf-16", "utf-16-be", "utf-32", "cp1258", "utf-7", "cp500"]))
def test_wrong_encodings(seed: bytes, encoding: str) -> None:
    statement = taken(seed.decode().encode(encoding, errors="replace"))
    check(statement)
    if statement is not None:
        assert [line.amount_dong for line in statement.lines] == [
            line.amount_dong for line in parse_bank_file(seed, "x").lines
        ]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-(10**12), 10**12).filter(bool), min_size=1, max_size=30),
    st.sampled_from(["{:,}", "{}", "vi"]),
    st.sampled_from([";", "\t"]),
)
def test_every_amount_comes_back(amounts: list[int], style: str, separator: str) -> None:
    written = [f"{n:,}".replace(",", ".") if style == "vi" else style.format(n) for n in amounts]
    rows = ["Date;Amount"] + [f"2026-11-05;{cell}" for cell in written]
    lines = parse_bank_file("\n".join(rows).replace(";", separator).encode(), "x").lines
    assert [line.amount_dong for line in lines] == amounts
