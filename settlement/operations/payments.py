"""Payments as people enter them: a bank line matched or ignored, money recorded by hand.

Each is one transaction with its ledger entries, the figures of exposure and its line of the audit trail. Who comes
second finds the line decided or the document paid, and is told so. docs/algorithms/payments.md has the postings.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.operations import audit
from settlement.domain.matching_payments import Decision, OpenDocument, distribute
from settlement.models import BankLine, LedgerTransaction, Payment
from settlement.operations.booking import BANK, SUSPENSE, PaymentError, book
from settlement.operations.paying import (
    Posted,
    audit_payment,
    book_payment,
    check_site,
    kind_of,
    locked_line,
    locked_open,
    pay_with_line,
    record,
)
from settlement.queries.documents import documents_of, home_market_id
from trading.models import Admission


@transaction.atomic
def match_line(
    *,
    line_id: int,
    by: User | None,
    at: datetime,
    invoice_ids: Sequence[int] = (),
    market_id: int | None = None,
    participant_id: int | None = None,
    note: str = "",
) -> Payment:
    """Say what a bank line paid: these documents, due first served first, and the prepayment with what is left.

    Without documents, money in goes to the prepayment of the named participant in the named market. Raises
    PaymentError: `line_not_found`, `line_already_decided`, `document_not_found`, `several_participants`, `other_site`,
    `wrong_direction`, `pays_too_much`, `nobody_named`, `unknown_participant`.
    """
    line = locked_line(line_id)
    documents = _locked_documents(invoice_ids)
    owner = _owner(documents, market_id, participant_id)
    check_site(owner[0], line.site_id)
    parts, rest = _shared_out(line.amount_dong, documents)
    posted = Posted()
    payment = pay_with_line(line, Decision(*owner, parts, rest), posted, by=by, at=at, note=note)
    posted.move()
    return payment


@transaction.atomic
def ignore_line(*, line_id: int, by: User | None, at: datetime, note: str) -> BankLine:
    """The movement is not of any participant, or is recorded already. Raises PaymentError `line_not_found`,
    `line_already_decided`, `reason_missing`."""
    if not note.strip():
        raise PaymentError("reason_missing", "Say why the movement is not a payment of a participant.")
    line = locked_line(line_id)
    line.state, line.note = BankLine.State.IGNORED, note.strip()[:200]
    line.save(update_fields=("state", "note"))
    if line.amount_dong > 0:
        home = home_market_id(line.site_id)
        dong = {SUSPENSE: -line.amount_dong, BANK: line.amount_dong}
        book(market_id=home, category=LedgerTransaction.Category.SUSPENSE, dong=dong, at=at)
    detail = {"amount_dong": line.amount_dong, "note": line.note}
    audit(by=by, action="bank_line.ignored", target=f"bank line {line.pk}", detail=detail, at=at)
    return line


@transaction.atomic
def record_payment(
    *,
    market_id: int,
    participant_id: int,
    amount_dong: int,
    by: User | None,
    at: datetime,
    invoice_ids: Sequence[int] = (),
    note: str = "",
) -> Payment:
    """Money that no bank file shows, as cash: in is positive, out negative. Without documents it pays the open ones.

    Raises PaymentError as `match_line` does, and `no_amount`.
    """
    if not amount_dong:
        raise PaymentError("no_amount", "A payment needs an amount that is not 0.")
    documents = _locked_documents(invoice_ids) if invoice_ids else locked_open(market_id, participant_id, amount_dong)
    owner = _owner(documents, market_id, participant_id)
    decision = Decision(*owner, *_shared_out(amount_dong, documents))
    payment = record(decision, kind_of(amount_dong, decision), amount_dong, by, at, note)
    posted = Posted()
    book_payment(payment, decision, BANK, posted, at)
    audit_payment("payment.recorded", payment, {"note": note}, by, at)
    posted.move()
    return payment


def _locked_documents(invoice_ids: Sequence[int]) -> tuple[OpenDocument, ...]:
    documents = documents_of(invoice_ids, lock=True)
    if len(documents) < len(set(invoice_ids)):
        raise PaymentError("document_not_found", "One of the documents is not issued, or is not payable.")
    if len({(document.market_id, document.participant_id) for document in documents}) > 1:
        told = "The documents belong to several participants; a bank line pays those of one."
        raise PaymentError("several_participants", told)
    return documents


def _owner(documents: Sequence[OpenDocument], market_id: int | None, participant_id: int | None) -> tuple[int, int]:
    """(market, participant) of the documents, else those that were named."""
    if documents:
        owner = documents[0].market_id, documents[0].participant_id
        if market_id not in (None, owner[0]) or participant_id not in (None, owner[1]):
            raise PaymentError("several_participants", "The documents are not of the participant that was named.")
        return owner
    if market_id is None or participant_id is None:
        raise PaymentError("nobody_named", "Name the documents that were paid, or the participant who paid in advance.")
    if not Admission.objects.filter(market_id=market_id, participant_id=participant_id).exists():
        raise PaymentError("unknown_participant", "The participant is not admitted to this market; choose its own.")
    return market_id, participant_id


def _shared_out(amount_dong: int, documents: Sequence[OpenDocument]) -> tuple[tuple[tuple[int, int], ...], int]:
    if any(document.total_dong * amount_dong < 0 for document in documents):
        told = "Money in pays documents that are owed to us, money out those that we owe; this is the other way round."
        raise PaymentError("wrong_direction", told)
    parts, rest = distribute(amount_dong, documents)
    if rest < 0:
        told = f"We pay out {-rest:,} đồng more than the documents come to; name all that were paid."
        raise PaymentError("pays_too_much", told)
    return parts, rest
