"""What is due and when: by market time, caught up in batches, shared by workers, not held up by one bad contract."""

import threading
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from meters.operations import NewReading, record_readings
from settlement.domain.calendar import due_at, due_before, due_on
from settlement.models import LedgerEntry, SettlementAlarm, SettlementRun
from settlement.operations import RunSummary, run_due, touched
from settlement.tasks import settle_markets
from tariffs.models import SiteTerms
from tariffs.operations import set_terms
from tests.settlement_world import FIRST_DAY, HALF_HOUR, TUESDAY_TEN, World, make_world
from trading.models import Contract, Market

pytestmark = pytest.mark.django_db(transaction=True)
SAIGON = ZoneInfo("Asia/Ho_Chi_Minh")
END = TUESDAY_TEN + HALF_HOUR


@pytest.fixture
def world() -> World:
    made = make_world()
    made.add("roof")
    made.add("lab", retail=3_000)
    return made


def read_all(world: World, start: datetime, wh: int = 1_000) -> None:
    world.read({"roof": (0, wh), "lab": (wh, 0)}, start)


def kinds(contract: Contract) -> list[str]:
    return list(SettlementRun.objects.filter(contract=contract).order_by("number").values_list("kind", flat=True))


def state(contract: Contract) -> str:
    return Contract.objects.values_list("state", flat=True).get(pk=contract.pk)


def test_a_contract_is_cleared_as_soon_as_all_readings_are_in(world: World) -> None:
    contract = world.contract()
    assert run_due(world.market, END - timedelta(seconds=1)) == [] and state(contract) == "CLOSED"
    assert run_due(world.market, END) == [] and state(contract) == "DELIVERED"
    world.read({"roof": (0, 1_000)})
    assert run_due(world.market, END + timedelta(minutes=1)) == []
    world.read({"lab": (1_000, 0)})
    (run,) = run_due(world.market, END + timedelta(minutes=1))
    assert (run.kind, run.estimated_count, state(contract)) == ("P", 0, "CLEARED")
    assert run_due(world.market, END + timedelta(minutes=2)) == []


def test_after_the_grace_period_a_contract_is_cleared_with_what_is_there(world: World) -> None:
    contract = world.contract()
    world.read({"roof": (0, 1_000)})
    assert run_due(world.market, END + timedelta(minutes=4, seconds=59)) == []
    (run,) = run_due(world.market, END + timedelta(minutes=5))
    assert (run.contract_id, run.estimated_count) == (contract.pk, 1)


def test_each_run_comes_at_its_own_time(world: World) -> None:
    contract = world.contract()
    read_all(world, TUESDAY_TEN)
    run_due(world.market, END)
    moments = [due_at(kind, date(2026, 6, 2), SAIGON) for kind in ("SF", "R1", "R2", "RF")]
    for moment in moments:
        assert run_due(world.market, moment - timedelta(seconds=1)) == []
        assert len(run_due(world.market, moment)) == 1
    assert kinds(contract) == ["P", "SF", "R1", "R2", "RF"] and state(contract) == "FINAL"
    assert run_due(world.market, moments[-1] + timedelta(days=400)) == []


def test_a_late_reading_is_seen_by_the_next_run(world: World) -> None:
    contract = world.contract()
    read_all(world, TUESDAY_TEN)
    run_due(world.market, END)
    world.read({"lab": (1_400, 0)})
    assert touched(world.market) == [contract.pk]
    (run,) = run_due(world.market, due_at("SF", date(2026, 6, 2), SAIGON))
    assert run.entries == 2 and touched(world.market) == []  # the lab's import, against the operator


def test_days_of_being_switched_off_are_caught_up_in_batches(world: World) -> None:
    """Nine days of contracts: the old ones go straight to R1 or SF, the last day's to P; nothing is settled twice."""
    contracts = [world.contract(TUESDAY_TEN + number * timedelta(hours=6)) for number in range(36)]
    now = contracts[-1].delivery_end + timedelta(minutes=10)
    batches = []
    while batch := run_due(world.market, now, limit=10):
        batches.append(len(batch))
    assert batches == [10, 10, 10, 6]
    assert not Contract.objects.exclude(state="CLEARED").exists()
    expected = []
    for contract in contracts:
        due = [k for k in ("SF", "R1") if contract.delivery_start < due_before(k, now, SAIGON)]
        expected.append([due[-1] if due else "P"])
    assert [kinds(contract) for contract in contracts] == expected
    assert {"P", "SF", "R1"} == {kind for (kind,) in expected}


def test_a_contract_that_cannot_be_settled_waits_and_holds_up_no_other(world: World) -> None:
    """Two intervals lie before the site's first terms; the third does not."""
    SiteTerms.objects.update(valid_from=date(2026, 6, 3))
    bad = [world.contract(TUESDAY_TEN), world.contract(TUESDAY_TEN + HALF_HOUR)]
    good = world.contract(TUESDAY_TEN + timedelta(days=1))
    now = good.delivery_end + timedelta(minutes=10)
    assert [run.contract_id for run in run_due(world.market, now)] == [good.pk]
    assert [state(contract) for contract in bad] == ["DELIVERED", "DELIVERED"]
    assert set(SettlementAlarm.objects.values_list("code", "attempts")) == {("no_terms", 1)}
    run_due(world.market, now + timedelta(minutes=1))
    assert set(SettlementAlarm.objects.values_list("attempts", flat=True)) == {1}  # not yet tried again
    run_due(world.market, now + timedelta(minutes=6))
    assert set(SettlementAlarm.objects.values_list("attempts", flat=True)) == {2}
    set_terms(site=world.site, valid_from=FIRST_DAY, surplus_price=671, network_fee=120, by=None, at=now)
    assert len(run_due(world.market, now + timedelta(hours=1))) == 2
    assert not SettlementAlarm.objects.filter(resolved_at=None).exists()


def test_several_workers_share_what_is_due(world: World) -> None:
    contracts = [world.contract(TUESDAY_TEN + number * HALF_HOUR) for number in range(12)]
    now = contracts[-1].delivery_end + timedelta(minutes=10)
    done: list[RunSummary] = []
    failures: list[BaseException] = []
    start = threading.Barrier(4)

    def work() -> None:
        try:
            start.wait()
            done.extend(run_due(world.market, now))
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failures == []
    assert sorted(run.contract_id for run in done) == [contract.pk for contract in contracts]
    assert SettlementRun.objects.count() == 12


def test_the_task_settles_ticking_markets_by_their_own_clocks(world: World) -> None:
    """One market runs a fast clock that has passed delivery, one does not tick."""
    contract = world.contract()
    read_all(world, TUESDAY_TEN)
    other = make_world("still")
    resting = other.contract()
    Market.objects.filter(pk=world.market.pk).update(
        ticking=True, clock_rate=60, clock_at=END + timedelta(minutes=6), clock_started_at=datetime.now(UTC)
    )
    settle_markets()
    assert (state(contract), state(resting)) == ("CLEARED", "CLOSED")


@pytest.mark.parametrize(
    ("delivered_on", "kind", "due"),
    [
        (date(2026, 6, 2), "SF", date(2026, 6, 3)),
        (date(2026, 6, 2), "R1", date(2026, 6, 9)),
        (date(2026, 6, 2), "R2", date(2026, 7, 6)),
        (date(2026, 6, 2), "RF", date(2026, 10, 1)),
        (date(2026, 7, 31), "R2", date(2026, 8, 6)),  # August begins on a Saturday
        (date(2026, 12, 31), "R2", date(2027, 1, 6)),
        (date(2026, 12, 31), "RF", date(2027, 4, 1)),
        (date(2026, 9, 15), "RF", date(2027, 1, 1)),
    ],
)
def test_the_calendar_of_runs(delivered_on: date, kind: str, due: date) -> None:
    assert due_on(kind, delivered_on) == due
    moment = due_at(kind, delivered_on, SAIGON)
    assert moment.astimezone(SAIGON).hour == 6
    start = datetime(delivered_on.year, delivered_on.month, delivered_on.day, 12, tzinfo=SAIGON)
    assert start < due_before(kind, moment, SAIGON)
    assert start >= due_before(kind, moment - timedelta(seconds=1), SAIGON)


def test_two_markets_of_one_site_are_settled_apart(world: World) -> None:
    second = Market.objects.create(site=world.site, code="second", name="second", limits_enforced=False)
    World(second, trade_no=100)
    contract, other = world.contract(), World(second).contract()
    rows = [NewReading("MP-roof", TUESDAY_TEN, 0, 10), NewReading("MP-lab", TUESDAY_TEN, 10, 0)]
    record_readings(site=world.site, rows=rows, by=None, at=END, source="t")
    assert [run.contract_id for run in run_due(world.market, END)] == [contract.pk]
    assert [run.contract_id for run in run_due(second, END)] == [other.pk]
    assert not LedgerEntry.objects.filter(market=second).exists()
