"""Processes that belong together: started, watched, started again when one dies, and stopped in order.

A process that died is started again after a pause that doubles. One that dies five times in a minute will not be helped
by a sixth start: then everything stops, with the end of its log as the reason.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from .errors import LauncherError, say
from .leash import Leash
from .paths import REPOSITORY

DEATHS = 5
WINDOW_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.5
SECONDS_TO_STOP = 10.0


@dataclass
class Child:
    """One process: what it is called, its command, its log, and whether its output is for the terminal."""

    name: str
    command: list[str]
    log: Path
    speaks: bool = False
    process: subprocess.Popen[bytes] | None = None
    deaths: deque[float] = field(default_factory=deque)
    starts_again_at: float = 0.0


class Supervisor:
    """Keeps the given processes going, in the given order of stopping."""

    def __init__(self, children: list[Child], environment: dict[str, str]) -> None:
        self.children = children
        self.environment = environment
        self.leash = Leash()

    def start(self) -> None:
        """Start all of them."""
        for child in self.children:
            self._start(child)

    def _start(self, child: Child) -> None:
        with child.log.open("ab") as log:
            child.process = subprocess.Popen(
                child.command,
                cwd=REPOSITORY,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=None if child.speaks else log,
                stderr=log,
                start_new_session=True,
            )
        self.leash.tell(f"+{child.process.pid}")

    def check(self) -> None:
        """Notice who died and start again whose pause is over; raises LauncherError when one dies too often."""
        now = time.monotonic()
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                self._bury(child, child.process, now)
            elif child.process is None and now >= child.starts_again_at:
                self._start(child)

    def _bury(self, child: Child, process: subprocess.Popen[bytes], now: float) -> None:
        kill_group(process.pid, signal.SIGKILL)
        self.leash.tell(f"-{process.pid}")
        child.process = None
        child.deaths.append(now)
        while child.deaths[0] < now - WINDOW_SECONDS:
            child.deaths.popleft()
        ended = describe_end(process.returncode)
        if len(child.deaths) >= DEATHS:
            raise LauncherError(
                "keeps_dying",
                f"The {child.name} ended {DEATHS} times within a minute ({ended}). Its log is {child.log}; it ends:\n"
                + tail(child.log),
            )
        pause = FIRST_PAUSE_SECONDS * 2 ** (len(child.deaths) - 1)
        child.starts_again_at = now + pause
        say(f"The {child.name} ended unexpectedly ({ended}); starting it again in {pause:g} s. Log: {child.log}")

    def stop(self) -> None:
        """Stop them one after the other, then make sure that nothing of them is left."""
        for child in self.children:
            if child.process is not None:
                stop_process(child.process)
                child.process = None
        self.leash.close()


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end and wait; kill its group when it does not."""
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_STOP)
    kill_group(process.pid, signal.SIGKILL)
    process.wait()


def kill_group(group: int, number: int) -> None:
    """Signal whatever is left of a process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def describe_end(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 20_000))
        text = file.read().decode(errors="replace")
    return "\n".join("    " + line for line in text.splitlines()[-lines:])
