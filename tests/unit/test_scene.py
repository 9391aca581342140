"""A scene folder is read whole, or refused with every fault named by file, line, column, code and sentence."""

import gzip
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.domain.charging import charging_wh
from simulator.domain.scene import ElectricVehicle, Ramp, SceneRejected, SwapStation, parse_scene
from simulator.scene import load_scene, read_scene_files
from tests.make_scene import make_scene
from tests.shared import shared_path

FORMATS = Path(__file__).resolve().parents[2] / "docs/formats"
EXAMPLE = FORMATS / "scene-example"
Files = dict[str, bytes]


@pytest.fixture
def files() -> Files:
    return read_scene_files(EXAMPLE)


def swap(files: Files, name: str, old: str, new: str) -> Files:
    content = files[name].decode()
    assert old in content, f"{name} has no {old!r}"
    return files | {name: content.replace(old, new, 1).encode()}


def faults(files: Files) -> list[tuple[str, int | None, str | None, str]]:
    with pytest.raises(SceneRejected) as caught:
        parse_scene(files)
    return [(error.file, error.line, error.column, error.code) for error in caught.value.errors]


def test_the_documented_example_is_read() -> None:
    scene = load_scene(EXAMPLE)
    assert [participant.key for participant in scene.participants] == ["b2", "lab", "t1", "swap"]
    assert scene.participants[0].instruction.sell == Ramp(2250, 740)
    assert scene.participants[2].instruction.sell is None
    assert scene.participants[0].battery is not None
    assert scene.participants[1].battery is None
    assert [type(device.parameters) for device in scene.devices] == [ElectricVehicle, SwapStation]
    assert scene.load_wh.shape == scene.generation_wh.shape == (4, 48)
    assert scene.load_wh.dtype == np.int64
    assert (scene.load_wh[0, 18], scene.generation_wh[0, 18]) == (220, 1767)
    assert scene.calendar.starts_at == datetime(2026, 5, 31, 17, tzinfo=UTC)
    assert scene.calendar.intervals[18].label(scene.calendar.zone) == "09:00–09:30"
    with pytest.raises(ValueError, match="read-only"):
        scene.load_wh[0, 0] = 1


def test_the_document_shows_lines_of_the_example() -> None:
    text = (FORMATS / "scene.md").read_text(encoding="utf-8")
    written = "".join(path.read_text(encoding="utf-8") for path in EXAMPLE.iterdir())
    shown = [line for block in re.findall(r"```csv\n(.*?)```", text, re.S) for line in block.splitlines()]
    assert shown
    assert [line for line in shown if line not in written.splitlines()] == []


def test_the_documented_defaults_are_those_in_force(files: Files) -> None:
    text = (FORMATS / "scene.md").read_text(encoding="utf-8")
    toml = re.findall(r"```toml\n(.*?)```", text, re.S)[0]
    bare = files | {"scene.toml": toml.partition("[market]")[0].encode()}
    assert parse_scene(files | {"scene.toml": toml.encode()}).rules == parse_scene(bare).rules


def test_retail_prices_follow_the_windows() -> None:
    scene = load_scene(EXAMPLE)
    tenant = scene.retail_price[scene.row_of["t1"]]
    assert [int(tenant[slot]) for slot in (0, 8, 19, 22, 23, 34, 40, 44, 47)] == [
        *(1190, 1833, 3398, 3398, 1833, 3398, 1833, 1190, 1190)
    ]
    assert set(scene.retail_price[0].tolist()) == {2465}


def test_cars_draw_full_power_until_their_target() -> None:
    scene = load_scene(EXAMPLE)
    drawn = charging_wh(scene)
    assert drawn[0, :4].tolist() == [3700, 3700, 3400, 0]
    assert drawn[0, 35:40].tolist() == [3700, 3700, 3700, 3700, 200]
    assert drawn.sum() == 60_000 * (18 + 25) // 100
    assert drawn[1:].sum() == 0


FIRST_READING = "b2,2026-06-01T00:00,"
ONE_FAULT = [
    ("scene.toml", "days = 1", "days = 0", 5, "days", "bad_number"),
    ("scene.toml", "starts_on = 2026-06-01", 'starts_on = "1/6/2026"', 4, "starts_on", "bad_date"),
    ("scene.toml", "interval_minutes = 30", "interval_minutes = 20", 3, "interval_minutes", "bad_interval"),
    ("scene.toml", "Asia/Ho_Chi_Minh", "Asia/Saigone", 2, "timezone", "unknown_timezone"),
    ("scene.toml", "network_fee", "netwrok_fee", 13, "netwrok_fee", "unknown_key"),
    (
        "scene.toml",
        "call_until_minutes = 60",
        "call_until_minutes = 4",
        11,
        "call_until_minutes",
        "phases_out_of_order",
    ),
    ("scene.toml", 'zones = ["campus", "park"]', 'zones = "campus"', 6, "zones", "bad_zones"),
    ("scene.toml", "lot_wh = 100", "lot_wh = 0,5", 9, None, "broken_toml"),
    ("participants.csv", "pv_peak_w", "pv_peak", 1, "pv_peak", "unknown_column"),
    ("participants.csv", "participant,name,kind", "participant,nom,kind", 1, "name", "missing_column"),
    ("participants.csv", "lab,Khoa", "b2,Khoa", 3, "participant", "duplicate_participant"),
    ("participants.csv", "tenant,park", "tenant,harbour", 4, "zone", "unknown_zone"),
    ("participants.csv", "tenant,park", "factory,park", 4, "kind", "unknown_kind"),
    ("participants.csv", "park,production", "park,producton", 4, "tariff", "unknown_tariff"),
    ("participants.csv", "household,8000,", "household,-8000,", 2, "pv_peak_w", "negative"),
    ("participants.csv", "household,8000,", "household,8.5,", 2, "pv_peak_w", "not_whole"),
    ("participants.csv", "household,8000,", "household,8e3,", 2, "pv_peak_w", "bad_number"),
    ("participants.csv", "10000,5000,5000,30", "10000,,5000,30", 2, "battery_charge_w", "battery_without_power"),
    ("participants.csv", "10000,5000,5000,30", "10000,5000,5000,130", 2, "reserve_pct", "out_of_range"),
    ("participants.csv", "2250,740", "2250,", 2, "sell_far_price", "half_a_ramp"),
    ("participants.csv", "2250,740", "740,2250", 2, "sell_far_price", "ramp_wrong_way"),
    ("participants.csv", "760,2320", "2320,760", 2, "buy_far_price", "ramp_wrong_way"),
    ("tariffs.csv", "production,09:30,11:30", "production,10:00,11:30", 3, None, "tariff_hole"),
    ("tariffs.csv", "production,09:30,11:30", "production,09:00,11:30", 5, "from_time", "tariff_overlap"),
    ("tariffs.csv", "production,22:00,24:00", "production,22:00,04:00", 10, "to_time", "window_backwards"),
    ("tariffs.csv", "09:30,mon-sat", "09:45,mon-sat", 4, "to_time", "not_half_hour"),
    ("tariffs.csv", "09:30,mon-sat", "09:30,T2-T7", 4, "weekdays", "bad_weekdays"),
    ("tariffs.csv", "2025-05-10,", "2025-05-10,2026-05-31", 2, None, "tariff_hole"),
    ("tariffs.csv", "2025-05-10,", "10/05/2025,", 2, "valid_from", "bad_date"),
    ("devices.csv", "car,b2", "car,b3", 2, "participant", "unknown_participant"),
    ("devices.csv", "ev,60000", "battery,60000", 2, "kind", "unknown_kind"),
    ("devices.csv", "rack,swap", "car,swap", 3, "device", "duplicate_device"),
    ("devices.csv", ",40,1500,20,700,10,", ",40,1500,20,700,21,", 3, "bidirectional_slots", "too_many_slots"),
    ("devices.csv", "80,no,,", "80,no,40,", 2, "packs", "column_not_of_kind"),
    ("devices.csv", "7400,0,30,", "7400,0,20,", 2, "min_pct", "out_of_range"),
    ("ev_sessions.csv", "car,2026-06-01T17:30", "van,2026-06-01T17:30", 3, "device", "unknown_device"),
    ("ev_sessions.csv", "17:30", "17:40", 3, "plug_in", "not_on_interval"),
    ("ev_sessions.csv", "17:30", "06:30", 3, "plug_in", "sessions_overlap"),
    ("ev_sessions.csv", "T07:00", "T00:00", 2, "plug_out", "session_backwards"),
    ("readings.csv", FIRST_READING, "b9,2026-06-01T00:00,", 2, "participant", "unknown_participant"),
    ("readings.csv", FIRST_READING, "b2,2026-06-01T00:30,", 3, "start", "duplicate_reading"),
    ("readings.csv", FIRST_READING, "b2,2026-06-02T00:00,", 2, "start", "outside_scene"),
    ("readings.csv", FIRST_READING, "b2,2026-06-01T00:10,", 2, "start", "outside_scene"),
    ("readings.csv", FIRST_READING, "b2,1/6/2026 00:00,", 2, "start", "bad_time"),
    ("readings.csv", FIRST_READING, "b2,2026-06-01T00:00,-", 2, "load_wh", "negative"),
    ("readings.csv", FIRST_READING, "b2,2026-06-01T00:00,1,", 2, None, "wrong_column_count"),
    ("readings.csv", FIRST_READING, 'b2,2026-06-01T00:00,"1,5",0\nb2,2026-06-01T00:00,', 2, "load_wh", "decimal_comma"),
    ("readings.csv", FIRST_READING, "b2,2026-06-01T00:00,1.234.", 2, "load_wh", "digit_grouping"),
    ("readings.csv", FIRST_READING, 'b2,"2026-06-01T00:00"x,', 2, None, "broken_csv"),
]


@pytest.mark.parametrize(("name", "old", "new", "line", "column", "code"), ONE_FAULT)
def test_each_mistake_is_told_in_its_place_without_a_cascade(
    files: Files, name: str, old: str, new: str, line: int, column: str | None, code: str
) -> None:
    assert (name, line, column, code) in faults(swap(files, name, old, new))
    assert len(faults(swap(files, name, old, new))) <= 2


@pytest.mark.parametrize(("name", "old", "new", "line", "column", "code"), ONE_FAULT)
def test_every_fault_is_a_sentence_with_its_place(
    files: Files, name: str, old: str, new: str, line: int, column: str | None, code: str
) -> None:
    with pytest.raises(SceneRejected) as caught:
        parse_scene(swap(files, name, old, new))
    for error in caught.value.errors:
        assert error.message.endswith("."), error.message
        assert str(error).startswith(f"{error.file}")
        assert f"[{error.code}]" in str(caught.value)


def test_a_gap_is_told_once_with_its_length(files: Files) -> None:
    lines = files["readings.csv"].decode().splitlines(keepends=True)
    files["readings.csv"] = "".join(lines[:11] + lines[14:]).encode()
    with pytest.raises(SceneRejected) as caught:
        parse_scene(files)
    (error,) = caught.value.errors
    assert (error.file, error.line, error.column, error.code) == ("readings.csv", 11, "start", "missing_interval")
    assert "1:30:00 h from 2026-06-01T05:00+07:00; add 3 lines" in error.message


def test_an_unknown_participant_is_told_once_and_not_for_each_reading(files: Files) -> None:
    files["participants.csv"] = re.sub(rb"(?m)^t1,.*\n", b"", files["participants.csv"])
    assert faults(files) == [("readings.csv", 98, "participant", "unknown_participant")]


def test_a_bad_line_is_not_told_again_by_what_refers_to_it(files: Files) -> None:
    bad = swap(files, "participants.csv", "household,8000,", "household,x,")
    assert faults(bad) == [("participants.csv", 2, "pv_peak_w", "bad_number")]
    bad = swap(files, "tariffs.csv", "00:00,24:00,all,2465", "00:00,24:00,all,")
    assert faults(bad) == [("tariffs.csv", 2, "price", "missing_value")]


def test_mistakes_in_several_files_are_told_together(files: Files) -> None:
    bad = swap(swap(files, "tariffs.csv", "2465", "2.465"), "readings.csv", FIRST_READING, "b2,2026-06-01T00:30,")
    assert [fault[0] for fault in faults(bad)] == ["tariffs.csv", "readings.csv"]


def test_a_byte_order_mark_and_windows_line_ends_are_welcome(files: Files) -> None:
    windows = {name: b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n") for name, content in files.items()}
    assert np.array_equal(parse_scene(windows).load_wh, parse_scene(files).load_wh)


def test_semicolons_are_explained(files: Files) -> None:
    files["readings.csv"] = files["readings.csv"].replace(b",", b";")
    assert faults(files) == [("readings.csv", 1, None, "wrong_separator")]


def test_a_file_with_one_mistake_on_every_line_stops_early(files: Files) -> None:
    files["readings.csv"] = re.sub(rb"(?m),(\d+)$", rb',"\1,0"', files["readings.csv"]) * 3
    told = faults(files)
    assert told[-1][3] == "too_many_faults"
    assert len(told) == 201


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda content: "thừa thiên".encode("utf-16"), "not_utf8"),
        (lambda content: b"", "empty_file"),
        (lambda content: content.replace(b"load_wh", b"start"), "duplicate_column"),
    ],
)
def test_broken_readings_files(files: Files, change: Callable[[bytes], bytes], code: str) -> None:
    files["readings.csv"] = change(files["readings.csv"])
    assert code in [fault[3] for fault in faults(files)]


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_is_in_the_files_the_answer_is_a_scene_or_its_faults(data: st.DataObject) -> None:
    mangled = read_scene_files(EXAMPLE)
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(mangled)))
        at = data.draw(st.integers(0, min(400, len(mangled[name]))))
        piece = data.draw(
            st.sampled_from([b",", b"\n", b'"', b"-", b"9" * 20, b"T", b"\x00", b"\xff", b"=[", b"9999-"])
        )
        cut = data.draw(st.integers(0, 12))
        mangled[name] = mangled[name][:at] + piece + mangled[name][at + cut :]
    try:
        scene = parse_scene(mangled)
    except SceneRejected as rejected:
        assert rejected.errors
    else:
        assert (scene.load_wh >= 0).all()
        assert (scene.retail_price >= 0).all()


def test_missing_files_are_all_named(files: Files) -> None:
    del files["tariffs.csv"], files["readings.csv"]
    assert faults(files) == [(name, None, None, "missing_file") for name in ("tariffs.csv", "readings.csv")]


def copied(folder: Path) -> Path:
    for path in EXAMPLE.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def code_of(folder: Path) -> str:
    with pytest.raises(SceneRejected) as caught:
        load_scene(folder)
    (error,) = caught.value.errors
    return error.code


def test_a_gzipped_file_reads_the_same(tmp_path: Path) -> None:
    readings = copied(tmp_path) / "readings.csv"
    (tmp_path / "readings.csv.gz").write_bytes(gzip.compress(readings.read_bytes()))
    assert code_of(tmp_path) == "file_twice"
    readings.unlink()
    assert np.array_equal(load_scene(tmp_path).load_wh, load_scene(EXAMPLE).load_wh)
    (tmp_path / "readings.csv.gz").write_bytes((tmp_path / "readings.csv.gz").read_bytes()[:-20])
    assert code_of(tmp_path) == "broken_gzip"


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    assert code_of(tmp_path / "nowhere") == "no_such_folder"
    assert code_of(EXAMPLE / "scene.toml") == "not_a_folder"


def paris(on: str, starts: list[str]) -> Files:
    """One member in Paris on a day on which the clocks change."""
    readings = "participant,start,load_wh,generation_wh\n" + "".join(f"p,{start},7,0\n" for start in starts)
    return {
        "scene.toml": f'name = "x"\ntimezone = "Europe/Paris"\nstarts_on = {on}\ndays = 1\n'.encode(),
        "participants.csv": b"participant,name,kind,zone,tariff\np,P,household,main,flat\n",
        "tariffs.csv": b"tariff,from_time,to_time,weekdays,price\nflat,00:00,24:00,all,2000\n",
        "readings.csv": readings.encode(),
    }


def half_hours(on: str) -> list[str]:
    return [f"{on}T{hour:02}:{minute}" for hour in range(24) for minute in ("00", "30")]


def test_the_day_on_which_summer_time_begins_has_46_half_hours() -> None:
    starts = half_hours("2026-03-29")
    skipped = [start for start in starts if "T02" in start]
    scene = parse_scene(paris("2026-03-29", [start for start in starts if start not in skipped]))
    assert scene.load_wh.shape == (1, 46)
    told = faults(paris("2026-03-29", starts))
    assert told == [("readings.csv", line, "start", "no_such_local_time") for line in (6, 7)]


def test_the_day_on_which_summer_time_ends_has_50_half_hours() -> None:
    starts = half_hours("2026-10-25")
    told = faults(paris("2026-10-25", starts))
    assert told == [("readings.csv", line, "start", "ambiguous_local_time") for line in (6, 7)]
    twice = [start for start in starts if "T02" in start]
    with_offsets = [start + offset for start in twice for offset in ("+02:00", "+01:00")]
    scene = parse_scene(paris("2026-10-25", [start for start in starts if start not in twice] + with_offsets))
    assert scene.load_wh.tolist() == [[7] * 50]
    assert scene.retail_price.tolist() == [[2000] * 50]


def test_the_scene_of_real_data(tmp_path: Path) -> None:
    make_scene(tmp_path, shared_path("data"), days=7)
    scene = load_scene(tmp_path)
    kinds = [participant.kind for participant in scene.participants]
    assert [kinds.count(kind) for kind in ("faculty", "household", "tenant", "storage", "station")] == [1, 17, 6, 1, 1]
    assert len([device for device in scene.devices if isinstance(device.parameters, ElectricVehicle)]) == 8
    assert scene.load_wh.shape == (26, 7 * 48)
    assert scene.starts_on.weekday() == 0
    net_wh = scene.generation_wh - scene.load_wh - charging_wh(scene)
    surplus_wh, demand_wh = np.maximum(net_wh, 0).sum(axis=0), np.maximum(-net_wh, 0).sum(axis=0)
    assert np.minimum(surplus_wh, demand_wh).sum() > 0.1 * demand_wh.sum()
    assert scene.retail_price.min() == 1190
    assert scene.retail_price.max() == 5422
