"""Reading files as users send them: every form that is accepted, and for every fault the place and what to do."""

import ast
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from meters.domain.readings_csv import CsvRejected, ParsedReadings, PointInfo, parse
from units.interval import IntervalError
from units.numbers import DecimalStyle

SAIGON = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
POINTS = {"MP1": PointInfo(), "MP2": PointInfo(max_import_w=10_000, max_export_w=5_000)}
HEADER = "metering_point,start,import_kwh,export_kwh\n"
REGISTER = "metering_point,start,import_register_kwh,export_register_kwh\n"
DOC = Path(__file__).parents[2] / "docs" / "formats" / "readings-csv.md"


def read(text: str | bytes, **options) -> ParsedReadings:
    data = text.encode() if isinstance(text, str) else text
    options = {"known_points": POINTS, "interval_minutes": 30, "timezone": SAIGON, "file_name": "june.csv"} | options
    return parse(data, **options)


def rejected(text: str | bytes, **options) -> CsvRejected:
    with pytest.raises(CsvRejected) as refused:
        read(text, **options)
    return refused.value


def faults(text: str | bytes, **options) -> list[tuple[int, str, str]]:
    return [(error.line, error.column, error.code) for error in rejected(text, **options).errors]


def energies(parsed: ParsedReadings) -> list[tuple[int, int]]:
    return [(row.import_wh, row.export_wh) for row in parsed.rows]


class TestAccepted:
    def test_plain_file(self):
        parsed = read(HEADER + "MP1,2026-06-01 10:00,0.25,0\nMP1,2026-06-01 10:30,1.5,0.001\n")
        assert [tuple(row) for row in parsed.rows] == [
            ("MP1", datetime(2026, 6, 1, 3, 0, tzinfo=UTC), 250, 0, "measured", 2),
            ("MP1", datetime(2026, 6, 1, 3, 30, tzinfo=UTC), 1_500, 1, "measured", 3),
        ]
        assert parsed.warnings == []

    def test_vietnamese_excel(self):
        lines = [HEADER.strip().replace(",", ";"), "MP1;1/6/2026 9:30;12,5;0", "MP1;01/06/2026 10:00;1.204,25;0", ""]
        parsed = read(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
        assert energies(parsed) == [(12_500, 0), (1_204_250, 0)]
        assert parsed.rows[0].start == datetime(2026, 6, 1, 2, 30, tzinfo=UTC)

    @pytest.mark.parametrize(
        "start",
        [
            *("2026-06-01T10:00+07:00", "2026-06-01 10:00:00+0700", "2026-06-01T03:00Z", "2026-06-01 03:00:00.000 Z"),
            *("2026-05-31T23:30-03:30", "2026-06-01T10:00", "2026-06-01 10:00:00"),
            *("01/06/2026 10:00", "1/6/2026 10:00:00"),
        ],
    )
    def test_time_forms(self, start):
        assert read(f"{HEADER}MP1,{start},1,0\n").rows[0].start == datetime(2026, 6, 1, 3, tzinfo=UTC)

    def test_whole_watt_hours_columns_in_any_order_and_case(self):
        parsed = read("Quality,EXPORT_WH,start, import_wh ,Metering_Point\nestimated,7,2026-06-01 10:00,1500,MP1\n")
        assert tuple(parsed.rows[0])[2:5] == (1_500, 7, "estimated")

    def test_empty_quality_is_measured(self):
        text = "metering_point,start,import_kwh,export_kwh,quality\nMP1,2026-06-01 10:00,1,0,\n"
        assert read(text).rows[0].quality == "measured"

    def test_tabs(self):
        text = "metering_point\tstart\timport_kwh\texport_kwh\nMP1\t2026-06-01 10:00\t0,5\t0\n"
        assert energies(read(text)) == [(500, 0)]

    def test_quoted_cells_and_empty_lines_keep_the_line_numbers(self):
        text = HEADER + '\n"MP1\n","2026-06-01 10:00","0,5","0"\n,,,\nMP1,2026-06-01 10:30,x,0\n'
        assert faults(text) == [(6, "import_kwh", "not_a_number")]
        parsed = read(text.replace(",x,", ',"0,25",'))
        assert [(row.line, row.import_wh) for row in parsed.rows] == [(3, 500), (6, 250)]

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_line_ends(self, end):
        text = (HEADER + "MP1,2026-06-01 10:00,1,0\nMP1,2026-06-01 10:30,2,x\n").replace("\n", end)
        assert faults(text) == [(3, "export_kwh", "not_a_number")]

    def test_order_of_rows_does_not_matter(self):
        text = HEADER + "MP1,2026-06-01 10:30,2,0\nMP2,2026-06-01 10:00,3,0\nMP1,2026-06-01 10:00,1,0\n"
        assert energies(read(text)) == [(2_000, 0), (3_000, 0), (1_000, 0)]

    def test_quarter_hours(self):
        text = HEADER + "MP1,2026-06-01 10:15,1,0\nMP1,2026-06-01 10:30,1,0\n"
        assert len(read(text, interval_minutes=15).rows) == 2
        assert faults(text) == [(2, "start", "off_grid")]

    def test_hours_do_not_divide_30(self):
        with pytest.raises(IntervalError):
            read(HEADER + "MP1,2026-06-01 10:00,1,0\n", interval_minutes=60)


class TestNumberStyle:
    def test_doubtful_number_between_commas_has_a_decimal_point(self):
        assert energies(read(HEADER + "MP1,2026-06-01 10:00,1.234,0\n")) == [(1_234, 0)]

    def test_doubtful_number_between_semicolons_has_a_decimal_comma(self):
        assert energies(read((HEADER + "MP1,2026-06-01 10:00,1|234,0\n").replace(",", ";").replace("|", ","))) == [
            (1_234, 0)
        ]

    @pytest.mark.parametrize(
        "text",
        [
            (HEADER + "MP1,2026-06-01 10:00,1.234,0\n").replace(",", ";"),
            (HEADER + "MP1,2026-06-01 10:00,1.234,0\n").replace(",", "\t"),
            HEADER + 'MP1,2026-06-01 10:00,"1,234",0\n',
        ],
    )
    def test_other_doubt_is_refused_until_the_style_is_named(self, text):
        assert faults(text) == [(2, "import_kwh", "ambiguous_numbers")]
        style = DecimalStyle.COMMA if '"' in text else DecimalStyle.POINT
        assert energies(read(text, decimal_style=style)) == [(1_234, 0)]
        if "." in text:
            assert energies(read(text, decimal_style=DecimalStyle.COMMA)) == [(1_234_000, 0)]

    def test_evidence_anywhere_decides_for_the_whole_file(self):
        rows = "MP1;2026-06-01 10:00;1.234;0\nMP1;2026-06-01 10:30;{};0\n"
        header = HEADER.replace(",", ";")
        assert energies(read(header + rows.format("0.5"))) == [(1_234, 0), (500, 0)]
        assert energies(read(header + rows.format("0,5"))) == [(1_234_000, 0), (500, 0)]

    def test_two_styles_in_one_file(self):
        text = HEADER.replace(",", ";") + "MP1;2026-06-01 10:00;0.5;0\nMP1;2026-06-01 10:30;0,5;0\n"
        assert faults(text) == [(3, "import_kwh", "mixed_number_styles")]


class TestBytes:
    @pytest.mark.parametrize(
        ("data", "code", "line"),
        [
            (b"", "empty_file", 1),
            (b"\xef\xbb\xbf \r\n", "empty_file", 1),
            (HEADER.encode("utf-16"), "utf16", 1),
            (HEADER.encode("utf-16-le"), "utf16", 1),
            (HEADER.encode("utf-16-be"), "utf16", 1),
            (HEADER.encode() + b"MP1,2026\0", "nul_bytes", 2),
            (HEADER.encode() + b"\nMP\xe1,2026", "not_utf8", 3),
            (HEADER.encode(), "no_rows", 1),
            (HEADER.encode() + b'MP1,"2026-06-01 10:00,1,0\n', "broken_quotes", 2),
            (HEADER.encode() + b'MP1,"2026-06-01" 10:00,1,0\n', "broken_quotes", 2),
        ],
    )
    def test_damage(self, data, code, line):
        assert faults(data) == [(line, "", code)]

    def test_size_limit(self):
        assert faults(HEADER, max_bytes=len(HEADER) - 1) == [(1, "", "file_too_large")]


class TestHeader:
    def test_names_what_is_missing_and_what_was_found(self):
        refused = rejected("point,start,import_kwh,export_kwh\nMP1,2026-06-01 10:00,1,0\n")
        assert [(e.line, e.column, e.code) for e in refused.errors] == [
            (1, "metering_point", "missing_column"),
            (1, "point", "unknown_column"),
        ]
        assert "found “point, start, import_kwh, export_kwh”" in refused.errors[0].message
        assert "Expected: metering_point, start, import_kwh, export_kwh" in refused.errors[0].message

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("MP1,2026-06-01 10:00,1,0", [(1, "", "no_header")]),
            (",;,", [(1, "", "no_header")]),
            ("metering_point,start,import_kwh,export_kwh,import_kwh", [(1, "import_kwh", "duplicate_column")]),
            ("metering_point,start,import_kwh,export_kwh,import_wh", [(1, "import_wh", "unknown_column")]),
            ("metering_point,start,import_kwh", [(1, "export_kwh", "missing_column")]),
            ("metering_point,start,import_register_kwh", [(1, "export_register_kwh", "missing_column")]),
            (",,", [(2, "", "no_header")]),
            ("metering_point,start,import_kwh,export_kwh,", [(1, "", "unknown_column")]),
        ],
    )
    def test_wrong_headers(self, header, expected):
        assert faults(header + "\nMP1,2026-06-01 10:00,1,0\n") == expected


class TestCells:
    @pytest.mark.parametrize(
        ("row", "column", "code"),
        [
            ("MP9,2026-06-01 10:00,1,0", "metering_point", "unknown_metering_point"),
            (",2026-06-01 10:00,1,0", "metering_point", "empty_cell"),
            ("MP1,,1,0", "start", "empty_cell"),
            ("MP1,yesterday,1,0", "start", "bad_time"),
            ("MP1,2026-06-01,1,0", "start", "bad_time"),
            ("MP1,2026-13-01 10:00,1,0", "start", "bad_time"),
            ("MP1,2026-06-31 10:00,1,0", "start", "bad_time"),
            ("MP1,2026-06-01 24:00,1,0", "start", "bad_time"),
            ("MP1,2026-06-01T10:00+25:00,1,0", "start", "bad_time"),
            ("MP1,1970-01-01 10:00,1,0", "start", "bad_time"),
            ("MP1,12/31/2026 10:00,1,0", "start", "bad_time"),
            ("MP1,2026-06-01 10:10,1,0", "start", "off_grid"),
            ("MP1,2026-06-01 10:00:30,1,0", "start", "off_grid"),
            ("MP1,2026-06-01T10:00+05:45,1,0", "start", "off_grid"),
            ("MP1,2026-06-01 10:00,,0", "import_kwh", "empty_cell"),
            ("MP1,2026-06-01 10:00,1,-0.5", "export_kwh", "negative_energy"),
            ("MP1,2026-06-01 10:00,one,0", "import_kwh", "not_a_number"),
            ("MP1,2026-06-01 10:00,1e3,0", "import_kwh", "not_a_number"),
            ("MP1,2026-06-01 10:00,0.0005,0", "import_kwh", "too_many_decimals"),
            ("MP1,2026-06-01 10:00,9999999999,0", "import_kwh", "energy_too_large"),
            (f"MP1,2026-06-01 10:00,{'9' * 30},0", "import_kwh", "number_too_long"),
            ("MP2,2026-06-01 10:00,5.001,0", "import_kwh", "above_limit"),
            ("MP2,2026-06-01 10:00,0,2.501", "export_kwh", "above_limit"),
            ("MP1,2026-06-01 10:00,1", "", "wrong_cell_count"),
            ("MP1,2026-06-01 10:00,1,5,0", "", "wrong_cell_count"),
        ],
    )
    def test_each_fault_names_line_and_column(self, row, column, code):
        assert faults(f"{HEADER}{row}\n") == [(2, column, code)]

    def test_limits_are_inclusive(self):
        assert energies(read(HEADER + "MP2,2026-06-01 10:00,5.000,2.5\n")) == [(5_000, 2_500)]

    def test_unknown_quality(self):
        text = "metering_point,start,import_kwh,export_kwh,quality\nMP1,2026-06-01 10:00,1,0,guessed\n"
        assert faults(text) == [(2, "quality", "unknown_quality")]
        assert read(text, known_qualities=("measured", "guessed")).rows[0].quality == "guessed"

    def test_time_forms_may_not_mix(self):
        text = HEADER + "MP1,2026-06-01 10:00,1,0\nMP1,01/06/2026 10:30,1,0\nMP1,2026-06-01T11:00Z,1,0\n"
        assert faults(text) == [(3, "start", "mixed_time_forms"), (4, "start", "mixed_time_forms")]

    def test_future(self):
        text = HEADER + "MP1,2026-06-01 10:00,1,0\nMP1,2026-06-01 10:30,1,0\n"
        half_past = datetime(2026, 6, 1, 3, 30, tzinfo=UTC)
        assert faults(text, not_after=half_past) == [(3, "start", "in_the_future")]
        assert len(read(text, not_after=half_past + timedelta(minutes=30)).rows) == 2

    def test_many_faults_are_counted_and_the_first_hundred_told_in_order(self):
        rows = [
            f"MP1,2026-06-01 10:00,x{i},0\n" if i % 2 else f"MP{i + 5},2026-06-01 10:00,1,0\n" for i in range(1_000)
        ]
        refused = rejected(HEADER + "".join(rows))
        assert refused.total == 1_000
        assert [error.line for error in refused.errors] == list(range(2, 102))
        assert str(refused).startswith("june.csv, line 2, column metering_point: “MP5” is no metering point")
        assert str(refused).endswith("(and 999 more) Nothing was loaded.")

    def test_the_sentence(self):
        (error,) = rejected(HEADER + "MP1,2026-06-01 10:00,0.0005,0\n").errors
        assert (
            str(error) == "june.csv, line 2, column import_kwh: “0.0005” kWh is finer than 1 Wh; give three decimals."
        )


class TestRowsTogether:
    def test_duplicate_names_the_first_line(self):
        text = HEADER + "MP1,2026-06-01 10:00,1,0\nMP2,2026-06-01 10:00,1,0\nMP1,2026-06-01 10:00,2,0\n"
        (error,) = rejected(text).errors
        assert (error.line, error.column, error.code) == (4, "start", "duplicate_row")
        assert error.message == "MP1 at 2026-06-01 10:00 +0700 is already on line 2; keep one."

    def test_gap_names_the_first_missing_start(self):
        text = HEADER + "MP1,2026-06-01 10:00,1,0\nMP1,2026-06-01 12:00,1,0\n"
        (error,) = rejected(text).errors
        assert (error.line, error.column, error.code) == (3, "start", "gap")
        assert "lacks 3 rows, the first for 2026-06-01 10:30 +0700" in error.message

    def test_gap_may_be_allowed(self):
        text = HEADER + "MP1,2026-06-01 10:00,1,0\nMP1,2026-06-01 11:00,1,0\n"
        parsed = read(text, allow_gaps=True)
        assert len(parsed.rows) == 2
        assert [(w.line, w.code) for w in parsed.warnings] == [(3, "gap")]
        assert parsed.warnings_total == 1

    def test_points_that_start_and_stop_at_different_times_have_no_gap(self):
        text = HEADER + "MP1,2026-06-01 10:00,1,0\nMP2,2026-06-01 14:00,1,0\nMP1,2026-06-01 10:30,1,0\n"
        assert len(read(text).rows) == 3


class TestClockChanges:
    def day(self, on: str, times: list[str], offset: str = "") -> str:
        return HEADER + "".join(f"MP1,{on} {clock}{offset},1,0\n" for clock in times)

    def half_hours(self, *hours: int) -> list[str]:
        return [f"{hour:02}:{minute:02}" for hour in hours for minute in (0, 30)]

    def test_spring_day_of_23_hours_is_complete(self):
        text = self.day("2026-03-29", self.half_hours(0, 1, *range(3, 24)))
        assert len(read(text, timezone=BERLIN).rows) == 46

    def test_hour_that_never_was(self):
        text = self.day("2026-03-29", self.half_hours(1, 2))
        expected = [(4, "start", "no_such_local_time"), (5, "start", "no_such_local_time")]
        assert faults(text, timezone=BERLIN) == expected

    def test_hour_that_was_twice_needs_offsets(self):
        text = self.day("2026-10-25", self.half_hours(1, 2, 3))
        (first, second) = rejected(text, timezone=BERLIN).errors
        assert (first.line, first.code, second.line) == (4, "ambiguous_local_time", 5)
        assert "UTC+2 and UTC+1" in first.message

    def test_autumn_day_of_25_hours_is_complete_with_offsets(self):
        summer = self.day("2026-10-25", self.half_hours(0, 1, 2), "+02:00")
        winter = self.day("2026-10-25", self.half_hours(*range(2, 24)), "+01:00").removeprefix(HEADER)
        assert len(read(summer + winter, timezone=BERLIN).rows) == 50

    def test_autumn_day_without_its_double_hour_has_a_gap(self):
        text = self.day("2026-10-25", self.half_hours(0, 1, 3))
        (error,) = rejected(text, timezone=BERLIN).errors
        assert error.code == "gap"
        assert "lacks 4 rows, the first for 2026-10-25 02:00 +0200" in error.message

    def test_grid_of_a_zone_with_three_quarters(self):
        kathmandu = ZoneInfo("Asia/Kathmandu")
        assert read(HEADER + "MP1,2026-06-01 10:30,1,0\n", timezone=kathmandu).rows[0].start.minute == 45
        assert faults(HEADER + "MP1,2026-06-01T10:30Z,1,0\n", timezone=kathmandu) == [(2, "start", "off_grid")]


class TestRegisters:
    def rows(self, *values: tuple[str, str, str]) -> str:
        return REGISTER + "".join(
            f"MP1,2026-06-01 {clock},{imported},{exported}\n" for clock, imported, exported in values
        )

    def test_energy_is_the_difference(self):
        parsed = read(self.rows(("10:00", "100.5", "7"), ("10:30", "102.0", "7"), ("11:00", "102.001", "9.25")))
        assert energies(parsed) == [(1_500, 0), (1, 2_250)]
        assert [row.start.hour * 60 + row.start.minute for row in parsed.rows] == [180, 210]

    def test_order_in_the_file_does_not_matter(self):
        parsed = read(self.rows(("10:30", "102", "0"), ("10:00", "100", "0")))
        assert energies(parsed) == [(2_000, 0)]

    def test_multiplier_of_the_transformers(self):
        points = {"MP1": PointInfo(multiplier=40)}
        parsed = read(self.rows(("10:00", "100.5", "0"), ("10:30", "102", "0")), known_points=points)
        assert energies(parsed) == [(60_000, 0)]

    def test_limit_applies_to_the_difference(self):
        text = REGISTER + "MP2,2026-06-01 10:00,5000,0\nMP2,2026-06-01 10:30,5005.001,0\n"
        assert faults(text) == [(2, "import_register_kwh", "above_limit")]

    def test_reset_is_reported_with_what_to_do(self):
        text = self.rows(("10:00", "999998.5", "0"), ("10:30", "999999.75", "0"), ("11:00", "0.25", "0"))
        (error,) = rejected(text).errors
        assert (error.line, error.column, error.code) == (4, "import_register_kwh", "register_reset")
        assert "declare register_reset with the meter's digits" in error.message
        assert "supply interval values" in error.message

    def test_declared_roll_over(self):
        text = self.rows(("10:00", "999998.5", "0"), ("10:30", "999999.75", "0"), ("11:00", "0.25", "0"))
        assert energies(read(text, register_reset={"MP1": 6})) == [(1_250, 0), (500, 0)]

    @pytest.mark.parametrize("digits", [6, 5, 0, 13])
    def test_exchange_is_no_roll_over(self, digits):
        text = self.rows(("10:00", "123456.0", "0"), ("10:30", "12.0", "0"))
        assert faults(text, register_reset={"MP1": digits}) == [
            (3, "import_register_kwh", "register_reset_implausible")
        ]

    def test_both_channels_are_checked(self):
        text = self.rows(("10:00", "5", "5"), ("10:30", "4", "4"))
        assert [column for _, column, _ in faults(text)] == ["export_register_kwh", "import_register_kwh"]

    def test_lone_value(self):
        assert faults(self.rows(("10:00", "5", "5"))) == [(2, "start", "register_alone")]

    def test_gap(self):
        text = self.rows(("10:00", "5", "0"), ("10:30", "6", "0"), ("11:30", "9", "0"), ("12:00", "10", "0"))
        assert faults(text) == [(4, "start", "gap")]
        parsed = read(text, allow_gaps=True)
        assert energies(parsed) == [(1_000, 0), (1_000, 0)]
        assert sorted(warning.code for warning in parsed.warnings) == ["energy_in_gap", "gap"]

    def test_huge_multiplier_does_not_overflow(self):
        points = {"MP1": PointInfo(multiplier=2**31 - 1)}
        text = self.rows(("10:00", "0", "0"), ("10:30", "999999999999", "0"))
        assert faults(text, known_points=points) == [(2, "import_register_kwh", "above_limit")]


def test_the_documentation_lists_exactly_the_codes_there_are():
    """A code is a snake_case string of these modules that names neither a column nor one of their own attributes."""
    root = Path(__file__).parents[2]
    modules = [*(root / "meters" / "domain" / "readings_csv").glob("*.py"), root / "units" / "numbers.py"]
    nodes = [node for module in modules for node in ast.walk(ast.parse(module.read_text()))]
    words = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    columns = {f"{way}_{unit}" for way in ("import", "export") for unit in ("kwh", "wh", "register_kwh")}
    codes = {word for word in words if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+|utf16|gap", word)}
    documented = re.findall(r"^\| `([a-z0-9_]+)` \|", DOC.read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(codes - columns - {"metering_point", "start_ms", "csv_rejected"})
