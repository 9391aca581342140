"""Network fees by zone pair in clearing, and the renter's cap at the door and in the pool."""

from datetime import timedelta
from pathlib import Path

import pytest

from planning.domain.forecast import Energy
from planning.operations import plan
from settlement.models import LedgerEntry, ParticipantResult, SettlementRun, TradeResult
from settlement.operations import settle
from settlement.operations.recompute import recompute
from simulator.loading import load
from simulator.scene import load_scene
from tariffs.domain.windows import Window
from tariffs.models import SiteTerms, Tariff
from tariffs.operations import assign_tariff, replace_rows, set_network_fee, set_terms
from tests.factories import NOON, make_market, make_participants, open_contracts
from tests.settlement_world import FIRST_DAY, HALF_HOUR, TUESDAY_TEN, World, make_world
from trading.domain.messages import BUY, IOC, New
from trading.models import Admission, Order
from trading.operations import submit, tick

pytestmark = pytest.mark.django_db(transaction=True)
END = TUESDAY_TEN + HALF_HOUR


def fee(world: World, seller: str, buyer: str, price: int) -> None:
    set_network_fee(
        site=world.site, seller_zone=seller, buyer_zone=buyer, price=price, valid_from=FIRST_DAY, by=None, at=END
    )


def two_zones() -> World:
    """A roof on the campus; a hall beside it and a mill in the park, which both want its energy."""
    world = make_world()
    world.add("roof", retail=3_000, ask=700)
    world.add("hall", retail=3_000, bid=2_500)
    world.add("mill", retail=3_000, bid=2_600)
    for code, zone in (("roof", "campus"), ("hall", "campus"), ("mill", "park")):
        Admission.objects.filter(participant=world.people[code]).update(zone=zone)
    return world


def settled(world: World) -> SettlementRun:
    contract = world.contract()
    world.trade(contract, "roof", "hall", 2_000, 1_000)
    world.trade(contract, "roof", "mill", 3_000, 1_000)
    world.read({"roof": (0, 6_000), "hall": (2_000, 0), "mill": (5_000, 0)})
    return SettlementRun.objects.get(pk=settle(contract_id=contract.pk, kind="P", at=END).run_id)


def network_fees(world: World) -> dict[str, int]:
    entries = LedgerEntry.objects.filter(transaction__category="network_fee").select_related("account")
    names = {person.pk: code for code, person in world.people.items()}
    return {names.get(entry.account.participant_id, "network"): entry.amount_millidong for entry in entries}


def test_each_trade_and_each_pool_match_pays_the_fee_of_its_zones() -> None:
    world = two_zones()
    fee(world, "campus", "campus", 60)
    fee(world, "campus", "park", 200)
    run = settled(world)
    # hall: 2,000 Wh at 60; mill: 3,000 Wh traded and 1,000 Wh from the pool at 200
    assert network_fees(world) == {"hall": -120_000, "mill": -800_000, "network": 920_000}
    assert list(TradeResult.objects.order_by("trade_no").values_list("fee_price", flat=True)) == [60, 200]
    assert run.zone_fees == {"zones": ["campus", "park"], "fees": [[60, 200], [120, 120]]}
    again = recompute(run.pk)
    assert again.same_inputs and again.same_results and again.input_hash == run.input_hash


def test_a_pair_without_a_row_pays_the_fee_of_the_terms() -> None:
    world = two_zones()
    fee(world, "campus", "park", 200)
    settled(world)
    assert network_fees(world) == {"hall": -240_000, "mill": -800_000, "network": 1_040_000}
    assert list(TradeResult.objects.order_by("trade_no").values_list("fee_price", flat=True)) == [None, 200]


def test_without_fees_by_zone_nothing_of_them_is_stored_or_hashed() -> None:
    world = two_zones()
    run = settled(world)
    assert run.zone_fees is None and not ParticipantResult.objects.exclude(zone_index=None).exists()
    assert network_fees(world) == {"hall": -240_000, "mill": -480_000, "network": 720_000}
    assert recompute(run.pk).same_inputs


def test_who_moves_to_another_zone_later_is_not_charged_anew() -> None:
    world = two_zones()
    fee(world, "campus", "park", 200)
    run = settled(world)
    Admission.objects.filter(participant=world.people["mill"]).update(zone="campus")
    world.read({"mill": (5_001, 0)})
    later = settle(contract_id=run.contract_id, kind="SF", at=END + timedelta(days=1))
    assert SettlementRun.objects.get(pk=later.run_id).zone_fees == run.zone_fees
    assert recompute(run.pk).same_results and recompute(later.run_id).same_results
    assert (
        LedgerEntry.objects.filter(transaction__run_id=later.run_id, transaction__category="network_fee").count() == 0
    )


def test_a_renter_bids_no_more_than_the_cap_in_the_pool() -> None:
    world = make_world(renter_cap_price=1_500)
    world.add("roof", retail=3_000, ask=700)
    tenant = world.add("tenant", retail=3_000, bid=2_500)
    Admission.objects.filter(participant=tenant).update(renter=True)
    contract = world.contract()
    world.read({"roof": (0, 1_000), "tenant": (1_000, 0)})
    run = SettlementRun.objects.get(pk=settle(contract_id=contract.pk, kind="P", at=END).run_id)
    assert (run.pool_wh, run.pool_price) == (1_000, 1_100)  # half way from 700 to 1,500
    assert ParticipantResult.objects.get(run=run, participant=tenant).pool_bid_price == 1_500
    assert recompute(run.pk).same_results


def test_a_renter_is_stopped_at_the_door_above_the_cap() -> None:
    market = make_market(limits_enforced=True)
    renter, owner, *_ = make_participants(3, market=market)
    Admission.objects.filter(participant=renter).update(renter=True)
    site, on = market.site, NOON.date() - timedelta(days=1)
    tariff = Tariff.objects.create(code="flat", name="flat")
    replace_rows(tariff=tariff, rows=[Window(127, 0, 1440, 3_000, on)], by=None, at=NOON)
    for party in (renter, owner):
        assign_tariff(site=site, participant=party, tariff=tariff, valid_from=on, by=None, at=NOON)
    set_terms(
        site=site, valid_from=on, surplus_price=671, network_fee=120, renter_cap_price=1_984, by=None, at=NOON
    )  # fmt: skip
    k = open_contracts(market)[0].pk
    orders = [
        New(renter.pk, "1", k, BUY, 100, 1_984),
        New(renter.pk, "2", k, BUY, 100, 1_985),
        New(renter.pk, "3", k, BUY, 100, None, IOC),
        New(owner.pk, "4", k, BUY, 100, 2_880),
        New(owner.pk, "5", k, BUY, 100, 2_881),
    ]
    replies = submit(market.pk, orders, by=None, at=NOON)
    assert [(r.result, r.reason, r.bound) for r in replies] == [
        ("accepted", "", None),
        ("rejected", "price_out_of_band", 1_984),
        ("rejected", "price_out_of_band", 1_984),
        ("accepted", "", None),
        ("rejected", "price_out_of_band", 2_880),
    ]


def test_a_bid_may_reach_retail_less_the_cheapest_way_to_its_zone() -> None:
    market = make_market(limits_enforced=True)
    (party, *_) = make_participants(1, market=market)
    site, on = market.site, NOON.date() - timedelta(days=1)
    tariff = Tariff.objects.create(code="flat", name="flat")
    replace_rows(tariff=tariff, rows=[Window(127, 0, 1440, 3_000, on)], by=None, at=NOON)
    assign_tariff(site=site, participant=party, tariff=tariff, valid_from=on, by=None, at=NOON)
    set_terms(site=site, valid_from=on, surplus_price=671, network_fee=120, by=None, at=NOON)
    for seller, price in (("site", 40), ("park", 300)):
        set_network_fee(
            site=site, seller_zone=seller, buyer_zone="site", price=price, valid_from=on, by=None, at=NOON
        )  # fmt: skip
    k = open_contracts(market)[0].pk
    orders = [New(party.pk, f"{price}", k, BUY, 100, price) for price in (2_960, 2_961)]
    assert [r.bound for r in submit(market.pk, orders, by=None, at=NOON)] == [None, 2_960]


def test_a_renters_standing_instruction_bids_no_more_than_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planning.prices._books", {})
    scene = load_scene(Path(__file__).parents[2] / "docs/formats/scene-example")
    at = scene.calendar.starts_at + timedelta(hours=10)
    loaded = load(scene, "p")
    tick(loaded.market.pk, at)
    tenant = loaded.participants[2]
    Admission.objects.filter(participant=tenant).update(renter=True)
    SiteTerms.objects.filter(site=loaded.site).update(renter_cap_price=1_000)

    def in_need(_market, _participants, starts, _at):
        return {(tenant.pk, start): Energy(load_wh=8_000, generation_wh=0) for start in starts}

    assert plan(loaded.market.pk, at, forecaster=in_need).refused == 0
    prices = set(Order.objects.filter(participant=tenant, side=BUY).values_list("price", flat=True))
    assert prices and max(prices) <= 1_000
