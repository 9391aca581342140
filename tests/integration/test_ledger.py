"""The ledger's laws, kept by PostgreSQL itself: no statement, COPY or shell session can break them."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Model

from meters.columns import write_columns
from settlement.models import (
    Compensation,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    ParticipantResult,
    SettlementRun,
    TradeResult,
)
from tests.settlement_world import World, make_world

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 6, 2, 5, tzinfo=UTC)
APPEND_ONLY: tuple[type[Model], ...] = (
    LedgerEntry,
    LedgerTransaction,
    LedgerAccount,
    SettlementRun,
    ParticipantResult,
    TradeResult,
    Compensation,
)


class Books:
    """A market with two accounts and a transaction to post to."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.market_id = world.market.pk
        self.accounts = [
            LedgerAccount.objects.create(market=world.market, kind="participant", participant=world.add(code)).pk
            for code in ("a", "b")
        ]
        self.transaction = LedgerTransaction.objects.create(market=world.market, category="local", at=NOON)

    def insert(self, *amounts: int, energy: tuple[int, ...] = (0, 0), market_id: int | None = None) -> None:
        values = zip(self.accounts, amounts, energy, strict=False)
        LedgerEntry.objects.bulk_create(
            LedgerEntry(
                market_id=market_id or self.market_id,
                transaction=self.transaction,
                account_id=account,
                energy_wh=wh,
                amount_millidong=amount,
            )
            for account, amount, wh in values
        )

    def copy(self, amounts: list[int], accounts: list[int] | None = None) -> None:
        one = np.array([0])
        columns: dict[str, Any] = {
            "market_id": one + self.market_id,
            "transaction_id": one + self.transaction.pk,
            "account_id": np.array(accounts or self.accounts),
            "energy_wh": one,
            "amount_millidong": np.array(amounts),
        }
        with transaction.atomic(), connection.cursor() as cursor:
            write_columns(cursor, "settlement_ledgerentry", columns, len(amounts))


@pytest.fixture
def books() -> Books:
    return Books(make_world())


def test_a_balanced_transaction_is_taken(books: Books) -> None:
    books.insert(700, -700)
    assert sum(LedgerEntry.objects.values_list("amount_millidong", flat=True)) == 0
    assert LedgerEntry.objects.count() == 2


def test_an_unbalanced_insert_is_refused(books: Books) -> None:
    with pytest.raises(IntegrityError, match="does not sum to zero"):
        books.insert(700, -699)
    with pytest.raises(IntegrityError, match="does not sum to zero"):
        books.insert(700)
    assert not LedgerEntry.objects.exists()


def test_energy_that_does_not_balance_is_refused(books: Books) -> None:
    with pytest.raises(IntegrityError, match="does not sum to zero"):
        books.insert(700, -700, energy=(5, -4))


def test_an_unbalanced_copy_is_refused(books: Books) -> None:
    with pytest.raises(DatabaseError, match="does not sum to zero"):
        books.copy([700, -699])
    assert not LedgerEntry.objects.exists()
    books.copy([700, -700])
    assert LedgerEntry.objects.count() == 2


def test_two_wrong_halves_in_one_database_transaction_are_refused(books: Books) -> None:
    """The law holds after every statement, so nothing unbalanced is ever seen by a later one."""
    with pytest.raises(IntegrityError, match="does not sum to zero"), transaction.atomic():
        books.insert(700)
        books.copy([-700], books.accounts[1:])


def test_an_entry_needs_an_account_and_a_transaction_of_its_own_market(books: Books) -> None:
    with pytest.raises(IntegrityError, match="that its market does not have"):
        books.copy([1, -1], [books.accounts[0], 10**9])
    other = Books(make_world("other"))
    with pytest.raises(IntegrityError, match="that its market does not have"):
        books.copy([1, -1], [books.accounts[0], other.accounts[0]])
    with pytest.raises(IntegrityError, match="that its market does not have"):
        books.insert(1, -1, market_id=other.market_id)
    assert not LedgerEntry.objects.exists()


def test_an_account_has_one_entry_in_a_transaction(books: Books) -> None:
    books.insert(700, -700)
    with pytest.raises(IntegrityError):
        books.insert(1, -1)


def test_a_result_needs_a_run_and_a_party_of_its_market(books: Books) -> None:
    contract = books.world.contract()
    run = SettlementRun.objects.create(
        market_id=books.market_id, contract=contract, number=1, kind="P", at=NOON, mode="fifo", surplus_price=0,
        network_fee=0, input_hash="0" * 64, invariants={},
    )  # fmt: skip
    stranger = books.world.add("without-account")
    for values in (
        {"run_id": run.pk + 1, "participant": books.world.people["a"]},
        {"run_id": run.pk, "participant": stranger},
    ):
        with pytest.raises(IntegrityError, match="that its market does not have"):
            result(books, **values)
    result(books, run_id=run.pk, participant=books.world.people["a"])
    with pytest.raises(IntegrityError, match="that its market does not have"):
        TradeResult.objects.create(market_id=books.market_id, run_id=run.pk + 1, trade_no=1, delivered_wh=0)


def result(books: Books, **values: object) -> ParticipantResult:
    energies = ("import", "export", "sold", "bought", "pool_sold", "pool_bought", "grid_import", "grid_export")
    zeros = {f"{name}_wh": 0 for name in energies}
    return ParticipantResult.objects.create(
        market_id=books.market_id, retail_price=0, cash_millidong=0, **zeros, **values
    )


def test_nothing_of_a_settled_interval_can_be_changed_or_deleted(books: Books) -> None:
    from settlement.operations import settle

    contract = books.world.contract()
    books.world.trade(contract, "a", "b", 10_000, 1_500)
    books.world.read({"a": (0, 5_000), "b": (9_000, 0)})
    settle(contract_id=contract.pk, kind="P", at=contract.delivery_end)
    for model in APPEND_ONLY:
        table = model._meta.db_table
        before = list(model.objects.values())
        assert before, f"{table} is empty, so nothing was proved"
        for statement in (f"UPDATE {table} SET market_id = market_id", f"DELETE FROM {table}"):
            with pytest.raises(DatabaseError, match="Cannot"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
        assert list(model.objects.values()) == before
