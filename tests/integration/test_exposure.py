"""Exposure: the running figures beside the order path are the ledger's, and they decide who may still buy."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from settlement.operations import resettle, settle
from settlement.operations.booking import PaymentError
from settlement.operations.exposure import check_exposure, refresh_exposure
from settlement.operations.payments import record_payment
from settlement.operations.refunds import refund, undo_payment, use_prepaid
from tests.factories import NOON as TRADING_NOON
from tests.factories import make_market, make_participants, open_contracts
from tests.money_world import NOON, issue, money_world
from tests.settlement_world import World
from trading.domain.messages import BUY, GTC, New
from trading.models import Admission
from trading.operations import submit

BY = {"by": None, "at": NOON}


def figures(world: World, code: str) -> tuple[int, int, int]:
    """(settled, owed, prepaid) in milli-đồng."""
    row = Admission.objects.get(market=world.market, participant=world.people[code])
    return row.settled_millidong, row.owed_millidong, row.prepaid_millidong


@pytest.mark.django_db
def test_a_day_from_trade_to_payment() -> None:
    world = money_world()
    world.add("s", retail=2_000)
    world.add("b", retail=2_000)
    contract = world.contract()
    world.trade(contract, "s", "b", 10_000, 1_000)
    assert Admission.objects.get(participant=world.people["b"]).committed_millidong == 10_000_000
    world.read({"s": (0, 10_000), "b": (10_000, 0)})
    settle(contract_id=contract.pk, kind="P", at=contract.delivery_end + timedelta(hours=1))
    # 10 kWh at 1,000 and 120 đồng of network fee each.
    assert figures(world, "b") == (-11_200_000, 11_200_000, 0)
    assert figures(world, "s") == (10_000_000, 0, 0)
    assert Admission.objects.get(participant=world.people["b"]).committed_millidong == 0
    world.read({"b": (9_000, 0)})
    resettle(contract_id=contract.pk, at=contract.delivery_end + timedelta(hours=2))
    # It takes 1 kWh less, of which half is beyond the dead-band and costs it 1,000 − 671 đồng a kWh.
    assert figures(world, "b")[1] == 10_244_500
    issue(world, "b", 10_244)
    assert figures(world, "b")[1] == 10_244_500  # from one account to the other
    record_payment(market_id=world.market.pk, participant_id=world.people["b"].pk, amount_dong=15_000, **BY)
    assert figures(world, "b") == (-500, 500, 4_756_000)
    assert not check_exposure(world.market.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(("legal_basis", "taken"), [("internal_accounting", 8), ("shadow", 10)])
def test_what_is_owed_and_prepaid_decides_what_may_be_bought(legal_basis: str, taken: int) -> None:
    market = make_market(limits_enforced=True, legal_basis=legal_basis)
    (party,) = make_participants(1, market=market)
    seat = Admission.objects.filter(market=market, participant=party)
    seat.update(credit_limit_millidong=9_000_000, settled_millidong=-2_000_000, prepaid_millidong=1_000_000)
    contract = open_contracts(market)[0].pk
    orders = [New(party.pk, f"c{n}", contract, BUY, 1_000, 1_000, GTC, 0) for n in range(12)]
    results = submit(market.pk, orders, by=None, at=TRADING_NOON)
    refused = [result for result in results if result.reason]
    assert len(orders) - len(refused) == taken
    assert {result.reason for result in refused} == {"insufficient_credit"}
    assert {result.bound for result in refused} == {0}


@pytest.mark.django_db
def test_drift_is_reported_and_repaired() -> None:
    world = money_world("a", "b")
    record_payment(market_id=world.market.pk, participant_id=world.people["a"].pk, amount_dong=7, **BY)
    Admission.objects.filter(participant=world.people["a"]).update(prepaid_millidong=1, settled_millidong=5)
    (drift,) = check_exposure(world.market.pk)
    assert (drift.settled_millidong, drift.settled_in_ledger) == (5, 0)
    assert (drift.prepaid_millidong, drift.prepaid_in_ledger) == (1, 7_000)
    assert refresh_exposure(world.market.pk, [world.people["b"].pk]) == 0
    assert refresh_exposure(world.market.pk) == 1
    assert not check_exposure(world.market.pk)
    assert figures(world, "a") == (0, 0, 7_000)


actions = st.one_of(
    st.tuples(st.just("read"), st.integers(0, 2), st.integers(0, 30_000), st.integers(0, 30_000)),
    st.tuples(st.just("invoice"), st.integers(0, 2), st.integers(-50_000, 50_000).filter(bool)),
    st.tuples(st.just("pay"), st.integers(0, 2), st.integers(-50_000, 90_000).filter(bool)),
    st.tuples(st.just("prepaid"), st.integers(0, 2)),
    st.tuples(st.just("refund"), st.integers(0, 2), st.integers(1, 40_000)),
    st.tuples(st.just("undo"), st.integers(0, 5)),
)


class RandomMoney(TestCase):
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(actions, min_size=1, max_size=14))
    def test_the_running_figures_are_the_ledgers(self, steps: list[tuple]) -> None:
        world = money_world()
        names = [f"p{n}" for n in range(3)]
        for name in names:
            world.add(name, retail=2_000, ask=800, bid=1_500)
        contract = world.contract()
        world.trade(contract, "p0", "p1", 9_000, 1_100)
        settle(contract_id=contract.pk, kind="P", at=contract.delivery_end + timedelta(hours=1))
        paid: list[int] = []
        for number, (what, *values) in enumerate(steps, start=2):
            who = {"market_id": world.market.pk, "participant_id": world.people[names[values[0] % 3]].pk}
            try:
                if what == "read":
                    world.read({names[values[0]]: (values[1], values[2])})
                    resettle(contract_id=contract.pk, at=contract.delivery_end + timedelta(hours=number))
                elif what == "invoice":
                    issue(world, names[values[0]], values[1])
                elif what == "pay":
                    paid.append(record_payment(**who, amount_dong=values[1], **BY).pk)
                elif what == "prepaid":
                    payment = use_prepaid(**who, **BY)
                    paid += [payment.pk] if payment else []
                elif what == "refund":
                    refund(**who, amount_dong=values[1], **BY)
                elif paid:
                    undo_payment(payment_id=paid[values[0] % len(paid)], note="x", **BY)
            except PaymentError:
                pass
            assert not check_exposure(world.market.pk)
        seats = Admission.objects.filter(market=world.market)
        assert all(seat.owed_millidong == max(0, -seat.settled_millidong) for seat in seats)
