"""A month of a campus and a park played through the whole product: orders, trades, readings, clearing, ledger.

The scene is made of the shared measurements (tests/make_scene.py). The baseline is the bare database work behind the
same result: every row that the run wrote, by the same tables and counts, sent again by one COPY an interval and table
into tables without constraints or indexes, one commit an interval. `ratio` is baseline seconds ÷ backtest seconds: the
share of the time that a market without rules, matching, limits, forecasts or clearing would have needed to store it.
"""

import importlib.util
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from config.bench import BenchmarkError, scratch_database

TITLE = "Backtest: 30 days of 30 minutes, 26 participants, through the live operations and the database"
TARGET_SECONDS = 120
MAKER = Path(__file__).resolve().parents[2] / "tests/make_scene.py"
# Tables that a run writes, and how a row of theirs is found.
WRITTEN = {
    "trading_command": "market_id",
    "trading_order": "market_id",
    "trading_trade": "market_id",
    "trading_position": "market_id",
    "trading_energylimit": "market_id",
    "planning_forecast": "market_id",
    "meters_reading": "site_id",
    "settlement_participantresult": "market_id",
    "settlement_traderesult": "market_id",
    "settlement_ledgerentry": "market_id",
}


def run() -> dict[str, object]:
    """Seconds for the month, the bare COPY of the same rows, and what was done."""
    with tempfile.TemporaryDirectory() as folder, scratch_database():
        scene = _scene(Path(folder))
        found, seconds = _play(scene)
        rows = _rows_written(found["market"])
        bare = _bare_copy(rows, found["intervals"])
    return {
        "name": "backtest",
        "value": round(seconds, 1),
        "unit": "s",
        "baseline": round(bare, 1),
        "ratio": round(bare / seconds, 3),
        "conditions": {
            "target_s": TARGET_SECONDS,
            "baseline_is": "one COPY an interval and table of as many rows, no constraints, one commit an interval",
            "commits": "synchronous_commit = off, as for every scratch market, for both",
            "milliseconds_an_interval": round(1_000 * seconds / found["intervals"], 1),
            "intervals": found["intervals"],
            "participants": found["participants"],
            "counts": found["counts"],
            "trades": found["prices"]["trades"],
            "rows_written": rows,
            "seconds_by_part": found["seconds"],
            "efficiency_pct": found["efficiency"]["efficiency_pct"],
            "covered_locally_pct": found["energy"]["covered_locally_pct"],
            "sum_of_accounts_millidong": found["money"]["sum_millidong"],
        },
    }


def _scene(folder: Path) -> Path:
    maker = _maker()
    try:
        data = maker.shared_path("data")
    except FileNotFoundError as missing:
        raise BenchmarkError(str(missing)) from missing
    maker.make_scene(folder, data)
    return folder


def _maker() -> ModuleType:
    specification = importlib.util.spec_from_file_location("make_scene", MAKER)
    if specification is None or specification.loader is None or not MAKER.exists():
        raise BenchmarkError(f"{MAKER} is not there; this benchmark needs the tests beside the product.")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


def _play(folder: Path) -> tuple[dict[str, Any], float]:
    from rich.console import Console

    from planning.domain.forecast import PERSISTENCE
    from simulator.management.commands.backtest import play
    from simulator.scene import load_scene

    scene = load_scene(folder)
    started = time.perf_counter()
    found = play(scene, PERSISTENCE, Console(stderr=True))
    return found, time.perf_counter() - started


def _rows_written(code: str) -> dict[str, int]:
    from django.db import connection

    from trading.models import Market

    market = Market.objects.get(code=code)
    keys = {"market_id": market.pk, "site_id": market.site_id}
    with connection.cursor() as cursor:
        counted = {}
        for table, key in WRITTEN.items():
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {key} = %s", (keys[key],))
            counted[table] = int(cursor.fetchone()[0])
    return counted


def _bare_copy(rows: dict[str, int], intervals: int) -> float:
    """Seconds to send the same rows again, evenly over the intervals, into bare tables."""
    import psycopg
    from django.db import connection

    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    data = {table: _make_bare(cursor, table, -(-count // intervals)) for table, count in rows.items() if count}
    started = time.perf_counter()
    for _ in range(intervals):
        with connection.connection.transaction():
            for table, lines in data.items():
                with cursor.copy(f"COPY bare_{table} FROM STDIN") as copy:
                    copy.write(lines)
    return time.perf_counter() - started


def _make_bare(cursor: Any, table: str, rows: int) -> bytes:
    """A copy of the table without constraints or indexes, and `rows` of its rows as COPY wants them."""
    cursor.execute(f"CREATE TABLE bare_{table} (LIKE {table})")
    with cursor.copy(f"COPY (SELECT * FROM {table} LIMIT {rows}) TO STDOUT") as copy:
        return b"".join(map(bytes, copy))
