"""A market's month held against its sources, day after day, in as many processes as asked for.

Each day stands for itself: the log of its contracts is replayed, each of its intervals computed again from the ground,
and what closes took of it added up once more. So the memory is that of one day, however long the month.
"""

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from settlement.domain.calendar import month_after
from settlement.models import Invoice, MonthClose
from settlement.operations.gather import ContractRow
from settlement.operations.verify.documents import check_documents, check_numbers
from settlement.operations.verify.figures import check_figures
from settlement.operations.verify.interval import Checked, Cleared, Ledger, check_interval
from settlement.operations.verify.report import Difference, Verification
from settlement.process import set_up
from trading.models import Contract, Market
from trading.operations.audit import audit_deliveries
from units.interval import day_bounds

Progress = Callable[[int, int], None]
Part = tuple[Counter[str], list[Difference]]
Task = tuple[Callable[..., Part], tuple[Any, ...]]
AT_ONCE = 500
BEFORE_DELIVERY = (
    Contract.State.SCHEDULED, Contract.State.CALL, Contract.State.CONTINUOUS, Contract.State.CLOSED,
    Contract.State.DELIVERED,
)  # fmt: skip


def verify_month(market: Market, month: date, progress: Progress | None = None, *, processes: int = 1) -> Verification:
    """Holds everything of a market's month (`month`: its first day) against what it follows from.

    `progress` hears of (parts done, parts): days, and documents by the hundred. With more than one process each has its
    own connection to the database.
    """
    started = time.perf_counter()
    found = Verification(market.code, month)
    tasks = _tasks(market, month)
    for number, part in enumerate(_parts(tasks, processes), start=1):
        found.add(*part)
        if progress is not None:
            progress(number, len(tasks))
    found.add(Counter(), check_numbers(market.site_id))
    found.differences.sort(key=lambda each: each.where)
    found.seconds = time.perf_counter() - started
    return found


def _tasks(market: Market, month: date) -> list[Task]:
    """The month's days, then the documents of its closes, some participants at a time."""
    days = [month + timedelta(days=n) for n in range((month_after(month, 1) - month).days)]
    tasks: list[Task] = [(verify_day, (market.pk, on)) for on in days]
    for close in MonthClose.objects.filter(market=market, month=month, state__in=("approved", "issued")):
        ids = list(
            Invoice.objects.filter(close=close).order_by("participant_id").distinct("participant_id")
            .values_list("participant_id", flat=True)
        )  # fmt: skip
        tasks += [(check_documents, (close.pk, ids[n : n + AT_ONCE])) for n in range(0, len(ids), AT_ONCE)]
    return tasks


def _parts(tasks: list[Task], processes: int) -> Iterable[Part]:
    if processes == 1:
        yield from (work(*given) for work, given in tasks)
        return
    context, database = multiprocessing.get_context("spawn"), connection.settings_dict["NAME"]
    with ProcessPoolExecutor(processes, context, set_up, (database,)) as pool:
        pending = [pool.submit(work, *given) for work, given in tasks]
        try:
            yield from (done.result() for done in as_completed(pending))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def verify_day(market_id: int, on: date) -> Part:
    """One local day of a market: its log, then each of its intervals."""
    market = Market.objects.select_related("site").get(pk=market_id)
    day = day_bounds(on, ZoneInfo(market.site.timezone))
    counts, differences = _check_log(market, on, day.start, day.end)
    ledger = Ledger(market_id)
    cleared: list[Cleared] = []
    for contract in contracts_between(market, day.start, day.end):
        checked: Checked = check_interval(contract, ledger)
        counts.update(checked.counts)
        differences += checked.differences
        cleared += checked.cleared
    return counts, differences + check_figures(market_id, on, ledger, cleared)


def contracts_between(market: Market, start: datetime, end: datetime) -> list[ContractRow]:
    """The cleared contracts whose delivery begins in [start, end), in order."""
    rows = Contract.objects.filter(market=market, delivery_start__gte=start, delivery_start__lt=end)
    fields = ("id", "delivery_start", "delivery_end", "force_majeure")
    return [
        ContractRow(
            pk, market.pk, market.site_id, market.clearing_mode, first, last, force_majeure, market.site.timezone
        )
        for pk, first, last, force_majeure in rows.exclude(state__in=BEFORE_DELIVERY)
        .order_by("delivery_start")
        .values_list(*fields)
    ]


def _check_log(market: Market, on: date, start: datetime, end: datetime) -> Part:
    found = audit_deliveries(market.pk, start, end)
    counts = Counter(commands=found.commands, orders=found.orders, trades=found.trades)
    return counts, [Difference("log_differs", on.isoformat(), {"told": line}) for line in found.differences]
