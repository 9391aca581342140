"""One interval held against its sources: each run's input, results and postings, computed again from the ground.

The last word is the ledger's: run after run, the state that the sources give less the state before is what must have
been posted, account by account and category by category.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import connection

from accounts.models import Participant
from meters.columns import IntArray, read_columns
from settlement.domain.clearing import ClearingError, ClearingInput, ClearingResult, clear
from settlement.domain.interval import Interval
from settlement.domain.invariants import figures
from settlement.domain.postings import CATEGORIES, state_of
from settlement.domain.totals import totals
from settlement.models import SettlementRun
from settlement.operations.gather import ContractRow
from settlement.operations.post import NETWORK, OPERATOR
from settlement.operations.verify.rebuild import Columns, Rebuilt, rebuild
from settlement.operations.verify.report import Difference
from tariffs.queries import NoTerms
from units.interval import Interval as Span

MOST_OF_A_KIND = 10
_NONE = int(np.iinfo(np.int64).min)
_RESULTS = (
    "sold_wh", "bought_wh", "pool_sold_wh", "pool_bought_wh", "grid_import_wh", "grid_export_wh", "unpaid_spill_wh",
    "cash_millidong",
)  # fmt: skip
_PLAIN = ("participant_id", "import_wh", "export_wh", "retail_price", "reading_version", *_RESULTS)
_OPTIONAL = ("pool_ask_price", "pool_bid_price", "surplus_cap_wh", "zone_index")
_INPUTS = ("import_wh", "export_wh", "retail_price", "surplus_cap_wh")
_RULES = ("surplus_price", "network_fee", "deadband_pct", "deadband_wh", "force_majeure")


@dataclass(frozen=True, eq=False, slots=True)
class Cleared:
    """A run computed again."""

    run: SettlementRun
    interval: Interval
    inputs: ClearingInput
    result: ClearingResult


@dataclass(slots=True)
class Checked:
    """What was compared in an interval and what differs; `cleared` are its runs with results, computed again."""

    counts: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    cleared: list[Cleared] = field(default_factory=list)


class Ledger:
    """The market's accounts of clearing by their owners: participants, the operator, the network."""

    def __init__(self, market_id: int) -> None:
        query = (
            f"SELECT CASE kind WHEN 'operator' THEN {OPERATOR} WHEN 'network' THEN {NETWORK} ELSE participant_id END"
            "::bigint, id FROM settlement_ledgeraccount"
            " WHERE market_id = %s AND kind IN ('participant', 'operator', 'network')"
            " ORDER BY 1"
        )
        with connection.cursor() as cursor:
            rows = read_columns(cursor, query, (market_id,), ("owner", "account"))
        self.owners, self.accounts = rows["owner"], rows["account"]
        self._by_account = np.argsort(self.accounts)

    def nothing(self) -> IntArray:
        """No energy and no money anywhere: (2, categories, accounts)."""
        return np.zeros((2, len(CATEGORIES), len(self.owners)), dtype=np.int64)

    def state(self, cleared: Cleared) -> IntArray:
        """What a run amounts to: Wh and milli-đồng by category and account."""
        found, state = self.nothing(), state_of(cleared.inputs, cleared.result)
        owners = np.concatenate([cleared.interval.participant_ids, [OPERATOR, NETWORK]])
        where = np.searchsorted(self.owners, owners)
        found[0][:, where], found[1][:, where] = state.energy_wh, state.amount_millidong
        return found

    def posted(self, run_id: int) -> tuple[IntArray, int]:
        """What a run posted, laid out likewise, and in how many entries."""
        names = ("category", "account", "wh", "amount")
        query = (
            "SELECT array_position(%s, t.category::text)::bigint - 1, e.account_id, e.energy_wh, e.amount_millidong"
            " FROM settlement_ledgertransaction t JOIN settlement_ledgerentry e ON e.transaction_id = t.id"
            " WHERE t.run_id = %s"
        )
        with connection.cursor() as cursor:
            rows = read_columns(cursor, query, (list(CATEGORIES), run_id), names)
        found = self.nothing()
        order = self._by_account
        where = order[np.searchsorted(self.accounts, rows["account"], sorter=order).clip(max=len(order) - 1)]
        for number, name in enumerate(("wh", "amount")):
            np.add.at(found[number], (rows["category"], where), rows[name])
        return found, len(where)


def check_interval(contract: ContractRow, ledger: Ledger) -> Checked:
    """Every run of a contract, oldest first."""
    checked = Checked(Counter(contracts=1))
    runs = list(SettlementRun.objects.filter(contract_id=contract.id).order_by("number"))
    state, before = ledger.nothing(), None
    for run in runs:
        checked.counts["runs"] += 1
        if run.results_of_id is not None:
            checked.differences += _check_repeat(contract, run, runs, before)
        elif (cleared := _check_run(contract, run, checked)) is not None:
            now = ledger.state(cleared)
            checked.differences += _check_postings(contract, run, ledger, now - state, checked.counts)
            checked.cleared.append(cleared)
            state = now
        before = run
    checked.differences += _check_strays(contract, [run.pk for run in runs])
    if not runs:
        checked.differences.append(Difference("not_settled", label(contract)))
    return checked


def label(contract: ContractRow) -> str:
    """An interval as people name it, in its own time: '2026-06-02 10:00–10:30'."""
    span = Span(contract.delivery_start, contract.delivery_end)
    return f"{contract.on.isoformat()} {span.label(contract.zone)}"


def _check_run(contract: ContractRow, run: SettlementRun, checked: Checked) -> Cleared | None:
    where, people = label(contract), people_of(run.pk)
    checked.counts["results"] += len(people["participant_id"])
    try:
        rebuilt = rebuild(contract, run, people)
        inputs = rebuilt.interval.clearing_input()
        cleared = Cleared(run, rebuilt.interval, inputs, clear(inputs))
    except NoTerms:
        checked.differences.append(Difference("no_rules", where))
        return None
    except ClearingError as error:
        checked.differences.append(Difference("cannot_clear", where, {"reason": str(error)}))
        return None
    found = [*_check_input(where, run, people, rebuilt), *_check_results(where, cleared, people)]
    checked.differences += found
    return cleared


def people_of(run_id: int) -> Columns:
    """All that a run found for its participants, as columns in ascending order of their ids."""
    optional = ", ".join(f"coalesce({name}, {_NONE})::bigint" for name in _OPTIONAL)
    query = (
        f"SELECT {', '.join(f'{name}::bigint' for name in _PLAIN)}, {optional}, estimated::int::bigint"
        " FROM settlement_participantresult WHERE run_id = %s ORDER BY participant_id"
    )
    with connection.cursor() as cursor:
        rows: Columns = dict(read_columns(cursor, query, (run_id,), (*_PLAIN, *_OPTIONAL, "estimated")))
    return rows | {name: np.ma.masked_equal(rows[name], _NONE) for name in _OPTIONAL}


def _check_input(where: str, run: SettlementRun, people: Columns, rebuilt: Rebuilt) -> Iterable[Difference]:
    """Where the digest does not fit: which figure it is. What is stored beside a run is compared in any case."""
    interval = rebuilt.interval
    sources = {name: getattr(interval, name) for name in _INPUTS}
    sources |= {"estimated": interval.estimated.astype(np.int64), "reading_version": rebuilt.reading_version}
    found = [
        *_rows("input_differs", where, run, interval.participant_ids, sources, people),
        *(
            Difference("rule_differs", where, _told(run, name=name, source=rule, stored=getattr(run, name)))
            for name in _RULES
            if (rule := getattr(interval, name)) != getattr(run, name)
        ),
    ]
    if not found and interval.digest() != run.input_hash:
        same_trades = np.array_equal(interval.trade_no, _trade_results(run.pk)["trade_no"])
        found = [
            Difference(
                "digest_differs" if same_trades and not len(interval.trade_no) else "trades_differ", where, _told(run)
            )
        ]
    return found


def _check_results(where: str, cleared: Cleared, people: Columns) -> Iterable[Difference]:
    run, inputs, result = cleared.run, cleared.inputs, cleared.result
    pool, n = result.pool, inputs.participants
    again = {name: getattr(result, name) for name in _RESULTS if not name.startswith("pool_")}
    again |= {
        "pool_sold_wh": totals(pool.wh, pool.seller_index, n),
        "pool_bought_wh": totals(pool.wh, pool.buyer_index, n),
    }
    yield from _rows("result_differs", where, run, cleared.interval.participant_ids, again, people)
    yield from _check_trades(where, cleared)
    yield from _check_compensation(where, cleared)
    totals_again: dict[str, Any] = figures(inputs, result)
    stored = {name: run.invariants.get(name) for name in totals_again}
    totals_again |= {"pool_price": pool.price, "estimated_count": int(cleared.interval.estimated.sum())}
    stored |= {"pool_price": run.pool_price, "estimated_count": run.estimated_count}
    for name, value in totals_again.items():
        if value != stored[name]:
            yield Difference("figure_differs", where, _told(run, name=name, source=value, stored=stored[name]))


def _rows(
    code: str, where: str, run: SettlementRun, ids: IntArray, sources: dict[str, Any], stored: Columns
) -> Iterable[Difference]:
    for name, values in sources.items():
        same = np.ma.filled(values, _NONE) == np.ma.filled(stored[name], _NONE)
        for row in np.flatnonzero(~same)[:MOST_OF_A_KIND].tolist():
            told = _told(
                run, name=name, who=who(int(ids[row])), source=_cell(values, row), stored=_cell(stored[name], row)
            )
            yield Difference(code, where, told)


def _cell(values: Any, row: int) -> int | None:
    return None if np.ma.getmaskarray(values)[row] else int(np.ma.getdata(values)[row])


def _told(run: SettlementRun, **values: Any) -> dict[str, Any]:
    return {"run": f"{run.kind}{run.number}", **values}


def who(participant_id: int) -> str:
    """A participant's code, or its number where it is gone."""
    return Participant.objects.values_list("code", flat=True).filter(pk=participant_id).first() or str(participant_id)


def _trade_results(run_id: int) -> dict[str, IntArray]:
    query = (
        f"SELECT trade_no, delivered_wh, coalesce(fee_price, {_NONE}) FROM settlement_traderesult"
        " WHERE run_id = %s ORDER BY trade_no"
    )
    with connection.cursor() as cursor:
        return read_columns(cursor, query, (run_id,), ("trade_no", "delivered_wh", "fee_price"))


def _check_trades(where: str, cleared: Cleared) -> Iterable[Difference]:
    run, interval = cleared.run, cleared.interval
    rows = _trade_results(run.pk)
    stored = {no: (wh, fee) for no, wh, fee in zip(*(rows[name].tolist() for name in rows), strict=True)}
    fees = np.broadcast_to(np.asarray(interval.trade_fees()), interval.trade_no.shape)
    own_fee = np.where((fees == interval.network_fee) | (interval.zone_fees is None), _NONE, fees)
    again = zip(interval.trade_no.tolist(), cleared.result.delivered_wh.tolist(), own_fee.tolist(), strict=True)
    again_by_no = {no: (wh, fee) for no, wh, fee in again}
    if again_by_no == stored:
        return
    wrong = sorted(no for no in again_by_no.keys() | stored.keys() if again_by_no.get(no) != stored.get(no))
    for no in wrong[:MOST_OF_A_KIND]:
        delivered, found = again_by_no.get(no, (None,))[0], stored.get(no, (None,))[0]
        yield Difference("trade_differs", where, _told(run, trade=no, source=delivered, stored=found))


def _check_compensation(where: str, cleared: Cleared) -> Iterable[Difference]:
    owed, ids = cleared.result.compensation, cleared.interval.participant_ids
    again = set(
        zip(
            owed.trade_seq.tolist(),
            ids[owed.payer_index].tolist(),
            ids[owed.counterparty_index].tolist(),
            owed.missed_wh.tolist(),
            owed.charged_wh.tolist(),
            owed.millidong.tolist(),
            strict=True,
        )
    )
    names = ("trade_no", "payer_id", "payee_id", "missed_wh", "charged_wh", "amount_millidong")
    with connection.cursor() as cursor:
        query = f"SELECT {', '.join(names)} FROM settlement_compensation WHERE run_id = %s"
        rows = read_columns(cursor, query, (cleared.run.pk,), names)
    stored = set(zip(*(rows[name].tolist() for name in names), strict=True))
    for trade in sorted({row[0] for row in again ^ stored})[:MOST_OF_A_KIND]:
        sums = [sum(row[-1] for row in rows if row[0] == trade) for rows in (again, stored)]
        yield Difference("compensation_differs", where, _told(cleared.run, trade=trade, source=sums[0], stored=sums[1]))


def _check_repeat(
    contract: ContractRow, run: SettlementRun, runs: list[SettlementRun], before: SettlementRun | None
) -> list[Difference]:
    """A run that saw nothing new: its input is that of the results it points at, and what has come changed nothing."""
    base = next((each for each in runs if each.pk == run.results_of_id), None)
    same = base is not None and base.input_hash == run.input_hash and run.invariants == base.invariants
    if same and before is not None and before.reading_revision != run.reading_revision:
        same = rebuild(contract, run, people_of(run.results_of_id or run.pk)).interval.digest() == run.input_hash
    return [] if same else [Difference("repeat_differs", label(contract), _told(run))]


def _check_postings(
    contract: ContractRow, run: SettlementRun, ledger: Ledger, due: IntArray, counts: Counter[str]
) -> Iterable[Difference]:
    posted, entries = ledger.posted(run.pk)
    counts["entries"] += entries
    wrong = np.argwhere((posted != due).any(axis=0))
    for category, account in wrong[:MOST_OF_A_KIND].tolist():
        owner = int(ledger.owners[account])
        name = {OPERATOR: "operator", NETWORK: "network"}.get(owner) or who(owner)
        source, stored = (f"{int(x[1, category, account])} / {int(x[0, category, account])}" for x in (due, posted))
        told = _told(run, category=CATEGORIES[category], who=name, source=source, stored=stored)
        yield Difference("entry_differs", label(contract), told)


_STRAYS = """
    SELECT count(*) FROM settlement_ledgertransaction
    WHERE contract_id = %s AND (run_id IS NULL OR run_id <> ALL(%s::bigint[]))
"""


def _check_strays(contract: ContractRow, run_ids: list[int]) -> list[Difference]:
    with connection.cursor() as cursor:
        cursor.execute(_STRAYS, (contract.id, run_ids))
        count = int(cursor.fetchone()[0])
    return [Difference("stray_posting", label(contract), {"count": count})] if count else []
