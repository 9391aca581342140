"""`./run screenshots`: pictures of every page, of the demo that runs, or of one that is started for it.

With `--docs` it only writes the list of them into docs/portal.md.
"""

import fcntl
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.screenshots import listed

from .database import servers
from .demo import SECONDS_TO_FIRST_PAGE, is_healthy
from .errors import LauncherError, say
from .paths import REPOSITORY, home

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PAGES = REPOSITORY / "docs" / "portal.md"
BEGIN, END = "<!-- pictures -->\n", "<!-- end of pictures -->\n"
STARTING_S = 4 * SECONDS_TO_FIRST_PAGE  # a first start installs and migrates


def screenshots(arguments: list[str]) -> int:
    """Take them; returns the exit status."""
    if "--docs" in arguments:
        PAGES.write_text(with_list(PAGES.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    if not any(map(shutil.which, CHROMIUM)):
        raise LauncherError(
            "no_chromium",
            "Chromium takes the pictures, and this machine has none. Install the package 'chromium'.",
        )
    named = [each for each in arguments if not each.startswith("-")]
    folder = Path(named[0]).absolute() if named else home() / "screenshots"
    with running_demo() as port, servers() as environment:
        command = [sys.executable, "-m", "config.screenshots", str(folder), f"http://localhost:{port}"]
        options = [each for each in arguments if each == "--all"]
        return subprocess.run([*command, *options], cwd=REPOSITORY, env=environment, check=False).returncode


def with_list(text: str) -> str:
    """The page with the list of today's pictures between its two marks."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + listed() + END + rest.partition(END)[2]


@contextmanager
def running_demo() -> Iterator[int]:
    """The port of the demo that runs with this data directory; one is started, and stopped, where none does."""
    port = port_of_running()
    if port is not None:
        yield port
        return
    say("Starting the demo for the pictures; a first time it fills in its past for some minutes ...")
    port = free_port()
    command = [sys.executable, "-m", "config.launcher", "demo", "--port", str(port)]
    with (home() / "screenshots.log").open("w") as log:
        demo = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        wait_for(port, demo)
        yield port
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(60)


def port_of_running() -> int | None:
    """Where the running exchange serves its pages; None where none runs."""
    lock = home() / "run.lock"
    if not lock.exists():
        return None
    with lock.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(json.loads(handle.read() or "{}").get("port", 0)) or None
    return None


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, demo: "subprocess.Popen[bytes]") -> None:
    """Until the pages answer."""
    deadline = time.monotonic() + STARTING_S
    while not is_healthy(port):
        if demo.poll() is not None or time.monotonic() > deadline:
            raise LauncherError("web_silent", f"The demo did not start; see {home()}/screenshots.log.")
        time.sleep(0.2)
