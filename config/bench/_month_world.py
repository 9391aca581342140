"""A market whose month is really there, kept between runs: readings, orders, trades, settled intervals, ledger.

`month_world(10_000, 30)` gives a database with 10,000 participants and the 1,440 half hours of June 2026, all traded
and settled by the operations of the product itself. The first call builds it, which takes minutes. It stays in the
cluster of DATABASE_URL, named by its size and by what makes it, the builder and every migration, e.g.
`wb_month_10000_30_1f0c9a7d`; where one of them changes it is built anew and the old one dropped. With `copy=True` the
work is on a copy, dropped at the end. WATTBOURSE_BENCH_WORLD names a database to use as it is, migrated, instead.
"""

import ast
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from config.bench import BenchmarkError, close_connections, set_up_django

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parents[1]
BUILDERS = ("_month_build.py", "_month_days.py", "_month_people.py")
PREFIX = "wb_month"
WAIT_SECONDS = 120
Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MonthWorld:
    """A world that is open: its database, its size, and what was noted when it was built (`build_seconds`,
    `database_bytes`) or copied (`copy_seconds`)."""

    database: str
    participants: int
    days: int
    told: Told


@contextmanager
def month_world(participants: int = 10_000, days: int = 30, *, copy: bool = False) -> Iterator[MonthWorld]:
    """A world of this size with Django set up on it, built if need be.

    Raises BenchmarkError where Django is set up already, or the building fails.
    """
    server = os.environ["DATABASE_URL"]
    name = os.environ.get("WATTBOURSE_BENCH_WORLD") or name_of(participants, days)
    with psycopg.connect(_at(server, "postgres"), autocommit=True) as administration:
        told = _noted(administration, name) or _build(administration, server, name, participants, days)
        if name == name_of(participants, days):
            _drop_old(administration, f"{PREFIX}_{participants}_{days}_", name)
        database = _copied(administration, name, told) if copy else name
        os.environ["DATABASE_URL"] = _at(server, database)
        try:
            set_up_django()
            yield MonthWorld(database, participants, days, told)
        finally:
            close_connections()
            os.environ["DATABASE_URL"] = server
            if copy:
                _drop(administration, database)


def _at(server: str, database: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{database}"))


def name_of(participants: int, days: int) -> str:
    """What a world of this size is called today."""
    digest = hashlib.sha256()
    for name in BUILDERS:
        digest.update(ast.dump(ast.parse((FOLDER / name).read_bytes())).encode())  # not its comments or its layout
    for file in sorted(REPOSITORY.glob("*/migrations/[0-9]*.py")):
        digest.update(file.name.encode() + file.read_bytes())
    return f"{PREFIX}_{participants}_{days}_{digest.hexdigest()[:8]}"


def _noted(administration: psycopg.Connection, name: str) -> Told | None:
    """What was noted when the world was built; None where there is none."""
    found = administration.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (name,)
    ).fetchone()
    return None if found is None else dict(json.loads(found[0]))


def _drop_old(administration: psycopg.Connection, prefix: str, current: str) -> None:
    """Worlds of this size that another builder made, and what a killed build or bench left behind."""
    rows = administration.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (prefix,)
    ).fetchall()
    for (name,) in rows:
        if name != current and not _in_use(administration, name):
            sys.stderr.write(f"Dropping {name}, which is out of date.\n")
            _drop(administration, name)


def _in_use(administration: psycopg.Connection, name: str) -> bool:
    row = administration.execute("SELECT FROM pg_stat_activity WHERE datname = %s LIMIT 1", (name,)).fetchone()
    return row is not None


def _drop(administration: psycopg.Connection, name: str) -> None:
    administration.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _build(administration: psycopg.Connection, server: str, name: str, participants: int, days: int) -> Told:
    """Built under a name of its own, which is taken only once all of it is there."""
    sys.stderr.write(f"Building {name}: {participants} participants, {days} days; kept for the next time.\n")
    building, started = f"{name}_building", time.perf_counter()
    _drop(administration, building)
    administration.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(building)))
    # A build that is killed is begun anew, so nothing of it need be on disk before the end.
    _set(administration, building, "SET synchronous_commit = off")
    command = [sys.executable, "-m", "config.bench._month_build", str(participants), str(days)]
    built = subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, "DATABASE_URL": _at(server, building)}, check=False
    )
    if built.returncode != 0:
        raise BenchmarkError(f"The world could not be built; what its builder said stands above ({building}).")
    _set(administration, building, "RESET synchronous_commit")
    told = {
        "build_seconds": round(time.perf_counter() - started, 1),
        "database_bytes": _size(administration, building),
    }
    _set(administration, building, sql.SQL("RENAME TO {}").format(sql.Identifier(name)))
    note = sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(json.dumps(told)))
    administration.execute(note)
    return told


def _set(administration: psycopg.Connection, database: str, what: str | sql.Composable) -> None:
    change = what if isinstance(what, sql.Composable) else sql.SQL(what)
    administration.execute(sql.SQL("ALTER DATABASE {} {}").format(sql.Identifier(database), change))


def _size(administration: psycopg.Connection, name: str) -> int:
    row = administration.execute("SELECT pg_database_size(%s)", (name,)).fetchone()
    assert row is not None
    return int(row[0])


def _copied(administration: psycopg.Connection, name: str, told: Told) -> str:
    """A copy file by file, which leaves the write-ahead log out of it."""
    copy = f"{name}_copy_{os.getpid()}"
    _drop(administration, copy)
    _wait_until_free(administration, name)
    started = time.perf_counter()
    administration.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(copy), sql.Identifier(name))
    )
    told["copy_seconds"] = round(time.perf_counter() - started, 1)
    return copy


def _wait_until_free(administration: psycopg.Connection, name: str) -> None:
    """PostgreSQL copies no database that somebody is connected to."""
    given_up_at = time.monotonic() + WAIT_SECONDS
    while _in_use(administration, name):
        if time.monotonic() > given_up_at:
            raise BenchmarkError(f"{name} cannot be copied: somebody is connected to it. Close that connection first.")
        time.sleep(1)
