"""Standing instructions carried out on a real database: once a step, in one batch, by any number of workers."""

import threading
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import connections

from planning import tasks
from planning.domain.forecast import Energy
from planning.models import ContractPlan, Forecast, StandingInstruction
from planning.operations import Planned, plan, set_instruction
from simulator.loading import load
from simulator.scene import load_scene
from trading.domain.messages import BUY, SELL, New
from trading.models import Contract, EnergyLimit, Order, Position
from trading.operations import audit, submit, tick
from trading.operations.energy import set_energy_limits

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLE = Path(__file__).parents[2] / "docs/formats/scene-example"
SURPLUS = Energy(load_wh=1_000, generation_wh=11_000)
NEED = Energy(load_wh=8_000, generation_wh=0)


@pytest.fixture
def loaded():
    scene = load_scene(EXAMPLE)
    at = scene.calendar.starts_at + timedelta(hours=10)
    found = load(scene, "p")
    tick(found.market.pk, at)
    return SimpleNamespace(market=found.market, participants=found.participants, ids=found.ids, at=at)


@pytest.fixture(autouse=True)
def no_stale_prices(monkeypatch):
    monkeypatch.setattr("planning.prices._books", {})


class Loaded:
    """Names for the example scene's members."""

    house, lab, tenant, station = range(4)


def last_priced(loaded):
    """The last contract of the scene's day: beyond it there are no prices."""
    day_ends = loaded.at + timedelta(hours=14)
    return Contract.objects.filter(market=loaded.market, delivery_end__lte=day_ends).latest("delivery_start")


def forecast_for(loaded, **by_place):
    """A forecaster that knows the same energy for every interval."""
    known = {loaded.ids[getattr(Loaded, name)]: energy for name, energy in by_place.items()}

    def forecaster(_market, participants, starts, _at):
        return {(party, start): known[party] for party in participants if party in known for start in starts}

    return forecaster


def test_surplus_is_offered_and_need_is_bid_for_each_with_its_reason(loaded) -> None:
    forecaster = forecast_for(loaded, lab=SURPLUS, tenant=NEED)
    done = plan(loaded.market.pk, loaded.at, forecaster=forecaster)
    assert done.refused == 0
    priced = Contract.objects.filter(market=loaded.market, delivery_end__lte=loaded.at + timedelta(hours=14)).count()
    assert done.placed == 2 * (priced - 1)
    lab, tenant = (loaded.participants[place] for place in (Loaded.lab, Loaded.tenant))
    offers = Order.objects.filter(participant=lab)
    assert {(order.side, order.quantity_wh) for order in offers} == {(SELL, 10_000)}
    assert {order.quantity_wh for order in Order.objects.filter(participant=tenant, side=BUY)} == {8_000}
    assert offers.latest("seq").note.startswith("forecast surplus 10.0 kWh at ")
    assert audit(loaded.market.pk).differences == ()


def test_every_limit_is_in_the_band_that_makes_sense(loaded) -> None:
    plan(loaded.market.pk, loaded.at, forecaster=forecast_for(loaded, lab=SURPLUS, tenant=NEED))
    assert min(Order.objects.filter(side=SELL).values_list("price", flat=True)) >= 671
    cheapest = Order.objects.filter(side=BUY).order_by("price").first()
    assert cheapest.price >= 671
    assert max(Order.objects.filter(side=BUY).values_list("price", flat=True)) <= 3_398 - 120


def test_the_forecast_is_written_down_and_bounds_what_may_be_sold(loaded) -> None:
    plan(loaded.market.pk, loaded.at, forecaster=forecast_for(loaded, lab=SURPLUS), method="test")
    lab = loaded.participants[Loaded.lab]
    assert set(Forecast.objects.filter(participant=lab).values_list("load_wh", "generation_wh", "method")) == {
        (1_000, 11_000, "test")
    }
    assert set(EnergyLimit.objects.filter(participant=lab).values_list("net_wh", flat=True)) == {10_000}
    contract = last_priced(loaded)
    (reply,) = submit(loaded.market.pk, [New(lab.pk, "more", contract.pk, SELL, 100, 3_000)], by=None, at=loaded.at)
    assert reply.reason == "insufficient_energy"


def test_a_step_is_carried_out_once(loaded) -> None:
    forecaster = forecast_for(loaded, lab=SURPLUS, tenant=NEED)
    plan(loaded.market.pk, loaded.at, forecaster=forecaster)
    before = Order.objects.count()
    assert plan(loaded.market.pk, loaded.at, forecaster=forecaster) == Planned()
    assert Order.objects.count() == before


def test_a_step_whose_end_was_lost_is_repeated_without_effect(loaded) -> None:
    forecaster = forecast_for(loaded, lab=SURPLUS, tenant=NEED)
    plan(loaded.market.pk, loaded.at, forecaster=forecaster)
    before = list(Order.objects.order_by("seq").values_list("seq", "price", "quantity_wh", "status"))
    ContractPlan.objects.all().delete()
    again = plan(loaded.market.pk, loaded.at, forecaster=forecaster)
    assert (again.placed, again.amended, again.cancelled) == (0, 0, 0)
    assert list(Order.objects.order_by("seq").values_list("seq", "price", "quantity_wh", "status")) == before


def test_workers_that_plan_at_once_place_each_order_once(loaded) -> None:
    forecaster = forecast_for(loaded, lab=SURPLUS, tenant=NEED)
    failed = []

    def work():
        try:
            plan(loaded.market.pk, loaded.at, forecaster=forecaster)
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failed == []
    placed = Order.objects.values_list("participant", "contract", "side")
    assert len(placed) == len(set(placed))
    offered = Position.objects.filter(participant=loaded.participants[Loaded.lab])
    assert all(position.sold_wh + position.open_sell_wh <= 10_000 for position in offered)


def test_the_limit_falls_step_by_step_and_the_order_stays_one(loaded) -> None:
    forecaster = forecast_for(loaded, lab=SURPLUS)
    contract = last_priced(loaded)
    at, seen = loaded.at, []
    while at < contract.gate_closes_at:
        plan(loaded.market.pk, at, forecaster=forecaster)
        seen.append(Order.objects.get(contract=contract).price)
        at += timedelta(hours=1)
    assert seen == sorted(seen, reverse=True)
    assert seen[0] > seen[-1] == 820
    assert Order.objects.get(contract=contract).quantity_wh == 10_000


def test_what_is_sold_or_offered_by_hand_is_not_offered_again(loaded) -> None:
    lab, tenant = loaded.ids[Loaded.lab], loaded.ids[Loaded.tenant]
    contract = Contract.objects.filter(market=loaded.market, state="CONTINUOUS").latest("delivery_start")
    set_energy_limits(loaded.market.pk, [(contract.pk, lab, 10_000)], loaded.at)
    by_hand = [
        New(lab, "hand-1", contract.pk, SELL, 3_000, 1_000),
        New(tenant, "hand-2", contract.pk, BUY, 2_000, 1_000),
    ]
    submit(loaded.market.pk, by_hand, by=None, at=loaded.at)
    plan(loaded.market.pk, loaded.at, forecaster=forecast_for(loaded, lab=SURPLUS))
    standing = Order.objects.get(contract=contract, participant=lab, client_order_id__startswith="si-")
    assert standing.quantity_wh == 7_000


def test_nothing_is_done_for_an_instruction_that_is_off_or_a_side_that_is_not_traded(loaded) -> None:
    StandingInstruction.objects.filter(participant=loaded.participants[Loaded.lab]).update(active=False)
    set_instruction(loaded.market.pk, loaded.ids[Loaded.house], buy=(760, 2_300))
    done = plan(loaded.market.pk, loaded.at, forecaster=forecast_for(loaded, lab=SURPLUS, house=SURPLUS))
    assert (done.placed, done.refused) == (0, 0)


def test_without_any_reading_nothing_is_traded(loaded) -> None:
    done = plan(loaded.market.pk, loaded.at)
    assert done.contracts > 0
    assert (done.placed, Forecast.objects.count()) == (0, 0)


def test_a_station_offers_what_its_free_packs_can_give_in_the_dear_hours(loaded) -> None:
    station = loaded.participants[Loaded.station]
    idle = Energy(0, 0)
    done = plan(loaded.market.pk, loaded.at, forecaster=forecast_for(loaded, station=idle))
    assert done.refused == 0
    offers = Order.objects.filter(participant=station, side=SELL).select_related("contract")
    assert offers
    for order in offers:
        local = order.contract.delivery_start + timedelta(hours=7)
        assert local.hour in (9, 10, 11, 17, 18, 19)
    assert sum(order.quantity_wh for order in offers) < 40 * 1_500 * (100 - 48) // 100


def test_the_task_goes_on_with_the_other_markets_when_one_fails(loaded, monkeypatch, caplog) -> None:
    asked = []

    def broken(market_id, _now):
        asked.append(market_id)
        raise RuntimeError("no")

    monkeypatch.setattr(tasks, "plan", broken)
    loaded.market.ticking = True
    loaded.market.save()
    tasks.plan_markets()
    assert asked == [loaded.market.pk]
    assert "could not be carried out" in caplog.text
