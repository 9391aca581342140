"""Bars and shares as coordinates, by hand."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from portal.market.drawing import Scale, Value, draw, place, scale_of, shares, text
from units.interval import day_bounds

DAY = day_bounds(date(2026, 6, 2), ZoneInfo("Asia/Ho_Chi_Minh"))
TEN = DAY.start + timedelta(hours=10)


def test_a_bar_stands_at_its_interval_with_its_mark() -> None:
    drawing = draw([Value(TEN, 20_000, 40_000, "settled", "10:00–10:30")], DAY, 30)
    (bar,) = drawing.bars
    assert drawing.scale == Scale(42_000, 0)
    assert (bar.slot_x, bar.slot_width, bar.x, bar.width) == ("200.000", "10.000", "201.000", "8.000")
    assert (bar.y, bar.height, bar.mark_y) == ("52.380", "47.620", "4.761")
    assert drawing.scale.zero_y == "100.000"


def test_what_was_earned_hangs_below_the_line() -> None:
    drawing = draw([Value(TEN, -1_000, None, "settled", ""), Value(TEN, 1_000, None, "settled", "")], DAY, 30)
    below, above = drawing.bars
    assert drawing.scale == Scale(1_100, -1_100)
    assert drawing.scale.zero_y == "50.000"
    assert (below.y, below.mark_y) == ("50.000", None)
    assert float(above.y) + float(above.height) == 50


def test_a_scale_has_room_for_the_limit_and_none_for_nothing() -> None:
    assert draw([Value(TEN, 100, None, "", "")], DAY, 30, [1_000]).scale.top == 1_050
    assert scale_of([]) == Scale(1, 0)


def test_a_day_of_25_hours_has_50_bars() -> None:
    day = day_bounds(date(2026, 10, 25), ZoneInfo("Europe/Berlin"))
    last = day.end - timedelta(minutes=30)
    (bar,) = draw([Value(last, 1, None, "", "")], day, 30).bars
    assert float(bar.slot_x) + float(bar.slot_width) == 480
    assert place(day.start + timedelta(hours=12.5), day) == "240.000"


def test_thousandths_are_written_with_a_point() -> None:
    assert [text(milli) for milli in (0, 12_345, -500, -1_000)] == ["0.000", "12.345", "-0.500", "-1.000"]


def test_shares_add_up_to_the_whole() -> None:
    found = shares([("a", "A", 1), ("b", "B", 1), ("c", "C", 1)])
    assert [(part.promille, part.x) for part in found] == [(334, 0), (333, 334), (333, 667)]
    assert shares([("a", "A", 0)]) == []
