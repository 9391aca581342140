"""Market data over HTTP, and its law: an old snapshot with the events after it is the new snapshot."""

from collections import Counter
from datetime import timedelta

from tests.api.conftest import World
from tests.factories import NOON


def test_markets_tell_their_rules_and_their_time(world: World) -> None:
    (market,) = world.dung.get("markets").json()["markets"]
    assert market == world.dung.get("markets/m").json() | {"now": market["now"]}
    assert (market["code"], market["tick"], market["lot_wh"], market["halted"]) == ("m", 5, 100, False)
    assert market["now"].startswith("2026-06-01T05:0")


def test_contracts_are_listed_by_delivery_and_state(world: World) -> None:
    listed = world.dung.get("markets/m/contracts").json()["contracts"]
    assert [c["contract_id"] for c in listed] == [c.pk for c in world.contracts]
    assert (listed[0]["name"], listed[0]["product"], listed[0]["state"]) == ("12:30–13:00", "P30", "CONTINUOUS")
    start = world.contracts[1].delivery_start
    window = {"from": start.isoformat(), "to": (start + timedelta(minutes=30)).isoformat()}
    assert [c["contract_id"] for c in world.dung.get("markets/m/contracts", **window).json()["contracts"]] == [
        world.contracts[1].pk
    ]
    assert world.dung.get("markets/m/contracts", state="CLOSED").json()["contracts"] == []


def test_a_contract_its_book_and_its_trades(world: World) -> None:
    pk = world.contracts[0].pk
    for price in (1_500, 1_500, 1_600):
        world.anna.post("orders", world.order(price=price))
    world.binh.post("orders", world.order(side="buy", price=1_400))
    world.binh.post("orders", world.order(side="buy", price=1_500, quantity_wh=300))
    book = world.dung.get(f"contracts/{pk}/book").json()
    assert (book["asks"], book["bids"]) == ([[1_500, 1_700, 2], [1_600, 1_000, 1]], [[1_400, 1_000, 1]])
    assert world.dung.get(f"contracts/{pk}/book", depth=1).json()["asks"] == [[1_500, 1_700, 2]]
    contract = world.dung.get(f"contracts/{pk}").json()
    assert (contract["best_bid"], contract["best_ask"], contract["last_price"], contract["volume_wh"]) == (
        1_400,
        1_500,
        1_500,
        300,
    )
    (trade,) = world.dung.get(f"contracts/{pk}/trades").json()["trades"]
    assert (trade["price"], trade["wh"], trade["taker_side"]) == (1_500, 300, "buy")


def _levels(snapshot: dict) -> Counter:
    return Counter(
        {
            (book["contract_id"], side, price): wh
            for book in snapshot["books"]
            for side, levels in ((1, book["bids"]), (-1, book["asks"]))
            for price, wh, _ in levels
        }
    )


def test_an_old_snapshot_and_the_events_after_it_are_the_new_snapshot(world: World) -> None:
    world.anna.post("orders", world.order())
    old = world.dung.get("markets/m/snapshot").json()
    order_id = world.anna.post("orders", world.order(price=1_600)).json()["order_id"]
    world.binh.post("orders", world.order(side="buy", price=1_500, quantity_wh=300))
    world.anna.patch(f"orders/{order_id}", {"quantity_wh": 400})
    world.anna.post(f"orders/cancel-all?contract={world.contracts[1].pk}")
    new = world.dung.get("markets/m/snapshot").json()
    levels, seq = _levels(old), old["seq"]
    while True:
        page = world.dung.get("markets/m/events", after=seq, limit=1).json()
        if not page["events"]:
            break
        (event,) = page["events"]
        assert event["seq"] == seq + 1
        for contract, side, price, wh, _ in event["book"]:
            levels[contract, side, price] += wh
        seq = event["seq"]
    assert seq == new["seq"] == page["last_seq"]
    assert +levels == _levels(new)
    assert new["trades"][0]["seq"] > old["seq"]
    assert new["at"] >= NOON.isoformat()


def test_candles_tell_what_a_contract_was_traded_at(world: World) -> None:
    pk = world.contracts[0].pk
    empty = world.dung.get(f"contracts/{pk}/candles").json()
    assert (empty["candles"], empty["last_trade_id"], empty["vwap"], empty["minutes"]) == ([], None, None, 15)
    world.anna.post("orders", world.order(price=1_500, quantity_wh=300))
    world.anna.post("orders", world.order(price=1_600, quantity_wh=100))
    world.binh.post("orders", world.order(side="buy", price=1_600, quantity_wh=400))
    told = world.dung.get(f"contracts/{pk}/candles", minutes=60, limit=1).json()
    (candle,) = told["candles"]
    assert candle[0].endswith("T05:00:00Z")
    assert candle[1:] == [1_500, 1_600, 1_500, 1_600, 400, 2]
    assert (told["vwap"], told["wh"], told["last_trade_id"]) == (1_525, 400, 2)


def test_candles_of_nothing_and_of_a_strange_length_are_refused(world: World) -> None:
    assert world.dung.get("contracts/999999/candles").status_code == 404
    for wrong in ({"minutes": 7}, {"limit": 0}, {"limit": 3_001}, {"of": "x"}):
        answer = world.dung.get(f"contracts/{world.contracts[0].pk}/candles", **wrong)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameter"), wrong
