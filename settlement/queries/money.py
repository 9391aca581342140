"""Who owes what since when, what happened on an account, what is to be paid out, and what a bank line may mean.

Amounts in đồng; what a participant owes is positive here, as on a document, where the ledger has it negative.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Max, Min, QuerySet, Sum

from accounts.models import BillingProfile, Participant
from settlement.domain.ageing import aged
from settlement.domain.matching_payments import OpenDocument, Suggestion, suggest
from settlement.models import Allocation, BankLine, Invoice, LedgerAccount, LedgerEntry, Payment
from settlement.queries.documents import as_documents, open_documents, payable_documents
from trading.models import Market
from units.money import MILLIDONG_PER_DONG

_ACCOUNT = (LedgerAccount.Kind.RECEIVABLE, LedgerAccount.Kind.PREPAID)


@dataclass(frozen=True, slots=True)
class AccountLine:
    """A document or a payment on an account: `amount_dong` adds to what is owed, `balance_dong` is owed afterwards.
    `kind` is the document's or the payment's."""

    at: datetime
    kind: str
    number: str
    invoice_id: int | None
    payment_id: int | None
    amount_dong: int
    balance_dong: int


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """What was owed, what happened, what is owed. Negative balances are in the participant's favour."""

    opening_dong: int
    lines: tuple[AccountLine, ...]
    closing_dong: int


@dataclass(frozen=True, slots=True)
class Aged:
    """A participant's open documents by age. `credit_dong` (negative) is what we owe it, `total_dong` all together;
    `prepaid_dong` stands beside it."""

    participant_id: int
    code: str
    name: str
    buckets: dict[str, int]
    credit_dong: int
    total_dong: int
    prepaid_dong: int


@dataclass(frozen=True, slots=True)
class Payout:
    """A transfer to make to a net seller. `missing` says that it has no bank account yet."""

    invoice_id: int
    reference: str
    code: str
    name: str
    bank_name: str
    bank_bin: str
    bank_account: str
    amount_dong: int
    due_on: date
    missing: bool


def open_items(market_id: int, participant_id: int | None = None) -> tuple[OpenDocument, ...]:
    """Documents on which something is open, due first; negative ones are to be paid out."""
    return open_documents(market_id=market_id, participant_id=participant_id)


def account_statement(market_id: int, participant_id: int, start: date, end: date) -> AccountStatement:
    """A participant's invoices and payments of the local days [start, end), with the balance before and after.

    What is taken from the prepayment moves nothing: it was counted when it came in.
    """
    first, last = _moments(market_id, start, end)
    entries = LedgerEntry.objects.filter(
        account__market_id=market_id, account__participant_id=participant_id, account__kind__in=_ACCOUNT
    )
    opening = -_dong(entries.filter(transaction__at__lt=first).aggregate(total=Sum("amount_millidong"))["total"])
    lines = tuple(_lines(entries.filter(transaction__at__gte=first, transaction__at__lt=last), opening))
    return AccountStatement(opening, lines, lines[-1].balance_dong if lines else opening)


def _lines(entries: QuerySet[LedgerEntry], opening: int) -> Iterable[AccountLine]:
    rows = list(
        entries.values("transaction__invoice_id", "transaction__payment_id")
        .annotate(total=Sum("amount_millidong"), at=Min("transaction__at"), last=Max("transaction_id"))
        .order_by("at", "last")
    )
    names = _names(row["transaction__invoice_id"] for row in rows)
    kinds = dict(
        Payment.objects.filter(pk__in=[row["transaction__payment_id"] for row in rows]).values_list("pk", "kind")
    )
    balance = opening
    for row in rows:
        invoice_id, payment_id = row["transaction__invoice_id"], row["transaction__payment_id"]
        amount = -_dong(row["total"])
        balance += amount
        kind, number = names[invoice_id] if invoice_id else (kinds.get(payment_id, ""), "")
        yield AccountLine(row["at"], kind, number, invoice_id, payment_id, amount, balance)


def _names(invoice_ids: Iterable[int | None]) -> dict[int, tuple[str, str]]:
    found = Invoice.objects.filter(pk__in=[pk for pk in invoice_ids if pk]).select_related("series")
    return {invoice.pk: (invoice.kind, str(invoice)) for invoice in found}


def ageing(market_id: int, on: date) -> tuple[Aged, ...]:
    """Everybody with something open or prepaid at the end of a local day, by code.

    Over all of them `total_dong` is what the receivable accounts stood at, `prepaid_dong` the prepaid ones.
    """
    _, until = _moments(market_id, on, on + timedelta(days=1))
    rows = payable_documents().filter(market_id=market_id, issued_on__lte=on)
    paid = Allocation.objects.filter(payment__at__lt=until)
    owned: dict[int, list[OpenDocument]] = defaultdict(list)
    for document in as_documents(rows, paid):
        if document.open_dong:
            owned[document.participant_id].append(document)
    prepaid = _prepaid(market_id, until)
    people = Participant.objects.filter(pk__in={*owned, *prepaid}).order_by("code")
    return tuple(_aged(person, owned.get(person.pk, []), prepaid.get(person.pk, 0), on) for person in people)


def _aged(person: Participant, documents: list[OpenDocument], prepaid_dong: int, on: date) -> Aged:
    debts = [(document.due_on, document.open_dong) for document in documents if document.open_dong > 0]
    credit = sum(document.open_dong for document in documents if document.open_dong < 0)
    total = sum(document.open_dong for document in documents)
    return Aged(person.pk, person.code, person.name, aged(debts, on), credit, total, prepaid_dong)


def _prepaid(market_id: int, until: datetime) -> dict[int, int]:
    accounts = LedgerEntry.objects.filter(
        account__market_id=market_id, account__kind=LedgerAccount.Kind.PREPAID, transaction__at__lt=until
    )
    sums = accounts.values_list("account__participant_id").annotate(Sum("amount_millidong"))
    return {who: _dong(total) for who, total in sums if total and who is not None}


def payouts(market_id: int, on: date) -> tuple[Payout, ...]:
    """What is to be paid out to net sellers by a day, due first."""
    documents = [d for d in open_documents(market_id=market_id) if d.open_dong < 0 and d.due_on <= on]
    people = Participant.objects.in_bulk({document.participant_id for document in documents})
    profiles = {p.participant_id: p for p in BillingProfile.objects.filter(participant_id__in=people)}
    return tuple(_payout(d, people[d.participant_id], profiles.get(d.participant_id)) for d in documents)


def _payout(document: OpenDocument, person: Participant, profile: BillingProfile | None) -> Payout:
    return Payout(
        invoice_id=document.invoice_id,
        reference=document.reference,
        code=person.code,
        name=profile.legal_name if profile else person.name,
        bank_name=profile.bank_name if profile else "",
        bank_bin=profile.bank_bin if profile else "",
        bank_account=profile.bank_account if profile else "",
        amount_dong=-document.open_dong,
        due_on=document.due_on,
        missing=not (profile and profile.bank_account),
    )


PAYOUT_COLUMNS = ("reference", "name", "bank_name", "bank_bin", "bank_account", "amount_dong", "due_on")


def payout_file(market_id: int, on: date) -> bytes:
    """`payouts` that can be made, as CSV in UTF-8 for the bank's bulk transfer; its text must be the reference."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(PAYOUT_COLUMNS)
    for payout in payouts(market_id, on):
        if not payout.missing:
            writer.writerow([_cell(getattr(payout, name)) for name in PAYOUT_COLUMNS])
    return out.getvalue().encode("utf-8-sig")


def _cell(value: object) -> str:
    """A spreadsheet must not take a name for a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def unmatched_lines(site_id: int) -> QuerySet[BankLine]:
    """Bank lines that wait for somebody to decide, the newest first."""
    return BankLine.objects.filter(site_id=site_id, state=BankLine.State.UNMATCHED)


def suggestions(line: BankLine) -> tuple[Suggestion, ...]:
    """Documents that a bank line may pay, the best first; for a person to decide."""
    documents = [
        document
        for market_id in Market.objects.filter(site_id=line.site_id).values_list("pk", flat=True)
        for document in open_documents(market_id=market_id)
        if document.open_dong * line.amount_dong > 0
    ]
    names = _payer_names({document.participant_id for document in documents})
    known = [document.named(names[document.participant_id]) for document in documents]
    return suggest(line.amount_dong, f"{line.text} {line.counterparty}", known)


def _payer_names(participant_ids: set[int]) -> dict[int, tuple[str, ...]]:
    names: dict[int, tuple[str, ...]] = {pk: (name, code) for pk, name, code in _people(participant_ids)}
    profiles = BillingProfile.objects.filter(participant_id__in=participant_ids)
    for who, legal_name, account in profiles.values_list("participant_id", "legal_name", "bank_account"):
        names[who] = (*names[who], legal_name, account)
    return names


def _people(participant_ids: set[int]) -> Iterable[tuple[int, str, str]]:
    return Participant.objects.filter(pk__in=participant_ids).values_list("pk", "name", "code")


def _moments(market_id: int, start: date, end: date) -> tuple[datetime, datetime]:
    zone = ZoneInfo(Market.objects.values_list("site__timezone", flat=True).get(pk=market_id))
    return datetime.combine(start, time(), zone), datetime.combine(end, time(), zone)


def _dong(millidong: int | None) -> int:
    """Documents and payments move whole đồng, so nothing is lost."""
    return (millidong or 0) // MILLIDONG_PER_DONG
