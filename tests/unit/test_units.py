"""Units: intervals over odd days, shares that keep the sum, money, strict numbers, ids that lead back."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from units.energy import SharesError, energy_wh, format_energy, largest_remainder, split_evenly
from units.interval import (
    Interval,
    IntervalError,
    day_bounds,
    day_intervals,
    from_ms,
    interval_ms,
    intervals_between,
    to_ms,
)
from units.money import format_money, format_price, round_to_minor, value_millidong
from units.numbers import DecimalStyle, NumberError, decide_style, evidence, kwh_to_wh, parse_decimal, whole_number
from units.uuid7 import IdError, at_ms_of, market_and_seq, uuid7_for

SAIGON = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
POINT, COMMA = DecimalStyle.POINT, DecimalStyle.COMMA


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


class TestInterval:
    def test_of_a_moment_is_the_grid_interval_that_holds_it(self):
        interval = Interval.of(utc(2026, 6, 1, 4, 47), 30, SAIGON)
        assert (interval.start, interval.end) == (utc(2026, 6, 1, 4, 30), utc(2026, 6, 1, 5))
        assert interval.label(SAIGON) == "11:30–12:00"
        assert interval.minutes == 30

    def test_is_half_open(self):
        interval = Interval.of(utc(2026, 6, 1, 4, 30), 30, SAIGON)
        assert interval.contains(interval.start)
        assert not interval.contains(interval.end)
        assert Interval.of(interval.end, 30, SAIGON).start == interval.end

    def test_grid_is_that_of_the_wall_clock(self):
        interval = Interval.of(utc(2026, 6, 1, 0, 20), 30, ZoneInfo("Asia/Kathmandu"))
        assert interval.start == utc(2026, 6, 1, 0, 15)
        assert interval.label(ZoneInfo("Asia/Kathmandu")) == "06:00–06:30"

    def test_last_interval_of_the_day_ends_at_midnight(self):
        assert Interval.of(utc(2026, 6, 1, 16, 59), 30, SAIGON).label(SAIGON) == "23:30–00:00"

    def test_labels_never_run_backwards_where_clocks_change(self):
        labels = [i.label(BERLIN) for i in day_intervals(date(2026, 10, 25), 30, BERLIN)][3:9]
        assert labels == [
            "01:30–02:00",
            "02:00–02:30 UTC+2",
            "02:30–03:00 UTC+2",
            "02:00–02:30 UTC+1",
            "02:30–03:00 UTC+1",
            "03:00–03:30",
        ]
        spring = [i.label(BERLIN) for i in day_intervals(date(2026, 3, 29), 30, BERLIN)]
        assert spring[3:5] == ["01:30–02:00", "03:00–03:30"]

    @pytest.mark.parametrize(
        ("zone", "on", "half_hours"),
        [
            ("Asia/Ho_Chi_Minh", date(2026, 6, 1), 48),
            ("Europe/Berlin", date(2026, 3, 29), 46),
            ("Europe/Berlin", date(2026, 10, 25), 50),
            ("Australia/Lord_Howe", date(2026, 4, 5), 49),
            ("America/Santiago", date(2026, 9, 6), 46),  # midnight itself does not exist
            ("America/Havana", date(2026, 11, 1), 50),  # midnight happens twice
        ],
    )
    def test_local_days_of_every_length_tile(self, zone, on, half_hours):
        tz = ZoneInfo(zone)
        intervals = list(day_intervals(on, 30, tz))
        assert len(intervals) == half_hours
        assert all(a.end == b.start for a, b in pairwise(intervals))
        assert intervals[-1].end == day_bounds(on + timedelta(days=1), tz).start
        assert all(Interval.of(i.start, 30, tz) == i for i in intervals)

    def test_between_two_moments(self):
        assert len(list(intervals_between(utc(2026, 6, 1), utc(2026, 6, 1, 1), 15))) == 4
        assert list(intervals_between(utc(2026, 6, 1), utc(2026, 6, 1), 15)) == []
        with pytest.raises(IntervalError, match="whole number of 15-minute"):
            intervals_between(utc(2026, 6, 1), utc(2026, 6, 1, 0, 20), 15)
        with pytest.raises(IntervalError):
            intervals_between(utc(2026, 6, 2), utc(2026, 6, 1), 15)

    @pytest.mark.parametrize("minutes", [0, -15, 20, 45, 60])
    def test_length_must_divide_30(self, minutes):
        with pytest.raises(IntervalError, match="does not divide 30"):
            interval_ms(minutes)

    def test_ends_are_in_utc_and_in_order(self):
        with pytest.raises(IntervalError, match="not in UTC"):
            Interval(datetime(2026, 6, 1, tzinfo=SAIGON), utc(2026, 6, 2))
        with pytest.raises(IntervalError, match="not in UTC"):
            Interval(datetime(2026, 6, 1), utc(2026, 6, 2))  # noqa: DTZ001
        with pytest.raises(IntervalError, match="not after its start"):
            Interval(utc(2026, 6, 1), utc(2026, 6, 1))

    def test_milliseconds_are_exact_both_ways(self):
        for ms in (0, 1, -1, 1_780_000_000_123, 253_402_300_799_999):
            assert to_ms(from_ms(ms)) == ms
        with pytest.raises(IntervalError, match="no time zone"):
            to_ms(datetime(2026, 6, 1))  # noqa: DTZ001


class TestEnergy:
    def test_power_over_time(self):
        assert energy_wh(7_000, 30) == 3_500
        assert energy_wh(1, 30) == 0

    def test_split_keeps_the_sum_and_gives_the_earlier_more(self):
        assert split_evenly(1_001, 2) == [501, 500]
        assert split_evenly(-5, 3) == [-1, -2, -2]
        with pytest.raises(SharesError):
            split_evenly(1, 0)

    def test_largest_remainder(self):
        assert largest_remainder(100, [1, 1, 1]) == [34, 33, 33]
        assert largest_remainder(50_000, [40_000, 20_000]) == [33_333, 16_667]
        assert largest_remainder(0, [0, 0]) == [0, 0]
        assert largest_remainder(0, []) == []
        assert largest_remainder(3, [0, 10**30, 10**30]) == [0, 2, 1]

    @pytest.mark.parametrize(("total", "weights"), [(1, []), (1, [0]), (-1, [1]), (1, [2, -1])])
    def test_shares_that_make_no_sense(self, total, weights):
        with pytest.raises(SharesError):
            largest_remainder(total, weights)

    @pytest.mark.parametrize(
        ("wh", "en", "vi"),
        [
            (0, "0.0 kWh", "0,0 kWh"),
            (12_349, "12.3 kWh", "12,3 kWh"),
            (12_350, "12.4 kWh", "12,4 kWh"),
            (99_949, "99.9 kWh", "99,9 kWh"),
            (99_950, "100 kWh", "100 kWh"),
            (1_234_500, "1,235 kWh", "1.235 kWh"),
            (-1_250, "−1.3 kWh", "−1,3 kWh"),
            (-49, "0.0 kWh", "0,0 kWh"),
        ],
    )
    def test_reading_kwh(self, wh, en, vi):
        assert format_energy(wh) == en
        assert format_energy(wh, "vi") == vi


class TestMoney:
    def test_value_is_exact(self):
        assert value_millidong(3_256, 1_690) == 5_502_640
        assert value_millidong(3_256, -500) == -1_628_000

    @pytest.mark.parametrize(
        ("millidong", "dong"),
        [(0, 0), (499, 0), (500, 1), (501, 1), (1_499, 1), (1_500, 2), (-499, 0), (-500, -1), (-1_500, -2)],
    )
    def test_half_rounds_away_from_zero(self, millidong, dong):
        assert round_to_minor(millidong) == dong

    def test_as_a_person_reads_it(self):
        assert format_money(12_345) == "₫12,345"
        assert format_money(12_345, "vi") == "12.345 ₫"
        assert format_money(-1_000_000) == "−₫1,000,000"
        assert format_money(-1_000_000, "vi") == "−1.000.000 ₫"
        assert format_price(1_690) == "₫1,690/kWh"
        assert format_price(-50, "vi") == "−50 ₫/kWh"


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "style", "wh"),
        [
            ("0", POINT, 0),
            ("0.25", POINT, 250),
            (" 1234.567 ", POINT, 1_234_567),
            ("1.2340000", POINT, 1_234),
            ("-0.001", POINT, -1),
            ("−0.001", POINT, -1),
            ("1234,5", COMMA, 1_234_500),
            ("1.234,5", COMMA, 1_234_500),
            ("1.234", COMMA, 1_234_000),
            ("1.234", POINT, 1_234),
            ("999999999999.999", POINT, 999_999_999_999_999),
        ],
    )
    def test_kwh_text_is_exact(self, text, style, wh):
        assert kwh_to_wh(text, style) == wh

    @pytest.mark.parametrize(
        ("text", "style", "code"),
        [
            ("0.0001", POINT, "too_many_decimals"),
            ("1,2345", COMMA, "too_many_decimals"),
            ("", POINT, "not_a_number"),
            ("-", POINT, "not_a_number"),
            ("1,5", POINT, "not_a_number"),
            ("1,234.5", POINT, "not_a_number"),
            ("12.34,5", COMMA, "not_a_number"),
            ("1.5", COMMA, "not_a_number"),
            (".5", POINT, "not_a_number"),
            ("5.", POINT, "not_a_number"),
            ("1e3", POINT, "not_a_number"),
            ("NaN", POINT, "not_a_number"),
            ("inf", POINT, "not_a_number"),
            ("1_000", POINT, "not_a_number"),
            ("٣", POINT, "not_a_number"),
            ("1 000", POINT, "not_a_number"),
            ("9" * 25, POINT, "number_too_long"),
        ],
    )
    def test_refuses_anything_else(self, text, style, code):
        with pytest.raises(NumberError) as refused:
            kwh_to_wh(text, style)
        assert refused.value.code == code

    def test_long_numbers_keep_every_digit(self):
        assert parse_decimal("12345678901234567890.123") == Decimal("12345678901234567890.123")
        assert kwh_to_wh("12345678901234567890.123") == 12345678901234567890123

    def test_whole_numbers(self):
        assert whole_number("1500") == 1_500
        assert whole_number("1.500", COMMA) == 1_500
        assert whole_number("1500.0") == 1_500
        with pytest.raises(NumberError, match="not a whole number"):
            whole_number("1500.5")

    @pytest.mark.parametrize(
        ("text", "style"),
        [
            *[(text, POINT) for text in ("0.5", "0.500", "12.25", "1234.567")],
            *[(text, COMMA) for text in ("12,5", "0,500", "1.234.567", "1.234,5")],
            *[(text, None) for text in ("7", "1.234", "1,234", "x", "1,234.5")],
        ],
    )
    def test_evidence_of_a_cell(self, text, style):
        assert evidence(text) is style

    def test_one_style_for_a_whole_file(self):
        assert decide_style(["1.234", "0.5"]) is POINT
        assert decide_style(["1.234", "0,5"]) is COMMA
        assert decide_style(["7", "8"]) is POINT
        assert decide_style(["1.234", "0,5", "0.5"]) is COMMA
        assert decide_style(["1.234", "7"], presumed=POINT) is POINT
        assert decide_style(["1,234"], presumed=COMMA) is COMMA

    @pytest.mark.parametrize(
        ("texts", "presumed"),
        [
            (["1.234"], None),
            (["1.234"], COMMA),
            (["1,234"], POINT),
            (["1,234", "1.234"], POINT),
        ],
    )
    def test_doubt_is_refused(self, texts, presumed):
        with pytest.raises(NumberError) as refused:
            decide_style(texts, presumed=presumed)
        assert refused.value.code == "ambiguous_numbers"


class TestUuid7:
    AT = 1_780_000_000_000

    def test_worked_example(self):
        made = uuid7_for(3, 1_000, self.AT)
        assert made == UUID("019e7044-8800-7000-8000-0300000003e8")
        assert made.version == 7
        assert made.variant == "specified in RFC 4122"

    @pytest.mark.parametrize(("market", "seq", "at"), [(0, 0, 0), (2**22 - 1, 2**40 - 1, 2**48 - 1), (3, 1_000, AT)])
    def test_leads_back(self, market, seq, at):
        made = uuid7_for(market, seq, at)
        assert market_and_seq(made) == (market, seq)
        assert at_ms_of(made) == at

    def test_orders_by_time_then_sequence(self):
        ids = [uuid7_for(1, 9, 5), uuid7_for(1, 10, 5), uuid7_for(1, 2, 6)]
        assert sorted(ids) == ids

    @pytest.mark.parametrize(
        ("market", "seq", "at"), [(2**22, 0, 0), (0, 2**40, 0), (0, 0, 2**48), (-1, 0, 0), (0, -1, 0)]
    )
    def test_out_of_range(self, market, seq, at):
        with pytest.raises(IdError, match="does not fit"):
            uuid7_for(market, seq, at)

    def test_foreign_ids_are_refused(self):
        made = uuid7_for(3, 1_000, self.AT)
        for foreign in (uuid4(), UUID(int=0), UUID(int=made.int | 1 << 64), UUID(int=made.int ^ 1 << 63)):
            with pytest.raises(IdError, match="not given out here"):
                market_and_seq(foreign)
