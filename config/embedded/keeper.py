"""The process that keeps the servers: starts them, restarts one that dies, and stops both when nobody needs them.

Whoever needs the servers holds a connection to the keeper's socket. The kernel closes it even when its owner is
killed with SIGKILL, so the last connection to close is the sign to stop, in order: Valkey, then PostgreSQL. This works
the same on every Unix, unlike a parent-death signal. The keeper inherits the lock of the data directory and holds it to
its end.

What it says, one JSON object a line: `{"say": text}` on the way, `{"ready": {...}}` with the addresses when both
servers answer, `{"error": [code, sentence]}` when they cannot be had, `{"bye": true}` to a client that said goodbye as
the last one.
"""

import contextlib
import errno
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import postgres
from .errors import EmbeddedError
from .places import SERVER_SOCKETS, VALKEY_SOCKET, Home, check_free_space
from .servers import Pair, prepare_pair

SECONDS_FOR_FIRST_CLIENT = 20
RESTARTS = 3
POLL_SECONDS = 0.1


class Keeper:
    """State of one keeper: its clients, its two servers, and the last thing worth telling a newcomer."""

    def __init__(self, home: Home, sockets: Path, listener: socket.socket) -> None:
        self.home = home
        self.sockets = sockets
        self.listener = listener
        self.selector = selectors.DefaultSelector()
        self.selector.register(listener, selectors.EVENT_READ)
        self.clients: list[socket.socket] = []
        self.state: dict[str, Any] = {}
        self.pair: Pair | None = None
        self.asked_to_stop = False

    def run(self) -> None:
        """Serve from the first client to the last."""
        signal.signal(signal.SIGTERM, self._on_terminate)
        self.serve_clients(SECONDS_FOR_FIRST_CLIENT)
        try:
            if self.clients:
                self.start_servers()
            while self.clients and not self.asked_to_stop:
                self.serve_clients(POLL_SECONDS)
                self.restart_dead()
        except EmbeddedError as error:
            self.tell({"error": [error.code, error.sentence]})
        except OSError as error:
            known = self.explain(error)
            self.tell({"error": [known.code, known.sentence]})
            if known.code != "disk_full":
                raise
        finally:
            self.close()

    def explain(self, error: OSError) -> EmbeddedError:
        """The sentence for a file that could not be made, read or removed."""
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return EmbeddedError("disk_full", f"The disk of {self.home.path} is full. Free some space and start again.")
        return EmbeddedError("keeper_died", f"{error}; more is in {self.home.logs / 'servers.log'}.")

    def _on_terminate(self, _number: int, _frame: object) -> None:
        self.asked_to_stop = True

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message to every client, and remember it for those who come later unless it is only news."""
        if "say" not in message:
            self.state = message
        for client in list(self.clients):
            self.send(client, message)

    def send(self, client: socket.socket, message: dict[str, Any]) -> None:
        """Send one line; a client that does not take it is dropped."""
        try:
            client.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self.drop(client)

    def drop(self, client: socket.socket) -> None:
        """Forget a client."""
        if client in self.clients:
            self.clients.remove(client)
            self.selector.unregister(client)
            client.close()

    def serve_clients(self, timeout_seconds: float) -> None:
        """Take new clients and goodbyes, waiting at most this long for the first."""
        for key, _ in self.selector.select(timeout_seconds):
            if key.fileobj is self.listener:
                self.welcome()
            else:
                self.hear(key.fileobj)  # type: ignore[arg-type]  # only sockets are registered

    def welcome(self) -> None:
        """Take a new client and tell it how things stand."""
        client, _ = self.listener.accept()
        client.settimeout(2)
        self.clients.append(client)
        self.selector.register(client, selectors.EVENT_READ)
        if self.state:
            self.send(client, self.state)

    def hear(self, client: socket.socket) -> None:
        """A client said goodbye, or its connection ended."""
        try:
            words = client.recv(64)
        except OSError:
            words = b""
        if words:
            self.send(client, {"bye": len(self.clients) == 1})
        self.drop(client)

    def start_servers(self) -> None:
        """Start both servers, making their data first if there is none, and say where they listen."""
        self.pair = prepare_pair(self.home, self.sockets, say=lambda text: self.tell({"say": text}))
        self.pair.start()
        self.announce()

    def announce(self) -> None:
        """Write the addresses into the state file and tell them to everyone."""
        assert self.pair is not None and self.pair.postgres is not None
        folder = self.sockets / SERVER_SOCKETS
        ready = {
            "database_url": f"postgres://{postgres.USER}@{quote(str(folder), safe='')}/{postgres.DATABASE}",
            "redis_url": f"unix://{folder / VALKEY_SOCKET}",
            "postgres_pid": self.pair.postgres.pid,
            "programs": str(self.pair.cluster.programs.folder),
        }
        write_state(self.home, ready | control_of(self.sockets))
        self.tell({"ready": ready})

    def restart_dead(self) -> None:
        """Start a server again that ended by itself; give up with the reason when it does not come back."""
        assert self.pair is not None
        for name, status in self.pair.dead():
            self.tell({"say": f"{name} ended unexpectedly (status {status}); starting it again."})
            self.start_again()
            self.tell({"say": f"{name} is back."})

    def start_again(self) -> None:
        """Start what is down, a few times at most."""
        assert self.pair is not None
        for attempt in range(1, RESTARTS + 1):
            try:
                check_free_space(self.home)
                self.pair.start()
                break
            except EmbeddedError:
                if attempt == RESTARTS:
                    raise
                time.sleep(attempt)
        self.announce()

    def close(self) -> None:
        """Take no more clients, stop both servers in order, and leave no file behind that says otherwise."""
        self.listener.close()
        self.home.state.unlink(missing_ok=True)
        if self.pair is not None:
            self.pair.stop()
        for path in (self.sockets / "control", self.sockets / SERVER_SOCKETS / VALKEY_SOCKET):
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            (self.sockets / SERVER_SOCKETS).rmdir()
            self.sockets.rmdir()


def control_of(sockets: Path) -> dict[str, Any]:
    """What a client needs to find this keeper."""
    return {"control": str(sockets / "control"), "keeper_pid": os.getpid()}


def write_state(home: Home, state: dict[str, Any]) -> None:
    """Replace the state file in one step."""
    draft = home.state.with_suffix(".new")
    draft.write_text(json.dumps(state, indent=1))
    draft.chmod(0o600)
    draft.replace(home.state)


def listen(sockets: Path) -> socket.socket:
    """The socket that clients hold on to, for this user alone."""
    path = sockets / "control"
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(64)
    return listener


def main(home: Home, sockets: Path) -> None:
    """Become a process of its own, announce the control socket, and keep the servers."""
    if os.fork():
        os._exit(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    listener = listen(sockets)
    write_state(home, control_of(sockets))
    Keeper(home, sockets, listener).run()


if __name__ == "__main__":
    os.set_inheritable(int(sys.argv[3]), False)  # the lock is the keeper's, not the servers'
    try:
        main(Home(Path(sys.argv[1])), Path(sys.argv[2]))
    except Exception:
        traceback.print_exc()
        raise
