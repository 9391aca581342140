"""A second worker that clears intervals while the backtest goes on, as workers do beside a live market.

It is a process of its own, because one Python can only do one thing at a time. It works on the same database as its
parent, by name, and is told an interval at a time.
"""

import multiprocessing
import time
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from units.interval import Interval


class ClearingFailed(RuntimeError):
    """An interval could not be cleared; the sentence says why."""

    code = "clearing_failed"


class Cleared(NamedTuple):
    """One interval was cleared: how many ledger entries that took, and how many seconds."""

    entries: int
    seconds: float


@dataclass
class Clearing:
    """Clears the intervals of one market, one at a time, in the order in which they are added."""

    market_id: int
    cleared: int = 0
    entries: int = 0
    seconds: float = 0.0
    _running: list[Future[Cleared]] = field(default_factory=list)

    def __enter__(self) -> "Clearing":
        from django.db import connection

        self._worker = ProcessPoolExecutor(
            1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_prepare,
            initargs=(connection.settings_dict["NAME"],),
        )
        return self

    def add(self, interval: Interval) -> None:
        """Clears an interval, whose readings are in, from now on."""
        self._running.append(self._worker.submit(_clear, self.market_id, interval.start, interval.end))

    def wait(self) -> None:
        """Until all that was added is cleared. Raises ClearingFailed."""
        for running in self._running:
            found = running.result()
            self.cleared += 1
            self.entries += found.entries
            self.seconds += found.seconds
        self._running.clear()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.wait()
        finally:
            self._worker.shutdown(cancel_futures=True)


def _prepare(database: str) -> None:
    """In the new process: Django on the parent's database."""
    import django

    django.setup()
    from django.db import connection

    from simulator.durability import relax_durability

    connection.settings_dict["NAME"] = database
    relax_durability()


def _clear(market_id: int, start: datetime, at: datetime) -> Cleared:
    """The interval's provisional run. In a backtest no reading comes later or is corrected, so the later runs of a live
    market would find and post nothing."""
    from settlement.models import SettlementRun
    from settlement.operations import SettlementError, settle
    from trading.models import Contract

    started = time.perf_counter()
    contract = Contract.objects.values_list("pk", flat=True).get(market=market_id, delivery_start=start)
    try:
        run = settle(contract_id=contract, kind=SettlementRun.Kind.P, at=at)
    except SettlementError as error:
        raise ClearingFailed(f"The interval from {start.isoformat()} could not be cleared: {error}") from None
    return Cleared(run.entries, time.perf_counter() - started)
