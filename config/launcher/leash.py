"""A process that ends the others when the launcher is gone.

The launcher writes the number of each process group it starts (`+123`) and of each that ended (`-123`) into this
process's standard input. When that closes, however the launcher came to its end, the groups that are left are asked to
end, and after some seconds made to.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time

SECONDS_TO_END = 5.0


def main() -> None:
    """Follow standard input to its end, then end what is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line.startswith("+") else groups.discard
        change(int(line[1:]))
    end(groups)


def end(groups: set[int]) -> None:
    """End process groups: politely first."""
    deadline = time.monotonic() + SECONDS_TO_END
    for number in (signal.SIGTERM, signal.SIGKILL):
        for group in groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        while any(is_alive(group) for group in groups) and time.monotonic() < deadline:
            time.sleep(0.1)


def is_alive(group: int) -> bool:
    """Whether any process of the group is left."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


class Leash:
    """The launcher's side: knows which process groups must not outlive it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "config.launcher.leash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def tell(self, change: str) -> None:
        """Tell of a group that started (`+123`) or ended (`-123`)."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(change + "\n")
            self._process.stdin.flush()

    def close(self) -> None:
        """Let go; returns when nothing of the groups is left."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()


if __name__ == "__main__":
    main()
