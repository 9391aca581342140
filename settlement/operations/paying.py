"""The parts that every payment is made of: the row, what it paid, its postings, its line of the audit trail.

Locks, always in this order, so that two people cannot wait for each other: site, bank line, payment, documents by id,
prepaid account, market.
"""

from dataclasses import dataclass, field
from datetime import datetime

from accounts.models import User
from accounts.operations import audit
from settlement.domain.matching_payments import Decision, OpenDocument
from settlement.models import Allocation, BankLine, LedgerTransaction, Payment
from settlement.operations.booking import BANK, SUSPENSE, Account, PaymentError, book, prepaid, receivable
from settlement.operations.exposure import move_exposure
from settlement.operations.news import tell_payment
from settlement.queries.documents import documents_of, home_market_id, open_documents
from trading.models import Market

Category = LedgerTransaction.Category
Kind = Payment.Kind


@dataclass
class Posted:
    """The ledger transactions of one or more payments, by market, for the figures of exposure."""

    by_market: dict[int, list[int]] = field(default_factory=dict)

    def add(self, market_id: int, made: list[int]) -> None:
        """Notes transactions of a market."""
        self.by_market.setdefault(market_id, []).extend(made)

    def move(self) -> None:
        """Move the figures. Last in the transaction: it takes the market's lock."""
        for market_id in sorted(self.by_market):
            move_exposure(market_id=market_id, transaction_ids=self.by_market[market_id])


def pay_with_line(
    line: BankLine, decision: Decision, posted: Posted, *, by: User | None, at: datetime, note: str = ""
) -> Payment:
    """Carry a decision out. The caller holds the line and the documents, and moves `posted` at the end."""
    payment = record(decision, kind_of(line.amount_dong, decision), line.amount_dong, by, at, note, line)
    source = _release(line, payment, at, posted)
    book_payment(payment, decision, source, posted, at)
    matched(line)
    audit_payment("payment.matched", payment, {"bank_line": line.pk}, by, at)
    return payment


def kind_of(amount_dong: int, decision: Decision) -> str:
    """Which kind of payment such a movement is."""
    if amount_dong < 0:
        return Kind.PAID_OUT
    return Kind.RECEIVED if decision.parts else Kind.PREPAYMENT


def record(
    decision: Decision, kind: str, amount_dong: int, by: User | None, at: datetime, note: str,
    line: BankLine | None = None,
) -> Payment:  # fmt: skip
    """The payment and what it paid."""
    payment = Payment.objects.create(
        market_id=decision.market_id,
        participant_id=decision.participant_id,
        kind=kind,
        amount_dong=amount_dong,
        bank_line=line,
        by=by,
        at=at,
        note=note[:200],
    )
    Allocation.objects.bulk_create(
        Allocation(payment=payment, invoice_id=invoice_id, amount_dong=part) for invoice_id, part in decision.parts
    )
    return payment


def book_payment(payment: Payment, decision: Decision, source: Account, posted: Posted, at: datetime) -> None:
    """What documents got, and what the prepayment got."""
    paid = sum(part for _, part in decision.parts)
    post(payment, Category.PAYMENT, {source: -paid, receivable(payment.participant_id): paid}, posted, at)
    rest = decision.rest_dong
    post(payment, Category.PREPAYMENT, {source: -rest, prepaid(payment.participant_id): rest}, posted, at)


def _release(line: BankLine, payment: Payment, at: datetime, posted: Posted) -> Account:
    """Where the money of a line is taken from: the suspense account it waits in, or the bank where it waits in none or
    in that of another market of the site."""
    home = home_market_id(line.site_id)
    if line.amount_dong < 0:
        return BANK
    if payment.market_id == home:
        return SUSPENSE
    dong = {SUSPENSE: -line.amount_dong, BANK: line.amount_dong}
    posted.add(home, book(market_id=home, category=Category.SUSPENSE, dong=dong, at=at, payment_id=payment.pk))
    return BANK


def post(payment: Payment, category: str, dong: dict[Account, int], posted: Posted, at: datetime) -> None:
    """One transaction of the ledger for a payment, in its market."""
    made = book(market_id=payment.market_id, category=category, dong=dong, at=at, payment_id=payment.pk)
    posted.add(payment.market_id, made)


def audit_payment(action: str, payment: Payment, detail: dict[str, object], by: User | None, at: datetime) -> None:
    """Its line of the audit trail, and the notice to whom it concerns."""
    parts = dict(payment.allocations.values_list("invoice_id", "amount_dong"))
    told = {
        "market": payment.market_id,
        "participant": payment.participant_id,
        "amount_dong": payment.amount_dong,
        "documents": {str(pk): dong for pk, dong in parts.items()},
    }
    audit(by=by, action=action, target=f"payment {payment.pk}", detail=told | detail, at=at)
    tell_payment(action, payment, at)


def locked_line(line_id: int) -> BankLine:
    """A line that nobody has decided on, held until the transaction ends. Raises PaymentError."""
    line = BankLine.objects.select_for_update(no_key=True).filter(pk=line_id).first()
    if line is None:
        raise PaymentError("line_not_found", "There is no such bank line.")
    if line.state != BankLine.State.UNMATCHED:
        raise PaymentError("line_already_decided", "Somebody has matched or ignored this bank line already; reload.")
    return line


def matched(line: BankLine | None) -> None:
    """The movement has its payment."""
    if line is not None:
        line.state = BankLine.State.MATCHED
        line.save(update_fields=("state",))


def locked_open(market_id: int, participant_id: int, sign: int) -> tuple[OpenDocument, ...]:
    """A participant's open documents of one direction, held until the transaction ends."""
    ids = [
        document.invoice_id
        for document in open_documents(market_id=market_id, participant_id=participant_id)
        if document.open_dong * sign > 0
    ]
    return documents_of(ids, lock=True)


def check_site(market_id: int, site_id: int) -> None:
    """Raises PaymentError `other_site` where a market is not of the bank line's site."""
    if not Market.objects.filter(pk=market_id, site_id=site_id).exists():
        raise PaymentError("other_site", "The bank line belongs to another site than the participant's market.")
