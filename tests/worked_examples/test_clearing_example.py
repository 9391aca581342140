"""The clearing examples that a customer can check by hand: the campus morning, and every table in docs/algorithms.

The pages are the test data: each example's tables hold its input and its expected outcome side by side, and a figure
on a page that the code does not reproduce fails here.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from settlement.domain.clearing import ClearingInput, clear
from settlement.domain.compensation import deadband_wh
from settlement.domain.delivery import apportion
from settlement.domain.invariants import check, figures
from settlement.domain.replay import replay_interval
from units.money import round_to_minor

ALGORITHMS = Path(__file__).parents[2] / "docs" / "algorithms"
Row = dict[str, str]


def test_a_campus_on_a_tuesday_morning() -> None:
    """Campus, dorm and swap station sold to tenants T1 and T2; the campus exported less than it had promised T2."""
    campus, dorm, swap, t1, t2 = range(5)
    morning = ClearingInput(
        export_wh=np.array([50_000, 6_000, 9_000, 0, 0]),
        import_wh=np.array([0, 0, 0, 35_000, 90_000]),
        retail_price=np.array([0, 0, 0, 3_398, 3_398]),
        surplus_price=671,
        network_fee=120,
        trade_seq=np.array([1, 2, 3, 4]),
        seller_index=np.array([campus, dorm, campus, swap]),
        buyer_index=np.array([t1, t2, t2, t2]),
        traded_wh=np.array([40_000, 6_000, 20_000, 8_000]),
        price=np.array([1_700, 1_720, 1_650, 1_900]),
        pool_ask=np.array([900, 900, 1_500, 0, 0]),
        pool_ask_mask=np.array([True, True, True, False, False]),
        pool_bid=np.array([0, 0, 0, 2_600, 2_600]),
        pool_bid_mask=np.array([False, False, False, True, True]),
    )
    result = clear(morning)

    assert result.delivered_wh.tolist() == [35_000, 6_000, 15_000, 8_000]

    pool = result.pool
    assert (pool.seller_index.tolist(), pool.buyer_index.tolist(), pool.wh.tolist()) == ([swap], [t2], [1_000])
    assert pool.price == 2_050

    owed = result.compensation
    assert (owed.trade_seq.tolist(), owed.payer_index.tolist(), owed.counterparty_index.tolist()) == (
        [3],
        [campus],
        [t2],
    )
    assert (owed.missed_wh.tolist(), owed.charged_wh.tolist()) == ([5_000], [2_000])
    assert (owed.rate_price.tolist(), owed.millidong.tolist()) == ([1_628], [3_256_000])

    dong = result.cash_millidong / 1_000
    assert dong.tolist() == [80_994, 10_320, 17_250, -63_700, -256_544]
    assert result.operator_millidong == 203_880_000 == 60_000 * 3_398
    assert result.network_millidong == 7_800_000 == 65_000 * 120

    statement_of_t2 = {name: int(amounts[t2]) for name, amounts in result.cash.by_component().items()}
    assert statement_of_t2 == {
        "local_sale": 0,
        "local_purchase": -(6 * 1_720 + 15 * 1_650 + 8 * 1_900) * 1_000,
        "pool_sale": 0,
        "pool_purchase": -2_050_000,
        "network_fee": -30 * 120_000,
        "grid_purchase": -203_880_000,
        "grid_surplus": 0,
        "compensation_paid": 0,
        "compensation_received": 3_256_000,
    }
    assert check(morning, result) == []
    assert figures(morning, result)["cash_sum_millidong"] == 0


def tables(text: str) -> list[list[Row]]:
    """The Markdown tables of a text, each as its rows by column name."""
    found = []
    for block in re.findall(r"(?:^\|.*\n?)+", text, flags=re.MULTILINE):
        lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.strip().splitlines()]
        found.append([dict(zip(lines[0], cells, strict=True)) for cells in lines[2:]])
    return found


def number(cell: str) -> int:
    return int(cell.replace(",", "").replace("−", "-"))


def millidong(cell: str) -> int:
    return int(Decimal(cell.replace(",", "").replace("−", "-")) * 1_000)


def examples() -> dict[str, str]:
    """The examples of clearing.md: title and text."""
    page = (ALGORITHMS / "clearing.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^## Example: (.*)\n((?:(?!## ).*\n)*)", page, flags=re.MULTILINE))


def rules(title: str, text: str) -> dict[str, Any]:
    """The rules an example states in its first sentence."""
    text = " ".join(text.split())
    stated = re.search(r"urplus price (\S+), network fee (\d+), dead-band (\d+) % and (\d+) Wh", text)
    assert stated, f"{title} does not state its rules"
    surplus, *others = (number(value) for value in stated.groups())
    rule = dict(zip(("network_fee", "deadband_pct", "deadband_wh"), others, strict=True))
    return {"surplus_price": surplus, **rule, "mode": "fifo" if "FIFO" in title else "prorata"}


def with_column(text: str, column: str) -> list[Row]:
    return [row for table in tables(text) for row in table if column in row]


def interval(title: str, text: str) -> dict[str, Any]:
    """An example's tables as an interval to replay."""
    people, trades = with_column(text, "exports"), with_column(text, "traded")
    limits = {p["participant"]: [limit(p.get("ask")), limit(p.get("bid"))] for p in people}
    return rules(title, text) | {
        "meters": {p["participant"]: [number(p["imports"]), number(p["exports"])] for p in people},
        "retail": {p["participant"]: number(p["retail"]) for p in people if p["retail"]},
        "pool": {who: both for who, both in limits.items() if both != [None, None]},
        "surplus_cap_wh": {p["participant"]: number(p["cap"]) for p in people if p.get("cap")},
        "trades": [
            [number(t["trade"]), t["seller"], t["buyer"], number(t["traded"]), number(t["price"])] for t in trades
        ],
    }


def limit(cell: str | None) -> int | None:
    return number(cell) if cell else None


@pytest.mark.parametrize("title", examples())
def test_the_page_says_what_clearing_does(title: str) -> None:
    text = examples()[title]
    result = replay_interval(interval(title, text))
    assert result["delivered"] == {row["trade"]: number(row["delivered"]) for row in with_column(text, "delivered")}
    assert result["compensation"] == list(expected_compensation(text))
    columns = {"sold": "sold", "bought": "bought", "to grid": "grid_export", "from grid": "grid_import"}
    people = with_column(text, "exports")
    for column, answer in columns.items():
        assert result[answer] == {row["participant"]: number(row[column]) for row in people}, column
    if "unpaid" in people[0]:
        assert result["unpaid_spill"] == {row["participant"]: number(row["unpaid"]) for row in people}
    cash = result["cash_millidong"]
    assert {who: amount for who, amount in cash.items() if who[0] != "_"} == {
        row["participant"]: millidong(row["cash"]) for row in people
    }
    assert sum(cash.values()) == 0
    for totals in with_column(text, "pool Wh"):
        assert result["pool"] == {"wh": number(totals["pool Wh"]), "price": number(totals["pool price"])}
        assert cash["_operator"] == millidong(totals["operator"])
        assert cash["_network"] == millidong(totals["network"])


def expected_compensation(text: str) -> Iterator[list[Any]]:
    for row in with_column(text, "payer"):
        if row["payer"]:
            energy = [number(row["missed"]), number(row["charged"])]
            yield [number(row["trade"]), row["payer"], *energy, millidong(row["compensation"])]


def test_the_page_has_examples() -> None:
    assert len(examples()) == 6


def rounding(column: str) -> list[Row]:
    rows = with_column((ALGORITHMS / "rounding.md").read_text(encoding="utf-8"), column)
    assert rows
    return rows


@pytest.mark.parametrize("row", rounding("on the invoice line"), ids=lambda row: row["milli-đồng"])
def test_invoice_lines_round_as_the_page_says(row: Row) -> None:
    assert round_to_minor(number(row["milli-đồng"])) == number(row["on the invoice line"])


@pytest.mark.parametrize("row", rounding("shares"), ids=lambda row: row["shares"])
def test_shares_round_as_the_page_says(row: Row) -> None:
    claims = [number(cell) for cell in row["claims"].split()]
    shares = apportion(np.array(claims), np.zeros(len(claims), dtype=np.int64), np.array([number(row["available"])]))
    assert shares.tolist() == [number(cell) for cell in row["shares"].split()]


@pytest.mark.parametrize("row", rounding("bid"), ids=lambda row: row["price"])
def test_the_pool_price_rounds_as_the_page_says(row: Row) -> None:
    answer = replay_interval(
        {
            "meters": {"seller": [0, 1], "buyer": [1, 0]},
            "trades": [],
            "retail": {},
            "surplus_price": 0,
            "network_fee": 0,
            "pool": {"seller": [number(row["ask"]), None], "buyer": [None, number(row["bid"])]},
        }
    )
    assert answer["pool"] == {"wh": 1, "price": number(row["price"])}


@pytest.mark.parametrize("row", rounding("contracted"), ids=lambda row: row["contracted"])
def test_the_dead_band_rounds_as_the_page_says(row: Row) -> None:
    zero, traded = np.zeros(1, dtype=np.int64), np.array([number(row["contracted"])])
    inputs = ClearingInput(
        import_wh=zero, export_wh=zero, retail_price=zero, surplus_price=0, price=zero,
        trade_seq=zero, seller_index=zero, buyer_index=zero, traded_wh=traded,
    )  # fmt: skip
    assert deadband_wh(inputs, inputs.seller_index).tolist() == [number(row["dead-band"])]
