"""Random markets through the database: whatever is traded, measured, lost and corrected, the books stay right.

A market lives through one interval with several runs. After each, the ledger is what a naive reading of the clearing of
today's readings says, every category sums to zero in money and energy, and the run can be computed again byte for byte.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from settlement.domain.replay import replay_interval
from settlement.models import LedgerEntry, ParticipantResult, SettlementRun
from settlement.operations import RunSummary, recompute, resettle, settle
from tests.settlement_world import World, make_world

energies = st.integers(0, 40_000)
prices = st.one_of(st.none(), st.integers(-50, 3_000))


@dataclass(frozen=True)
class Plan:
    """People as (retail, ask, bid), trades as (seller, buyer, Wh, price), and rounds of readings by person."""

    people: list[tuple[int, int | None, int | None]]
    trades: list[tuple[int, int, int, int]]
    rounds: list[dict[int, tuple[int, int]]]
    surplus_price: int
    network_fee: int
    mode: str


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    count = draw(st.integers(2, 6))
    people = [(draw(st.integers(0, 4_000)), draw(prices), draw(prices)) for _ in range(count)]
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] != pair[1])
    trades = draw(st.lists(st.tuples(pairs, st.integers(1, 30_000), st.integers(-20, 3_000)), max_size=8))
    energy = st.tuples(energies, energies)
    readings = st.dictionaries(st.integers(0, count - 1), energy, max_size=count)
    rounds = draw(st.lists(readings, max_size=3))
    everybody = draw(st.lists(energy, min_size=count, max_size=count))  # in the end all meters are read
    return Plan(
        people,
        [(seller, buyer, wh, price) for (seller, buyer), wh, price in trades],
        [*rounds, dict(enumerate(everybody))],
        draw(st.integers(-20, 900)),
        draw(st.integers(0, 300)),
        draw(st.sampled_from(["fifo", "prorata"])),
    )


def name(number: int) -> str:
    return f"p{number}"


def set_up(plan: Plan) -> tuple[World, Any]:
    world = make_world(surplus_price=plan.surplus_price, network_fee=plan.network_fee)
    world.market.clearing_mode = plan.mode
    world.market.save()
    for number, (retail, ask, bid) in enumerate(plan.people):
        world.add(name(number), retail=retail, ask=ask, bid=bid)
    contract = world.contract()
    for seller, buyer, wh, price in plan.trades:
        world.trade(contract, name(seller), name(buyer), wh, price)
    return world, contract


def naive(plan: Plan, known: dict[int, tuple[int, int]]) -> dict[str, int]:
    """The cash of the interval by the replay format, which knows no database."""
    answer = replay_interval(
        {
            "meters": {name(number): list(energy) for number, energy in known.items()},
            "trades": [
                [seq, name(seller), name(buyer), wh, price]
                for seq, (seller, buyer, wh, price) in enumerate(plan.trades, start=1)
            ],
            "retail": {name(number): retail for number, (retail, _, _) in enumerate(plan.people)},
            "surplus_price": plan.surplus_price,
            "network_fee": plan.network_fee,
            "deadband_pct": 5,
            "deadband_wh": 250,
            "mode": plan.mode,
            "pool": {name(number): [ask, bid] for number, (_, ask, bid) in enumerate(plan.people)},
        }
    )
    return {who: amount for who, amount in answer["cash_millidong"].items() if amount}


def check_books(world: World, run_id: int) -> None:
    entries = LedgerEntry.objects.filter(market=world.market)
    sums = entries.values("transaction__category").annotate(money=Sum("amount_millidong"), energy=Sum("energy_wh"))
    assert {(row["money"], row["energy"]) for row in sums} <= {(0, 0)}
    assert not entries.filter(amount_millidong=0, energy_wh=0).exists()
    again = recompute(run_id)
    assert again.same_inputs and again.same_results


class RandomMarkets(TestCase):
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(plans())
    def test_the_ledger_is_the_clearing_of_the_latest_readings(self, plan: Plan) -> None:
        world, contract = set_up(plan)
        known: dict[int, tuple[int, int]] = {}
        run: RunSummary | None = None
        for number, readings in enumerate(plan.rounds):
            if readings:
                world.read({name(person): energy for person, energy in readings.items()})
            known |= readings
            at = contract.delivery_end + timedelta(hours=number)
            run = resettle(contract_id=contract.pk, at=at) if run else settle(contract_id=contract.pk, kind="P", at=at)
            check_books(world, run.run_id)
        assert run is not None
        cash = world.cash()
        assert cash == naive(plan, known)
        last = SettlementRun.objects.get(pk=run.run_id)
        stored = ParticipantResult.objects.filter(run_id=last.results_of_id or last.pk)
        assert stored.count() == len(plan.people)
        for row in stored:
            code = next(code for code, person in world.people.items() if person.pk == row.participant_id)
            assert cash.get(code, 0) == row.cash_millidong
        assert not contract.positions.exclude(committed_millidong=0).exists()
