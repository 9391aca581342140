"""A process beside the demo, of the lowest priority, that fills in its past.

A process of its own, because one Python can only do one thing at a time and the live market must not wait for the past.
It starts once the pages are up, belongs to the demo's process group, and ends when the demo does. One that fails is
started again a few times; what is then missing is filled in by the demo's next start.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

SECONDS_BEFORE = 15.0
SECONDS_BETWEEN_STARTS = 10.0
STARTS = 3
SECONDS_TO_END = 5.0
SECONDS_BETWEEN_LOOKS = 0.2
PARENT = os.getppid()


class Beside:
    """While this context lasts, the past is filled in, if it is `wanted`."""

    def __init__(self, *, wanted: bool, say: Callable[[str], None], command: list[str] | None = None) -> None:
        self.wanted = wanted
        self.say = say
        self.command = command or [sys.executable, sys.argv[0], "demo", "--past"]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="past")

    def __enter__(self) -> Self:
        if self.wanted:
            self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self.wanted:
            self._thread.join()

    def _run(self) -> None:
        pause = SECONDS_BEFORE
        for _ in range(STARTS):
            if self._over.wait(pause) or self._filled():
                return
            pause = SECONDS_BETWEEN_STARTS
        self.say("The past could not be filled in; why stands in the simulator's log. The next start tries again.")

    def _filled(self) -> bool:
        """Whether the process did its work, or was told to stop."""
        process = subprocess.Popen(self.command)
        while process.poll() is None:
            if self._over.wait(SECONDS_BETWEEN_LOOKS):
                _end(process)
                return True
        return process.returncode == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def lower_priority() -> None:
    """Everybody else first."""
    os.nice(19)


def parent_is_gone() -> bool:
    """Whether the process that started this one has ended: nobody would stop it any more."""
    return os.getppid() != PARENT
