"""References that survive what banks do to them, and the table of what a movement pays."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.domain.ageing import BUCKETS, bucket
from settlement.domain.dunning import level_due
from settlement.domain.matching_payments import OpenDocument, decide, distribute
from settlement.domain.references import LENGTH, find_references, make_reference

codes = st.text(st.sampled_from("abcdefgh-0123456789đÁ"), min_size=1, max_size=30)
numbers = st.integers(0, 999_999_999)
noise = st.text(st.sampled_from("ABCWXYZ0189 .-/"), max_size=20)


@given(codes, numbers)
def test_a_reference_is_short_and_plain(code: str, number: int) -> None:
    reference = make_reference(code, number)
    assert len(reference) == LENGTH <= 25
    assert reference.isascii() and reference.isalnum() and reference.upper() == reference
    assert find_references(reference) == (reference,)


@given(codes, numbers, noise, noise, st.lists(st.integers(0, LENGTH), max_size=4), st.booleans(), st.booleans())
def test_it_is_found_however_the_bank_mangles_it(
    code: str, number: int, before: str, after: str, gaps: list[int], lower: bool, typed: bool
) -> None:
    reference = make_reference(code, number)
    text = reference[:9] + (reference[9:].replace("0", "O").replace("1", "l") if typed else reference[9:])
    for gap in sorted(gaps, reverse=True):
        text = text[:gap] + " -"[gap % 2] + text[gap:]
    found = find_references(before + (text.lower() if lower else text) + after)
    assert reference in found


@given(codes, numbers, st.integers(9, LENGTH - 1), st.integers(1, 9))
def test_a_wrong_digit_is_noticed(code: str, number: int, place: int, change: int) -> None:
    reference = make_reference(code, number)
    wrong = str((int(reference[place]) + change) % 10)
    assert reference[:place] + wrong + reference[place + 1 :] not in find_references(
        reference[:place] + wrong + reference[place + 1 :]
    )
    assert find_references(reference[:-1]) == ()


def test_the_example_of_the_docstring_and_sites_that_number_alike() -> None:
    assert make_reference("C26TWB", 17) == "WBC26TWBX00000001723"
    assert make_reference("park-a-C26TWB", 17) != make_reference("park-b-C26TWB", 17)
    with pytest.raises(ValueError, match="does not fit"):
        make_reference("x", 10**9)


def document(pk: int, open_dong: int, total: int | None = None, who: int = 1, due: int = 1) -> OpenDocument:
    total = open_dong if total is None else total
    return OpenDocument(pk, 1, who, make_reference("C26WB", pk), total, open_dong, date(2026, 11, due))


@pytest.mark.parametrize(
    ("amount", "documents", "parts", "rest"),
    [
        (500, [document(1, 500)], ((1, 500),), 0),
        (200, [document(1, 500)], ((1, 200),), 0),
        (900, [document(1, 500), document(2, 300)], ((1, 500), (2, 300)), 100),
        (500, [document(1, 0, 500)], (), 500),
        (600, [document(1, 500, due=9), document(2, 300)], ((2, 300), (1, 300)), 0),
        (-400, [document(1, -400)], ((1, -400),), 0),
    ],
)
def test_the_table_of_what_a_movement_pays(amount: int, documents: list[OpenDocument], parts: tuple, rest: int) -> None:
    assert distribute(amount, documents) == (parts, rest)
    decision = decide(amount, " ".join(d.reference for d in documents), {d.reference: d for d in documents})
    assert decision is not None and (decision.parts, decision.rest_dong) == (parts, rest)


@pytest.mark.parametrize(
    ("amount", "documents", "text"),
    [
        (500, [document(1, 500)], "no reference"),
        (500, [document(1, 500)], make_reference("C26WB", 1) + make_reference("C26WB", 2)),
        (500, [document(1, 500), document(2, 500, who=2)], make_reference("C26WB", 1) + make_reference("C26WB", 2)),
        (500, [document(1, -500)], make_reference("C26WB", 1)),
        (-500, [document(1, 500)], make_reference("C26WB", 1)),
        (-501, [document(1, -500)], make_reference("C26WB", 1)),
    ],
)
def test_what_a_person_has_to_decide(amount: int, documents: list[OpenDocument], text: str) -> None:
    assert decide(amount, text, {d.reference: d for d in documents}) is None


@given(st.integers(-(10**9), 10**9).filter(bool), st.lists(st.integers(-(10**6), 10**6), max_size=6))
def test_nothing_is_given_twice_or_lost(amount: int, opens: list[int]) -> None:
    parts, rest = distribute(amount, [document(n, dong) for n, dong in enumerate(opens)])
    assert sum(part for _, part in parts) + rest == amount
    assert all(0 < part / opens[pk] <= 1 and part * amount > 0 for pk, part in parts)
    assert not rest or all(dict(parts).get(pk, 0) == dong for pk, dong in enumerate(opens) if dong * amount > 0)


@pytest.mark.parametrize(
    ("days", "expected"), [(-9, 0), (0, 0), (1, 1), (30, 1), (31, 2), (60, 2), (61, 3), (90, 3), (91, 4)]
)
def test_buckets(days: int, expected: int) -> None:
    assert bucket(date.fromordinal(800_000 - days), date.fromordinal(800_000)) == BUCKETS[expected]


def test_levels() -> None:
    assert [level_due(days, ()) for days in (0, 2, 3, 13, 14, 30)] == [None, None, 1, 1, 2, 3]
    assert [level_due(40, sent) for sent in ((1,), (1, 2), (3,), (1, 3))] == [3, 3, None, None]
