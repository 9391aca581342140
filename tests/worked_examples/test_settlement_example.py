"""The campus morning of docs/algorithms/ledger.md, from meters and trades to the ledger, through PostgreSQL."""

from datetime import timedelta
from pathlib import Path

import pytest

from settlement.models import (
    Compensation,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    SettlementRun,
    TradeResult,
)
from settlement.operations import recompute, settle
from settlement.queries import balances, energy_today, statement, trace
from tests.settlement_world import TUESDAY_TEN, World, make_world
from trading.models import Admission, Contract, Position

pytestmark = pytest.mark.django_db(transaction=True)
DAY = (TUESDAY_TEN - timedelta(hours=3), TUESDAY_TEN + timedelta(hours=14))


def name_of(account: LedgerAccount) -> str:
    return account.participant.code if account.participant else account.kind


def entries_of(run_id: int) -> dict[tuple[str, str], tuple[int, int]]:
    """(Wh, milli-đồng) by category and account."""
    entries = LedgerEntry.objects.filter(transaction__run_id=run_id)
    return {
        (entry.transaction.category, name_of(entry.account)): (entry.energy_wh, entry.amount_millidong)
        for entry in entries.select_related("account__participant", "transaction")
    }


def page_table(first_column: str) -> dict[tuple[str, str], tuple[int, int]]:
    """The entries as docs/algorithms/ledger.md tells them."""
    page = (Path(__file__).parents[2] / "docs" / "algorithms" / "ledger.md").read_text(encoding="utf-8")
    rows = page.split(f"| {first_column} |", 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {(category, account): (number(wh), 1_000 * number(dong)) for category, account, wh, dong in cells}


def number(cell: str) -> int:
    return int(cell.replace(",", "").replace("−", "-"))


@pytest.fixture
def morning() -> tuple[World, Contract]:
    world = make_world()
    world.add("campus", ask=900)
    world.add("dorm", ask=900)
    world.add("swap", ask=1_500)
    world.add("T1", retail=3_398, bid=2_600)
    world.add("T2", retail=3_398, bid=2_600)
    contract = world.contract()
    world.trade(contract, "campus", "T1", 40_000, 1_700)
    world.trade(contract, "dorm", "T2", 6_000, 1_720)
    world.trade(contract, "campus", "T2", 20_000, 1_650)
    world.trade(contract, "swap", "T2", 8_000, 1_900)
    world.read({"campus": (0, 50_000), "dorm": (0, 6_000), "swap": (0, 9_000), "T1": (35_000, 0), "T2": (90_000, 0)})
    return world, contract


def test_the_morning_in_the_ledger(morning: tuple[World, Contract]) -> None:
    world, contract = morning
    summary = settle(contract_id=contract.pk, kind="P", at=contract.delivery_end)

    assert summary.posted and summary.number == 1 and summary.estimated_count == 0 and summary.alarms == ()
    dong = {name: amount / 1_000 for name, amount in world.cash().items()}
    assert dong == {
        "campus": 80_994, "dorm": 10_320, "swap": 17_250, "T1": -63_700, "T2": -256_544,
        "_operator": 203_880, "_network": 7_800,
    }  # fmt: skip
    assert sum(balance.amount_millidong for balance in balances(world.market.pk)) == 0

    run = SettlementRun.objects.get(pk=summary.run_id)
    assert (run.pool_wh, run.pool_price, run.surplus_price, run.network_fee) == (1_000, 2_050, 671, 120)
    assert run.invariants["cash_sum_millidong"] == 0
    delivered = TradeResult.objects.filter(run=run).order_by("trade_no").values_list("delivered_wh", flat=True)
    assert list(delivered) == [35_000, 6_000, 15_000, 8_000]
    owed = Compensation.objects.get(run=run)
    assert (owed.trade_no, owed.payer.code, owed.payee.code) == (3, "campus", "T2")
    assert (owed.missed_wh, owed.charged_wh, owed.amount_millidong) == (5_000, 2_000, 3_256_000)
    categories = LedgerTransaction.objects.filter(run=run).values_list("category", flat=True)
    assert set(categories) == {
        "local",
        "pool",
        "grid_import",
        "network_fee",
        "compensation",
    }  # nothing went to the grid


def test_the_credit_is_given_back(morning: tuple[World, Contract]) -> None:
    world, contract = morning
    assert Admission.objects.get(participant=world.people["T2"]).committed_millidong > 0
    settle(contract_id=contract.pk, kind="P", at=contract.delivery_end)
    assert not Admission.objects.exclude(committed_millidong=0).exists()
    assert not Position.objects.exclude(committed_millidong=0).exists()
    contract.refresh_from_db()
    assert contract.state == Contract.State.CLEARED


def test_the_statement_of_t2(morning: tuple[World, Contract]) -> None:
    world, contract = morning
    settle(contract_id=contract.pk, kind="P", at=contract.delivery_end)
    told = statement(world.market.pk, world.people["T2"].pk, *DAY)
    assert (told.import_wh, told.bought_wh, told.grid_import_wh) == (90_000, 30_000, 60_000)
    assert told.by_category == {
        "local": -(6 * 1_720 + 15 * 1_650 + 8 * 1_900) * 1_000,
        "pool": -2_050_000,
        "grid_import": -203_880_000,
        "grid_export": 0,
        "network_fee": -30 * 120_000,
        "compensation": 3_256_000,
    }
    assert told.cash_millidong == sum(told.by_category.values()) == -256_544_000
    assert told.grid_only_millidong == -90_000 * 3_398
    assert told.savings_millidong == 90_000 * 3_398 - 256_544_000
    assert not told.payable  # a fresh market is a shadow

    (interval,) = energy_today(world.market.pk, world.people["T2"].pk, *DAY)
    assert interval.label == "10:00–10:30" and interval.cash_millidong == -256_544_000 and not interval.estimated


def test_an_entry_leads_back_to_trades_and_readings(morning: tuple[World, Contract]) -> None:
    world, contract = morning
    summary = settle(contract_id=contract.pk, kind="P", at=contract.delivery_end)
    local = LedgerTransaction.objects.get(run_id=summary.run_id, category="local")
    entry = local.entries.get(account__participant=world.people["T1"])
    traced = trace(transaction_id=local.pk, account_id=entry.account_id)
    assert (traced.amount_millidong, traced.energy_wh) == (-35_000 * 1_700, -35_000)
    assert [(trade.trade_no, trade.delivered_wh) for trade in traced.trades] == [(1, 35_000)]
    assert [(reading.metering_point, reading.version, reading.import_wh) for reading in traced.readings] == [
        ("MP-T1", 1, 35_000)
    ]
    assert traced.reading_version == 1 and traced.retail_price == 3_398 and traced.input_hash == summary.input_hash


def test_a_corrected_meter_moves_only_what_it_touches(morning: tuple[World, Contract]) -> None:
    """The campus really exported 55,000 Wh: trade 3 is delivered in full, and the compensation is taken back."""
    world, contract = morning
    settle(contract_id=contract.pk, kind="P", at=contract.delivery_end)
    world.read({"campus": (0, 55_000)})
    second = settle(contract_id=contract.pk, kind="SF", at=contract.delivery_end + timedelta(days=1))

    assert second.posted and second.number == 2
    assert entries_of(second.run_id) == page_table("SF: category")
    assert recompute(second.run_id).same_inputs and recompute(second.run_id).same_results
