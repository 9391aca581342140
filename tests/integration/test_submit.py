"""The way in: durable answers, idempotent ids, limits, races of threads, and a log that is the market."""

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connections
from psycopg.errors import CheckViolation

from tariffs.domain.windows import Window
from tariffs.models import Tariff
from tariffs.operations import assign_tariff, replace_rows, set_terms
from tests.factories import NOON, give_panels, make_market, make_participants, minutes, open_contracts
from trading.domain.messages import BUY, GTD, SELL, Amend, Cancel, CancelAll, New, Uncross
from trading.models import Admission, Command, Contract, EnergyLimit, Order, Position, Trade
from trading.operations import UnknownMarket, audit, halt, resume, submit, tick

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def market():
    return make_market()


def take(market, *messages, at=NOON):
    return submit(market.pk, messages, by=None, at=at)


def limited_market(**rules):
    market = make_market(limits_enforced=True, **rules)
    return market, make_participants(3, market=market), open_contracts(market)


def test_a_trade_is_stored_with_its_orders_positions_and_summary(market) -> None:
    seller, buyer = make_participants(2)
    contract = open_contracts(market)[0]
    take(market, New(seller.pk, "s", contract.pk, SELL, 20_000, 1650))
    (reply,) = take(market, New(buyer.pk, "b", contract.pk, BUY, 25_000, 1700))
    assert (reply.result, reply.order.status, reply.order.filled_wh) == ("accepted", "partially_filled", 20_000)
    trade = Trade.objects.get()
    assert (trade.price, trade.quantity_wh, trade.buyer_id, trade.seller_id) == (1650, 20_000, buyer.pk, seller.pk)
    position = Position.objects.get(participant=buyer)
    assert (position.bought_wh, position.open_buy_wh) == (20_000, 5_000)
    assert position.committed_millidong == 20_000 * 1650 + 5_000 * 1700
    contract.refresh_from_db()
    assert (contract.last_price, contract.volume_wh, contract.turnover_millidong) == (1650, 20_000, 33_000_000)


def test_an_exact_repeat_is_a_duplicate_and_other_contents_are_refused(market) -> None:
    (party,) = make_participants(1)
    contract = open_contracts(market)[0]
    order = New(party.pk, "x", contract.pk, SELL, 1_000, 1500)
    first, second = take(market, order, order)
    third, fourth = take(market, order, order._replace(price=1501))
    assert [r.result for r in (first, second, third, fourth)] == ["accepted", "duplicate", "duplicate", "rejected"]
    assert fourth.reason == "client_order_id_reused"
    assert third.order == first.order
    assert Command.objects.filter(op="new").count() == 1


def test_a_repeat_after_an_amendment_is_still_a_duplicate(market) -> None:
    (party,) = make_participants(1)
    contract = open_contracts(market)[0]
    order = New(party.pk, "x", contract.pk, SELL, 1_000, 1500)
    take(market, order, Amend(party.pk, "x", 800, 1600))
    (reply,) = take(market, order)
    assert (reply.result, reply.order.price, reply.order.quantity_wh) == ("duplicate", 1600, 800)


def test_a_rejected_order_does_not_use_up_its_id(market) -> None:
    (party,) = make_participants(1)
    contract = open_contracts(market)[0]
    refused, taken = take(
        market, New(party.pk, "x", contract.pk, SELL, 150, 1500), New(party.pk, "x", contract.pk, SELL, 100, 1500)
    )
    assert (refused.reason, refused.bound, taken.result) == ("invalid_quantity_lot", 100, "accepted")


def test_an_unknown_market_is_said_so() -> None:
    with pytest.raises(UnknownMarket):
        submit(999_999, [CancelAll(1)], by=None, at=NOON)


def test_credit_bounds_buying_and_is_given_back(market) -> None:
    market, (party, *_), contracts = limited_market(code="limited")
    Admission.objects.filter(participant=party).update(credit_limit_millidong=1_000 * 1_700)
    one = New(party.pk, "1", contracts[0].pk, BUY, 900, 1_700)
    two = New(party.pk, "2", contracts[1].pk, BUY, 200, 1_700)
    first, second = take(market, one, two)
    assert first.result == "accepted"
    assert (second.reason, second.bound) == ("insufficient_credit", 170)
    take(market, Cancel(party.pk, "1"))
    assert take(market, two)[0].result == "accepted"
    assert Admission.objects.get(participant=party).committed_millidong == 200 * 1_700


def test_panels_bound_selling_and_bought_energy_can_be_sold_on() -> None:
    market, (seller, other, _), contracts = limited_market()
    give_panels(seller, 10_000)
    give_panels(other, 100_000)
    k = contracts[0].pk
    refused, taken, more = take(
        market,
        New(seller.pk, "1", k, SELL, 5_600, 1_000),
        New(seller.pk, "2", k, SELL, 5_500, 1_000),
        New(seller.pk, "3", k, SELL, 100, 1_000),
    )
    assert (refused.reason, refused.bound, taken.result, more.reason) == (
        "insufficient_energy", 5_500, "accepted", "insufficient_energy",
    )  # fmt: skip
    take(market, New(other.pk, "1", k, SELL, 300, 900), New(seller.pk, "4", k, BUY, 300, 950))
    assert take(market, New(seller.pk, "5", k, SELL, 300, 1_000))[0].result == "accepted"


def test_a_forecast_bounds_below_the_nameplate() -> None:
    market, (seller, *_), contracts = limited_market()
    give_panels(seller, 10_000)
    EnergyLimit.objects.create(market=market, contract=contracts[0], participant=seller, net_wh=1_000, updated_at=NOON)
    (refused,) = take(market, New(seller.pk, "1", contracts[0].pk, SELL, 1_100, 1_000))
    assert (refused.reason, refused.bound) == ("insufficient_energy", 1_000)


def test_a_battery_is_not_sold_twice_over_the_intervals() -> None:
    market, (owner, *_), contracts = limited_market()
    battery = give_panels(owner, 0)
    battery.kind = "battery"
    battery.capacity_wh, battery.charge_w, battery.discharge_w, battery.soc_wh = 10_000, 5_000, 5_000, 4_000
    battery.save()
    # 4,000 Wh less the floor of 1,000, times √0.9: 2,845 whole Wh can come out, over all intervals together.
    replies = take(
        market,
        New(owner.pk, "1", contracts[1].pk, SELL, 2_000, 1_000),
        New(owner.pk, "2", contracts[0].pk, SELL, 900, 1_000),
        New(owner.pk, "3", contracts[0].pk, SELL, 800, 1_000),
        New(owner.pk, "4", contracts[2].pk, SELL, 100, 1_000),
    )
    assert [r.result for r in replies] == ["accepted", "rejected", "accepted", "rejected"]
    assert (replies[1].reason, replies[1].bound) == ("insufficient_energy", 845)


def test_prices_stay_between_surplus_price_and_own_retail_less_fee() -> None:
    market, (party, *_), contracts = limited_market()
    give_panels(party, 100_000)
    site, on = market.site, NOON.date() - timedelta(days=1)
    tariff = Tariff.objects.create(code="flat", name="flat")
    replace_rows(tariff=tariff, rows=[Window(127, 0, 1440, 2_500, on)], by=None, at=NOON)
    assign_tariff(site=site, participant=party, tariff=tariff, valid_from=on, by=None, at=NOON)
    terms = {"deadband_pct": 5, "deadband_wh": 250, "source": "test"}
    set_terms(site=site, valid_from=on, surplus_price=671, network_fee=120, by=None, at=NOON, **terms)
    k = contracts[0].pk
    prices = [(SELL, 670), (SELL, 671), (BUY, 2_381), (BUY, 2_380), (SELL, 5_000)]
    replies = take(market, *(New(party.pk, f"{n}", k, side, 100, p) for n, (side, p) in enumerate(prices)))
    assert [(r.reason, r.bound) for r in replies[::2]] == [
        ("price_out_of_band", 671), ("price_out_of_band", 2_380), ("", None),
    ]  # fmt: skip
    assert [r.result for r in replies[1::2]] == ["accepted", "accepted"]


def test_who_is_not_admitted_may_not_trade() -> None:
    market, _, contracts = limited_market()
    (stranger,) = make_participants(1, prefix="stranger")
    (reply,) = take(market, New(stranger.pk, "1", contracts[0].pk, BUY, 100, 1_000))
    assert reply.reason == "unknown_participant"


def test_a_dated_order_expires_before_it_could_be_hit(market) -> None:
    seller, buyer = make_participants(2)
    contract = open_contracts(market)[2]
    expires = int((NOON + minutes(1)).timestamp() * 1000)
    take(market, New(seller.pk, "s", contract.pk, SELL, 1_000, 1_500, GTD, expires))
    (reply,) = take(market, New(buyer.pk, "b", contract.pk, BUY, 1_000, 1_500), at=NOON + minutes(1))
    assert reply.order.filled_wh == 0
    assert Order.objects.get(participant=seller).status == Order.Status.EXPIRED


def test_a_gate_closes_once_and_everything_in_it_expires(market) -> None:
    (party,) = make_participants(1)
    contract = open_contracts(market)[0]
    take(market, New(party.pk, "s", contract.pk, SELL, 1_000, 1_500))
    after = contract.gate_closes_at
    (late,) = take(market, New(party.pk, "t", contract.pk, SELL, 1_000, 1_500), at=after)
    assert late.reason == "gate_closed"
    assert tick(market.pk, after).closed == 1
    assert tick(market.pk, after).closed == 0
    assert Order.objects.get().action == "gate_closed"
    assert Position.objects.get().open_sell_wh == 0
    contract.refresh_from_db()
    assert contract.state == Contract.State.CLOSED


def test_a_pure_call_auction_uncrosses_at_its_gate() -> None:
    market = make_market(call_ends_minutes=5)
    seller, buyer = make_participants(2)
    contract = open_contracts(market)[0]
    take(
        market,
        New(seller.pk, "s", contract.pk, SELL, 2_000, 1_000),
        New(buyer.pk, "b", contract.pk, BUY, 1_500, 2_000),
    )
    tick(market.pk, contract.gate_closes_at)
    trade = Trade.objects.get()
    assert (trade.price, trade.quantity_wh) == (1_000, 1_500)
    contract.refresh_from_db()
    assert contract.state == Contract.State.CLOSED
    assert Order.objects.get(participant=seller).status == Order.Status.EXPIRED


def test_uncrossing_twice_is_harmless() -> None:
    market = make_market(call_ends_minutes=60)
    contract = open_contracts(market)[3]
    first, second = take(market, Uncross(contract.pk), Uncross(contract.pk))
    assert (first.result, second.result, second.price) == ("ok", "ok", None)


def test_a_day_of_being_switched_off_is_caught_up(market) -> None:
    later = NOON + minutes(60 * 26)
    done = tick(market.pk, later)
    assert done.closed >= 50
    states = set(market.contracts.filter(gate_closes_at__lte=later).values_list("state", flat=True))
    assert states <= {"CLOSED", "DELIVERED"}
    assert not market.contracts.filter(state="SCHEDULED", gate_opens_at__lte=later).exists()
    starts = list(market.contracts.order_by("delivery_start").values_list("delivery_start", flat=True))
    assert all(b - a == minutes(30) for a, b in pairwise(starts))


def test_threads_that_race_with_one_id_place_one_order(market) -> None:
    seller, buyer = make_participants(2)
    contract = open_contracts(market)[0]
    take(market, New(seller.pk, "s", contract.pk, SELL, 100_000, 1_500))
    order = New(buyer.pk, "same", contract.pk, BUY, 1_000, 1_500)
    replies = in_threads(16, lambda _: take(market, order)[0])
    assert sorted(r.result for r in replies) == ["accepted"] + ["duplicate"] * 15
    assert Trade.objects.count() == 1


def test_many_callers_at_once_all_get_their_own_answers(market) -> None:
    parties = make_participants(12)
    contract = open_contracts(market)[0]

    def trade(number: int):
        party, side = parties[number % 12], BUY if number % 2 else SELL
        return [take(market, New(party.pk, f"{number}-{i}", contract.pk, side, 500, 1_500))[0] for i in range(10)]

    replies = in_threads(12, trade)
    for number, mine in enumerate(replies):
        assert [r.order.client_order_id for r in mine] == [f"{number}-{i}" for i in range(10)]
    found = audit(market.pk)
    assert (found.differences, found.commands) == ((), 1 + 120)


def test_more_callers_than_one_batch_carries_are_all_served(market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trading.operations.submitting.MOST_IN_A_BATCH", 2)
    parties = make_participants(16)
    contract = open_contracts(market)[0]
    replies = in_threads(16, lambda n: take(market, New(parties[n].pk, "1", contract.pk, SELL, 100, 1_500))[0])
    assert [r.result for r in replies] == ["accepted"] * 16


def in_threads(count: int, work):
    results: list = [None] * count

    def run(number: int) -> None:
        try:
            results[number] = work(number)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_the_database_refuses_what_breaks_an_invariant(market) -> None:
    (party,) = make_participants(1)
    contract = open_contracts(market)[0]
    take(market, New(party.pk, "s", contract.pk, SELL, 1_000, 1_500))
    with pytest.raises(Exception) as caught:
        Order.objects.update(filled_wh=2_000)
    assert isinstance(caught.value.__cause__, CheckViolation)
    with pytest.raises(Exception, match="Cannot update or delete"):
        Command.objects.update(op="cancel")


def test_the_audit_finds_what_was_changed_behind_its_back(market) -> None:
    (party,) = make_participants(1)
    contract = open_contracts(market)[0]
    take(market, New(party.pk, "s", contract.pk, SELL, 1_000, 1_500))
    assert audit(market.pk).differences == ()
    Order.objects.update(price=1_499)
    assert len(audit(market.pk).differences) == 1


def test_workers_that_tick_at_once_uncross_and_close_once() -> None:
    market = make_market(call_ends_minutes=60)
    seller, buyer = make_participants(2)
    contract = open_contracts(market)[3]
    take(
        market,
        New(seller.pk, "s", contract.pk, SELL, 1_000, 1_000),
        New(buyer.pk, "b", contract.pk, BUY, 1_000, 1_200),
        New(buyer.pk, "rest", contract.pk, BUY, 700, 900),
    )
    in_threads(4, lambda _: tick(market.pk, contract.call_until))
    assert Trade.objects.count() == 1
    in_threads(4, lambda _: tick(market.pk, contract.gate_closes_at))
    assert Order.objects.get(client_order_id="rest").action == "gate_closed"
    contract.refresh_from_db()
    assert contract.state == Contract.State.CLOSED
    assert audit(market.pk).differences == ()


def test_a_halt_keeps_the_queue_and_the_auction_waits() -> None:
    market = make_market(call_ends_minutes=60)
    (party,) = make_participants(1)
    contract = open_contracts(market)[3]
    take(market, New(party.pk, "s", contract.pk, SELL, 1_000, 1_000))
    halt(market, by=None, at=NOON)
    market.refresh_from_db()
    (refused,) = take(market, New(party.pk, "t", contract.pk, SELL, 1_000, 1_000))
    assert refused.reason == "halted"
    tick(market.pk, contract.call_until)
    contract.refresh_from_db()
    assert contract.state == Contract.State.CALL
    resume(market, by=None, at=contract.call_until)
    tick(market.pk, contract.call_until)
    contract.refresh_from_db()
    assert contract.state == Contract.State.CONTINUOUS
    assert Order.objects.get().status == Order.Status.OPEN
