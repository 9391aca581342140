"""A month verified: 10,000 participants × 1,440 intervals, from the command log and the readings to every document.

The world is a whole month that was traded and settled (`_month_world`), here a copy of it that is closed first. Timed
is `verify_month` as `./run verify` does it, in two processes: the log replayed, every run computed again from its
sources, every posting, figure and document compared. The value is intervals a second.

The baseline is the target: the month within ten minutes on two cores. Where it finds a difference, it fails.
"""

import os
import platform
import resource
from datetime import UTC, date, datetime
from typing import Any

from config.bench import BenchmarkError
from config.bench._month_world import month_world

TITLE = "Verifying a month: 10,000 participants × 1,440 intervals, log to documents"

PARTICIPANTS = int(os.environ.get("WATTBOURSE_BENCH_PARTICIPANTS", "10000"))
DAYS = int(os.environ.get("WATTBOURSE_BENCH_DAYS", "30"))
PROCESSES = 2
MONTH = date(2026, 6, 1)
AT = datetime(2026, 7, 20, 3, 0, tzinfo=UTC)
TARGET_SECONDS = 600


def run() -> dict[str, Any]:
    """Intervals a second, next to what the target asks for."""
    with month_world(PARTICIPANTS, DAYS, copy=True):
        from config.bench.month_close import prepare
        from settlement.operations.verify import verify_month
        from trading.models import Market

        prepare()
        _close()
        found = verify_month(Market.objects.select_related("site").get(), MONTH, processes=PROCESSES)
        if not found.holds:
            raise BenchmarkError("\n".join(each.sentence() for each in found.differences[:20]))
        return _told(found)


def _close() -> None:
    from accounts.operations import create_user
    from settlement.operations.month import approve_close, run_close, start_close
    from settlement.queries.closes import checklist
    from trading.models import Market

    computes, approves = (
        create_user(by=None, username=name, password=None, at=AT, is_staff=True) for name in ("computes", "approves")
    )
    market = Market.objects.select_related("site").get()
    close = run_close(start_close(market=market, month=MONTH, by=computes, at=AT).pk, AT)
    warnings = [check.code for check in checklist(close) if check.state == "warning"]
    approve_close(close=close, by=approves, at=AT, accept=warnings)
    run_close(close.pk, AT)


def _told(found: Any) -> dict[str, Any]:
    intervals = found.counts["contracts"]
    wanted = PARTICIPANTS * intervals / (10_000 * 1_440) * TARGET_SECONDS
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "name": "verify_month",
        "value": round(intervals / found.seconds, 1),
        "unit": "intervals/s",
        "baseline": round(intervals / wanted, 1),
        "ratio": round(wanted / found.seconds, 2),
        "conditions": {
            "participants": PARTICIPANTS,
            "days": DAYS,
            "seconds": round(found.seconds, 1),
            "target_seconds": round(wanted, 1),
            "compared": dict(found.counts),
            "processes": PROCESSES,
            "memory_of_the_largest_process_mb": most // 1024,
            "baseline_is": "the target: 10 minutes for 10,000 participants × 1,440 intervals, in proportion",
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        },
    }
