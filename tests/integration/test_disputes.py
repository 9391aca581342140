"""A disputed interval pays no compensation until an administrator has decided, and the ledger follows at once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import AuditEntry, User
from accounts.operations import add_membership, create_user
from settlement.models import Dispute, LedgerEntry, SettlementRun
from settlement.operations import recompute, resettle, settle
from settlement.operations.disputes import DisputeError, decide_dispute, open_dispute, withdraw_dispute
from settlement.queries import disputes_of, open_disputes
from tests.settlement_world import HALF_HOUR, TUESDAY_TEN, World, make_world
from trading.models import Contract

LATER = TUESDAY_TEN + timedelta(hours=2)
SHORT = 3_000 * (3_398 - 1_650 - 120)  # 4,000 Wh missing, dead-band 1,000


@pytest.fixture
def scene(db: None) -> tuple[World, Contract]:
    """The seller delivered 16 of 20 kWh, so it owes its buyer."""
    return short_seller()


def short_seller() -> tuple[World, Contract]:
    world = make_world()
    world.add("seller", retail=1_900)
    world.add("buyer", retail=3_398)
    world.add("idle", retail=1_900)
    contract = world.contract()
    world.trade(contract, "seller", "buyer", 20_000, 1_650)
    world.read({"seller": (0, 16_000), "buyer": (30_000, 0), "idle": (0, 0)})
    settle(contract_id=contract.pk, kind="P", at=TUESDAY_TEN + HALF_HOUR)
    return world, contract


def user(name: str, world: World | None = None, code: str = "", role: str = "owner", **flags: bool) -> User:
    made = create_user(by=None, username=name, password=None, at=LATER, **flags)
    if world:
        add_membership(by=None, user=made, participant=world.people[code], role=role, at=LATER)
    return made


def dispute_of(world: World, contract: Contract, code: str, by: User, **changes: object) -> Dispute:
    given = {"market": world.market, "contract": contract, "participant": world.people[code], "reason": "Meter stood"}
    return open_dispute(**{**given, "by": by, "at": LATER, **changes})


def compensation(contract: Contract) -> dict[str, int]:
    rows = LedgerEntry.objects.filter(transaction__contract=contract, transaction__category="compensation")
    sums: dict[str, int] = {}
    for code, amount in rows.values_list("account__participant__code", "amount_millidong"):
        sums[code] = sums.get(code, 0) + amount
    return {code: amount for code, amount in sums.items() if amount}


def test_a_dispute_freezes_compensation_and_keeping_posts_it_again(scene: tuple[World, Contract]) -> None:
    world, contract = scene
    owner, admin = user("owner", world, "seller"), user("admin", is_staff=True)
    before = world.cash()
    assert compensation(contract) == {"seller": -SHORT, "buyer": SHORT}
    dispute = dispute_of(world, contract, "seller", owner)
    assert compensation(contract) == {}
    assert sum(world.cash().values()) == 0
    decided = decide_dispute(dispute=dispute, waive=False, decision="The meter was right", by=admin, at=LATER)
    assert (decided.state, decided.decided_by) == ("kept", admin)
    assert world.cash() == before
    assert list(AuditEntry.objects.filter(action__startswith="dispute.").values_list("action", flat=True)) == [
        "dispute.kept", "dispute.opened",
    ]  # fmt: skip


def test_waived_stays_waived_whatever_comes_after(scene: tuple[World, Contract]) -> None:
    world, contract = scene
    dispute = dispute_of(world, contract, "seller", user("owner", world, "seller"))
    decide_dispute(dispute=dispute, waive=True, decision="Fuse", by=user("admin", is_staff=True), at=LATER)
    world.read({"seller": (0, 15_000)}, quality="corrected")
    resettle(contract_id=contract.pk, at=LATER)
    settle(contract_id=contract.pk, kind="SF", at=LATER + timedelta(days=1))
    assert compensation(contract) == {}
    assert SettlementRun.objects.filter(contract=contract, force_majeure=True).count() == 4


def test_a_withdrawn_dispute_leaves_no_trace_in_the_money(scene: tuple[World, Contract]) -> None:
    world, contract = scene
    owner, before = user("owner", world, "buyer"), scene[0].cash()
    dispute = dispute_of(world, contract, "buyer", owner)
    assert withdraw_dispute(dispute=dispute, by=owner, at=LATER).state == "withdrawn"
    assert world.cash() == before
    assert dispute_of(world, contract, "buyer", owner).state == "open"


def test_two_disputes_on_one_interval_both_have_to_be_decided(scene: tuple[World, Contract]) -> None:
    world, contract = scene
    admin = user("admin", is_staff=True)
    first = dispute_of(world, contract, "seller", user("s", world, "seller"))
    second = dispute_of(world, contract, "buyer", user("b", world, "buyer"))
    decide_dispute(dispute=first, waive=False, decision="No", by=admin, at=LATER)
    assert compensation(contract) == {}
    decide_dispute(dispute=second, waive=False, decision="No", by=admin, at=LATER)
    assert compensation(contract) == {"seller": -SHORT, "buyer": SHORT}


def test_it_works_after_final_too(scene: tuple[World, Contract]) -> None:
    world, contract = scene
    settle(contract_id=contract.pk, kind="RF", at=LATER)
    dispute_of(world, contract, "seller", user("owner", world, "seller"))
    assert compensation(contract) == {}
    contract.refresh_from_db()
    assert contract.state == "FINAL"


def test_every_run_comes_out_again(scene: tuple[World, Contract]) -> None:
    world, contract = scene
    dispute = dispute_of(world, contract, "seller", user("owner", world, "seller"))
    decide_dispute(dispute=dispute, waive=False, decision="No", by=user("admin", is_staff=True), at=LATER)
    runs = list(SettlementRun.objects.filter(contract=contract).order_by("number"))
    assert [run.force_majeure for run in runs] == [False, True, False]
    assert all(recompute(run.pk).same_inputs for run in runs)
    assert sorted({run.at for run in runs}) == [run.at for run in runs]


def test_nothing_to_compensate_leaves_the_ledger_alone(db: None) -> None:
    world = make_world()
    world.add("a", retail=1_900)
    contract = world.contract()
    world.read({"a": (100, 0)})
    settle(contract_id=contract.pk, kind="P", at=TUESDAY_TEN + HALF_HOUR)
    entries = LedgerEntry.objects.count()
    dispute_of(world, contract, "a", user("owner", world, "a"))
    assert LedgerEntry.objects.count() == entries


def test_who_may_not(scene: tuple[World, Contract]) -> None:
    world, contract = scene
    owner, viewer = user("owner", world, "seller"), user("viewer", world, "seller", "viewer")
    admin, idle = user("admin", is_staff=True), user("idle", world, "idle")
    both = user("both", world, "seller", is_staff=True)
    for by, code in ((viewer, "seller"), (admin, "seller"), (idle, "seller")):
        assert refusal(dispute_of, world, contract, code, by) == "forbidden"
    dispute = dispute_of(world, contract, "seller", owner)
    assert refusal(decide_dispute, dispute=dispute, waive=True, decision="x", by=owner, at=LATER) == "forbidden"
    assert refusal(decide_dispute, dispute=dispute, waive=True, decision="x", by=both, at=LATER) == "own_dispute"
    assert refusal(decide_dispute, dispute=dispute, waive=True, decision=" ", by=admin, at=LATER) == "decision_required"
    assert refusal(withdraw_dispute, dispute=dispute, by=idle, at=LATER) == "forbidden"
    decide_dispute(dispute=dispute, waive=True, decision="x", by=admin, at=LATER)
    assert refusal(withdraw_dispute, dispute=dispute, by=owner, at=LATER) == "dispute_closed"


def test_what_cannot_be_disputed(scene: tuple[World, Contract]) -> None:
    world, contract = scene
    owner = user("owner", world, "seller")
    assert refusal(dispute_of, world, contract, "seller", owner, reason="  ") == "reason_required"
    assert refusal(dispute_of, world, contract, "seller", owner, reason="x" * 2_001) == "reason_too_long"
    open_contract = world.contract(TUESDAY_TEN + HALF_HOUR, "CONTINUOUS")
    assert refusal(dispute_of, world, open_contract, "seller", owner) == "not_settled"
    other = make_world("other")
    assert refusal(dispute_of, world, contract, "seller", owner, market=other.market) == "unknown_contract"
    newcomer = world.add("newcomer")
    late = user("late", world, "newcomer")
    assert refusal(dispute_of, world, contract, "newcomer", late, participant=newcomer) == "not_involved"
    dispute_of(world, contract, "seller", owner)
    assert refusal(dispute_of, world, contract, "seller", owner) == "already_disputed"


def refusal(work: object, *given: object, **named: object) -> str:
    with pytest.raises(DisputeError) as refused:
        work(*given, **named)
    return refused.value.code


def test_the_lists(scene: tuple[World, Contract]) -> None:
    world, contract = scene
    dispute = dispute_of(world, contract, "seller", user("owner", world, "seller"))
    day = (TUESDAY_TEN, TUESDAY_TEN + timedelta(days=1))
    assert [row.id for row in open_disputes(world.market.pk, *day)] == [dispute.pk]
    assert open_disputes(world.market.pk, day[1], day[1] + timedelta(days=1)) == []
    assert [row.reason for row in disputes_of(world.market.pk, world.people["seller"].pk)] == ["Meter stood"]
    assert disputes_of(world.market.pk, world.people["buyer"].pk) == []


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_open_it_once_and_the_money_is_right() -> None:
    world, contract = short_seller()
    owner = user("owner", world, "seller")
    outcomes = run_together(*[lambda: dispute_of(world, contract, "seller", owner) for _ in range(10)])
    assert sorted(map(str, outcomes)) == ["already_disputed"] * 9 + ["ok"]
    assert compensation(contract) == {}


@pytest.mark.django_db(transaction=True)
def test_a_dispute_and_runs_at_once_end_without_compensation() -> None:
    world, contract = short_seller()
    owner = user("owner", world, "seller")
    runs = [lambda kind=kind: settle(contract_id=contract.pk, kind=kind, at=LATER) for kind in ("SF", "R1", "R2", "RF")]
    outcomes = run_together(lambda: dispute_of(world, contract, "seller", owner), *runs)
    assert set(outcomes) == {"ok"}
    assert compensation(contract) == {}
    numbers = SettlementRun.objects.filter(contract=contract).order_by("number").values_list("number", "at")
    assert [number for number, _ in numbers] == list(range(1, len(numbers) + 1))
    assert [at for _, at in numbers] == sorted(at for _, at in numbers)


@pytest.mark.django_db(transaction=True)
def test_one_of_two_decisions_counts() -> None:
    world, contract = short_seller()
    dispute = dispute_of(world, contract, "seller", user("owner", world, "seller"))
    admins = [user(f"admin{n}", is_staff=True) for n in range(2)]
    decide = [
        lambda n=n: decide_dispute(dispute=dispute, waive=bool(n), decision="x", by=admins[n], at=LATER)
        for n in range(2)
    ]
    assert sorted(run_together(*decide)) == ["dispute_closed", "ok"]
    dispute.refresh_from_db()
    assert (compensation(contract) == {}) == (dispute.state == "waived")


def run_together(*works: object) -> list[str]:
    """What became of each piece of work, done at the same time: 'ok', or the code of its refusal."""
    outcomes: list[str] = []
    barrier = threading.Barrier(len(works))

    def go(work: object) -> None:
        barrier.wait()
        try:
            work()
            outcomes.append("ok")
        except DisputeError as error:
            outcomes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
