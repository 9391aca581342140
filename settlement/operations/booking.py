"""Posting money that moved: one ledger transaction of a category, made of amounts by account.

An account is named by its kind and, for a participant's own, by whose it is; one that is missing is opened.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import Sum

from settlement.models import LedgerAccount, LedgerEntry, LedgerTransaction
from units.money import MILLIDONG_PER_DONG

Account = tuple[str, int | None]  # kind, participant
Kind = LedgerAccount.Kind
BANK: Account = (Kind.BANK, None)
SUSPENSE: Account = (Kind.SUSPENSE, None)


class PaymentError(ValueError):
    """Money cannot be moved like that; nothing was changed. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def receivable(participant_id: int) -> Account:
    """What the participant was invoiced."""
    return Kind.RECEIVABLE, participant_id


def prepaid(participant_id: int) -> Account:
    """What the participant paid in advance."""
    return Kind.PREPAID, participant_id


def book(
    *, market_id: int, category: str, dong: Mapping[Account, int], at: datetime, payment_id: int | None = None
) -> list[int]:
    """Post amounts in đồng that sum to zero; accounts that do not move have no entry, and nothing moves nothing.

    The ids of the transactions made: one, or none.
    """
    moved = {account: amount for account, amount in dong.items() if amount}
    if not moved:
        return []
    ids = account_ids(market_id, moved)
    made = LedgerTransaction.objects.create(market_id=market_id, payment_id=payment_id, category=category, at=at)
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            market_id=market_id,
            transaction=made,
            account_id=ids[account],
            energy_wh=0,
            amount_millidong=amount * MILLIDONG_PER_DONG,
        )
        for account, amount in moved.items()
    )
    return [made.pk]


def account_ids(market_id: int, wanted: Iterable[Account]) -> dict[Account, int]:
    """The ledger accounts of a market by kind and owner, opened where they are missing."""
    pairs = list(wanted)
    known = _known(market_id, pairs)
    missing = [pair for pair in pairs if pair not in known]
    if missing:
        LedgerAccount.objects.bulk_create(
            [LedgerAccount(market_id=market_id, kind=kind, participant_id=who) for kind, who in missing],
            ignore_conflicts=True,
        )
        known = _known(market_id, pairs)
    return known


def _known(market_id: int, pairs: list[Account]) -> dict[Account, int]:
    kinds, owners = {kind for kind, _ in pairs}, {who for _, who in pairs if who is not None}
    rows = LedgerAccount.objects.filter(market_id=market_id, kind__in=kinds)
    mine = rows.filter(participant_id__in=owners) | rows.filter(participant__isnull=True)
    found = {(kind, who): pk for pk, kind, who in mine.values_list("pk", "kind", "participant_id")}
    return {pair: found[pair] for pair in pairs if pair in found}


def locked_prepaid_dong(market_id: int, participant_id: int) -> int:
    """What a participant has paid in advance, in đồng; its account is held until the transaction ends."""
    account = account_ids(market_id, [prepaid(participant_id)])[prepaid(participant_id)]
    LedgerAccount.objects.select_for_update(no_key=True).get(pk=account)
    total = LedgerEntry.objects.filter(account_id=account).aggregate(total=Sum("amount_millidong"))["total"]
    return int(total or 0) // MILLIDONG_PER_DONG
