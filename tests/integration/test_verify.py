"""A month that is as its sources give it holds; whatever is altered behind the database's back is found and named."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.operations import add_membership, create_user
from settlement.models import SettlementRun
from settlement.operations import resettle, settle
from settlement.operations.disputes import decide_dispute, open_dispute
from settlement.operations.verify import Verification, verify_month
from tests.settlement_world import HALF_HOUR, TUESDAY_TEN, World, make_world
from trading.domain.messages import BUY, SELL, Cancel, Halt, New, Resume, Time
from trading.models import Contract
from trading.operations import submit

JUNE = date(2026, 6, 1)
BEFORE = TUESDAY_TEN - timedelta(hours=3)


@contextmanager
def triggers_off() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        yield
        cursor.execute("SET session_replication_role = DEFAULT")


def tamper(statement: str, *values: object) -> None:
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount == 1


def june() -> World:
    """Two half hours, traded through the log, one with a corrected meter and a dispute, the other quiet."""
    world = make_world()
    for code, retail, ask, bid in (("a", 1_900, 900, None), ("b", 3_398, None, 2_600), ("c", 2_204, None, None)):
        world.add(code, retail=retail, ask=ask, bid=bid)
    first = world.contract(state="CONTINUOUS")
    second = world.contract(TUESDAY_TEN + HALF_HOUR, state="CONTINUOUS")
    a, b, c = (world.people[code].pk for code in "abc")
    trade(world, first, [New(a, "s1", first.pk, SELL, 20_000, 1_650), New(b, "b1", first.pk, BUY, 20_000, 1_700)])
    trade(world, second, [Halt(), Resume(), New(a, "s2", second.pk, SELL, 5_000, 1_500), Cancel(a, "s2")])
    trade(world, second, [New(a, "s3", second.pk, SELL, 5_000, 1_500), New(c, "b3", second.pk, BUY, 4_000, 1_500)])
    submit(world.market.pk, [Time()], by=None, at=TUESDAY_TEN + HALF_HOUR)
    Contract.objects.update(state="CLOSED")
    world.read({"a": (0, 16_000), "b": (30_000, 0), "c": (200, 0)})
    world.read({"a": (0, 6_000), "b": (1_000, 0)}, TUESDAY_TEN + HALF_HOUR)
    for contract in (first, second):
        settle(contract_id=contract.pk, kind="P", at=contract.delivery_end)
    correct(world, "a", 17_000)
    resettle(contract_id=first.pk, at=TUESDAY_TEN + timedelta(hours=5))
    settle(contract_id=second.pk, kind="SF", at=TUESDAY_TEN + timedelta(days=1))
    return world


def trade(world: World, contract: Contract, messages: list) -> None:
    replies = submit(world.market.pk, messages, by=None, at=BEFORE)
    assert not [reply for reply in replies if reply.rejected]


def correct(world: World, code: str, export_wh: int) -> None:
    from meters.operations import NewReading, record_readings

    row = NewReading(f"MP-{code}", TUESDAY_TEN, 0, export_wh, "corrected")
    record_readings(site=world.site, rows=[row], by=None, at=TUESDAY_TEN + timedelta(hours=4), source="test")


@pytest.fixture
def world(db: None) -> World:
    return june()


def found(world: World) -> list[str]:
    world.market.refresh_from_db()
    return [each.sentence() for each in verify_month(world.market, JUNE).differences]


def test_a_month_as_it_should_be(world: World) -> None:
    done: list[tuple[int, int]] = []
    verified = verify_month(world.market, JUNE, lambda *step: done.append(step))
    assert verified.differences == [] and verified.holds
    assert (verified.counts["contracts"], verified.counts["runs"], verified.counts["trades"]) == (2, 4, 2)
    assert verified.counts["entries"] > 0 and verified.counts["results"] == 9
    assert done[-1] == (30, 30)


def test_disputes_and_their_decisions_hold_too(world: World) -> None:
    owner = create_user(by=None, username="owner", password=None, at=BEFORE)
    admin = create_user(by=None, username="admin", password=None, is_staff=True, at=BEFORE)
    add_membership(by=None, user=owner, participant=world.people["a"], role="owner", at=BEFORE)
    first, later = Contract.objects.earliest("delivery_start"), TUESDAY_TEN + timedelta(days=2)
    given = {"market": world.market, "contract": first, "participant": world.people["a"], "reason": "x", "by": owner}
    for waive in (False, True):
        dispute = open_dispute(**given, at=later)
        decide_dispute(dispute=dispute, waive=waive, decision="y", by=admin, at=later)
    assert found(world) == []


def test_every_state_of_the_meters_is_found_again(world: World) -> None:
    """Each run saw the readings of its own time, though later versions have come."""
    versions = SettlementRun.objects.filter(contract__delivery_start=TUESDAY_TEN).order_by("number")
    assert list(versions.values_list("reading_revision", flat=True)) == [1, 2]
    correct(world, "a", 18_000)  # in the same moment as the correction that the second run saw
    assert found(world) == []


def test_a_changed_reading(world: World) -> None:
    tamper("UPDATE meters_reading SET export_wh = 15999 WHERE version = 1 AND export_wh = 16000")
    sentences = found(world)
    assert "2026-06-02 10:00–10:30: Run P1: export_wh of a is 15999 by its source, 16000 in the run." in sentences


def test_a_changed_trade(world: World) -> None:
    tamper("UPDATE trading_trade SET price = 1651 WHERE trade_no = 1")
    assert any("The replay of the log gives something else" in each and "1651" in each for each in found(world))


@pytest.mark.parametrize("column", ["seller_id", "buyer_id"])
def test_a_trade_given_to_another(world: World, column: str) -> None:
    tamper(f"UPDATE trading_trade SET {column} = %s WHERE trade_no = 1", world.people["c"].pk)
    assert any("The replay of the log gives something else" in each for each in found(world))


def test_a_removed_trade(world: World) -> None:
    tamper("DELETE FROM trading_trade WHERE trade_no = 1")
    assert any("trade: 2 in the replay, 1 stored" in each for each in found(world))


def test_a_changed_order(world: World) -> None:
    tamper("UPDATE trading_order SET price = 1499 WHERE client_order_id = 's3'")
    assert any("order: replay says" in each for each in found(world))


def test_a_changed_ledger_entry(world: World) -> None:
    tamper(
        "UPDATE settlement_ledgerentry SET amount_millidong = amount_millidong + 1 WHERE (transaction_id, account_id) ="
        " (SELECT min(t.id), min(a.id) FROM settlement_ledgertransaction t, settlement_ledgeraccount a"
        " WHERE t.category = 'local' AND a.kind = 'participant' AND a.participant_id = %s)",
        world.people["b"].pk,
    )
    (sentence,) = found(world)
    assert sentence.startswith("2026-06-02 10:00–10:30: Run P1: local of b must post -")


def test_a_posting_out_of_nowhere(world: World) -> None:
    contract = Contract.objects.earliest("delivery_start")
    tamper(
        "INSERT INTO settlement_ledgertransaction (market_id, contract_id, category, at)"
        " VALUES (%s, %s, 'local', now())",
        world.market.pk,
        contract.pk,
    )
    assert found(world) == [
        "2026-06-02 10:00–10:30: 1 ledger transactions of this interval belong to none of its runs."
    ]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "SET {} = {} + 1, {} = {} - 1 WHERE run_id = %s AND participant_id = %s",
            "sold_wh of a",
        ),
        (
            "SET cash_millidong = 1 WHERE run_id = %s AND participant_id = %s",
            "cash_millidong of a",
        ),
        (
            "SET reading_version = 9 WHERE run_id = %s AND participant_id = %s",
            "reading_version of a",
        ),
        (
            "SET retail_price = 1 WHERE run_id = %s AND participant_id = %s",
            "retail_price of a",
        ),
    ],
)
def test_a_changed_result(world: World, statement: str, told: str) -> None:
    run = SettlementRun.objects.earliest("pk")
    statement = statement.format("sold_wh", "sold_wh", "grid_export_wh", "grid_export_wh")
    tamper(f"UPDATE settlement_participantresult {statement}", run.pk, world.people["a"].pk)
    assert any(told in each for each in found(world))


@pytest.mark.parametrize(
    ("column", "value"),
    [("surplus_price", "1"), ("network_fee", "1"), ("force_majeure", "true"), ("input_hash", "'x'"),
     ("pool_price", "1"), ("invariants", "'{}'"), ("estimated_count", "7")],
)  # fmt: skip
def test_a_changed_run(world: World, column: str, value: str) -> None:
    run = SettlementRun.objects.earliest("pk")
    tamper(f"UPDATE settlement_settlementrun SET {column} = {value} WHERE id = %s", run.pk)
    assert found(world)


def test_a_changed_delivery_and_compensation(world: World) -> None:
    run = SettlementRun.objects.earliest("pk")
    tamper("UPDATE settlement_traderesult SET delivered_wh = 1 WHERE run_id = %s", run.pk)
    tamper("UPDATE settlement_compensation SET missed_wh = missed_wh + 1 WHERE run_id = %s", run.pk)
    sentences = " ".join(found(world))
    assert "of trade 1, 16000 Wh were delivered, stored is 1" in sentences
    assert "the compensation of trade 1" in sentences


def test_a_changed_tariff(world: World) -> None:
    tamper("UPDATE tariffs_tariffrow SET price = 1901 WHERE price = 1900")
    assert any("retail_price of a is 1901 by its source, 1900 in the run" in each for each in found(world))


def test_a_changed_command(world: World) -> None:
    tamper(
        "UPDATE trading_command SET message = replace(message::text, '1650', '1640')::json"
        " WHERE message::text LIKE '%%1650%%'"
    )
    assert any("1640" in each for each in found(world))


def test_the_command_tells_it(world: World) -> None:
    told = StringIO()
    call_command("verify", "--market", world.market.code, "--month", "2026-06", "--processes", "1", stdout=told)
    assert "2 intervals, 4 runs" in told.getvalue() and "byte for byte" in told.getvalue()
    tamper("UPDATE trading_trade SET price = 1651 WHERE trade_no = 1")
    told = StringIO()
    with pytest.raises(CommandError, match="are not what their sources give"):
        call_command("verify", "--month", "2026-06", "--processes", "1", "--json", stdout=told)
    report = json.loads(told.getvalue())
    assert report["holds"] is False and report["differences"][0]["sentence"]
    with pytest.raises(CommandError, match="no market"):
        call_command("verify", "--market", "nowhere", "--month", "2026-06", stdout=told)


@pytest.mark.django_db(transaction=True)
def test_two_processes_find_the_same() -> None:
    world = june()
    alone: Verification = verify_month(world.market, JUNE)
    together = verify_month(world.market, JUNE, processes=2)
    assert together.holds and together.counts == alone.counts
    tamper("UPDATE meters_reading SET export_wh = 15999 WHERE version = 1 AND export_wh = 16000")
    assert (
        verify_month(world.market, JUNE, processes=2).differences == verify_month(world.market, JUNE).differences != []
    )
