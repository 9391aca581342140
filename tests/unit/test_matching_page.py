"""docs/algorithms/matching.md does what it says: its tables and dialogues are run through the core.

The tables of sections 1, 2 and 4 are continuous trading, one fresh market each; those of section 10 are auctions. A
dialogue is a replay, `→` lines in and `←` lines out.
"""

import json
import re
from pathlib import Path

import pytest

from trading.domain.book import Book
from trading.domain.checks import Rules
from trading.domain.engine import Done, Engine
from trading.domain.errors import SENTENCES
from trading.domain.messages import BUY, SELF_TRADE_RULES, SELL, TIMES_IN_FORCE, New, Uncross
from trading.domain.orders import CAUSES, Order
from trading.domain.replay import replay

PAGE = (Path(__file__).parents[2] / "docs" / "algorithms" / "matching.md").read_text(encoding="utf-8")
Row = dict[str, str]

MARKET = {
    "tick": 1, "lot_wh": 100, "min_price": -500, "max_price": 9999, "min_wh": 100, "max_wh": 1_000_000,
    "contracts": [{"id": "K1", "gate_opens_at": 0, "gate_closes_at": 1_000_000, "call_until": 0}],
}  # fmt: skip


def tables(text: str) -> list[list[Row]]:
    found = []
    for block in re.findall(r"(?:^\|.*\n?)+", text, flags=re.MULTILINE):
        lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in block.strip().splitlines()]
        found.append([dict(zip(lines[0], cells, strict=True)) for cells in lines[2:]])
    return found


def number(cell: str) -> int:
    return int(cell.replace(",", "").replace("−", "-"))


def sections(level: str) -> dict[str, str]:
    return dict(re.findall(rf"^{level} (.*)\n((?:(?!#).*\n)*)", PAGE, flags=re.MULTILINE))


def engine(*, call: bool) -> Engine:
    return Engine(Rules(), [Book("K1", 0, 1_000_000, -500, 9_999, call_until=1 if call else 0)])


def order_of(row: Row) -> New:
    terms = dict.fromkeys(re.split(r",\s+", row.get("terms", "")), "")
    price = number(row["price"]) if row["price"] else None
    new = New(row.get("participant", row["order"]), row["order"], "K1", BUY if row["side"] == "buy" else SELL,
              number(row["Wh"]), price, "IOC" if "market" in terms else "GTC")  # fmt: skip
    for term in terms:
        name, _, value = term.partition(" ")
        if term in TIMES_IN_FORCE:
            new = new._replace(tif=term)
        elif term in SELF_TRADE_RULES:
            new = new._replace(stp=term)
        elif value:
            new = new._replace(**{name: number(value)})
        else:
            assert term in ("", "market"), term
    return new


# Continuous trading

CONTINUOUS = {
    title: rows for title, text in sections("##").items() for rows in tables(text) if {"left", "side"} <= set(rows[0])
}


@pytest.mark.parametrize("title", CONTINUOUS)
def test_a_table_of_orders(title: str) -> None:
    market = engine(call=False)
    for row in CONTINUOUS[title]:
        answer = market.apply(order_of(row))
        assert isinstance(answer, Order)
        told = [f"{trade.maker.key[1]}: {trade.quantity_wh:,} at {trade.price:,}" for trade in market.trades]
        assert "; ".join(told + ([answer.reason] if answer.reason else [])) == row["trades"], row
        assert answer.remaining == number(row["left"]), row


def test_the_page_has_its_tables() -> None:
    assert [title[0] for title in CONTINUOUS] == ["1", "2", "4"]
    assert len(AUCTIONS) == 6
    assert len(DIALOGUES) == 3


# Auctions

AUCTIONS = {title: text for title, text in sections("###").items() if title.startswith("Example: ")}


@pytest.mark.parametrize("title", AUCTIONS)
def test_an_auction(title: str) -> None:
    orders, outcome = tables(AUCTIONS[title])
    market = engine(call=True)
    for row in orders:
        assert isinstance(market.apply(order_of(row)), Order)
    done = market.apply(Uncross("K1"))
    assert isinstance(done, Done)
    expected = outcome[0]
    assert done.price == (number(expected["price"]) if expected["price"] else None)
    assert sum(trade.quantity_wh for trade in market.trades) == number(expected["volume"])
    assert {trade.price for trade in market.trades} <= {done.price}
    pairs = [(sorted((t.maker.key[1], t.taker.key[1])), t.quantity_wh) for t in market.trades]
    assert "; ".join(f"{a}–{b} {wh:,}" for (a, b), wh in pairs) == expected["trades"]
    for row in orders:
        assert market.orders[row["order"], row["order"]].filled == number(row["filled"])
    assert all(t.maker.seq < t.taker.seq for t in market.trades)


# Dialogues

DIALOGUES = {
    title: re.findall(r"^([→←]) (.*)$", text, flags=re.MULTILINE)
    for title, text in sections("##").items()
    if re.search(r"^→", text, flags=re.MULTILINE)
}


@pytest.mark.parametrize("title", DIALOGUES)
def test_a_dialogue(title: str) -> None:
    sent = [line for arrow, line in DIALOGUES[title] if arrow == "→"]
    told = [json.loads(line) for arrow, line in DIALOGUES[title] if arrow == "←"]
    answers = list(replay([json.dumps({"market": MARKET}), *sent], "the stream"))
    if len(told) == len(sent):
        answers.pop()  # the summary, which this dialogue leaves out
    assert answers == told


# The catalogue of reasons


def test_the_page_names_every_reason() -> None:
    refusals = {code for rows in tables(PAGE) if "reason" in rows[0] for row in rows
                for code in re.findall(r"`(\w+)`", row["reason"])}  # fmt: skip
    assert refusals == set(SENTENCES)
    endings = PAGE[PAGE.index("An accepted order may still have ended at once") :].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", endings)) == set(CAUSES)
