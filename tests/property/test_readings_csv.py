"""Whatever is written comes back exactly; whatever is thrown at it is refused in words, never a crash."""

import random
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.domain.readings_csv import CsvRejected, PointInfo, parse
from units.interval import from_ms
from units.numbers import DecimalStyle

ZONES = [ZoneInfo(name) for name in ("Asia/Ho_Chi_Minh", "Europe/Berlin", "Asia/Kathmandu", "America/Havana")]
POINTS = {"A": PointInfo(), "B 2": PointInfo(), "Nhà B2": PointInfo()}
FIRST = datetime(2026, 3, 28, 18, 15, tzinfo=UTC)

energies = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 5_000)), min_size=2, max_size=60)


def written(wh: int, style: DecimalStyle, group: bool) -> str:
    whole = f"{wh // 1_000:,}".replace(",", ".") if group else str(wh // 1_000)
    if style is DecimalStyle.POINT:
        return f"{wh // 1_000}.{wh % 1_000:03}"
    return f"{whole},{wh % 1_000:03}"


def a_file(readings, zone, style, separator, group, seed) -> bytes:
    step = timedelta(minutes=30)
    first = datetime.fromtimestamp(FIRST.timestamp(), zone).replace(minute=0).astimezone(UTC)
    lines = []
    for point in POINTS:
        for i, (imported, exported) in enumerate(readings):
            start = (first + i * step).astimezone(zone).isoformat()
            cells = (point, start, written(imported, style, group), written(exported, style, group))
            lines.append(separator.join(f'"{cell}"' if separator in cell else cell for cell in cells))
    random.Random(seed).shuffle(lines)
    header = separator.join(("metering_point", "start", "import_kwh", "export_kwh"))
    return "\n".join((header, *lines)).encode()


@given(
    energies,
    st.sampled_from(ZONES),
    st.sampled_from(DecimalStyle),
    st.sampled_from(",;\t"),
    st.booleans(),
    st.integers(0, 99),
)
def test_round_trip_in_every_form(readings, zone, style, separator, group, seed):
    data = a_file(readings, zone, style, separator, group, seed)
    parsed = parse(data, known_points=POINTS, interval_minutes=30, timezone=zone, decimal_style=style)
    by_point = {point: sorted(row for row in parsed.rows if row.metering_point == point) for point in POINTS}
    for rows in by_point.values():
        assert [(row.import_wh, row.export_wh) for row in rows] == readings
        assert all(b.start - a.start == timedelta(minutes=30) for a, b in pairwise(rows))
    lines = data.decode().split("\n")
    assert all(row.metering_point in lines[row.line - 1] for row in parsed.rows)


@given(energies, st.integers(1, 10**9))
def test_registers_give_back_the_energies(readings, first_wh):
    imports = list(accumulate((wh for wh, _ in readings), initial=first_wh))
    exports = list(accumulate((wh for _, wh in readings), initial=0))
    lines = [
        f"A,{from_ms(i * 1_800_000 + 1_780_272_000_000):%Y-%m-%dT%H:%M}Z,{written(a, DecimalStyle.POINT, False)},"
        f"{written(b, DecimalStyle.POINT, False)}"
        for i, (a, b) in enumerate(zip(imports, exports, strict=True))
    ]
    data = "\n".join(("metering_point,start,import_register_kwh,export_register_kwh", *lines)).encode()
    parsed = parse(data, known_points=POINTS, interval_minutes=30, timezone=ZONES[0])
    assert [(row.import_wh, row.export_wh) for row in parsed.rows] == readings


@given(st.integers(0, 10**6 - 1), st.integers(0, 499_999), st.integers(1, 3))
def test_a_declared_roll_over_gives_back_the_energy(old_kwh, energy_kwh, multiplier):
    new_kwh = (old_kwh + energy_kwh) % 10**6
    header = "metering_point,start,import_register_kwh,export_register_kwh"
    data = f"{header}\nA,2026-06-01 10:00,{old_kwh},0\nA,2026-06-01 10:30,{new_kwh},0".encode()
    points = {"A": PointInfo(multiplier=multiplier)}
    options = {"known_points": points, "interval_minutes": 30, "timezone": ZONES[0]}
    (row,) = parse(data, register_reset={"A": 6}, **options).rows
    assert row.import_wh == energy_kwh * 1_000 * multiplier
    if new_kwh < old_kwh:
        with pytest.raises(CsvRejected):
            parse(data, **options)


@given(energies.filter(lambda readings: len(readings) > 2), st.data())
def test_any_row_taken_out_of_the_middle_is_missed_and_any_repeated_is_found(readings, data):
    lines = a_file(readings, ZONES[0], DecimalStyle.POINT, ",", False, 1).decode().split("\n")
    options = {"known_points": POINTS, "interval_minutes": 30, "timezone": ZONES[0]}
    in_order = sorted(lines[1:])
    of_a = [line for line in in_order if line.startswith("A,")]
    victim = data.draw(st.sampled_from(of_a[1:-1]))
    with pytest.raises(CsvRejected) as missed:
        parse("\n".join([lines[0], *(line for line in lines[1:] if line != victim)]).encode(), **options)
    assert [error.code for error in missed.value.errors] == ["gap"]
    with pytest.raises(CsvRejected) as twice:
        parse("\n".join([*lines, victim]).encode(), **options)
    assert [(error.code, error.line) for error in twice.value.errors] == [("duplicate_row", len(lines) + 1)]


cells = st.one_of(
    st.sampled_from(
        ["A", "B 2", "", "2026-06-01 10:00", "1/6/2026 10:00", "2026-10-25T02:30Z", "1,5", "1.5", "-1", "1.234"]
    ),
    st.text(max_size=12),
)
lines_of_cells = st.lists(st.lists(cells, max_size=6), max_size=8)
HEADERS = st.sampled_from(
    [
        "metering_point,start,import_kwh,export_kwh",
        "metering_point;start;import_wh;export_wh;quality",
        "start\tmetering_point\timport_register_kwh\texport_register_kwh",
    ]
)


@given(HEADERS, lines_of_cells, st.sampled_from(",;\t"), st.booleans(), st.sampled_from(ZONES))
def test_rubbish_is_refused_in_words(header, rows, separator, allow_gaps, zone):
    data = "\n".join([header, *(separator.join(row) for row in rows)]).encode("utf-8", "surrogatepass")
    check_rubbish(data, allow_gaps, zone)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_refused_in_words(data, allow_gaps):
    check_rubbish(data, allow_gaps, ZONES[1])


def check_rubbish(data: bytes, allow_gaps: bool, zone: ZoneInfo) -> None:
    try:
        parse(data, known_points=POINTS, interval_minutes=30, timezone=zone, allow_gaps=allow_gaps)
    except CsvRejected as refused:
        assert 1 <= len(refused.errors) <= refused.total
        assert all(error.line >= 1 and error.code and len(error.message) > 20 for error in refused.errors)
