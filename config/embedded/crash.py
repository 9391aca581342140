"""Killing PostgreSQL on purpose, for tests of what survives a crash."""

import contextlib
import json
import os
import signal
import time
from pathlib import Path

from .errors import EmbeddedError
from .places import Home


def hard_stop_postgres(home: Path) -> int:
    """Kill PostgreSQL on the spot, as a power cut would, for crash tests; returns the number of the killed process.

    Its keeper starts it again; `wait_for_postgres` waits for that.
    """
    pid = int(json.loads(Home(home.absolute()).state.read_text())["postgres_pid"])
    children = [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _parent_of(entry) == pid]
    for victim in [pid, *children]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    return pid


def _parent_of(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def wait_for_postgres(home: Path, *, after: int, seconds: float = 60) -> None:
    """Wait until PostgreSQL runs again in another process than `after`; raises ``database_slow``."""
    place = Home(home.absolute())
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError, KeyError):
            if int(json.loads(place.state.read_text())["postgres_pid"]) != after:
                return
        time.sleep(0.02)
    raise EmbeddedError(
        "database_slow", f"PostgreSQL did not come back in {seconds:g} s; see {place.logs / 'postgresql.log'}."
    )
