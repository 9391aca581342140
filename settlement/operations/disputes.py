"""A participant doubts a settled interval; nobody pays compensation there until an administrator has decided.

Opening, withdrawing and deciding each settle the interval again in their own transaction, so the ledger and the dispute
never say different things. The contract's row is locked first, as every run locks it: a dispute falls before a run or
after it, and its moment is later than every run that did not know it.

Example: in a run T2 received 3,256 đồng from the campus. The campus disputes the interval: −3,256 to T2, +3,256 to the
campus are posted. The administrator keeps the compensation: the same amounts are posted back. Waived, they stay as is.
"""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Participant, User
from accounts.operations import audit
from accounts.policies import is_administrator, may_trade
from accounts.queries import seats
from settlement.models import Dispute, ParticipantResult, SettlementRun
from settlement.operations.news import tell_decided
from settlement.operations.runs import resettle
from trading.models import Contract, Market

MOMENT = timedelta(microseconds=1)
MOST_CHARACTERS = 2_000


class DisputeError(ValueError):
    """A dispute that cannot be opened or decided like that; the message says what to do. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@transaction.atomic
def open_dispute(
    *, market: Market, contract: Contract, participant: Participant, reason: str, by: User, at: datetime
) -> Dispute:
    """Marks a settled interval as doubted by a participant that took part in it; compensation there is taken back.

    `by` acts for the participant as owner or trader. Raises DisputeError: `forbidden`, `reason_required`,
    `reason_too_long`, `unknown_contract`, `not_settled`, `not_involved`, `already_disputed`; SettlementError where the
    interval cannot be settled again.
    """
    if not may_trade(by, participant):
        raise DisputeError("forbidden", "Only an owner or trader of the participant may dispute an interval of its.")
    reason = _text(reason, "reason", "Say what is wrong with the interval; the administrator decides by it.")
    last = _lock(contract.pk, market.pk)
    if not ParticipantResult.objects.filter(run=last.results_of_id or last.pk, participant=participant).exists():
        raise DisputeError("not_involved", f"{participant.name} took no part in this interval.")
    if Dispute.objects.filter(contract=contract, participant=participant, state=Dispute.State.OPEN).exists():
        raise DisputeError("already_disputed", "This interval is in dispute already; wait for the decision.")
    dispute = Dispute.objects.create(
        market=market, contract=contract, participant=participant, reason=reason, opened_by=by,
        opened_at=_after(last, at),
    )  # fmt: skip
    _note(dispute, "dispute.opened", by, at, reason=reason)
    resettle(contract_id=contract.pk, at=dispute.opened_at, force=True)
    return dispute


@transaction.atomic
def withdraw_dispute(*, dispute: Dispute, by: User, at: datetime) -> Dispute:
    """Takes a dispute back; compensation is posted as if it had never been. `by` as in `open_dispute`.

    Raises DisputeError `forbidden` or `dispute_closed`.
    """
    if not may_trade(by, dispute.participant):
        raise DisputeError("forbidden", "Only an owner or trader of the participant may withdraw its dispute.")
    return _close(dispute, Dispute.State.WITHDRAWN, "dispute.withdrawn", "", by, at)


@transaction.atomic
def decide_dispute(*, dispute: Dispute, waive: bool, decision: str, by: User, at: datetime) -> Dispute:
    """Waives the interval's compensation for good, or keeps it. `by` is an administrator with no seat at the
    participant. Raises DisputeError `forbidden`, `own_dispute`, `decision_required`, `decision_too_long`,
    `dispute_closed`."""
    if not is_administrator(by):
        raise DisputeError("forbidden", "Only an administrator may decide a dispute.")
    if any(seat.participant_id == dispute.participant_id for seat in seats(by)):
        raise DisputeError("own_dispute", "You act for this participant yourself; let another administrator decide.")
    decision = _text(decision, "decision", "Give the reason for the decision; the participant reads it.")
    state = Dispute.State.WAIVED if waive else Dispute.State.KEPT
    decided = _close(dispute, state, "dispute.waived" if waive else "dispute.kept", decision, by, at)
    tell_decided(decided, at)
    return decided


def _close(dispute: Dispute, state: str, action: str, decision: str, by: User, at: datetime) -> Dispute:
    last = _lock(dispute.contract_id, dispute.market_id)
    held = Dispute.objects.select_for_update().select_related("participant", "contract", "market").get(pk=dispute.pk)
    if held.state != Dispute.State.OPEN:
        raise DisputeError("dispute_closed", f"This dispute is over: {held.get_state_display().lower()}.")
    held.state, held.decision, held.decided_by, held.decided_at = state, decision, by, _after(last, at)
    held.save()
    _note(held, action, by, at, decision=decision)
    resettle(contract_id=held.contract_id, at=held.decided_at, force=True)
    return held


def _lock(contract_id: int, market_id: int) -> SettlementRun:
    """The contract's last run, while its row is held."""
    held = Contract.objects.select_for_update(no_key=True).filter(pk=contract_id, market=market_id).first()
    if held is None:
        raise DisputeError("unknown_contract", "There is no such interval in this market.")
    last = SettlementRun.objects.filter(contract=held).order_by("-number").first()
    if last is None or held.state not in (Contract.State.CLEARED, Contract.State.FINAL):
        raise DisputeError("not_settled", "This interval has not been settled yet; look at it again once it has.")
    return last


def _after(last: SettlementRun, at: datetime) -> datetime:
    return max(at, last.at + MOMENT)


def _text(text: str, what: str, wanted: str) -> str:
    text = text.strip()
    if not text or "\0" in text:
        raise DisputeError(f"{what}_required", wanted)
    if len(text) > MOST_CHARACTERS:
        raise DisputeError(f"{what}_too_long", f"Put it in at most {MOST_CHARACTERS} characters.")
    return text


def _note(dispute: Dispute, action: str, by: User, at: datetime, **detail: str) -> None:
    interval = dispute.contract.delivery_start.isoformat()
    audit(
        by=by, action=action, target=f"dispute {dispute.pk}", at=at,
        detail={"market": dispute.market.code, "participant": dispute.participant.code, "interval": interval, **detail},
    )  # fmt: skip
