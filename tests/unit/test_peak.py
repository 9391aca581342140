"""Half hours and their power: hand-computed, and what counts as near and over."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from planning.domain.peak import Guard, HalfHour, Metered, charge_millidong, half_hours, peak

TEN = datetime(2026, 6, 2, 3, 0, tzinfo=UTC)  # 10:00 in Hồ Chí Minh City
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
QUARTER = timedelta(minutes=15)


def test_two_quarters_make_a_half_hour_and_one_says_where_it_is_heading() -> None:
    metered = [Metered(TEN, 15, 60_000), Metered(TEN + QUARTER, 15, 45_000), Metered(TEN + 2 * QUARTER, 15, 60_000)]
    whole, begun = half_hours(metered, ZONE)
    assert (whole.start, whole.import_wh, whole.complete, whole.power_w) == (TEN, 105_000, True, 210_000)
    assert (begun.start, begun.complete, begun.power_w) == (TEN + 2 * QUARTER, False, 240_000)


def test_an_estimate_marks_its_half_hour() -> None:
    (only,) = half_hours([Metered(TEN, 15, 1), Metered(TEN + QUARTER, 15, 1, estimated=True)], ZONE)
    assert only.estimated


def test_half_hours_lie_on_the_clock_of_the_site() -> None:
    start = datetime(2026, 6, 2, 3, 15, tzinfo=UTC)  # 09:00 in Kathmandu
    (only,) = half_hours([Metered(start, 15, 10), Metered(start + QUARTER, 15, 10)], ZoneInfo("Asia/Kathmandu"))
    assert (only.start, only.complete) == (start, True)


def test_the_peak_is_the_highest_complete_half_hour_the_earliest_of_equals() -> None:
    rows = [
        HalfHour(TEN, 100, 30, False),
        HalfHour(TEN + 2 * QUARTER, 100, 30, False),
        HalfHour(TEN + 4 * QUARTER, 900, 15, False),
    ]
    highest = peak(rows)
    assert highest is not None and highest.start == TEN
    assert peak([HalfHour(TEN, 0, 30, False)]) is None
    assert peak([]) is None


@pytest.mark.parametrize(
    ("power_w", "level"),
    [(0, "fine"), (224_999, "fine"), (225_000, "near"), (250_000, "near"), (250_001, "over")],
)
def test_near_begins_with_the_warning_and_over_only_beyond_the_limit(power_w: int, level: str) -> None:
    assert Guard(250_000, 90).level(power_w) == level


def test_a_warning_that_is_no_whole_watt_is_rounded_up() -> None:
    guard = Guard(333, 90)  # 299.7 W
    assert (guard.warn_w, guard.level(299), guard.level(300)) == (300, "fine", "near")


def test_the_charge_is_exact_in_milli_dong() -> None:
    assert charge_millidong(312_000, 209_459) == 65_351_208_000
    assert Guard(300_000, 90).over_w(312_000) == 12_000
    assert Guard(300_000, 90).over_w(299_000) == 0
