"""Closes the same month over and over in copies of one database, killing whoever does it: `month.py KILLS SEED`.

This process never touches a database as Django; it forks a child, already warm, for whatever is to be done there. Two
children at a time go on with the close. Each dies by SIGKILL, either just before or after a statement that was drawn
for it or at a drawn moment, or PostgreSQL ends the sessions of all. New ones follow until the month is issued. Then
everything the close has left is compared with what an undisturbed one left. The last two lines told are what that was
and how it went, as JSON.
"""

import json
import os
import random
import select
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.sharedctypes import RawArray
from typing import Any

import django
import psycopg
from django.db import InterfaceError, OperationalError, connection

AT = datetime(2026, 7, 10, 3, 0, tzinfo=UTC)
WORKERS = 2
DONE, FAILED = 0, 3
STATEMENTS = (20, 80, 300)  # a life has up to so many inside transactions, one of these drawn
SECONDS = 0.5
SMALL = 3  # participants drafted, and documents issued, in one step

in_transaction = RawArray("b", WORKERS)


def forked(work: Callable[[], object]) -> int:
    """A child that does this work; 0 where it went well."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(DONE)
    except BaseException:
        traceback.print_exc()
        os._exit(FAILED)


def result_of(database: str, work: Callable[[], str]) -> str:
    """What a child of its own found in this database."""
    out, into = os.pipe()

    def tell() -> None:
        connection.settings_dict["NAME"] = database
        with os.fdopen(into, "w") as pipe:
            pipe.write(work())

    pid = forked(tell)
    os.close(into)
    with os.fdopen(out) as pipe:
        found = pipe.read()
    assert os.waitpid(pid, 0)[1] == 0, "a child failed"
    return found


def drive(place: int) -> None:
    """Go on with the month's close until it is issued, whoever else does."""
    while True:
        try:
            if step():
                return
        except (OperationalError, InterfaceError):
            connection.close()
        in_transaction[place] = 0


def step() -> bool:
    """One step, by whoever may do it; whether the month is issued."""
    from settlement.models import MonthClose
    from settlement.operations.month import CloseError, advance, approve_close, start_close
    from tests.billing_world import JUNE, person
    from trading.models import Market

    close = MonthClose.objects.filter(month=JUNE).order_by("number").last()
    try:
        if close is None:
            start_close(market=Market.objects.get(), month=JUNE, by=person("lan"), at=AT)
        elif close.state == MonthClose.State.COMPUTED:
            approve_close(close=close, by=person("minh"), at=AT, accept=("no_profile", "before_cutoff", "losses"))
        elif close.state == MonthClose.State.ISSUED:
            return True
        elif not advance(close.pk, AT):
            time.sleep(0.002)
    except CloseError as error:
        if error.code not in ("close_is_open", "not_computed"):
            raise
    return False


@contextmanager
def fate(place: int, last: int, before: bool) -> Iterator[None]:
    """Die by SIGKILL at statement number `last` of those inside transactions, before it or after it; 0: at none."""
    left = last

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        nonlocal left
        in_transaction[place] = connection.in_atomic_block
        left -= connection.in_atomic_block
        if left == 0 and last and before:
            os.kill(os.getpid(), signal.SIGKILL)
        found = execute(sql, params, many, context)
        if left == 0 and last and connection.in_atomic_block:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    with connection.execute_wrapper(watch):
        yield


class Storm:
    """One close of one copy of the database, with its deaths."""

    def __init__(self, admin: psycopg.Connection[Any], rng: random.Random, database: str, counts: Counter[str]) -> None:
        self.admin, self.rng, self.database, self.counts = admin, rng, database, counts
        self.living: dict[int, tuple[int, float]] = {}  # process: its place, when it is to die

    def run(self) -> None:
        """Until the month is issued."""
        while True:
            for place in set(range(WORKERS)) - {place for place, _ in self.living.values()}:
                self.start(place)
            if self.reap():
                break
            self.strike()
            select.select((), (), (), 0.001)
        while self.living:
            self.strike()
            self.reap()
            select.select((), (), (), 0.001)

    def start(self, place: int) -> None:
        """A new child, with the way it will die."""
        kind = self.rng.choice(("statement", "statement", "moment", "session"))
        last = self.rng.randint(1, self.rng.choice(STATEMENTS)) if kind == "statement" else 0
        before = self.rng.random() < 0.5
        moment = time.monotonic() + self.rng.random() * SECONDS if kind in ("moment", "session") else float("inf")

        def live() -> None:
            connection.settings_dict["NAME"] = self.database
            random.seed()
            with fate(place, last, before):
                drive(place)

        pid = forked(live)
        self.living[pid] = place, -moment if kind == "session" else moment

    def strike(self) -> None:
        """Kill those whose moment has come, or end all sessions."""
        now = time.monotonic()
        for pid, (place, moment) in list(self.living.items()):
            if 0 < moment <= now:
                os.kill(pid, signal.SIGKILL)
                self.living[pid] = place, float("inf")
            elif moment < 0 and -moment <= now:
                ended = self.admin.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s", (self.database,)
                ).fetchone()
                self.counts["sessions"] += ended[0] if ended else 0
                self.living[pid] = place, time.monotonic() + self.rng.random() * SECONDS

    def reap(self) -> bool:
        """Take in who died; whether somebody found the month issued."""
        done = False
        for pid, (place, _) in list(self.living.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del self.living[pid]
                done |= self.dead(status, place)
        return done

    def dead(self, status: int, place: int) -> bool:
        """Count a death, or see that a child finished."""
        if os.WIFSIGNALED(status):
            self.counts["killed"] += 1
            self.counts["in_transaction"] += in_transaction[place]
            in_transaction[place] = 0
            return False
        assert os.WEXITSTATUS(status) == DONE, "a child failed"
        return True


def main(kills: int, seed: int) -> None:
    from settlement.operations.month import close as closing
    from tests.crash.month_world import build, told

    closing.DRAFTS_AT_ONCE = closing.ISSUED_AT_ONCE = SMALL
    base = connection.settings_dict
    base["OPTIONS"] = {"options": base["OPTIONS"]["options"]}  # no pool: a child has one connection and a short life
    start, rng, counts = str(base["NAME"]), random.Random(seed), Counter[str]()
    result_of(start, lambda: str(build()))
    where = {"host": base["HOST"], "port": base["PORT"] or None, "user": base["USER"], "password": base["PASSWORD"]}
    with psycopg.connect(dbname="template1", autocommit=True, **where) as admin:
        calm = _round(admin, start, "calm", lambda name: result_of(name, lambda: str(drive(0))), told)
        different = []
        while counts["killed"] < kills:
            name = f"storm{counts['rounds']}"
            storm = Storm(admin, rng, name, counts)
            left = _round(admin, start, name, lambda _, storm=storm: storm.run(), told)
            counts["rounds"] += 1
            different += _differences(calm, left)
    print(calm)
    print(json.dumps({**counts, "different": different[:20]}))


def _round(
    admin: psycopg.Connection[Any], start: str, name: str, close: Callable[[str], object], told: Callable[[], str]
) -> str:
    """Close the month in a copy of the database; what it left."""
    admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{start}"')
    close(name)
    left = result_of(name, told)
    admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    return left


def _differences(calm: str, left: str) -> list[str]:
    one, other = json.loads(calm), json.loads(left)
    return [
        f"{name} {number}: {was!r} became {now!r}"
        for name in one
        for number, (was, now) in enumerate(_pairs(one[name], other[name]))
        if was != now
    ]


def _pairs(one: list[object], other: list[object]) -> Iterator[tuple[object, object]]:
    longest = max(len(one), len(other))
    yield from zip(one + [None] * (longest - len(one)), other + [None] * (longest - len(other)), strict=True)


if __name__ == "__main__":
    django.setup()
    main(int(sys.argv[1]), int(sys.argv[2]))
