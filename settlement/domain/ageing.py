"""How old an open amount is, counted in days from the day it was due.

| days after the due date | bucket |
|---|---|
| 0 or less | not_due |
| 1–30 | to_30 |
| 31–60 | to_60 |
| 61–90 | to_90 |
| more | over_90 |
"""

from collections.abc import Iterable
from datetime import date

BUCKETS = ("not_due", "to_30", "to_60", "to_90", "over_90")
_UPPER = (0, 30, 60, 90)


def bucket(due_on: date, on: date) -> str:
    """The bucket of an amount due on a day, seen from another."""
    days = (on - due_on).days
    return next((name for name, upper in zip(BUCKETS, _UPPER, strict=False) if days <= upper), BUCKETS[-1])


def aged(items: Iterable[tuple[date, int]], on: date) -> dict[str, int]:
    """Amounts in đồng, given as (due on, open), added up by bucket; every bucket is there."""
    totals = dict.fromkeys(BUCKETS, 0)
    for due_on, open_dong in items:
        totals[bucket(due_on, on)] += open_dong
    return totals
