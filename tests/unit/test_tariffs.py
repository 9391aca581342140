"""Time-of-use windows as pure rules: which price holds, and which sets of rows are no tariff."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffs.domain.windows import NoPrice, Window, check_rows, price_at

SINCE = date(2026, 1, 1)
ALL, WORKDAYS, SUNDAY = 0b1111111, 0b0111111, 0b1000000


def whole_day(price: int, **changes) -> Window:
    return Window(
        **{"weekdays": ALL, "from_minute": 0, "to_minute": 1_440, "price": price, "valid_from": SINCE} | changes
    )


PEAK_TARIFF = [
    whole_day(1_190, to_minute=240),
    whole_day(1_833, weekdays=WORKDAYS, from_minute=240, to_minute=570),
    whole_day(3_398, weekdays=WORKDAYS, from_minute=570, to_minute=690),
    whole_day(1_833, weekdays=WORKDAYS, from_minute=690),
    whole_day(1_833, weekdays=SUNDAY, from_minute=240),
]


@pytest.mark.parametrize(
    ("on", "minute", "price"),
    [
        (date(2026, 6, 2), 0, 1_190),
        (date(2026, 6, 2), 239, 1_190),
        (date(2026, 6, 2), 240, 1_833),
        (date(2026, 6, 2), 569, 1_833),
        (date(2026, 6, 2), 570, 3_398),
        (date(2026, 6, 2), 689, 3_398),
        (date(2026, 6, 2), 690, 1_833),
        (date(2026, 6, 7), 600, 1_833),  # Sunday has no peak
    ],
)
def test_the_price_changes_at_the_minute_it_should(on: date, minute: int, price: int) -> None:
    assert check_rows(PEAK_TARIFF) == []
    assert price_at(PEAK_TARIFF, on, minute) == price


def test_a_price_ends_the_day_before_its_valid_to() -> None:
    rows = [whole_day(100, valid_to=date(2026, 5, 1)), whole_day(120, valid_from=date(2026, 5, 1))]
    assert check_rows(rows) == []
    assert price_at(rows, date(2026, 4, 30), 1_439) == 100
    assert price_at(rows, date(2026, 5, 1), 0) == 120
    with pytest.raises(NoPrice) as missing:
        price_at(rows, date(2025, 12, 31), 600)
    assert missing.value.code == "no_retail_price" and "2025-12-31 at 10:00" in str(missing.value)


@pytest.mark.parametrize(
    ("rows", "code", "part"),
    [
        ([], "tariff_empty", "at least one row"),
        ([whole_day(1, from_minute=60)], "tariff_gap", "00:00–01:00 has no price on a Monday"),
        ([whole_day(1, weekdays=WORKDAYS)], "tariff_gap", "00:00–24:00 has no price on a Sunday"),
        ([whole_day(1), whole_day(2, from_minute=600, to_minute=660)], "tariff_overlap", "10:00–11:00 has two prices"),
        ([whole_day(1, to_minute=700), whole_day(2, from_minute=700)], "window_off_half_hour", "on a half hour"),
        ([whole_day(1, from_minute=600, to_minute=600)], "window_backwards", "must end after it begins"),
        ([whole_day(1, to_minute=1_470)], "window_backwards", "within one day"),
        ([whole_day(1, weekdays=0)], "bad_weekdays", "no day of the week"),
        ([whole_day(1, valid_to=SINCE)], "validity_backwards", "before it has begun"),
        (
            [whole_day(1, valid_to=date(2026, 3, 1)), whole_day(2, valid_from=date(2026, 3, 2))],
            "tariff_gap",
            "Sunday in the dates from 2026-03-01",
        ),
    ],
)
def test_rows_that_are_no_tariff_are_told_apart(rows: list[Window], code: str, part: str) -> None:
    problems = check_rows(rows)
    assert problems[0].code == code
    assert part in problems[0].sentence


@st.composite
def tariffs(draw: st.DrawFn) -> list[Window]:
    """A tariff cut at random half hours and at random dates."""
    dates = sorted(draw(st.sets(st.dates(SINCE, date(2026, 2, 1)), min_size=1, max_size=3)))
    rows = []
    for first, last in zip(dates, [*dates[1:], None], strict=True):
        cuts = [0, *sorted(draw(st.sets(st.integers(1, 47), max_size=4))), 48]
        for start, end in pairwise(cuts):
            price = draw(st.integers(-500, 5_000))
            rows.append(whole_day(price, from_minute=30 * start, to_minute=30 * end, valid_from=first, valid_to=last))
    return draw(st.permutations(rows))


@given(tariffs(), st.data())
def test_any_cut_of_the_day_is_a_tariff_and_any_missing_row_is_a_gap(rows: list[Window], data: st.DataObject) -> None:
    assert check_rows(rows) == []
    gone = data.draw(st.sampled_from(rows))
    left = [row for row in rows if row is not gone]
    days = [row.valid_from for row in left]
    if not left:
        assert check_rows(left)[0].code == "tariff_empty"
    elif gone.valid_from in days:  # the dates are still there, so the hole is within a day
        assert {problem.code for problem in check_rows(left)} == {"tariff_gap"}
    assert "tariff_overlap" in {problem.code for problem in check_rows([*rows, gone])}


@given(tariffs(), st.dates(date(2026, 2, 1), date(2026, 12, 31)), st.integers(0, 1_439))
def test_every_minute_has_exactly_one_price(rows: list[Window], on: date, minute: int) -> None:
    matching = [row for row in rows if row.holds_on(on) and row.from_minute <= minute < row.to_minute]
    assert len(matching) == 1 and price_at(rows, on, minute) == matching[0].price
