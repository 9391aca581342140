"""Which days a demo has behind it, and when each of them was settled."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from settlement.domain.calendar import due_at
from simulator.domain.past import Extent, Past, past_of
from simulator.domain.physics import through_meters

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def past(text: str, **extent: int) -> Past:
    return past_of(at(text), ZONE, due_at, Extent(**extent))


def test_a_demo_of_late_november_has_two_months_and_three_weeks() -> None:
    found = past("2026-11-22T08:20")
    assert [day.on for day in found.earlier] == [date(2026, 9, day) for day in range(21, 31)]
    assert [day.on for day in found.last] == [date(2026, 10, day) for day in range(1, 32)]
    assert [day.on for day in found.this] == [date(2026, 11, day) for day in range(1, 23)]
    assert (found.earlier_month, found.last_month) == (date(2026, 9, 1), date(2026, 10, 1))


def test_days_follow_each_other_without_a_gap_up_to_the_demo() -> None:
    found = past("2026-11-22T08:20")
    assert all(before.end == after.start for before, after in zip(found.days, found.days[1:], strict=False))
    assert found.days[-1].end == at("2026-11-22T08:00")


def test_past_months_are_settled_at_the_cut_off_and_this_month_as_far_as_it_is_due() -> None:
    found = past("2026-11-22T08:20")
    assert {(day.kind, day.at) for day in found.earlier} == {("R2", at("2026-10-06T06:00"))}
    assert {(day.kind, day.at) for day in found.last} == {("R2", at("2026-11-05T06:00"))}
    kinds = {day.on.day: day.kind for day in found.this}
    assert (kinds[1], kinds[15], kinds[16], kinds[21], kinds[22]) == ("R1", "R1", "SF", "SF", "P")
    assert {day.at for day in found.this} == {None}


@pytest.mark.parametrize("begins", ["2026-11-01T08:20", "2026-11-02T08:20", "2027-01-01T08:20", "2028-03-31T08:20"])
def test_nothing_is_settled_after_the_demo_began(begins: str) -> None:
    for day in past(begins).days:
        assert day.start < day.end <= (day.at or day.end) <= at(begins)


def test_on_new_years_day_the_past_is_november_and_december() -> None:
    found = past("2027-01-01T08:20")
    assert (found.earlier_month, found.last_month) == (date(2026, 11, 1), date(2026, 12, 1))
    assert [day.on for day in found.this] == [date(2027, 1, 1)]


def test_at_midnight_of_a_first_day_this_month_has_none_yet() -> None:
    assert past("2026-11-01T00:00").this == ()


def test_fewer_days_are_the_last_ones_of_each_month() -> None:
    found = past("2026-11-22T08:20", earlier_days=1, last_days=2, this_days=0)
    assert [day.on for day in found.days] == [date(2026, 9, 30), date(2026, 10, 30), date(2026, 10, 31)]


@pytest.mark.parametrize(
    ("wh", "meters", "parts"), [(1_001, 1, [1_001]), (1_001, 2, [600, 401]), (0, 2, [0, 0]), (100, 3, [60, 24, 16])]
)
def test_energy_through_several_meters_adds_up(wh: int, meters: int, parts: list[int]) -> None:
    assert through_meters(wh, meters) == parts
    assert sum(parts) == wh
