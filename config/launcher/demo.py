"""`./run demo`: the whole exchange on this machine, with a simulated campus and park trading on it.

Goes on where it stopped. One at a time for a data directory, kept by a lock that ends with the process.
"""

import argparse
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.embedded import discard_data, servers_by_setting

from .database import migrate, servers
from .errors import LauncherError, say
from .paths import DEFAULT_PORT, REPOSITORY, home, make_home
from .statics import collect
from .supervisor import Child, Supervisor

SECONDS_TO_FIRST_PAGE = 60.0
LOGINS = ("prosumer", "tenant", "administrator", "second", "auditor")
PASSWORD = "wattbourse"


def options(arguments: list[str]) -> argparse.Namespace:
    """What the person asked for; anything unknown is an error with the usage."""
    parser = argparse.ArgumentParser(
        prog="./run demo", description="Run the exchange with a simulated campus and park."
    )
    parser.add_argument("--fresh", action="store_true", help="start over: forget all data first")
    parser.add_argument(
        "--for", dest="seconds", type=float, metavar="SECONDS", help="stop after so long, with a summary"
    )
    parser.add_argument(
        "--speed", type=float, help="simulated seconds a second (the simulator's own default if absent)"
    )
    parser.add_argument(
        "--port", type=int, default=int(os.environ.get("PORT") or DEFAULT_PORT), help="port of the pages"
    )
    return parser.parse_args(arguments)


def demo(arguments: list[str]) -> int:
    """Run until the time is up or someone says stop; returns the exit status."""
    asked = options(arguments)
    stopping = Stopping()
    with only_one(asked.port):
        check_port(asked.port)
        if asked.fresh:
            start_over()
        with servers(lost=stopping.servers_lost) as environment:
            migrate(environment)
            run_exchange(asked, collect(environment), stopping)
    say("Stopped. The data stays for next time; ./run demo --fresh starts over.")
    return 0


class Stopping:
    """Why to stop: someone asked (Ctrl-C, or SIGTERM from whoever started this), or the servers are gone for good."""

    def __init__(self) -> None:
        self.asked = False
        self.servers_lost = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: object) -> None:
        if not self.asked:
            say("\nStopping: pages, worker, simulator, then the servers ...")
        self.asked = True


@contextmanager
def only_one(port: int) -> Iterator[None]:
    """Hold the lock of the running exchange; raises ``already_running`` with its address."""
    make_home()
    with (home() / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise already_running(lock.read()) from None
        lock.truncate(0)
        lock.write(json.dumps({"pid": os.getpid(), "port": port}))
        lock.flush()
        yield


def already_running(text: str) -> LauncherError:
    """The sentence for a second `./run` beside the first."""
    first = json.loads(text or "{}")
    return LauncherError(
        "already_running",
        f"Wattbourse is already running with the data in {home()}: process {first.get('pid', '?')}, "
        f"http://localhost:{first.get('port', '?')}. Stop it there with Ctrl-C, or start a second one with data and a "
        "port of its own: WATTBOURSE_HOME=/some/directory ./run --port 8001",
    )


def check_port(port: int) -> None:
    """Raise ``port_taken`` before anything is started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise LauncherError(
                "port_forbidden", f"This user may not use port {port}; try ./run --port 8001."
            ) from error
        except (OSError, OverflowError) as error:
            raise LauncherError(
                "port_taken",
                f"Port {port} is taken by another program. Stop it, or choose another port: ./run --port {port + 1}",
            ) from error


def start_over() -> None:
    """Forget the data of the embedded servers; never those of an operator's own."""
    if servers_by_setting(os.environ):
        raise LauncherError(
            "fresh_by_setting",
            "--fresh deletes only data of the servers that come with Wattbourse; DATABASE_URL names another. "
            "Drop and create that database yourself.",
        )
    discard_data(home())
    (home() / "migrated").unlink(missing_ok=True)
    say("Started over: all earlier data is gone.")


def run_exchange(asked: argparse.Namespace, environment: dict[str, str], stopping: Stopping) -> None:
    """Start the processes, wait for the first page, keep them going, stop them in order."""
    say("Starting the pages, the worker and the simulator ...")
    supervisor = Supervisor(children(asked), environment | {"WATTBOURSE_DEMO": "1"})
    try:
        supervisor.start()
        wait_for_page(asked.port, supervisor, stopping)
        if not stopping.asked:
            greet(asked)
        keep_going(asked.seconds, supervisor, stopping)
    finally:
        supervisor.stop()
    if asked.seconds is not None and not stopping.asked:
        subprocess.run([sys.executable, "manage.py", "demo", "--summary"], cwd=REPOSITORY, env=environment, check=False)


def children(asked: argparse.Namespace) -> list[Child]:
    """The processes of the exchange, in the order in which they are stopped."""
    logs = home() / "logs"
    simulator = [sys.executable, "manage.py", "demo"]
    if asked.speed is not None:
        simulator += ["--speed", f"{asked.speed:g}"]
    return [
        Child("web process", web_command(asked.port), logs / "web.log"),
        Child("worker", worker_command(home() / "celerybeat-schedule"), logs / "worker.log"),
        Child("simulator", simulator, logs / "simulator.log", speaks=True),
    ]


def web_command(port: int) -> list[str]:
    """uvicorn with the fastest WebSockets measured, and without compression, which costs more than it saves here."""
    return [
        sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--port", str(port),
        "--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--log-level", "warning",
        "--timeout-graceful-shutdown", "3",
    ]  # fmt: skip


def worker_command(schedule: Path) -> list[str]:
    """One Celery worker with two processes and the beat inside."""
    return [
        sys.executable, "-m", "celery", "--app", "config.celery", "--quiet", "worker", "--beat",
        "--schedule", str(schedule), "--concurrency", "2", "--loglevel", "warning",
        "--without-gossip", "--without-mingle",
    ]  # fmt: skip


def wait_for_page(port: int, supervisor: Supervisor, stopping: Stopping) -> None:
    """Wait until the web process says that it is well."""
    deadline = time.monotonic() + SECONDS_TO_FIRST_PAGE
    while not stopping.asked and not is_healthy(port):
        supervisor.check()
        if time.monotonic() > deadline:
            sentence = f"The pages did not answer in {SECONDS_TO_FIRST_PAGE:g} s; see {home()}/logs/web.log."
            raise LauncherError("web_silent", sentence)
        time.sleep(0.05)


def is_healthy(port: int) -> bool:
    """Whether the page for health checks answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def greet(asked: argparse.Namespace) -> None:
    """Say where the pages are and how to log in."""
    say(f"\nWattbourse is running: http://localhost:{asked.port}")
    say(f"Log in as {', '.join(LOGINS[:-1])} or {LOGINS[-1]}, each with the password {PASSWORD}")
    say(f"Logs: {home() / 'logs'}")
    say(f"It stops by itself after {asked.seconds:g} s.\n" if asked.seconds is not None else "Stop with Ctrl-C.\n")


def keep_going(seconds: float | None, supervisor: Supervisor, stopping: Stopping) -> None:
    """Watch the processes until the time is up or someone says stop."""
    ends_at = None if seconds is None else time.monotonic() + seconds
    while not stopping.asked and (ends_at is None or time.monotonic() < ends_at):
        supervisor.check()
        if stopping.servers_lost.is_set():
            raise LauncherError("servers_lost", f"The servers ended, for the reason above. Logs: {home() / 'logs'}")
        time.sleep(0.1)
