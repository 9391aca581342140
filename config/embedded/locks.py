"""The lock of a data directory: one owner of its servers on this machine, let go by the kernel when the owner dies."""

import fcntl
import os
import time

from .errors import EmbeddedError
from .places import Home


def try_lock(home: Home) -> int | None:
    """The lock of the data directory as an open file, or None while somebody has it."""
    lock = os.open(home.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError as error:
        os.close(lock)
        raise EmbeddedError(
            "no_locks", f"{home.lock} cannot be locked ({error.strerror}): keep the data on a local disk."
        ) from error
    return lock


def wait_for_lock(home: Home, seconds: float) -> int:
    """The lock, once its holder has gone; raises ``servers_busy``."""
    deadline = time.monotonic() + seconds
    while True:
        lock = try_lock(home)
        if lock is not None:
            return lock
        if time.monotonic() > deadline:
            raise EmbeddedError(
                "servers_busy", f"The servers of {home.path} did not stop; see {home.logs / 'servers.log'}."
            )
        time.sleep(0.02)
