"""When a delivery day is settled again, on the market's own clock.

| run | due |
|---|---|
| P | as soon as all readings are in, or after the grace period |
| SF | the next day, 06:00 |
| R1 | seven days after delivery, 06:00 |
| R2 | the fourth business day of the next month, 06:00: the invoice cut-off |
| RF | three months after the end of the month, 06:00 |

Example (Asia/Ho_Chi_Minh): delivery on Tuesday 2026-06-02. SF on 3 June, R1 on 9 June, R2 on Monday 6 July (1, 2 and
3 July are a Wednesday, Thursday and Friday), RF on 1 October. Business days are Monday to Friday.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from units.interval import day_bounds

KINDS = ("P", "SF", "R1", "R2", "RF")
RECONCILIATIONS = KINDS[1:]
DUE_TIME = time(6)
R1_DAYS = 7
R2_BUSINESS_DAYS = 4
RF_MONTHS = 3
FRIDAY = 4


def rank(kind: str) -> int:
    """The place of a run in the order of runs, P being 0."""
    return KINDS.index(kind)


def due_on(kind: str, delivered_on: date) -> date:
    """The local day on which a reconciliation (SF, R1, R2, RF) of a local delivery day is due."""
    if kind == "SF":
        return delivered_on + timedelta(days=1)
    if kind == "R1":
        return delivered_on + timedelta(days=R1_DAYS)
    if kind == "R2":
        return business_day(month_after(delivered_on, 1), R2_BUSINESS_DAYS)
    return month_after(delivered_on, RF_MONTHS + 1)


def business_day(first: date, number: int) -> date:
    """The `number`th Monday-to-Friday day from `first` on, which counts itself."""
    day = first
    while True:
        number -= day.weekday() <= FRIDAY
        if number == 0:
            return day
        day += timedelta(days=1)


def due_at(kind: str, delivered_on: date, zone: tzinfo) -> datetime:
    """The moment, in UTC, at which a reconciliation of a local delivery day is due."""
    return datetime.combine(due_on(kind, delivered_on), DUE_TIME, tzinfo=zone).astimezone(UTC)


def due_before(kind: str, now: datetime, zone: tzinfo) -> datetime:
    """Deliveries that began before this moment (a local midnight, in UTC) are due for `kind` at `now`."""
    day = now.astimezone(zone).date()
    while due_at(kind, day, zone) > now:
        day -= timedelta(days=1)
    return day_bounds(day, zone).end


def month_start(on: date, zone: tzinfo) -> datetime:
    """Local midnight of the first day of the month, in UTC."""
    return day_bounds(on.replace(day=1), zone).start


def month_after(on: date, months: int) -> date:
    """The first day of the month `months` after that of `on`; a negative number goes back."""
    years, month = divmod(on.month - 1 + months, 12)
    return date(on.year + years, month + 1, 1)
