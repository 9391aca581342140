"""Payments back and payments from what was paid in advance; the way to undo a wrong one.

A payment and what it paid are never changed. Undoing one is a payment back with the same parts: its documents are open
again. `docs/algorithms/payments.md` has the postings.
"""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from settlement.domain.matching_payments import Decision, distribute
from settlement.models import BankLine, LedgerTransaction, Payment
from settlement.operations.booking import BANK, PaymentError, locked_prepaid_dong, prepaid, receivable
from settlement.operations.paying import (
    Posted,
    audit_payment,
    book_payment,
    check_site,
    locked_line,
    locked_open,
    matched,
    post,
    record,
)
from settlement.queries.documents import documents_of

Category = LedgerTransaction.Category
Kind = Payment.Kind


@transaction.atomic
def use_prepaid(*, market_id: int, participant_id: int, by: User | None, at: datetime) -> Payment | None:
    """Pay open documents from the prepayment, due first served first. None where there is nothing to pay or to pay
    with."""
    documents = locked_open(market_id, participant_id, 1)
    there = locked_prepaid_dong(market_id, participant_id)
    parts, rest = distribute(there, documents)
    if there <= 0 or not parts:
        return None
    decision = Decision(market_id, participant_id, parts, 0)
    payment = record(decision, Kind.FROM_PREPAID, there - rest, by, at, "")
    posted = Posted()
    book_payment(payment, decision, prepaid(participant_id), posted, at)
    audit_payment("payment.from_prepaid", payment, {}, by, at)
    posted.move()
    return payment


@transaction.atomic
def refund(
    *,
    market_id: int,
    participant_id: int,
    amount_dong: int,
    by: User | None,
    at: datetime,
    note: str = "",
    line_id: int | None = None,
) -> Payment:
    """Pay back so much (positive, in đồng) of what was paid in advance; `line_id` is the bank line that shows it.

    Raises PaymentError `no_amount`, `not_prepaid`, `line_differs`, and those of a line.
    """
    if amount_dong <= 0:
        raise PaymentError("no_amount", "A refund needs an amount above 0.")
    line = _line_of(line_id, -amount_dong, market_id)
    if amount_dong > locked_prepaid_dong(market_id, participant_id):
        raise PaymentError("not_prepaid", "The participant has not paid so much in advance; refund at most that.")
    decision = Decision(market_id, participant_id, (), -amount_dong)
    payment = record(decision, Kind.REFUND, -amount_dong, by, at, note, line)
    posted = Posted()
    dong = {prepaid(participant_id): -amount_dong, BANK: amount_dong}
    post(payment, Category.REFUND, dong, posted, at)
    matched(line)
    audit_payment("payment.refunded", payment, {"note": note}, by, at)
    posted.move()
    return payment


@transaction.atomic
def undo_payment(*, payment_id: int, by: User | None, at: datetime, note: str, line_id: int | None = None) -> Payment:
    """Take a payment back in full: its documents are open again, and what it left in the prepayment is gone.

    A wrong match is undone like this and then recorded for whom it was; `line_id` is the bank line of money that really
    went back. Raises PaymentError `payment_not_found`, `not_undoable`, `already_undone`, `prepaid_used`,
    `reason_missing`, `line_differs`, and those of a line.
    """
    if not note.strip():
        raise PaymentError("reason_missing", "Say why the payment is taken back.")
    line = _line_of(line_id, None, None)
    original = _locked_payment(payment_id)
    if line is not None:
        _check_line(line, -original.amount_dong, original.market_id)
    paid = dict(original.allocations.order_by("invoice_id").values_list("invoice_id", "amount_dong"))
    documents_of(tuple(paid), lock=True)
    rest = original.amount_dong - sum(paid.values())
    _check_prepaid(original, rest)
    back = {invoice_id: -amount for invoice_id, amount in paid.items()}
    decision = Decision(original.market_id, original.participant_id, tuple(back.items()), -rest)
    payment = record(decision, Kind.REFUND, -original.amount_dong, by, at, _undoes(original.pk) + note.strip(), line)
    posted = Posted()
    _book_back(payment, original, decision, posted, at)
    matched(line)
    audit_payment("payment.undone", payment, {"undoes": original.pk, "note": note.strip()}, by, at)
    posted.move()
    return payment


def _undoes(payment_id: int) -> str:
    """How the note of a payment back begins, by which it is known."""
    return f"undoes {payment_id}: "


def _line_of(line_id: int | None, amount_dong: int | None, market_id: int | None) -> BankLine | None:
    if line_id is None:
        return None
    line = locked_line(line_id)
    if amount_dong is not None and market_id is not None:
        _check_line(line, amount_dong, market_id)
    return line


def _check_line(line: BankLine, amount_dong: int, market_id: int) -> None:
    check_site(market_id, line.site_id)
    if line.amount_dong != amount_dong:
        told = f"The bank line moves {line.amount_dong:,} đồng and not {amount_dong:,}; choose the line that shows it."
        raise PaymentError("line_differs", told)


def _locked_payment(payment_id: int) -> Payment:
    payment = Payment.objects.select_for_update(no_key=True).filter(pk=payment_id).first()
    if payment is None:
        raise PaymentError("payment_not_found", "There is no such payment.")
    if payment.kind == Kind.REFUND:
        raise PaymentError("not_undoable", "A payment back cannot be taken back; record the money that came in again.")
    mine = Payment.objects.filter(market_id=payment.market_id, participant_id=payment.participant_id, kind=Kind.REFUND)
    if mine.filter(note__startswith=_undoes(payment.pk)).exists():
        raise PaymentError("already_undone", "Somebody has taken this payment back already; reload.")
    return payment


def _check_prepaid(original: Payment, rest: int) -> None:
    there = locked_prepaid_dong(original.market_id, original.participant_id)
    if rest > there:
        told = "What this payment left in the prepayment has been used; undo the payments taken from it first."
        raise PaymentError("prepaid_used", told)


def _book_back(payment: Payment, original: Payment, decision: Decision, posted: Posted, at: datetime) -> None:
    who, paid = payment.participant_id, sum(part for _, part in decision.parts)
    dong = {receivable(who): paid, prepaid(who): decision.rest_dong}
    source = prepaid(who) if original.kind == Kind.FROM_PREPAID else BANK
    dong[source] = dong.get(source, 0) - payment.amount_dong
    post(payment, Category.REFUND, dong, posted, at)
