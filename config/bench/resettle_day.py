"""A day of 10,000 participants settled again after one meter was corrected.

The world is a whole month that was traded and settled (`_month_world`), here a copy of it. One generator's readings of
a day in the middle of the month come again, all 48 a tenth lower. Timed is `resettle` of the 48 contracts that this
touches, one after the other in one process: claim, readings, trades, prices, limits, clearing, every invariant, 10,000
results each, the difference to the ledger, commit. A second day is done in two processes at once, as by two workers.

The baseline reads the same inputs and copies the very rows that the runs wrote (results, trades, compensations, ledger
entries) into the same tables once more, with their keys, indexes and triggers, in one transaction.
"""

import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing import get_context
from typing import Any

from config.bench import BenchmarkError
from config.bench._month_world import month_world

TITLE = "Resettling a day of 10,000 participants after one meter was corrected"

PARTICIPANTS = int(os.environ.get("WATTBOURSE_BENCH_PARTICIPANTS", "10000"))
DAYS = int(os.environ.get("WATTBOURSE_BENCH_DAYS", "30"))
SLOTS = 48
TARGET_SECONDS = 30
OF_RUNS = ("settlement_participantresult", "settlement_traderesult", "settlement_compensation")


def run() -> dict[str, Any]:
    """Seconds for the 48 intervals of a day, next to bare reads and COPY of the same rows."""
    with month_world(PARTICIPANTS, DAYS, copy=True) as world:
        from config.collector import settle_down

        settle_down()
        alone = _resettled(_corrected(DAYS // 2))
        bare = _bare(alone)
        together = _in_two_processes(_corrected(DAYS // 3))
        return _told(alone, bare, together, world.told)


@dataclass(frozen=True, slots=True)
class Resettled:
    """The runs that a day took, with the ledger entries that they posted and the seconds."""

    run_ids: list[int]
    entries: int
    seconds: float
    slowest: float


def _corrected(day: int) -> tuple[list[int], datetime]:
    """The contracts that a correction of one generator's day touches, and when they are settled again."""
    from config.bench._month_people import CODE, midnight, people_of
    from meters.models import MeteringPoint
    from meters.operations import NewReading, record_readings
    from meters.queries import curve
    from settlement.operations.due import touched
    from trading.models import Market

    market = Market.objects.select_related("site").get(code=CODE)
    people = people_of(market)
    start, end = midnight(day, people.zone), midnight(day + 1, people.zone)
    owner = int(people.ids[people.generates][day])
    point = MeteringPoint.objects.get(site=market.site, participant_id=owner, role="boundary")
    measured = curve(market.site_id, owner, start, end)
    rows = [NewReading(point.code, m.start, m.import_wh * 9 // 10, m.export_wh * 9 // 10) for m in measured]
    at = midnight(DAYS + 20, people.zone)
    record_readings(site=market.site, rows=rows, by=None, at=at, source="bench")
    found = touched(market)
    if len(found) != SLOTS:
        raise BenchmarkError(f"The correction touched {len(found)} contracts, not {SLOTS}.")
    return found, at + timedelta(minutes=1)


def _resettled(correction: tuple[list[int], datetime]) -> Resettled:
    from settlement.operations import resettle

    contracts, at = correction
    runs, taken = [], []
    for contract_id in contracts:
        started = time.perf_counter()
        runs.append(resettle(contract_id=contract_id, at=at))
        taken.append(time.perf_counter() - started)
    if not all(made.posted for made in runs):
        raise BenchmarkError("A contract was not settled again, though its readings have changed.")
    return Resettled([made.run_id for made in runs], sum(made.entries for made in runs), sum(taken), max(taken))


def _in_two_processes(correction: tuple[list[int], datetime]) -> float:
    contracts, at = correction
    halves = [(contracts[part::2], at) for part in range(2)]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn"), initializer=_set_up) as workers:
        list(workers.map(_warm, range(4)))
        started = time.perf_counter()
        list(workers.map(_resettled, halves))
        return time.perf_counter() - started


def _set_up() -> None:
    import django

    from config.collector import settle_down

    django.setup()
    settle_down()


def _warm(_number: int) -> None:
    """What a worker that has been running has behind it: its imports and its connection."""
    from settlement.models import SettlementRun
    from settlement.operations import resettle  # noqa: F401  # imported for its time

    SettlementRun.objects.first()
    time.sleep(0.5)  # so that the other process gets its share of these


def _bare(resettled: Resettled) -> float:
    """Seconds to read the same inputs and to COPY the same rows as runs of their own, which are made beforehand."""
    from django.db import connection, transaction

    from settlement.models import SettlementRun

    runs = list(SettlementRun.objects.filter(pk__in=resettled.run_ids).select_related("contract__market__site"))
    with connection.cursor() as cursor:
        blocks = [block for made in runs for block in _rows_of(cursor, made, _twin(made))]
        started = time.perf_counter()
        with transaction.atomic():
            for made in runs:
                _read_inputs(cursor, made)
            for statement, rows in blocks:
                with cursor.copy(statement) as copy:
                    copy.write(rows)
    return time.perf_counter() - started


def _twin(made: Any) -> Any:
    """A run beside this one, with empty transactions of the same categories."""
    from settlement.models import LedgerTransaction, SettlementRun

    twin = SettlementRun.objects.get(pk=made.pk)
    twin.pk, twin.number = None, made.number + 1
    twin.save(force_insert=True)
    LedgerTransaction.objects.bulk_create(
        LedgerTransaction(market_id=t.market_id, run=twin, contract_id=t.contract_id, category=t.category, at=t.at)
        for t in made.transactions.all()
    )
    return twin


def _rows_of(cursor: Any, made: Any, twin: Any) -> list[tuple[str, bytes]]:
    """The run's rows as they go in once more: (COPY statement, binary rows) for each table."""
    blocks = []
    for table in OF_RUNS:
        columns = _columns(cursor, table, "run_id")
        source = f"SELECT {twin.pk}::bigint, {columns} FROM {table} WHERE run_id = {made.pk}"
        blocks.append(_block(cursor, table, f"run_id, {columns}", source))
    columns = _columns(cursor, "settlement_ledgerentry", "transaction_id")
    source = (
        f"SELECT n.id, {', '.join('e.' + name for name in columns.split(', '))} FROM settlement_ledgerentry e"
        " JOIN settlement_ledgertransaction t ON t.id = e.transaction_id"
        f" JOIN settlement_ledgertransaction n ON n.category = t.category AND n.run_id = {twin.pk}"
        f" WHERE t.run_id = {made.pk}"
    )
    blocks.append(_block(cursor, "settlement_ledgerentry", f"transaction_id, {columns}", source))
    return blocks


def _columns(cursor: Any, table: str, beside: str) -> str:
    cursor.execute(
        "SELECT string_agg(column_name, ', ' ORDER BY ordinal_position) FROM information_schema.columns"
        " WHERE table_name = %s AND column_name <> %s",
        (table, beside),
    )
    return str(cursor.fetchone()[0])


def _block(cursor: Any, table: str, columns: str, source: str) -> tuple[str, bytes]:
    with cursor.copy(f"COPY ({source}) TO STDOUT (FORMAT BINARY)") as copy:
        rows = b"".join(bytes(block) for block in copy)
    return f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)", rows


def _read_inputs(cursor: Any, made: Any) -> None:
    """Readings, tariffs, the run before with its limits, trades, and what stands in the ledger, as stored."""
    contract, site_id = made.contract, made.contract.market.site_id
    for query, values in (
        ("SELECT * FROM meters_reading WHERE site_id = %s AND start = %s", (site_id, contract.delivery_start)),
        ("SELECT * FROM tariffs_tariffassignment WHERE site_id = %s", (site_id,)),
        ("SELECT * FROM settlement_participantresult WHERE run_id = %s", (_before(made),)),
        ("SELECT * FROM trading_trade WHERE contract_id = %s", (contract.pk,)),
        ("SELECT e.* FROM settlement_ledgerentry e JOIN settlement_ledgertransaction t ON t.id = e.transaction_id"
         " WHERE t.contract_id = %s", (contract.pk,)),
    ):  # fmt: skip
        statement = cursor.mogrify(query, values)
        with cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT BINARY)") as copy:
            for _ in copy:
                pass


def _before(made: Any) -> int:
    from settlement.models import SettlementRun

    earlier = SettlementRun.objects.filter(contract_id=made.contract_id, number__lt=made.number).order_by("-number")
    return int(earlier.values_list("pk", flat=True)[0])


def _told(alone: Resettled, bare: float, together: float, world: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "resettle_day",
        "value": round(alone.seconds, 2),
        "unit": "s",
        "baseline": round(bare, 2),
        "ratio": round(bare / alone.seconds, 3),
        "conditions": {
            "participants": PARTICIPANTS,
            "intervals": SLOTS,
            "days_in_the_month": DAYS,
            "corrected": "48 readings of one generator's boundary meter, a tenth lower",
            "results_written": SLOTS * PARTICIPANTS,
            "ledger_entries_posted": alone.entries,
            "seconds_an_interval": round(alone.seconds / SLOTS, 3),
            "slowest_interval_seconds": round(alone.slowest, 3),
            "in_two_processes_seconds": round(together, 2),
            "recomputed_byte_for_byte": _all_recomputed(alone.run_ids),
            "target_seconds": TARGET_SECONDS,
            "baseline_is": "the same inputs read and the same rows copied once more, one process, one transaction",
            "world_bytes": world["database_bytes"],
            "world_copied_in_seconds": world["copy_seconds"],
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        },
    }


def _all_recomputed(run_ids: list[int]) -> bool:
    from settlement.operations import recompute

    again = [recompute(run_id) for run_id in run_ids]
    return all(found.same_inputs and found.same_results for found in again)
