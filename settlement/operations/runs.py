"""Settling one contract: claimed, computed, checked, written and posted in one transaction, or not at all.

The claim is a conditional UPDATE of the contract's state, so a second worker waits and then finds nothing to do. The
first run also gives back the credit that the contract's trades held, and each run adds what it moved to what is owed;
the market's row is locked for that, as the order path does before it touches positions and credit, and last, so that
trading goes on while the interval is cleared.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from settlement.domain.calendar import KINDS, rank
from settlement.domain.clearing import ClearingError, ClearingInput, ClearingResult, clear
from settlement.domain.invariants import check, figures
from settlement.models import SettlementRun
from settlement.operations.announce import announce
from settlement.operations.errors import SettlementError, raise_alarm, resolve_alarm
from settlement.operations.exposure import settle_exposure
from settlement.operations.gather import ContractRow, Gathered, gather
from settlement.operations.post import open_accounts, post, write_results
from tariffs.operations import lock_rules
from trading.models import Contract

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A settlement run. `posted` is false where the run was there before this call; `entries` is how many ledger
    entries this call added."""

    run_id: int
    contract_id: int
    number: int
    kind: str
    posted: bool
    entries: int
    estimated_count: int
    input_hash: str
    alarms: tuple[dict[str, Any], ...]


def settle(*, contract_id: int, kind: str, at: datetime) -> RunSummary:
    """Make the run `kind` (P, SF, R1, R2, RF) of a contract at the market time `at`; again, it changes nothing.

    Raises SettlementError: `unknown_contract`, `unknown_run_kind`, `not_delivered`, `no_terms`, `invariants_violated`,
    or a code of clearing. The last three also raise an alarm for the administrator.
    """
    if kind not in KINDS:
        raise SettlementError("unknown_run_kind", f"There is no run {kind!r}; give one of {', '.join(KINDS)}.")
    return _guarded(contract_id, kind, at, wait=True) or _last_summary(contract_id)


def settle_unless_busy(*, contract_id: int, kind: str, at: datetime) -> RunSummary | None:
    """`settle` for workers: None where another worker is at it, or has done it."""
    return _guarded(contract_id, kind, at, wait=False)


def resettle(*, contract_id: int, at: datetime, force: bool = False) -> RunSummary:
    """Settle a contract once more after its last run, with the rules of its delivery interval, and post the difference.

    Nothing happens where no reading has come since, unless `force` says that something else has changed; then the run
    is noted in any case. Raises SettlementError as `settle` does (`not_settled` before P).
    """
    previous = _last_run(contract_id)
    if previous is None:
        raise SettlementError("not_settled", "The contract has not been settled yet; settle it first.")
    return _guarded(contract_id, "", at, wait=True, force=force) or _last_summary(contract_id)


def _guarded(contract_id: int, kind: str, at: datetime, *, wait: bool, force: bool = False) -> RunSummary | None:
    try:
        with transaction.atomic():
            return _settle(contract_id, kind, at, wait=wait, force=force)
    except SettlementError as error:
        if error.code not in ("unknown_contract", "not_delivered"):
            log.warning("contract %s was not settled: %s", contract_id, error)
            raise_alarm(contract_id, error, at)
        raise


def _settle(contract_id: int, kind: str, at: datetime, *, wait: bool, force: bool) -> RunSummary | None:
    contract = _claim(contract_id, kind, at, wait=wait)
    previous = _last_run(contract_id)
    if contract is None or (previous and kind and rank(kind) <= rank(previous.kind)):
        return None
    # A run is never earlier than the one before, so that what was known at its moment is what it saw.
    at = max(at, previous.at) if previous else at
    if previous is None:
        lock_rules(contract.site_id, contract.delivery_start.astimezone(contract.zone).date())
    gathered = gather(contract, previous, at)
    if previous and not kind and not force and gathered.reading_revision == previous.reading_revision:
        return None
    run, entries = _run(contract, gathered, previous, kind or (previous.kind if previous else ""), at)
    resolve_alarm(contract_id, at)
    if previous is None or entries:
        settle_exposure(market_id=contract.market_id, contract_id=contract.id, run_id=run.pk)
    transaction.on_commit(lambda: announce(run.market_id, contract_id, run.kind), robust=True)
    return _summary(run, posted=True, entries=entries)


_CLAIM = """
    WITH claimed AS (
        SELECT id FROM trading_contract
        WHERE id = %(id)s AND delivery_end <= %(at)s AND state = ANY(%(states)s) FOR NO KEY UPDATE {skip}
    )
    UPDATE trading_contract c SET state = coalesce(%(state)s, c.state) FROM claimed, trading_market m, meters_site s
    WHERE c.id = claimed.id AND m.id = c.market_id AND s.id = m.site_id
    RETURNING c.id, c.market_id, m.site_id, m.clearing_mode, c.delivery_start, c.delivery_end, c.force_majeure,
              s.timezone
"""


def _claim(contract_id: int, kind: str, at: datetime, *, wait: bool) -> ContractRow | None:
    """The contract, its row held and its state moved on; None where there is nothing left to do, or no waiting."""
    values: dict[str, Any] = {"id": contract_id, "at": at, "states": _from_states(kind), "state": _to_state(kind)}
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM.format(skip="" if wait else "SKIP LOCKED"), values)
        row = cursor.fetchone()
    if row is None and wait:
        _explain(contract_id, at)
    return ContractRow(*row) if row else None


def _from_states(kind: str) -> list[str]:
    state = Contract.State
    if not kind:
        return [state.CLEARED, state.FINAL]
    return [state.CLOSED, state.DELIVERED] if kind == "P" else [state.CLOSED, state.DELIVERED, state.CLEARED]


def _to_state(kind: str) -> str | None:
    if not kind:
        return None
    return Contract.State.FINAL if kind == "RF" else Contract.State.CLEARED


def _explain(contract_id: int, at: datetime) -> None:
    found = Contract.objects.filter(pk=contract_id).values_list("state", "delivery_end").first()
    if found is None:
        raise SettlementError("unknown_contract", "There is no such contract.")
    state, delivery_end = found
    if delivery_end > at or state not in (Contract.State.CLEARED, Contract.State.FINAL):
        raise SettlementError("not_delivered", "The contract's gate or its delivery is not over yet; settle it then.")


def _last_run(contract_id: int) -> SettlementRun | None:
    return SettlementRun.objects.filter(contract_id=contract_id).order_by("-number").first()


def _last_summary(contract_id: int) -> RunSummary:
    run = _last_run(contract_id)
    if run is None:
        raise SettlementError(
            "not_settled", "The contract counts as cleared but has no run; its state was set by hand."
        )
    return _summary(run, posted=False, entries=0)


def _summary(run: SettlementRun, *, posted: bool, entries: int) -> RunSummary:
    return RunSummary(
        run.pk, run.contract_id, run.number, run.kind, posted, entries, run.estimated_count, run.input_hash,
        tuple(run.alarms),
    )  # fmt: skip


def _run(
    contract: ContractRow, gathered: Gathered, previous: SettlementRun | None, kind: str, at: datetime
) -> tuple[SettlementRun, int]:
    """The run with everything that belongs to it, and the number of ledger entries it took."""
    digest = gathered.interval.digest()
    if previous is not None and previous.input_hash == digest:
        return _repeat(previous, gathered, kind, at), 0
    inputs, result = _cleared(gathered)
    run = _new_run(contract, gathered, previous, kind, at)
    run.input_hash = digest
    run.pool_wh, run.pool_price = int(result.pool.wh.sum()), result.pool.price
    run.invariants = figures(inputs, result)
    run.save(force_insert=True)
    accounts = open_accounts(run.market_id, gathered.interval.participant_ids)
    write_results(run, gathered, inputs, result)
    return run, post(run, accounts, inputs, result)


def _cleared(gathered: Gathered) -> tuple[ClearingInput, ClearingResult]:
    try:
        inputs = gathered.interval.clearing_input()
        result = clear(inputs)
    except ClearingError as error:
        raise SettlementError(error.code, str(error)) from error
    violations = check(inputs, result)
    if violations:
        told = "; ".join(f"{v.message} Off by {v.off_by} [{v.code}]" for v in violations)
        raise SettlementError("invariants_violated", f"Nothing was posted, because a law does not hold: {told}")
    return inputs, result


def _new_run(
    contract: ContractRow, gathered: Gathered, previous: SettlementRun | None, kind: str, at: datetime
) -> SettlementRun:
    interval = gathered.interval
    return SettlementRun(
        market_id=contract.market_id,
        contract_id=contract.id,
        number=previous.number + 1 if previous else 1,
        kind=kind,
        at=at,
        mode=interval.mode,
        surplus_price=interval.surplus_price,
        network_fee=interval.network_fee,
        zone_fees=None
        if interval.zone_fees is None
        else {"zones": list(gathered.zone_names), "fees": interval.zone_fees.tolist()},
        deadband_pct=interval.deadband_pct,
        deadband_wh=interval.deadband_wh,
        force_majeure=interval.force_majeure,
        reading_revision=gathered.reading_revision,
        estimated_count=int(interval.estimated.sum()),
        alarms=gathered.alarms,
    )


def _repeat(previous: SettlementRun, gathered: Gathered, kind: str, at: datetime) -> SettlementRun:
    """The same inputs as last time: the run is noted, and its results are those that are there."""
    run = SettlementRun.objects.get(pk=previous.pk)
    run.results_of_id = previous.results_of_id or previous.pk
    run.pk, run.number, run.kind, run.at = None, previous.number + 1, kind, at
    run.reading_revision, run.alarms = gathered.reading_revision, gathered.alarms
    run.save(force_insert=True)
    return run
