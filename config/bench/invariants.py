"""The rate of intervals whose laws were all checked, over a settled scratch market.

A market is settled interval by interval, with late readings that settle some of them again; then the administrator's
panel is asked. The value is checked ÷ settled intervals, which must be 1.0: the baseline is what must hold.
"""

import os
import platform
import time
from typing import Any

from config.bench import scratch_database

TITLE = "Rate of invariants checked over intervals settled; must be 1.0"

PARTICIPANTS = int(os.environ.get("WATTBOURSE_BENCH_PARTICIPANTS", "2000"))
INTERVALS = 48
CORRECTED_EVERY = 4


def run() -> dict[str, Any]:
    """Checked ÷ settled."""
    with scratch_database():
        return _measure()


def _measure() -> dict[str, Any]:
    from config.bench._clearing_market import load
    from settlement.models import SettlementRun
    from settlement.operations import settle
    from settlement.queries.invariants import invariants_panel

    loaded = load(PARTICIPANTS, 2 * PARTICIPANTS, INTERVALS)
    for number, contract in enumerate(loaded.contracts):
        settle(contract_id=contract.pk, kind="P", at=contract.delivery_end)
        if number % CORRECTED_EVERY == 0:
            _correct(contract)
    first, last = loaded.contracts[0].delivery_start, loaded.contracts[-1].delivery_end
    started = time.perf_counter()
    panel = invariants_panel(loaded.market.pk, first, last)
    taken = time.perf_counter() - started
    return {
        "name": "invariants",
        "value": panel.rate,
        "unit": "checked per settled interval",
        "baseline": 1.0,
        "ratio": panel.rate,
        "conditions": {
            "participants": PARTICIPANTS,
            "intervals_settled": panel.settled,
            "intervals_checked": panel.checked,
            "runs": SettlementRun.objects.count(),
            "laws": {law.code: law.holds for law in panel.laws},
            "panel_seconds": round(taken, 4),
            "baseline_is": "what must hold: every settled interval has every law checked",
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        },
    }


def _correct(contract: Any) -> None:
    """A corrected meter, and the interval settled again."""
    from meters.models import MeteringPoint, Reading
    from meters.operations import NewReading, record_readings
    from settlement.operations import resettle

    point = MeteringPoint.objects.select_related("site").earliest("pk")
    before = Reading.objects.get(metering_point=point, start=contract.delivery_start)
    row = NewReading(point.code, contract.delivery_start, before.import_wh, before.export_wh + 100, "corrected")
    record_readings(site=point.site, rows=[row], by=None, at=contract.delivery_end, source="bench")
    resettle(contract_id=contract.pk, at=contract.delivery_end)
