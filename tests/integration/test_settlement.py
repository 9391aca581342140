"""Runs of a contract on real PostgreSQL: once only, whatever races; differences only; never held up by one meter."""

import json
import threading
from datetime import timedelta

import pytest
import redis
from django.conf import settings
from django.db import connection

from meters.models import MeteringPoint
from meters.operations import NewReading, record_readings
from settlement.models import (
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    ParticipantResult,
    SettlementAlarm,
    SettlementRun,
)
from settlement.operations import RunSummary, SettlementError, recompute, resettle, settle, touched
from settlement.queries import balances
from tariffs.operations import set_terms
from tests.settlement_world import HALF_HOUR, TUESDAY_TEN, World, by_account, make_world
from trading.models import Admission, Contract, Market
from trading.operations.publish import channel

pytestmark = pytest.mark.django_db(transaction=True)
NEXT_DAY = timedelta(days=1)


@pytest.fixture
def world() -> World:
    """A roof that sold 10 kWh to a lab, both in the pool, and a shop that only takes part."""
    made = make_world()
    made.add("roof", ask=900)
    made.add("lab", retail=3_000, bid=2_000)
    made.add("shop", retail=2_500)
    return made


@pytest.fixture
def contract(world: World) -> Contract:
    contract = world.contract()
    world.trade(contract, "roof", "lab", 10_000, 1_500)
    return contract


def run_of(contract: Contract, kind: str = "P", after: timedelta = timedelta(0)) -> RunSummary:
    return settle(contract_id=contract.pk, kind=kind, at=contract.delivery_end + after)


def results(world: World, run_id: int) -> dict[str, ParticipantResult]:
    codes = {person.pk: code for code, person in world.people.items()}
    return {codes[row.participant_id]: row for row in ParticipantResult.objects.filter(run_id=run_id)}


def test_settling_twice_changes_nothing(world: World, contract: Contract) -> None:
    world.read({"roof": (0, 12_000), "lab": (11_000, 0), "shop": (500, 0)})
    first = run_of(contract)
    entries = list(LedgerEntry.objects.values())
    again = run_of(contract, after=HALF_HOUR)
    assert (again.run_id, again.posted, again.entries) == (first.run_id, False, 0)
    assert list(LedgerEntry.objects.values()) == entries and SettlementRun.objects.count() == 1


def test_two_workers_at_once_settle_once(world: World, contract: Contract) -> None:
    world.read({"roof": (0, 12_000), "lab": (11_000, 0), "shop": (500, 0)})
    start = threading.Barrier(6)
    summaries: list[RunSummary] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            start.wait()
            summaries.append(run_of(contract))
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert sorted(summary.posted for summary in summaries) == [False] * 5 + [True]
    assert len({summary.run_id for summary in summaries}) == 1
    assert LedgerTransaction.objects.filter(category="local").count() == 1
    assert LedgerAccount.objects.filter(market=world.market).count() == 5  # three participants, operator, network


def test_a_run_that_sees_nothing_new_posts_nothing(world: World, contract: Contract) -> None:
    world.read({"roof": (0, 12_000), "lab": (11_000, 0), "shop": (500, 0)})
    first = run_of(contract)
    count = LedgerEntry.objects.count()
    second = run_of(contract, "SF", NEXT_DAY)
    assert (second.posted, second.number, second.kind, second.entries) == (True, 2, "SF", 0)
    assert second.input_hash == first.input_hash
    assert SettlementRun.objects.get(pk=second.run_id).results_of_id == first.run_id
    assert LedgerEntry.objects.count() == count and not ParticipantResult.objects.filter(run_id=second.run_id).exists()
    assert recompute(second.run_id).same_inputs and recompute(second.run_id).same_results


def test_each_run_posts_the_difference_to_the_one_before(world: World, contract: Contract) -> None:
    """P, then three corrections: after each run the ledger says what a single run on those readings would have said."""
    exports = (12_000, 4_000, 8_000, 12_000)
    world.read({"roof": (0, exports[0]), "lab": (11_000, 0), "shop": (500, 0)})
    run_of(contract)
    first = world.cash()
    for exported, kind, after in zip(exports[1:], ("SF", "R1", "R2"), (1, 7, 35), strict=True):
        world.read({"roof": (0, exported)})
        summary = run_of(contract, kind, timedelta(days=after))
        stored = {code: row.cash_millidong for code, row in results(world, summary.run_id).items()}
        cash = world.cash()
        assert {code: cash.get(code, 0) for code in stored} == stored
        assert sum(cash.values()) == 0
    assert world.cash() == first
    assert sum(by_account(world, LedgerEntry.objects.filter(transaction__run__number=2)).values()) == 0


def test_a_reading_after_the_last_run_is_settled_on_demand(world: World, contract: Contract) -> None:
    world.read({"roof": (0, 12_000), "lab": (11_000, 0), "shop": (500, 0)})
    run_of(contract)
    assert touched(world.market) == []
    assert not resettle(contract_id=contract.pk, at=contract.delivery_end + HALF_HOUR).posted
    world.read({"shop": (700, 0)})
    assert touched(world.market) == [contract.pk]
    summary = resettle(contract_id=contract.pk, at=contract.delivery_end + HALF_HOUR)
    assert (summary.posted, summary.kind, summary.number, summary.entries) == (True, "P", 2, 2)
    posted = by_account(world, LedgerEntry.objects.filter(transaction__run_id=summary.run_id))
    assert posted == {"shop": -200 * 2_500, "_operator": 200 * 2_500}
    assert touched(world.market) == []


def test_a_correction_after_the_final_run_leaves_it_final(world: World, contract: Contract) -> None:
    world.read({"roof": (0, 12_000), "lab": (11_000, 0), "shop": (500, 0)})
    run_of(contract, "RF", timedelta(days=130))
    contract.refresh_from_db()
    assert contract.state == Contract.State.FINAL
    assert not run_of(contract, "R2", timedelta(days=131)).posted
    world.read({"shop": (400, 0)})
    assert resettle(contract_id=contract.pk, at=contract.delivery_end + timedelta(days=132)).entries == 2
    contract.refresh_from_db()
    assert contract.state == Contract.State.FINAL


def test_later_rules_and_limits_do_not_reach_back(world: World, contract: Contract) -> None:
    """New terms from the next day, another clearing mode, other pool limits, a member that left: nothing changes."""
    world.read({"roof": (0, 12_000), "lab": (13_000, 0), "shop": (500, 0)})
    first = run_of(contract)
    set_terms(
        site=world.site, valid_from=(TUESDAY_TEN + NEXT_DAY).date(), surplus_price=1, network_fee=999, by=None,
        at=TUESDAY_TEN,
    )  # fmt: skip
    Market.objects.update(clearing_mode="prorata")
    Admission.objects.update(pool_ask_price=None, pool_bid_price=None, active=False)
    world.read({"shop": (600, 0)})
    second = run_of(contract, "SF", NEXT_DAY)
    before, after = results(world, first.run_id), results(world, second.run_id)
    assert before.keys() == after.keys()
    assert {code: row.cash_millidong for code, row in after.items() if code != "shop"} == {
        code: row.cash_millidong for code, row in before.items() if code != "shop"
    }
    assert second.entries == 2 and recompute(first.run_id).same_results and recompute(second.run_id).same_results


def test_a_dead_meter_is_estimated_and_holds_up_nobody(world: World, contract: Contract) -> None:
    """The roof's meter is silent. It exported 6,000 and 8,001 Wh at this time on two of the days before."""
    world.read({"roof": (0, 6_000)}, TUESDAY_TEN - NEXT_DAY)
    world.read({"roof": (0, 8_001)}, TUESDAY_TEN - 2 * NEXT_DAY)
    world.read({"lab": (11_000, 0), "shop": (500, 0)})
    summary = run_of(contract)
    assert summary.estimated_count == 1
    found = results(world, summary.run_id)
    assert (found["roof"].export_wh, found["roof"].estimated, found["roof"].reading_version) == (7_000, True, 0)
    assert not found["lab"].estimated and found["shop"].cash_millidong == -500 * 2_500
    assert not LedgerTransaction.objects.filter(category="compensation").exists()  # an estimate pays none

    world.read({"roof": (0, 5_000)})
    second = run_of(contract, "SF", NEXT_DAY)
    assert results(world, second.run_id)["roof"].reading_version == 1 and second.estimated_count == 0
    assert LedgerTransaction.objects.filter(category="compensation").count() == 1
    assert sum(balance.amount_millidong for balance in balances(world.market.pk)) == 0


def test_nobody_and_nothing_clears_to_nothing() -> None:
    world = make_world()
    contract = world.contract()
    summary = run_of(contract)
    assert summary.posted and summary.entries == 0
    assert recompute(summary.run_id).same_results
    world.add("meterless")
    MeteringPoint.objects.all().delete()
    second = world.contract(TUESDAY_TEN + HALF_HOUR)
    assert run_of(second).estimated_count == 1


def test_who_has_no_tariff_is_named_and_settled_later(world: World, contract: Contract) -> None:
    world.add("new")
    world.read({"roof": (0, 12_000), "lab": (11_000, 0), "shop": (500, 0), "new": (300, 0)})
    summary = run_of(contract)
    assert [alarm["code"] for alarm in summary.alarms] == ["no_retail_price"]
    assert summary.alarms[0]["participants"] == [world.people["new"].pk]
    assert results(world, summary.run_id)["shop"].cash_millidong == -500 * 2_500


def test_an_export_above_what_the_roof_made_is_flagged(world: World, contract: Contract) -> None:
    MeteringPoint.objects.create(site=world.site, participant=world.people["roof"], code="PV", role="generation")
    record_readings(
        site=world.site, rows=[NewReading("PV", TUESDAY_TEN, 0, 5_000)], by=None, at=contract.delivery_end, source="t"
    )
    world.read({"roof": (0, 5_200), "lab": (11_000, 0), "shop": (500, 0)})
    summary = run_of(contract)
    assert [(alarm["code"], alarm["participants"]) for alarm in summary.alarms] == [
        ("export_above_generation", [world.people["roof"].pk])
    ]


def test_the_grid_pays_for_half_of_the_months_output(world: World) -> None:
    """Output 4,000 Wh in each of two intervals, all exported unsold: 2,000 Wh are paid in each, the rest is spill."""
    set_terms(
        site=world.site, valid_from=(TUESDAY_TEN - NEXT_DAY).date(), surplus_price=671, network_fee=120,
        surplus_cap_pct=50, by=None, at=TUESDAY_TEN,
    )  # fmt: skip
    Admission.objects.update(pool_ask_price=None)
    MeteringPoint.objects.create(site=world.site, participant=world.people["roof"], code="PV", role="generation")
    for number in range(2):
        start = TUESDAY_TEN + number * HALF_HOUR
        contract = world.contract(start)
        rows = [NewReading("PV", start, 0, 4_000)]
        record_readings(site=world.site, rows=rows, by=None, at=contract.delivery_end, source="t")
        world.read({"roof": (0, 4_000), "lab": (0, 0), "shop": (0, 0)}, start)
        summary = run_of(contract)
        row = results(world, summary.run_id)["roof"]
        assert (row.grid_export_wh, row.unpaid_spill_wh, row.cash_millidong) == (4_000, 2_000, 2_000 * 671)
        assert results(world, summary.run_id)["lab"].surplus_cap_wh is None
        assert recompute(summary.run_id).same_inputs and recompute(summary.run_id).same_results


def test_a_contract_is_not_settled_before_its_delivery(world: World, contract: Contract) -> None:
    with pytest.raises(SettlementError) as refused:
        settle(contract_id=contract.pk, kind="P", at=TUESDAY_TEN)
    assert refused.value.code == "not_delivered"
    with pytest.raises(SettlementError) as unknown:
        settle(contract_id=contract.pk + 99, kind="P", at=TUESDAY_TEN)
    assert unknown.value.code == "unknown_contract"
    with pytest.raises(SettlementError) as odd:
        settle(contract_id=contract.pk, kind="X", at=TUESDAY_TEN)
    assert odd.value.code == "unknown_run_kind"
    contract.refresh_from_db()
    assert contract.state == Contract.State.CLOSED and not SettlementAlarm.objects.exists()


def test_a_broken_law_is_not_posted_and_raises_an_alarm(
    world: World, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in clearing (one Wh too much sold) must not reach the ledger."""
    import settlement.operations.runs as settling

    healthy = settling.clear

    def faulty(inputs):
        result = healthy(inputs)
        result.sold_wh[0] += 1
        return result

    world.read({"roof": (0, 12_000), "lab": (11_000, 0), "shop": (500, 0)})
    monkeypatch.setattr(settling, "clear", faulty)
    with pytest.raises(SettlementError) as refused:
        run_of(contract)
    assert refused.value.code == "invariants_violated" and "sold" in str(refused.value)
    assert not LedgerEntry.objects.exists() and not SettlementRun.objects.exists()
    contract.refresh_from_db()
    assert contract.state == Contract.State.CLOSED
    assert Admission.objects.get(participant=world.people["lab"]).committed_millidong == 15_000_000
    alarm = SettlementAlarm.objects.get(resolved_at=None)
    assert (alarm.code, alarm.attempts) == ("invariants_violated", 1)

    monkeypatch.undo()
    assert run_of(contract, after=HALF_HOUR).posted
    assert not SettlementAlarm.objects.filter(resolved_at=None).exists()


def test_force_majeure_is_settled_without_compensation(world: World, contract: Contract) -> None:
    world.read({"roof": (0, 2_000), "lab": (11_000, 0), "shop": (500, 0)})
    run_of(contract)
    assert LedgerTransaction.objects.filter(category="compensation").exists()
    Contract.objects.filter(pk=contract.pk).update(force_majeure=True)
    second = run_of(contract, "SF", NEXT_DAY)
    owed = LedgerEntry.objects.filter(transaction__category="compensation")
    assert by_account(world, owed) == {}
    assert recompute(second.run_id).same_results


def test_a_stored_result_that_was_tampered_with_is_found(world: World, contract: Contract) -> None:
    world.read({"roof": (0, 12_000), "lab": (11_000, 0), "shop": (500, 0)})
    summary = run_of(contract)
    with connection.cursor() as cursor:  # as a superuser could, past the triggers
        cursor.execute("ALTER TABLE settlement_participantresult DISABLE TRIGGER USER")
        cursor.execute("UPDATE settlement_participantresult SET cash_millidong = cash_millidong + 1 WHERE sold_wh > 0")
        cursor.execute("ALTER TABLE settlement_participantresult ENABLE TRIGGER USER")
    again = recompute(summary.run_id)
    assert again.same_inputs and not again.same_results


def test_the_live_pages_are_told_after_the_commit(world: World, contract: Contract) -> None:
    world.read({"roof": (0, 12_000), "lab": (11_000, 0), "shop": (500, 0)})
    listener = redis.Redis.from_url(settings.REDIS_URL).pubsub(ignore_subscribe_messages=True)
    try:
        listener.subscribe(channel(world.market.pk))
        listener.get_message(timeout=5)
        run_of(contract)
        message = next(filter(None, (listener.get_message(timeout=1) for _ in range(10))))
        assert json.loads(message["data"]) == [{"settled": {"contract_id": contract.pk, "kind": "P"}}]
    finally:
        listener.close()
        listener.connection_pool.disconnect()


def test_a_lost_announcement_loses_no_settlement(
    world: World, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trading.operations import publish

    nowhere = redis.Redis.from_url("unix:///nonexistent/vk.sock")
    monkeypatch.setattr(publish, "_client", lambda: nowhere)
    world.read({"roof": (0, 12_000), "lab": (11_000, 0), "shop": (500, 0)})
    assert run_of(contract).posted and SettlementRun.objects.count() == 1


def test_trading_elsewhere_goes_on_while_an_interval_is_cleared(
    world: World, contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The market's row is free until the credit is given back."""
    import settlement.operations.runs as settling

    world.read({"roof": (0, 12_000), "lab": (11_000, 0), "shop": (500, 0)})
    clearing, free = threading.Event(), threading.Event()
    healthy = settling.clear

    def slow(inputs):
        clearing.set()
        assert free.wait(10), "the market could not be locked while the interval was cleared"
        return healthy(inputs)

    monkeypatch.setattr(settling, "clear", slow)

    def order_path() -> None:
        clearing.wait(10)
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM trading_market WHERE id = %s FOR NO KEY UPDATE NOWAIT", (world.market.pk,))
        free.set()
        connection.close()

    other = threading.Thread(target=order_path)
    other.start()
    assert run_of(contract).posted
    other.join()
