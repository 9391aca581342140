"""`replay_orders`: the format line by line, and what becomes of lines that are no messages."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from trading.domain.replay import replay

REPOSITORY = Path(__file__).parents[2]
RULES = {"tick": 1, "lot_wh": 100, "min_price": -500, "max_price": 9_999, "min_wh": 100, "max_wh": 1_000_000}
CONTRACT = {"id": "K1", "gate_opens_at": 0, "gate_closes_at": 1_000_000, "call_until": 0}
MARKET = {"market": {**RULES, "contracts": [CONTRACT]}}
SELL = {
    "op": "new", "participant": "roof", "client_order_id": "1", "contract": "K1", "side": "sell", "quantity_wh": 500,
    "price": 900,
}  # fmt: skip
BUY = {**SELL, "participant": "lab", "side": "buy"}
CANCEL = {"op": "cancel", "participant": "roof", "client_order_id": "1"}
MISSING = object()


def told(*records: Any) -> list[dict[str, Any]]:
    lines = [record if isinstance(record, str | bytes) else json.dumps(record) for record in records]
    return list(replay(lines, "orders.jsonl"))


def answer(record: Any, *before: Any) -> dict[str, Any]:
    """The answer to one message in a fresh market, behind others."""
    return told(MARKET, *before, record)[-2]


def changed(record: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**record, **changes}.items() if value is not MISSING}


def test_a_trade_is_told_with_both_names() -> None:
    sold, bought, summary = told(MARKET, SELL, {**BUY, "quantity_wh": 700, "price": 950})
    assert sold == {"result": "accepted", "reason": None, "status": "open", "order": "roof:1", "trades": []}
    trade = {"contract": "K1", "price": 900, "quantity_wh": 500, "maker": "roof:1", "taker": "lab:1",
             "taker_side": "buy"}  # fmt: skip
    assert bought == {
        "result": "accepted", "reason": None, "status": "partially_filled", "order": "lab:1", "trades": [trade],
    }  # fmt: skip
    assert summary == {
        "book": {"K1": {"bids": [["lab:1", 950, 200]], "asks": []}},
        "orders": {
            "roof:1": {"status": "filled", "filled_wh": 500, "remaining_wh": 0},
            "lab:1": {"status": "partially_filled", "filled_wh": 500, "remaining_wh": 200},
        },
    }


def test_each_market_starts_fresh_behind_the_summary_of_the_last() -> None:
    answers = told(MARKET, SELL, MARKET, SELL)
    assert [next(iter(line)) for line in answers] == ["result", "book", "result", "book"]
    assert answers[:2] == answers[2:]
    assert told(MARKET) == [{"book": {}, "orders": {}}]
    assert told() == []


@pytest.mark.parametrize(
    ("message", "before", "expected"),
    [
        (CANCEL, [SELL], ("cancelled", None, "cancelled")),
        (CANCEL, [], ("rejected", "unknown_order", "rejected")),
        ({**CANCEL, "op": "amend", "price": 950}, [SELL], ("amended", None, "open")),
        (SELL, [SELL], ("duplicate", None, "open")),
        ({**SELL, "type": "limit", "tif": "GTC", "post_only": False}, [SELL], ("duplicate", None, "open")),
        ({**SELL, "price": 901}, [SELL], ("rejected", "client_order_id_reused", "rejected")),
        ({**SELL, "tif": "IOC"}, [], ("accepted", "ioc_remainder", "cancelled")),
        ({**SELL, "tif": "FOK"}, [], ("accepted", "fok_killed", "cancelled")),
        (changed(SELL, price=MISSING, type="market"), [], ("accepted", "no_liquidity", "cancelled")),
        ({**SELL, "type": "market"}, [], ("rejected", "invalid_price", "rejected")),
        (changed(SELL, price=MISSING), [], ("rejected", "invalid_price", "rejected")),
        ({**SELL, "side": "hold"}, [], ("rejected", "invalid_side", "rejected")),
        ({**SELL, "tif": "DAY"}, [], ("rejected", "invalid_tif", "rejected")),
        ({**SELL, "stp": "none"}, [], ("rejected", "invalid_stp", "rejected")),
        ({**SELL, "quantity_wh": 0}, [], ("rejected", "quantity_out_of_range", "rejected")),
        ({**SELL, "price": 10**18}, [], ("rejected", "price_out_of_band", "rejected")),
        ({**SELL, "at": 1_000_000}, [], ("rejected", "gate_closed", "rejected")),
        ({**SELL, "tif": "GTD", "expires_at": 7, "at": 6}, [], ("accepted", None, "open")),
        ({**SELL, "note": "unknown", "min_quantity_wh": None}, [], ("accepted", None, "open")),
    ],
)  # fmt: skip
def test_outcomes(message: Any, before: list[Any], expected: tuple[str, str | None, str]) -> None:
    line = answer(message, *before)
    assert (line["result"], line["reason"], line["status"]) == expected
    assert (line["order"], line["trades"]) == ("roof:1", [])


def test_bounds_counts_and_prices() -> None:
    assert answer({**SELL, "quantity_wh": 50})["bound"] == 100
    assert "bound" not in answer({**SELL, "contract": "K2"})
    count = answer({"op": "cancel_all", "participant": "roof", "contract": "K1"}, SELL)
    assert count == {"result": "ok", "reason": None, "status": None, "order": None, "trades": [], "count": 1}
    assert answer({"op": "halt"}) == {"result": "ok", "reason": None, "status": None, "order": None, "trades": []}
    assert answer({"op": "time", "at": 5})["result"] == "ok"
    assert answer(SELL, {"op": "halt"})["reason"] == "halted"
    assert answer(SELL, {"op": "halt"}, {"op": "resume"})["result"] == "accepted"


def test_an_uncrossing_tells_its_price() -> None:
    called = {"market": {**RULES, "contracts": [{**CONTRACT, "call_until": 10}]}}
    sold, bought, uncrossed, summary = told(called, SELL, {**BUY, "price": 902}, {"op": "uncross", "contract": "K1"})
    assert [sold["trades"], bought["trades"]] == [[], []]
    assert (uncrossed["price"], uncrossed["trades"][0]["price"], uncrossed["trades"][0]["taker"]) == (901, 901, "lab:1")
    assert summary["book"] == {}
    assert told(called, {"op": "uncross", "contract": "K1"})[0]["price"] is None


def test_a_stream_may_carry_owners_and_sequence_numbers() -> None:
    owned = {"market": {**RULES, "contracts": [CONTRACT], "owners": {"roof": "us", "lab": "us"}}}
    _, prevented, _ = told(owned, {**SELL, "seq": 7}, {**BUY, "seq": 9})
    assert prevented["reason"] == "self_trade"
    again = answer({**BUY, "seq": 7}, {**SELL, "seq": 7})
    assert (again["reason"], again["detail"]) == (
        "invalid_message",
        "orders.jsonl line 3: seq must be above 7, the last one.",
    )


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("nonsense", "no JSON"),
        ('{"op":"new"', "no JSON"),
        pytest.param("[" * 100_000, "no JSON", id="nested too deeply"),
        (b'{"op":"\xff"}', "no JSON"),
        ("[1]", "a JSON object"),
        ("17", "a JSON object"),
        ({}, "op "),
        ({"op": "buy"}, "op "),
        ({"op": ["new"]}, "op "),
        ({"op": "uncross"}, "contract "),
        ({"op": "cancel_all"}, "participant "),
        ({"op": "cancel_all", "participant": "roof", "contract": 5}, "contract "),
        ({"op": "cancel", "participant": "roof"}, "client_order_id "),
        ({"op": "amend", "participant": "roof", "client_order_id": "1", "price": "900"}, "price "),
        ({"op": "halt", "at": 1.5}, "at "),
        ({"op": "halt", "at": True}, "at "),
        ({"op": "halt", "seq": "1"}, "seq "),
        (changed(SELL, participant=MISSING), "participant "),
        ({**SELL, "participant": 5}, "participant "),
        ({**SELL, "participant": ""}, "participant "),
        ({**SELL, "client_order_id": ""}, "client_order_id "),
        ({**SELL, "client_order_id": "x" * 37}, "client_order_id "),
        ({**SELL, "contract": None}, "contract "),
        ({**SELL, "side": 1}, "side "),
        (changed(SELL, quantity_wh=MISSING), "quantity_wh "),
        ({**SELL, "quantity_wh": 500.0}, "quantity_wh "),
        ({**SELL, "quantity_wh": True}, "quantity_wh "),
        ({**SELL, "price": 900.5}, "price "),
        ({**SELL, "price": 2**63}, "price "),
        ({**SELL, "price": -(2**64)}, "price "),
        ({**SELL, "type": "stop"}, "type "),
        ({**SELL, "tif": 5}, "tif "),
        ({**SELL, "expires_at": "soon"}, "expires_at "),
        ({**SELL, "post_only": 1}, "post_only "),
        ({**SELL, "stp": []}, "stp "),
        ({**SELL, "display_wh": {}}, "display_wh "),
        ({**SELL, "min_quantity_wh": 1e3}, "min_quantity_wh "),
    ],
)  # fmt: skip
def test_a_line_that_is_no_message_is_named_and_loses_nothing(line: Any, field: str) -> None:
    _, refused, last, summary = told(MARKET, {**SELL, "client_order_id": "0"}, line, BUY)
    assert (refused["result"], refused["reason"], refused["status"]) == ("rejected", "invalid_message", "rejected")
    assert refused["detail"].startswith("orders.jsonl line 3: ")
    assert field in refused["detail"]
    assert refused["detail"].endswith(".")
    assert last["trades"][0]["maker"] == "roof:0"
    assert list(summary["orders"]) == ["roof:0", "lab:1"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"contracts": []}, "contracts "),
        ({"contracts": MISSING}, "contracts "),
        ({"contracts": [5]}, "contracts "),
        ({"contracts": [{}]}, "id "),
        ({"contracts": [CONTRACT, CONTRACT]}, "contracts "),
        ({"contracts": [{**CONTRACT, "gate_closes_at": 0}]}, "gate_closes_at "),
        ({"contracts": [{**CONTRACT, "min_price": 10_000}]}, "max_price "),
        ({"tick": 0}, "tick"),
        ({"lot_wh": -100}, "lot_wh"),
        ({"lot_wh": 1.5}, "lot_wh "),
        ({"max_wh": 50}, "max_wh "),
        ({"owners": ["roof"]}, "owners "),
        ({"owners": {"roof": 5}}, "roof "),
    ],
)
def test_behind_a_wrong_market_line_there_is_no_market(change: dict[str, Any], field: str) -> None:
    wrong = {"market": changed({**RULES, "contracts": [CONTRACT]}, **change)}
    _, summary, refused, orphan = told(MARKET, SELL, wrong, BUY)
    assert list(summary["orders"]) == ["roof:1"]
    assert refused["reason"] == orphan["reason"] == "invalid_message"
    assert field in refused["detail"]
    assert "no market yet" in orphan["detail"]


def test_a_market_has_sensible_rules_where_it_names_none() -> None:
    answers = told({"market": {"contracts": [{"id": "K1"}]}}, {**SELL, "price": -(10**9), "at": 10**15})
    assert answers[0]["result"] == "accepted"
    assert told({"market": 5})[0]["reason"] == "invalid_message"


def test_empty_lines_are_passed_over() -> None:
    assert len(told(MARKET, "", "  \n", SELL, "\n")) == 2


# The command


def lines_of(*records: Any) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def test_the_command_reads_a_file_with_a_byte_order_mark(tmp_path: Path) -> None:
    file, out = tmp_path / "orders.jsonl", io.StringIO()
    file.write_text("\ufeff" + lines_of(MARKET, SELL, {**BUY, "participant": "lớp"}) + "nonsense\n", encoding="utf-8")
    call_command("replay_orders", str(file), stdout=out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line.get("result") for line in answers] == ["accepted", "accepted", "rejected", None]
    assert answers[1]["order"] == "lớp:1"
    assert f"{file} line 4" in answers[2]["detail"]


def test_the_command_reads_standard_input_without_a_database() -> None:
    run = subprocess.run(
        [sys.executable, "manage.py", "replay_orders", "-"],
        cwd=REPOSITORY, input=lines_of(MARKET, SELL, BUY), capture_output=True, text=True, check=True,
        env={"PATH": "/usr/bin:/bin", "SECRET_KEY": "for this test only"},
    )  # fmt: skip
    assert [json.loads(line).get("result") for line in run.stdout.splitlines()] == ["accepted", "accepted", None]
    assert run.stderr == ""


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_said_in_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError, match=r"cannot be read"):
        call_command("replay_orders", str(tmp_path / name))
