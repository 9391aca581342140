"""Drafts become documents: numbered without a gap, frozen, posted. Some at a time, each time one transaction.

The row of a series is locked while its numbers are given, so that two issues of the same site wait for each other and a
crash gives back what was not committed. Documents are numbered in the order of participant and metering point, which
makes an interrupted issue end with the same numbers as one that was not.

A document posts what runs could not know (tiers, capacity, platform fee, VAT, rounding), then moves the month from the
participant's account to what it has been invoiced. One that is too small moves nothing: its amount stays where it is
until a later document takes it up. A statement of a shadow market posts nothing at all.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
from django.db import connection
from django.db.models import QuerySet, Sum

from meters.columns import write_columns
from settlement.domain.document import InvoiceDocument
from settlement.domain.references import make_reference
from settlement.models import (
    Invoice,
    InvoiceSeries,
    Issuer,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    MonthClose,
)
from settlement.operations.exposure import move_exposure
from settlement.operations.news import tell_issued
from units.money import MILLIDONG_PER_DONG

# Which account of the market each posting goes to.
AGAINST = {
    "tier": LedgerAccount.Kind.OPERATOR,
    "capacity": LedgerAccount.Kind.OPERATOR,
    "platform_fee": LedgerAccount.Kind.PLATFORM,
    "vat": LedgerAccount.Kind.VAT,
    "rounding": LedgerAccount.Kind.ROUNDING,
}
Posting = tuple[int, str, int, int, int]  # document, category, from account, to account, milli-đồng


def issue(close: MonthClose, drafts: list[Invoice], issuer: Issuer | None, at: datetime) -> None:
    """Issue these drafts of an approved close at the market time `at`. Call it inside a transaction."""
    on = close.issue_on
    assert on is not None  # an approved close has one, the database sees to it
    small = issuer.carry_below_dong if issuer else 0
    for draft in drafts:
        draft.state = Invoice.State.CARRIED if _is_small(draft, small) else Invoice.State.ISSUED
    _number([draft for draft in drafts if _is_numbered(draft)], issuer, on)
    for draft in drafts:
        if draft.state == Invoice.State.ISSUED:
            freeze(draft, on, issuer.due_days if issuer else 0)
    Invoice.objects.bulk_update(
        drafts, ("state", "series", "number", "issued_on", "due_on", "reference", "document", "digest"), batch_size=500
    )
    tell_issued(close.market, drafts, at)
    post(close.market_id, [draft for draft in drafts if draft.kind != Invoice.Kind.STATEMENT], at)


def _is_small(draft: Invoice, small: int) -> bool:
    return draft.kind != Invoice.Kind.STATEMENT and abs(draft.total_dong) < small


def _is_numbered(draft: Invoice) -> bool:
    return draft.state == Invoice.State.ISSUED and draft.kind != Invoice.Kind.STATEMENT


def _number(drafts: list[Invoice], issuer: Issuer | None, on: date) -> None:
    by_kind: dict[str, list[Invoice]] = defaultdict(list)
    for draft in drafts:
        by_kind[draft.kind].append(draft)
    for kind in sorted(by_kind):  # one order of locks for everybody
        assert issuer is not None  # a payable market is not closed without one
        series = locked_series(issuer, kind, on.year)
        for draft in by_kind[kind]:
            series.last_number += 1
            draft.series, draft.number = series, series.last_number
        series.save(update_fields=("last_number",))


def locked_series(issuer: Issuer, kind: str, year: int) -> InvoiceSeries:
    """The series of a kind and year, its row held until the transaction ends."""
    code = issuer.series_code(kind, year)
    InvoiceSeries.objects.bulk_create(
        [InvoiceSeries(site_id=issuer.site_id, kind=kind, year=year, code=code)], ignore_conflicts=True
    )
    return InvoiceSeries.objects.select_for_update().get(site_id=issuer.site_id, kind=kind, year=year)


def freeze(invoice: Invoice, on: date, due_days: int) -> None:
    """Give the document its number, dates and payment reference, and its final bytes."""
    document: InvoiceDocument = invoice.frozen()
    invoice.issued_on = on
    if invoice.series is not None and invoice.number is not None:
        invoice.due_on = on + timedelta(days=due_days)
        invoice.reference = make_reference(invoice.series.code, invoice.number)
        document = replace(document, series=invoice.series.code, number=invoice.number)
    document = replace(document, issued_on=on, due_on=invoice.due_on, payment_reference=invoice.reference)
    invoice.document, invoice.digest = document.canonical().decode(), document.digest()


def post(market_id: int, invoices: list[Invoice], at: datetime) -> None:
    """Post documents: a transaction of the ledger for each category of each."""
    accounts = _Accounts(market_id, {invoice.participant_id for invoice in invoices})
    postings = [posting for invoice in invoices for posting in _postings(invoice, accounts)]
    move_exposure(market_id=market_id, transaction_ids=write_postings(market_id, postings, at))


def _postings(invoice: Invoice, accounts: "_Accounts") -> Iterable[Posting]:
    own = accounts.of(LedgerAccount.Kind.PARTICIPANT, invoice.participant_id)
    for category, owed in invoice.postings.items():
        if owed:
            yield invoice.pk, category, own, accounts.of(AGAINST[category]), owed
    if invoice.state == Invoice.State.ISSUED and invoice.total_dong:
        receivable = accounts.of(LedgerAccount.Kind.RECEIVABLE, invoice.participant_id)
        yield invoice.pk, "invoice", receivable, own, invoice.total_dong * MILLIDONG_PER_DONG


class _Accounts:
    """The market's ledger accounts by kind and owner; those that are missing are opened."""

    def __init__(self, market_id: int, participants: set[int]) -> None:
        kinds = (LedgerAccount.Kind.PARTICIPANT, LedgerAccount.Kind.RECEIVABLE)
        wanted: list[tuple[str, int | None]] = [(kind, who) for who in sorted(participants) for kind in kinds]
        wanted += [(kind, None) for kind in sorted({*AGAINST.values(), LedgerAccount.Kind.LOSSES})]
        LedgerAccount.objects.bulk_create(
            [LedgerAccount(market_id=market_id, kind=kind, participant_id=who) for kind, who in wanted],
            ignore_conflicts=True,
        )
        rows = LedgerAccount.objects.filter(market_id=market_id)
        self._ids: dict[tuple[str, int | None], int] = {
            (kind, who): pk for pk, kind, who in rows.values_list("pk", "kind", "participant_id")
        }

    def of(self, kind: str, participant: int | None = None) -> int:
        """The id of an account."""
        return self._ids[kind, participant]


def write_postings(market_id: int, postings: list[Posting], at: datetime) -> list[int]:
    """One ledger transaction for each, whose ids it returns: the amount leaves one account and reaches the other."""
    if not postings:
        return []
    opened = LedgerTransaction.objects.bulk_create(
        LedgerTransaction(market_id=market_id, invoice_id=invoice, category=category, at=at)
        for invoice, category, *_ in postings
    )
    ids = np.repeat(np.array([transaction.pk for transaction in opened], dtype=np.int64), 2)
    amounts = np.array([amount for *_, amount in postings], dtype=np.int64)
    columns = {
        "market_id": np.array([market_id], dtype=np.int64),
        "transaction_id": ids,
        "account_id": np.array([account for _, _, source, target, _ in postings for account in (source, target)]),
        "energy_wh": np.array([0], dtype=np.int64),
        "amount_millidong": np.stack([-amounts, amounts], axis=1).ravel(),
    }
    with connection.cursor() as cursor:
        write_columns(cursor, "settlement_ledgerentry", columns, len(ids))
    return [transaction.pk for transaction in opened]


def write_losses(
    close: MonthClose, before: QuerySet[LedgerTransaction], lost_wh: int, lost_millidong: int, at: datetime
) -> None:
    """Post technical losses, from the losses account to the grid operator, less what earlier closes of it posted."""
    accounts = _Accounts(close.market_id, set())
    losses, operator = (accounts.of(kind) for kind in (LedgerAccount.Kind.LOSSES, LedgerAccount.Kind.OPERATOR))
    posted = LedgerEntry.objects.filter(transaction__in=before, account_id=operator)
    sums = posted.aggregate(wh=Sum("energy_wh"), amount=Sum("amount_millidong"))
    wh, amount = lost_wh - (sums["wh"] or 0), lost_millidong - (sums["amount"] or 0)
    if not wh and not amount:
        return
    opened = LedgerTransaction.objects.create(market_id=close.market_id, close=close, category="losses", at=at)
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            market_id=close.market_id,
            transaction=opened,
            account_id=account,
            energy_wh=sign * wh,
            amount_millidong=sign * amount,
        )
        for account, sign in ((losses, -1), (operator, 1))
    )
