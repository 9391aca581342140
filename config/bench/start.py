"""How long a newcomer waits: a fresh clone in an empty home, `./run`, until the first page; then once more.

Nothing of this machine's caches or environment is used (`env -i`, an empty HOME), only its network and its disk. The
first page is `/`, followed to wherever it leads, answered with status 200.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from . import BenchmarkError

TITLE = "./run on a fresh machine, empty caches, to the first page; and again"

REPOSITORY = Path(__file__).resolve().parents[2]
TARGET_SECONDS = 60.0
TARGET_AGAIN_SECONDS = 5.0
LONGEST_SECONDS = 300.0


def run() -> dict[str, Any]:
    """Seconds to the first page; `conditions` has the second start."""
    folder = Path(tempfile.mkdtemp(prefix="wattbourse-start-"))
    folder.chmod(0o755)
    try:
        clone = folder / "clone"
        subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(clone)], check=True)
        first_seconds = seconds_to_first_page(clone, folder / "home")
        again_seconds = seconds_to_first_page(clone, folder / "home")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {
        "name": "start",
        "value": round(first_seconds, 2),
        "unit": "s",
        "baseline": TARGET_SECONDS,
        "ratio": round(first_seconds / TARGET_SECONDS, 3),
        "conditions": {
            "baseline_is": "the target; lower is better",
            "again_s": round(again_seconds, 2),
            "again_target_s": TARGET_AGAIN_SECONDS,
            "cores": os.cpu_count(),
            "caches": "none: a clone of the last commit, an empty HOME, env -i",
            "npm": "the machine's" if shutil.which("npm", path=os.defpath) else "from a wheel",
        },
    }


def seconds_to_first_page(clone: Path, home: Path) -> float:
    """Start `./run`, wait for the page, stop it as Ctrl-C would; returns the seconds to the page."""
    home.mkdir(exist_ok=True)
    port = free_port()
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home)}
    began = time.monotonic()
    process = subprocess.Popen(["./run", "--port", str(port)], cwd=clone, env=environment, stdout=sys.stderr)
    try:
        wait_for_page(port, process)
        return time.monotonic() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def wait_for_page(port: int, process: subprocess.Popen[bytes]) -> None:
    """Ask for the first page until it comes."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while not page_answers(port):
        if process.poll() is not None:
            raise BenchmarkError(f"./run ended with status {process.returncode} before the first page.")
        if time.monotonic() > deadline:
            raise BenchmarkError(f"No page after {LONGEST_SECONDS:g} s.")
        time.sleep(0.05)


def page_answers(port: int) -> bool:
    """Whether the first page comes with status 200."""
    try:
        with urllib.request.urlopen(f"http://localhost:{port}/", timeout=10) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
