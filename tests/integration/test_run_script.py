"""`./run` as a person meets it: what it says, what it leaves running, and with which status it ends."""

import ast
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.embedded.account import server_account
from config.embedded.places import Home, prepare_sockets
from config.embedded.postgres import command_line
from config.launcher.install import is_installed

REPOSITORY = Path(__file__).resolve().parents[2]
RUN = REPOSITORY / "run"

pytestmark = pytest.mark.skipif(not is_installed(dev=True), reason="./run test installs everything first")


@pytest.fixture
def home() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="wb-run-"))
    directory.chmod(0o711)
    yield directory / "home"
    shutil.rmtree(directory)
    shutil.rmtree(prepare_sockets(Home(directory / "home"), server_account(None)))


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, **variables: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return inherited | {"WATTBOURSE_HOME": str(home)} | variables


def run(home: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(RUN), *arguments],
        env=environment(home, **variables),
        capture_output=True,
        text=True,
        timeout=180,
    )


@contextlib.contextmanager
def running(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`./run` in the background, its first page up. Its output goes to a file: nobody reads a pipe here."""
    home.mkdir()
    with (home / "terminal.txt").open("wb") as terminal:
        process = subprocess.Popen(
            [sys.executable, str(RUN), "--port", str(port)],
            env=environment(home),
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
    try:
        wait_until(lambda: process.poll() is not None or answers(port), "the first page comes")
        assert process.poll() is None, (home / "terminal.txt").read_text()
        yield process
    finally:
        process.kill()
        process.wait()
        wait_until(lambda: leftovers(home) == [], "everything has stopped")


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still waiting until {what}"
        time.sleep(0.1)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def leftovers(home: Path) -> list[str]:
    """Command lines of processes of this data directory, known by their arguments or environment (Linux)."""
    marks = [f"WATTBOURSE_HOME={home}\0".encode(), str(home).encode()]
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        if int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            words = (entry / "environ").read_bytes() + b"\0" + (entry / "cmdline").read_bytes()
            if any(mark in words for mark in marks):
                found.append(command_line(int(entry.name)))
    return found


def test_script_parses_in_old_pythons_that_must_be_told_that_they_are_old() -> None:
    ast.parse(RUN.read_text(), feature_version=(3, 4))


def test_help_names_every_word(home: Path) -> None:
    done = run(home, "--help")
    assert done.returncode == 0
    assert all(word in done.stderr for word in ("demo", "setup", "test", "bench", "COMMAND", "WATTBOURSE_HOME"))


def test_management_command_prints_its_own_output_only(home: Path) -> None:
    done = run(home, "shell", "--no-imports", "-c", "from accounts.models import User; print(User.objects.count())")
    assert (done.returncode, done.stdout) == (0, "0\n")
    assert leftovers(home) == []


def test_failed_management_command_gives_its_status(home: Path) -> None:
    assert run(home, "no_such_command").returncode == 1


def test_benchmarks_are_listed_with_a_title_each(home: Path) -> None:
    listed = run(home, "bench").stdout.splitlines()
    assert {line.split()[0] for line in listed} >= {"start"}
    assert all(len(line.split()) > 1 for line in listed)


def test_half_set_servers(home: Path) -> None:
    done = run(home, "showmigrations", DATABASE_URL="postgres://somewhere/else")
    assert done.returncode == 1
    assert "REDIS_URL is not set" in done.stderr
    assert "[servers_half_set]" in done.stderr


def test_fresh_never_touches_an_operators_own_servers(home: Path, port: int) -> None:
    variables = {"DATABASE_URL": "postgres://somewhere/else", "REDIS_URL": "redis://somewhere"}
    done = run(home, "demo", "--fresh", "--port", str(port), **variables)
    assert done.returncode == 1
    assert "[fresh_by_setting]" in done.stderr


def test_taken_port(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        done = run(home, "--port", str(number))
    assert done.returncode == 1
    assert f"Port {number} is taken" in done.stderr
    assert f"./run --port {number + 1}" in done.stderr
    assert not (home / "servers").exists()


def test_demo_for_some_seconds_ends_well_and_goes_on_where_it_stopped(home: Path, port: int) -> None:
    first = run(home, "demo", "--for", "4", "--port", str(port))
    assert first.returncode == 0, first.stderr
    assert f"http://localhost:{port}" in first.stderr
    assert all(login in first.stderr for login in ("prosumer", "tenant", "administrator", "second", "auditor"))
    assert leftovers(home) == []
    users = run(home, "shell", "--no-imports", "-c", "from accounts.models import User; print(User.objects.count())")
    assert int(users.stdout) >= 3


@pytest.mark.crash
def test_second_run_beside_the_first_and_a_polite_stop(home: Path, port: int) -> None:
    with running(home, port) as first:
        second = run(home, "--port", str(port + 1 if port < 65_535 else port - 1))
        assert second.returncode == 1
        assert "already running" in second.stderr
        assert f"http://localhost:{port}" in second.stderr
        fresh = run(home, "demo", "--fresh", "--port", "0")
        assert "[already_running]" in fresh.stderr
        assert answers(port)
        first.send_signal(signal.SIGINT)
        assert first.wait(60) == 0
        assert leftovers(home) == []


@pytest.mark.crash
def test_killed_run_leaves_nothing_behind(home: Path, port: int) -> None:
    with running(home, port) as process:
        process.kill()
        process.wait()
        wait_until(lambda: leftovers(home) == [], "everything has stopped")


@pytest.mark.crash
def test_dead_web_process_is_started_again(home: Path, port: int) -> None:
    with running(home, port):
        victims = [pid for pid in pids() if "uvicorn" in command_line(pid) and f"--port {port} " in command_line(pid)]
        assert len(victims) == 1
        os.kill(victims[0], signal.SIGKILL)
        wait_until(lambda: "web process ended unexpectedly" in (home / "terminal.txt").read_text(), "it is noticed")
        wait_until(lambda: answers(port), "the pages are back")


def pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
