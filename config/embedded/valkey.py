"""One Valkey: starting, watching and stopping it.

It carries Celery's messages and the live frames. Both are hints (the truth is in PostgreSQL), so a snapshot now and
then and at the end is enough, and a snapshot that cannot be read is put aside.
"""

import contextlib
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .account import Account
from .errors import EmbeddedError
from .postgres import ENVIRONMENT, read_from

SECONDS_TO_START = 30
SECONDS_TO_STOP = 15


@dataclass(frozen=True)
class Store:
    """A Valkey data directory, its program, and the account that owns it."""

    data: Path
    program: Path
    account: Account
    socket: Path
    log: Path


def create(store: Store) -> None:
    """Make the data directory if it is not there."""
    if not store.data.is_dir():
        store.data.mkdir(mode=0o700)
        store.account.give(store.data)


def start(store: Store) -> subprocess.Popen[bytes]:
    """Start the server and wait until it answers; a snapshot it cannot read is put aside once."""
    try:
        return _start_once(store)
    except EmbeddedError:
        snapshot = store.data / "dump.rdb"
        if not snapshot.exists():
            raise
        snapshot.replace(snapshot.with_name("dump.rdb.unreadable"))
        return _start_once(store)


def _start_once(store: Store) -> subprocess.Popen[bytes]:
    process, log_start = spawn(store)
    deadline = time.monotonic() + SECONDS_TO_START
    while process.poll() is None and time.monotonic() < deadline:
        if answers(store.socket):
            return process
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise explain_failure(read_from(store.log, log_start), store)


def spawn(store: Store) -> tuple[subprocess.Popen[bytes], int]:
    """Start the process only; returns it with the size its log had before."""
    options = {
        "port": "0", "unixsocket": str(store.socket), "unixsocketperm": "700", "dir": str(store.data), "save": "300 1",
        "daemonize": "no", "logfile": "", "stop-writes-on-bgsave-error": "no", "loglevel": "notice",
    }  # fmt: skip
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    log_start = store.log.stat().st_size if store.log.exists() else 0
    with store.log.open("ab") as log:
        process = subprocess.Popen(
            [str(store.program), *arguments],
            cwd="/", env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, **store.account.popen_options(),
        )  # fmt: skip
    return process, log_start


def clear_leftovers(store: Store) -> None:
    """Ask a server that lost its keeper to end. Only for the holder of the lock."""
    if not answers(store.socket):
        return
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(SECONDS_TO_STOP)
        client.connect(str(store.socket))
        client.sendall(b"SHUTDOWN\r\n")
        with contextlib.suppress(OSError):
            client.recv(64)  # an error message, or the end of the connection when the server has gone


def answers(path: Path) -> bool:
    """Whether the server behind a socket answers a ping (one that is still loading does not say PONG)."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server, with a last snapshot; by force when it does not come to an end."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            continue


def explain_failure(log: str, store: Store) -> EmbeddedError:
    """Turn what Valkey said into a sentence with a code."""
    if "No space left on device" in log:
        return EmbeddedError("disk_full", f"The disk of {store.data} is full. Free some space and start again.")
    lines = log.strip().splitlines()
    reason = lines[-1] if lines else "it gave no reason"
    return EmbeddedError("store_failed", f"Valkey did not start: {reason}. The whole story is in {store.log}.")
