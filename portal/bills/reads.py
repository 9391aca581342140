"""What a participant's pages ask for beside the queries of settlement."""

from datetime import datetime

from django.db.models import Sum

from settlement.models import LedgerEntry, LedgerTransaction


def compensation_of(market_id: int, participant_id: int, start: datetime, end: datetime) -> dict[int, int]:
    """What a participant received as compensation (negative: paid) in each contract that begins in [start, end), in
    milli-đồng; contracts without any are left out."""
    rows = LedgerEntry.objects.filter(
        market_id=market_id,
        account__kind="participant",
        account__participant_id=participant_id,
        transaction__category=LedgerTransaction.Category.COMPENSATION,
        transaction__contract__delivery_start__gte=start,
        transaction__contract__delivery_start__lt=end,
    )
    sums = rows.values_list("transaction__contract_id").annotate(Sum("amount_millidong"))
    return {contract: amount for contract, amount in sums if contract is not None and amount}
