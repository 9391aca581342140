"""Orders over HTTP: placing, repeating, amending, cancelling, reading, in bulk; and each refusal with its status."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api.conftest import Api, World, make_user
from tests.factories import NOON
from trading.models import Market, Order
from trading.operations import MarketUnavailable, halt, resume, tick


def error_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_an_order_is_placed_and_read_again(world: World) -> None:
    answer = world.anna.post("orders", world.order(client_order_id="a-1", note="surplus", display_wh=200))
    assert answer.status_code == 201
    placed = answer.json()
    assert placed["status"] == "open"
    assert (placed["client_order_id"], placed["participant"], placed["tif"]) == ("a-1", "p0", "GTC")
    assert (placed["remaining_wh"], placed["revision"], placed["trades"]) == (1_000, 1, [])
    assert placed["created_at"].startswith("2026-06-01T05:0")
    again = world.anna.get(f"orders/{placed['order_id']}").json()
    assert again == placed


def test_a_client_order_id_is_made_where_none_is_given(world: World) -> None:
    placed = world.anna.post("orders", world.order()).json()
    found = world.anna.get("orders", client_order_id=placed["client_order_id"]).json()["orders"]
    assert [order["order_id"] for order in found] == [placed["order_id"]]


def test_a_trade_is_told_to_both_sides(world: World) -> None:
    sold = world.anna.post("orders", world.order()).json()
    bought = world.binh.post("orders", world.order(side="buy", quantity_wh=400, price=1_600)).json()
    (trade,) = bought["trades"]
    assert (trade["price"], trade["wh"], trade["taker_side"]) == (1_500, 400, "buy")
    assert (bought["status"], bought["average_price"]) == ("filled", 1_500)
    present = world.anna.get(f"orders/{sold['order_id']}").json()
    assert (present["status"], present["filled_wh"], present["trades"]) == ("partially_filled", 400, [trade])


def test_an_exact_repeat_tells_the_present_state(world: World) -> None:
    order = world.order(client_order_id="once")
    first = world.anna.post("orders", order)
    world.binh.post("orders", world.order(side="buy", quantity_wh=300))
    second = world.anna.post("orders", order)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["duplicate"] is True
    assert (second.json()["order_id"], second.json()["filled_wh"]) == (first.json()["order_id"], 300)
    assert len(second.json()["trades"]) == 1
    assert Order.objects.filter(participant=world.p0).count() == 1


def test_a_rejected_order_does_not_use_up_its_id(world: World) -> None:
    refused = world.anna.post("orders", world.order(client_order_id="x", quantity_wh=150))
    taken = world.anna.post("orders", world.order(client_order_id="x"))
    assert (refused.status_code, taken.status_code) == (422, 201)


BROKEN_RULES = [
    ({"price": 1_501}, "invalid_price_tick", 5),
    ({"quantity_wh": 150}, "invalid_quantity_lot", 100),
    ({"price": 3_005}, "price_out_of_band", 3_000),
    ({"price": -105}, "price_out_of_band", -100),
    ({"quantity_wh": 1_000_100}, "quantity_out_of_range", 1_000_000),
    ({"quantity_wh": 0}, "quantity_out_of_range", 100),
    ({"price": ...}, "invalid_price", None),
    ({"type": "market"}, "invalid_price", None),
    ({"type": "market", "price": ..., "tif": "GTC"}, "invalid_tif", None),
    ({"tif": "GTD"}, "invalid_expires_at", None),
    ({"expires_at": "2026-06-01T06:00:00Z"}, "invalid_expires_at", None),
    ({"display_wh": 50}, "invalid_display_quantity", 100),
    ({"min_quantity_wh": 2_000}, "invalid_min_quantity", 100),
]


@pytest.mark.parametrize(("changes", "code", "bound"), BROKEN_RULES)
def test_a_broken_rule_is_422_with_its_bound(world: World, changes: dict[str, Any], code: str, bound: int) -> None:
    answer = world.anna.post("orders", world.order(**changes))
    assert error_of(answer) == (422, code)
    assert answer.json()["error"].get("bound") == bound
    assert len(answer.json()["error"]["message"]) > 20


def test_credit_and_energy_are_bounds_too(world: World) -> None:
    Market.objects.update(limits_enforced=True)
    world.market.admissions.filter(participant=world.p0).update(credit_limit_millidong=1_000)
    assert error_of(world.anna.post("orders", world.order())) == (422, "insufficient_energy")
    assert error_of(world.anna.post("orders", world.order(side="buy"))) == (422, "insufficient_credit")


def test_post_only_that_would_cross_is_refused(world: World) -> None:
    world.anna.post("orders", world.order())
    answer = world.binh.post("orders", world.order(side="buy", post_only=True))
    assert error_of(answer) == (422, "post_only_would_cross")
    assert answer.json()["error"]["bound"] == 1_500


def test_states_are_409(world: World) -> None:
    placed = world.anna.post("orders", world.order(client_order_id="s")).json()
    assert error_of(world.anna.post("orders", world.order(client_order_id="s", price=1_505))) == (
        409,
        "client_order_id_reused",
    )
    later = world.contracts[-1]
    world.market.contracts.filter(pk=later.pk).update(gate_opens_at=NOON + timedelta(hours=1))
    assert error_of(world.anna.post("orders", world.order(contract_id=later.pk))) == (409, "gate_not_open")
    halt(world.market, by=world.admin.user, at=NOON)
    assert error_of(world.anna.post("orders", world.order())) == (409, "halted")
    assert world.anna.delete(f"orders/{placed['order_id']}").json()["status"] == "cancelled"
    resume(world.market, by=world.admin.user, at=NOON)
    assert error_of(world.anna.delete(f"orders/{placed['order_id']}")) == (409, "order_not_open")
    tick(world.market.pk, NOON + timedelta(hours=1))
    assert error_of(world.anna.post("orders", world.order())) == (409, "gate_closed")


def test_amending_changes_and_counts_revisions(world: World) -> None:
    order_id = world.anna.post("orders", world.order()).json()["order_id"]
    changed = world.anna.patch(f"orders/{order_id}", {"quantity_wh": 800, "price": 1_600, "revision": 1})
    assert changed.status_code == 200
    assert (changed.json()["quantity_wh"], changed.json()["price"], changed.json()["revision"]) == (800, 1_600, 2)
    assert changed.json()["action"] == "user_modified"
    stale = world.anna.patch(f"orders/{order_id}", {"price": 1_700, "revision": 1})
    assert error_of(stale) == (409, "revision_conflict")
    assert stale.json()["error"]["bound"] == 2
    assert error_of(world.anna.patch(f"orders/{order_id}", {})) == (422, "nothing_to_amend")


def test_an_amendment_that_crosses_tells_its_trades(world: World) -> None:
    order_id = world.anna.post("orders", world.order()).json()["order_id"]
    world.binh.post("orders", world.order(side="buy", price=1_400))
    changed = world.anna.patch(f"orders/{order_id}", {"price": 1_400}).json()
    assert (changed["status"], [trade["price"] for trade in changed["trades"]]) == ("filled", [1_400])


def test_what_is_not_there_is_404(world: World) -> None:
    unknown = "019e7044-8800-7000-8000-0300000003e8"
    assert error_of(world.anna.delete(f"orders/{unknown}")) == (404, "unknown_order")
    assert error_of(world.anna.get(f"orders/{unknown}")) == (404, "unknown_order")
    assert error_of(world.anna.patch("orders/6ba7b810-9dad-11d1-80b4-00c04fd430c8", {})) == (404, "unknown_order")
    assert error_of(world.anna.delete("orders/nonsense")) == (404, "not_found")
    assert error_of(world.anna.post("orders", world.order(contract_id=2**53 - 1))) == (404, "unknown_contract")
    assert error_of(world.anna.post("orders", world.order(participant="p1"))) == (404, "unknown_participant")


def test_an_id_with_another_moment_is_no_id(world: World) -> None:
    order_id = world.anna.post("orders", world.order()).json()["order_id"]
    forged = f"{int(order_id[0], 16) ^ 1:x}{order_id[1:]}"
    assert error_of(world.anna.get(f"orders/{forged}")) == (404, "unknown_order")


def test_a_bulk_answers_each_message_on_its_own(world: World) -> None:
    open_id = world.anna.post("orders", world.order()).json()["order_id"]
    other_id = world.anna.post("orders", world.order(price=1_700)).json()["order_id"]
    foreign_id = world.binh.post("orders", world.order(side="buy", price=1_000)).json()["order_id"]
    messages = [
        world.order(op="new", client_order_id="b1"),
        world.order(op="new", client_order_id="b1"),
        world.order(op="new", quantity_wh=True),
        world.order(op="new", price=1),
        {"op": "amend", "order_id": open_id, "quantity_wh": 500},
        {"op": "cancel", "order_id": other_id},
        {"op": "cancel", "order_id": foreign_id},
        {"op": "dance"},
        7,
    ]
    answer = world.anna.post("orders/bulk", {"messages": messages, "request_id": "r-1"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["request_id"] == "r-1"
    assert [result["status"] for result in body["results"]] == [201, 200, 400, 422, 200, 200, 404, 400, 400]
    assert body["results"][1]["order"]["duplicate"] is True
    assert body["results"][4]["order"]["quantity_wh"] == 500
    assert body["results"][5]["order"]["status"] == "cancelled"
    assert body["results"][2]["error"]["field"] == "quantity_wh"


def test_a_bulk_spans_markets(world: World) -> None:
    from tests.factories import make_market, make_participants, open_contracts
    from trading.operations import set_clock

    other = make_market("n")
    set_clock(other, rate=1, clock_at=NOON, started_at=world.market.clock_started_at)
    make_participants(1, market=other)
    there = open_contracts(other)[0].pk
    messages = [world.order(op="new"), world.order(op="new", contract_id=there), world.order(op="new", price=1_505)]
    results = world.anna.post("orders/bulk", {"messages": messages}).json()["results"]
    assert [r["status"] for r in results] == [201, 201, 201]
    assert [r["order"]["contract_id"] for r in results] == [m["contract_id"] for m in messages]


def test_a_bulk_is_bounded(world: World) -> None:
    message = world.order(op="new")
    assert error_of(world.anna.post("orders/bulk", {"messages": []})) == (400, "invalid_message")
    assert error_of(world.anna.post("orders/bulk", {"messages": [message] * 1_001})) == (400, "invalid_message")
    other = world.anna.post("orders/bulk", {"messages": [message], "on_error": "hope"})
    assert error_of(other) == (400, "invalid_message")
    assert other.json()["error"]["field"] == "on_error"
    assert Order.objects.count() == 0


def all_or_none(world: World, *messages: Any) -> list[tuple[int, str]]:
    results = world.anna.post("orders/bulk", {"messages": messages, "on_error": "reject_all"}).json()["results"]
    return [(each["status"], each.get("error", {}).get("code", "")) for each in results]


def test_reject_all_undoes_a_bulk_for_one_refusal(world: World) -> None:
    open_id = world.anna.post("orders", world.order(client_order_id="o")).json()["order_id"]
    world.binh.post("orders", world.order(side="buy", price=1_400))
    seq = Market.objects.get().last_seq
    good = [world.order(op="new", client_order_id="r1", price=1_400), {"op": "cancel", "order_id": open_id}]
    refused = [(409, "bulk_rejected"), (409, "bulk_rejected"), (422, "price_out_of_band")]
    assert all_or_none(world, *good, world.order(op="new", price=9_000)) == refused
    assert all_or_none(world, *good, {"op": "dance"}) == [*refused[:2], (400, "invalid_message")]
    assert all_or_none(world, *good, world.order(op="new", participant="p1"))[2] == (404, "unknown_participant")
    assert Market.objects.get().last_seq == seq
    assert Order.objects.filter(client_order_id="r1").count() == 0
    assert world.anna.get(f"orders/{open_id}").json()["status"] == "open"
    assert all_or_none(world, *good) == [(201, ""), (200, "")]
    assert all_or_none(world, good[0]) == [(200, "")], "a repeat is no refusal"
    assert world.anna.get(f"orders/{open_id}").json()["status"] == "cancelled"


def test_reject_all_is_about_one_market(world: World) -> None:
    from tests.factories import make_market, make_participants, open_contracts

    other = make_market("n")
    make_participants(1, market=other)
    there = open_contracts(other)[0].pk
    found = all_or_none(world, world.order(op="new"), world.order(op="new", contract_id=there))
    assert found == [(422, "bulk_of_several_markets")] * 2
    assert Order.objects.count() == 0


def test_cancel_all_takes_everything_or_one_contract(world: World) -> None:
    here, there = world.contracts[0].pk, world.contracts[1].pk
    for contract in (here, here, there):
        world.anna.post("orders", world.order(contract_id=contract))
    world.binh.post("orders", world.order(side="buy", price=1_000))
    assert world.anna.post(f"orders/cancel-all?contract={here}").json() == {"cancelled": 2}
    assert world.anna.post("orders/cancel-all").json() == {"cancelled": 1}
    assert world.anna.post("orders/cancel-all").json() == {"cancelled": 0}
    assert world.binh.get("orders", status="open").json()["orders"] != []
    assert error_of(world.anna.post("orders/cancel-all?contract=999999999")) == (404, "unknown_contract")
    assert error_of(world.dung.post("orders/cancel-all")) == (403, "forbidden")


def test_own_orders_come_page_by_page(world: World) -> None:
    ids = [world.anna.post("orders", world.order(price=1_500 + 5 * n)).json()["order_id"] for n in range(5)]
    world.binh.post("orders", world.order(side="buy", price=1_000))
    seen, before = [], {}
    for _ in range(4):
        page = world.anna.get("orders", limit=2, **before).json()
        seen += [order["order_id"] for order in page["orders"]]
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    assert seen == ids[::-1]


def test_own_orders_are_filtered(world: World) -> None:
    first = world.anna.post("orders", world.order()).json()["order_id"]
    second = world.anna.post("orders", world.order(contract_id=world.contracts[1].pk)).json()["order_id"]
    world.anna.delete(f"orders/{first}")

    def ids(**query):
        return [o["order_id"] for o in world.anna.get("orders", **query).json()["orders"]]

    assert ids(status="open,partially_filled") == [second]
    assert ids(status="cancelled") == [first]
    assert ids(contract=world.contracts[1].pk) == [second]
    assert error_of(world.anna.get("orders", status="lost")) == (400, "invalid_parameter")
    assert error_of(world.anna.get("orders", before="6ba7b810-9dad-11d1-80b4-00c04fd430c8")) == (
        400,
        "invalid_parameter",
    )


def test_the_participant_must_be_named_where_there_are_several(world: World) -> None:
    eva = Api(make_user("eva", (world.p1, "trader"), (world.p2, "owner"), (world.p0, "viewer")))
    unnamed = eva.post("orders", world.order())
    assert error_of(unnamed) == (400, "participant_required")
    assert unnamed.json()["error"]["message"].endswith("name one of p1, p2.")
    assert eva.post("orders", world.order(participant="p2")).json()["participant"] == "p2"
    assert error_of(eva.post("orders", world.order(participant="p0"))) == (403, "forbidden")


def test_whoever_is_not_admitted_does_not_trade_there(world: World) -> None:
    world.market.admissions.filter(participant=world.p0).update(active=False)
    assert error_of(world.anna.post("orders", world.order())) == (404, "unknown_participant")


def test_an_unreachable_market_says_that_the_outcome_is_unknown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*args: Any, **kwargs: Any) -> Any:
        raise MarketUnavailable("gone")

    monkeypatch.setattr("trading.api.taking.submit", unreachable)
    answer = world.anna.post("orders", world.order())
    assert error_of(answer) == (503, "market_unavailable")
    assert "same client order id" in answer.json()["error"]["message"]
    assert answer.headers["Retry-After"] == "1"


def test_too_many_messages_are_429(world: World, settings: Any) -> None:
    settings.API_MESSAGES_AT_ONCE = 2
    settings.API_MESSAGES_PER_SECOND = 0.01
    assert [world.anna.post("orders", world.order()).status_code for _ in range(2)] == [201, 201]
    refused = world.anna.post("orders", world.order())
    assert error_of(refused) == (429, "rate_limited")
    assert int(refused.headers["Retry-After"]) > 1
    assert world.anna.post("orders/cancel-all").json() == {"cancelled": 2}


def test_without_the_broker_orders_are_still_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import redis

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr("accounts.bucket._script", lambda: broken)
    assert world.anna.post("orders", world.order()).status_code == 201
