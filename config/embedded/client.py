"""How a command gets its servers: those that run already for this data directory, or its own.

Every command that needs the servers holds a connection to their keeper, and they run as long as one does. So a second
command beside a running `./run` shares its servers, and neither can take them from the other.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from .errors import EmbeddedError
from .locks import try_lock, wait_for_lock
from .places import Home, prepare_home, prepare_servers, prepare_sockets
from .postgres import read_from

REPOSITORY = Path(__file__).resolve().parents[2]
SECONDS_FOR_OTHERS = 100  # longer than an orderly stop of both servers may take
TRIES = 5  # times to come just when a keeper stops


class KeeperGoneError(EmbeddedError):
    """The keeper ended before it said anything: it was about to stop when we came, or it could not start at all."""

    def __init__(self, home: Home) -> None:
        super().__init__("keeper_died", f"The servers could not be started; see {home.logs / 'servers.log'}.")


class Servers:
    """A hold on running servers: `database_url`, `redis_url`, and `stop()`. Also a context manager.

    `lost` is set when the servers have ended and could not be started again; why was said.
    """

    def __init__(
        self, connection: socket.socket, home: Home, say: Callable[[str], None], lost: threading.Event
    ) -> None:
        self._connection = connection
        self._lines = connection.makefile("r", encoding="utf-8")
        self._home = home
        self._say = say
        self._was_last = False
        self._stopping = False
        self._gave_up = False
        self._successor: Servers | None = None
        self._listener = threading.Thread(target=self._listen, name="embedded-servers", daemon=True)
        self.lost = lost
        ready = self._wait_until_ready()
        self.database_url: str = ready["database_url"]
        self.redis_url: str = ready["redis_url"]
        self._programs: str = ready["programs"]
        self._listener.start()

    def __enter__(self) -> "Servers":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    @property
    def environment(self) -> dict[str, str]:
        """Variables for a command: where the servers are, and the way to `psql`, `pg_dump` and their like."""
        path = f"{self._programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {"DATABASE_URL": self.database_url, "REDIS_URL": self.redis_url, "PATH": path}

    def _wait_until_ready(self) -> dict[str, Any]:
        with contextlib.suppress(ConnectionError):
            for line in self._lines:
                message = json.loads(line)
                if "ready" in message:
                    return dict(message["ready"])
                self._handle(message)
        self._close()
        raise KeeperGoneError(self._home)

    def _handle(self, message: dict[str, Any]) -> None:
        if "say" in message:
            self._say(message["say"])
        elif "error" in message:
            self._close()
            raise EmbeddedError(*message["error"])

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in self._lines:
                message = json.loads(line)
                if "bye" in message:
                    self._was_last = message["bye"]
                elif "error" in message:
                    self._gave_up = True
                    self._say(str(EmbeddedError(*message["error"])))
                elif "say" in message:
                    self._say(message["say"])
        if not self._stopping:
            self._hold_again()

    def _hold_again(self) -> None:
        """The keeper ended without us: have another take the servers over, unless it said why it gave up."""
        try:
            if not self._gave_up:
                self._say("The keeper of the servers ended unexpectedly; another takes over.")
                self._successor = connect_or_start(self._home.path, say=self._say, lost=self.lost)
        except EmbeddedError as error:
            self._say(str(error))
        if self._successor is None:
            self.lost.set()

    def stop(self) -> None:
        """Let go of the servers. Returns when they have stopped, if nobody else uses them."""
        self._stopping = True
        with contextlib.suppress(OSError):
            self._connection.sendall(b"bye\n")
        self._listener.join(SECONDS_FOR_OTHERS)
        self._close()
        if self._successor is not None:
            self._successor.stop()
        if self._was_last:
            os.close(wait_for_lock(self._home, SECONDS_FOR_OTHERS))

    def _close(self) -> None:
        self._lines.close()
        self._connection.close()


def connect_or_start(home: Path, *, say: Callable[[str], None] = print, lost: threading.Event | None = None) -> Servers:
    """A hold on the servers of this data directory, started if none run.

    Raises EmbeddedError with one of the codes in docs/operations.md. `say` gets a line for everything that takes a
    while, also later, from another thread, when a server had to be started again. `lost`: see Servers.
    """
    place = Home(home.absolute())
    prepare_home(place)
    deadline = time.monotonic() + SECONDS_FOR_OTHERS
    tries = TRIES
    while time.monotonic() < deadline:
        connection = connect(place)
        if connection is not None:
            try:
                return Servers(connection, place, say, lost or threading.Event())
            except KeeperGoneError:
                tries -= 1
                if not tries:
                    raise
        lock = try_lock(place)
        if lock is not None:
            say("Starting PostgreSQL and Valkey ...")
            start_keeper(place, lock)
        time.sleep(0.05)
    raise EmbeddedError(
        "servers_busy",
        f"Another process holds {place.lock}, and its servers neither start nor stop; see {place.logs}.",
    )


def connect(home: Home) -> socket.socket | None:
    """A connection to the keeper that the state file names, or None where none listens."""
    try:
        control = json.loads(home.state.read_text())["control"]
        connection = socket.socket(socket.AF_UNIX)
    except (OSError, ValueError, KeyError):
        return None
    try:
        connection.connect(control)
    except OSError:
        connection.close()
        return None
    return connection


def start_keeper(home: Home, lock: int) -> None:
    """Start the keeper with the lock; it makes itself a process of its own, so this returns at once."""
    try:
        sockets = prepare_sockets(home, prepare_servers(home))
        log = home.logs / "servers.log"
        log_start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            status = subprocess.run(
                [sys.executable, "-m", "config.embedded.keeper", str(home.path), str(sockets), str(lock)],
                cwd=REPOSITORY, pass_fds=[lock], start_new_session=True, check=False,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            ).returncode  # fmt: skip
        if status != 0:
            raise EmbeddedError("keeper_died", f"The servers could not be started: {read_from(log, log_start)}")
    finally:
        os.close(lock)


def servers_by_setting(environment: Mapping[str, str]) -> bool:
    """Whether the operator names the servers; raises ``servers_half_set`` when only one of the two."""
    names = ("DATABASE_URL", "REDIS_URL")
    missing = [name for name in names if not environment.get(name)]
    if len(missing) == 1:
        raise EmbeddedError(
            "servers_half_set",
            f"{missing[0]} is not set, but its companion is. Set both DATABASE_URL and REDIS_URL to use servers of "
            "your own, or neither to use those that come with Wattbourse.",
        )
    return not missing


def discard_data(home: Path) -> None:
    """Delete the servers' data. Raises ``in_use`` while anything uses them."""
    place = Home(home.absolute())
    prepare_home(place)
    connection = connect(place)
    lock = None if connection else try_lock(place)
    if connection is not None:
        connection.close()
    if lock is None:
        raise EmbeddedError(
            "in_use", f"The servers of {place.path} are running: stop what uses them (another ./run?) first."
        )
    try:
        for path in [*place.servers.glob("pg*"), *place.servers.glob("valkey*")]:
            _remove(path)
    finally:
        os.close(lock)


def _remove(path: Path) -> None:
    """Put a directory out of sight in one step, then delete it: half a data directory must never be found."""
    doomed = path.with_name(f"removed-{path.name}")
    subprocess.run(["rm", "-rf", str(doomed)], check=True)
    path.rename(doomed)
    subprocess.run(["rm", "-rf", str(doomed)], check=True)


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
