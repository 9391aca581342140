"""Replaying recorded intervals: the documented form, answers to bad lines, and the command around it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from settlement.domain.replay import replay, replay_interval

INTERVAL: dict[str, Any] = {
    "meters": {"b": [0, 8_000], "a": [10_000, 0]},
    "trades": [[5, "b", "a", 6_000, 1_500], [4, "b", "ghost", 1_000, 1_400]],
    "retail": {"a": 3_000},
    "surplus_price": 671,
    "network_fee": 100,
    "deadband_pct": 5,
    "deadband_wh": 250,
    "mode": "fifo",
    "pool": None,
}


def test_replay_answers_in_the_documented_form() -> None:
    assert replay_interval(INTERVAL) == {
        "delivered": {"4": 0, "5": 6_000},
        "pool": {"wh": 0, "price": None},
        "sold": {"a": 0, "b": 6_000, "ghost": 0},
        "bought": {"a": 6_000, "b": 0, "ghost": 0},
        "grid_export": {"a": 0, "b": 2_000, "ghost": 0},
        "grid_import": {"a": 4_000, "b": 0, "ghost": 0},
        "compensation": [[4, "ghost", 1_000, 750, 750 * (1_400 - 671)]],
        "cash_millidong": {
            "a": -6_000 * 1_600 - 4_000 * 3_000,
            "b": 6_000 * 1_500 + 2_000 * 671 + 750 * 729,
            "ghost": -750 * 729,
            "_operator": 4_000 * 3_000 - 2_000 * 671,
            "_network": 600_000,
        },
    }


def test_replay_defaults_are_the_markets() -> None:
    short = {key: INTERVAL[key] for key in ("meters", "trades", "retail", "surplus_price", "network_fee")}
    assert replay_interval(short) == replay_interval(INTERVAL)


BAD_LINES: list[tuple[dict[str, Any], str, str]] = [
    ({"meters": {"a": [1, 2.5]}}, "invalid_field", "meters.a[1] is 2.5; give whole Wh, 0 or more."),
    ({"meters": {"a": [True, 2]}}, "invalid_field", "meters.a[0] is true; give whole Wh"),
    ({"meters": {"a": None}}, "invalid_field", "meters.a is null; give [import_wh, export_wh]"),
    ({"meters": []}, "invalid_field", "meters is []; give an object"),
    ({"meters": {"_operator": [0, 0]}}, "invalid_field", 'is "_operator"; give a participant id'),
    ({"trades": [[1, "a", "b", "6 kWh", 1]]}, "invalid_field", 'trades[0][3] is "6 kWh"; give whole Wh'),
    ({"trades": [[1, "a", "b", -1, 1]]}, "invalid_field", "trades[0][3] is -1; give whole Wh, 0 or more."),
    ({"trades": [[1, "a", 7, 1, 1]]}, "invalid_field", "trades[0][2] is 7; give a participant id as a string"),
    ({"trades": [[1, "a", "b", 1]]}, "invalid_field", "trades[0] is"),
    ({"trades": [[1, "a", "b", 1, 1]] * 2}, "invalid_field", "trades[1][0] is 1; it is used twice"),
    ({"trades": None}, "invalid_field", "trades is null"),
    ({"retail": {}}, "missing_field", "retail.a is missing; add the price of its 4000 Wh from the grid."),
    ({"retail": {"a": "x"}}, "invalid_field", 'retail.a is "x"'),
    ({"surplus_price": 671.0}, "invalid_field", "surplus_price is 671.0"),
    ({"network_fee": 2**63}, "invalid_field", "network_fee is 9223372036854775808"),
    ({"mode": "lifo"}, "invalid_field", 'mode is "lifo"; give "fifo" or "prorata".'),
    ({"pool": {"a": [1]}}, "invalid_field", "pool.a is [1]"),
    ({"pool": {"a": [1, "x"]}}, "invalid_field", 'pool.a[1] is "x"'),
    ({"force_majeure": 1}, "invalid_field", "force_majeure is 1; give true or false."),
    ({"estimated": ["zoe"]}, "invalid_field", "zoe has neither a meter nor a trade"),
    ({"deadband_pct": 101}, "invalid_clearing_input", "101 %"),
    ({"dead_band_wh": 1}, "unknown_field", "dead_band_wh is unknown; did you mean deadband_wh?"),
    ({"meters": {"a": [10**16, 0]}, "retail": {"a": 10**6}}, "clearing_overflow", "64-bit"),
]


@pytest.mark.parametrize(("changes", "code", "told"), BAD_LINES, ids=[told for _, _, told in BAD_LINES])
def test_a_bad_line_is_answered_and_the_next_goes_on(changes: dict[str, Any], code: str, told: str) -> None:
    lines = [json.dumps(INTERVAL), json.dumps(INTERVAL | changes), json.dumps(INTERVAL)]
    answers = list(replay(lines, "june.jsonl"))
    assert [answer.ok for answer in answers] == [True, False, True]
    error = json.loads(answers[1].text)["error"]
    assert (error["code"], error["line"]) == (code, 2)
    assert error["message"].startswith("june.jsonl line 2: ")
    assert told in error["message"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"nonsense", "is not JSON"),
        (b"[1]", "give one object"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"meters":{"a":[0,0],"a":[0,0]}}', '"a" appears twice'),
        (b'{"meters":{"\\ud800":[0,0]}}', "half a character"),
        (b'{"meters":' + b"9" * 5_000 + b"}", "is not JSON"),
        (b"{}", "meters is missing; add it."),
    ],
)
def test_a_line_that_is_no_interval_is_answered(line: bytes, told: str) -> None:
    (answer,) = replay([line], "-")
    assert told in json.loads(answer.text)["error"]["message"]


def test_a_byte_order_mark_and_empty_lines_are_passed_over() -> None:
    (answer,) = replay(["\ufeff" + json.dumps(INTERVAL), "\n"], "june.jsonl")
    assert answer.ok


def command(file: str, out: io.StringIO) -> list[dict[str, Any]]:
    call_command("replay_clearing", file, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_command_reads_a_file_without_a_database(tmp_path: Path) -> None:
    file = tmp_path / "june.jsonl"
    file.write_text(json.dumps(INTERVAL) + "\n", encoding="utf-8")
    assert command(str(file), io.StringIO()) == [replay_interval(INTERVAL)]


def test_the_command_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(INTERVAL).encode())))
    assert command("-", io.StringIO()) == [replay_interval(INTERVAL)]


def test_the_command_fails_at_the_end_when_a_line_was_bad(tmp_path: Path) -> None:
    file = tmp_path / "june.jsonl"
    file.write_text("nonsense\n" + json.dumps(INTERVAL), encoding="utf-8")
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 of the intervals could not be cleared"):
        command(str(file), out)
    assert ["error" in json.loads(line) for line in out.getvalue().splitlines()] == [True, False]


def test_the_command_names_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"missing\.jsonl cannot be read: No such file"):
        command(str(tmp_path / "missing.jsonl"), io.StringIO())
