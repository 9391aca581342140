"""Pasted lines and typed numbers, read as they are written in either language; what is none gets a sentence."""

from datetime import date

import pytest

from portal.desk import Refused
from portal.trade.lines import Line, cut, read_lines, repeated
from portal.trade.numbers import price, quantity_wh, typed_kwh
from portal.trade.shapes import share_out, weight
from units.numbers import DecimalStyle

POINT, COMMA = DecimalStyle.POINT, DecimalStyle.COMMA
ON = date(2026, 6, 1)
CONTRACTS = {
    (ON, "12:30"): (7, "12:30–13:00"),
    (ON, "13:00"): (8, "13:00–13:30"),
    (date(2026, 6, 2), "00:00"): (9, "x"),
}


@pytest.mark.parametrize(("text", "style", "wh"), [
    ("12.5", POINT, 12_500), ("12,5", COMMA, 12_500), ("12,5", POINT, 12_500), ("12.5", COMMA, 12_500),
    ("1.234", COMMA, 1_234_000), ("1.234", POINT, 1_234), ("1,234", POINT, 1_234_000), ("1,234.5", POINT, 1_234_500),
    ("1.234,5", COMMA, 1_234_500), ("1.234,5", POINT, 1_234_500), ("1,234.5", COMMA, 1_234_500),
    (" 5 kWh", POINT, 5_000), ("1 234,5", COMMA, 1_234_500), ("0.001", POINT, 1), ("+3", POINT, 3_000),
])  # fmt: skip
def test_quantities(text, style, wh) -> None:
    assert quantity_wh(text, style) == wh


@pytest.mark.parametrize("text", ["", "kWh", "1.2.3", "0", "-5", "0.0001", "1e3", "٣", "9" * 30, "1,23,4", "NaN"])
def test_what_is_no_quantity(text) -> None:
    with pytest.raises(Refused):
        quantity_wh(text, POINT)


@pytest.mark.parametrize(("text", "style", "found"), [
    ("1650", POINT, 1_650), ("1,650", POINT, 1_650), ("1.650", COMMA, 1_650), ("₫1,650/kWh", POINT, 1_650),
    ("1.650 ₫/kWh", COMMA, 1_650), ("-20", POINT, -20), ("−20", COMMA, -20), ("0", POINT, 0),
])  # fmt: skip
def test_prices(text, style, found) -> None:
    assert price(text, style) == found


@pytest.mark.parametrize("text", ["", "12.5", "cheap", "10000000000"])
def test_what_is_no_price(text) -> None:
    with pytest.raises(Refused):
        price(text, POINT)


def test_typed_quantities_are_read_back() -> None:
    for wh in (100, 12_500, 1_234_567, 5_000):
        assert quantity_wh(typed_kwh(wh, "en"), POINT) == wh
        assert quantity_wh(typed_kwh(wh, "vi"), COMMA) == wh


def read(text, style=POINT):
    return read_lines(text, contracts=CONTRACTS, on=ON, style=style)[0]


@pytest.mark.parametrize("text", [
    "12:30\tbuy\t5\t1700", "12:30;buy;5;1700", "12:30,buy,5,1700", "12:30–13:00; mua; 5; 1700", "12h30;B;5;1700",
    "2026-06-01 12:30; Buy; 5; 1.700", "1/6 12:30;buy;5;1700", "01/06/2026;12:30;buy;5;1700",
    "2026-06-01T12:30;buy;5;1,700;;", '"12:30";"buy";"5";"1700"', "12:30:00\tm\t5,0\t1.700", "12:30 - 13:00;b;5.0;1700",
])  # fmt: skip
def test_a_line_is_read_whatever_parts_it(text) -> None:
    (line,) = read(text)
    assert (line.fault, line.contract_id, line.side, line.wh, line.price) == ("", 7, "buy", 5_000, 1_700)


@pytest.mark.parametrize(("text", "said"), [
    ("12:30;buy;5", "has 3."), ("12:30,buy,1,5,1700", "has 5."), ("noon 1;buy;5;1700", "no interval"),
    ("31/2 12:30;buy;5;1700", "no day"), ("09:00;buy;5;1700", "no open interval at 09:00"),
    ("12:30;hold;5;1700", "no side"), ("12:30;buy;x;1700", "in kWh"), ("12:30;buy;5;17.5", "whole đồng"),
    ("12:30;buy;-1;1700", "more than 0"),
])  # fmt: skip
def test_each_line_that_is_none_says_why(text, said) -> None:
    (line,) = read(text)
    assert said in line.fault


def test_the_paste_itself_says_how_its_numbers_are_written() -> None:
    assert [line.wh for line in read("12:30;buy;1.500;1.650\n13:00;buy;2;1.700")] == [1_500_000, 2_000]
    assert [line.wh for line in read("12:30;buy;1,500;1,650", COMMA)] == [1_500_000]
    assert [line.wh for line in read("12:30;buy;1.500;1650\n13:00;buy;0.5;1650", COMMA)] == [1_500, 500]


def test_a_paste_of_both_kinds_refuses_what_could_be_either() -> None:
    first, second, third = read("12:30;buy;1,5;1700\n13:00;buy;2.5;1700\n13:00;buy;1.500;1700")
    assert (first.wh, second.wh) == (1_500, 2_500)
    assert "two ways" in third.fault


def test_headings_are_left_out_and_lines_keep_their_numbers() -> None:
    rows = cut("Chu kỳ;Chiều;kWh;Giá\n\n12:30;mua;1;1700\r\n", POINT).rows
    assert [(number, cells[0]) for number, _, cells in rows] == [(3, "12:30")]


def test_lines_end_once_whichever_marks_end_them() -> None:
    rows = cut("a;1\r\nb;2\r\n\r\nc;3\rd;4\ne;5", POINT).rows
    assert [row[0] for row in rows] == [1, 2, 4, 5, 6]


@pytest.mark.parametrize("none", ["", " ", "0", "0,0", "0.00", "-", "–"])
def test_a_line_without_kwh_is_left_out_and_no_fault(none) -> None:
    empty, full = read(f"12:30\tbuy\t{none}\t\n13:00\tbuy\t1.234,5\t1.700\t\t", COMMA)
    assert empty.left_out and not empty.fault
    assert not full.left_out and (full.contract_id, full.wh, full.price) == (8, 1_234_500, 1_700)


def test_a_line_with_kwh_still_needs_a_price_and_an_interval() -> None:
    no_price, no_interval, quarter = read("12:30\tbuy\t5\t\n\tbuy\t5\t1700\n12:45\tbuy\t5\t1700")
    assert "Write the price" in no_price.fault and "needs 4 columns" in no_interval.fault
    assert quarter.fault == "No interval begins at 12:45; here they begin at minute 00, 30 of an hour."


def test_lines_pasted_twice_are_noticed() -> None:
    found = read("12:30;buy;1;1700\n12:30;buy;1;1700\n13:00;buy;1;1700")
    assert repeated(found) == {2}
    assert repeated([Line(1, "x", fault="no")]) == set()


def test_a_total_is_shared_out_in_whole_lots() -> None:
    assert share_out(1_000, [1, 1, 1], 100) == [400, 300, 300]
    assert share_out(1_050, [3, 1], 100) == [800, 200]
    assert share_out(1_000, [0, 0], 100) == [0, 0]


def test_shapes_have_their_height_where_they_say() -> None:
    def at(shape: str, hour: float) -> int:
        return weight(shape, round(hour * 60))

    assert at("flat", 3) == at("flat", 15)
    assert (at("morning", 9), at("morning", 12), at("morning", 13)) == (10_000, 0, 0)
    assert at("morning", 7.5) == at("morning", 10.5) == 5_000
    assert (at("solar", 12), at("solar", 6), at("solar", 18), at("solar", 5)) == (10_000, 0, 0, 0)
    assert at("solar", 9) == at("solar", 15)
