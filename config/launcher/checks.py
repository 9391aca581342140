"""`./run test`: everything that must hold, on servers of its own that leave nothing behind.

With arguments, only pytest runs, with those arguments. Without, the tests run in as many processes as there are cores,
each on a database of its own; the tests of one file stay together, in one process, and those with a browser come last
(tests/conftest.py).
"""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .database import servers
from .errors import say
from .paths import REPOSITORY

PYTHON = [sys.executable]
MANAGE = [sys.executable, "manage.py"]
PROGRAMS = Path(sys.executable).parent
PRODUCTION = {
    "SECRET_KEY": secrets.token_urlsafe(64),
    "WATTBOURSE_HTTPS": "1",
    "ALLOWED_HOSTS": "exchange.example",
    "DEBUG": "0",
}
PROCESSES = min(os.cpu_count() or 1, 4)  # more would need more connections than the embedded database takes
ALL_TESTS = ["--numprocesses", str(PROCESSES), "--dist", "loadgroup", "--no-loadscope-reorder", "--durations", "15"]
CHECKS: list[tuple[str, list[str], dict[str, str]]] = [
    ("ruff check", [*PYTHON, "-m", "ruff", "check", "."], {}),
    ("ruff format", [*PYTHON, "-m", "ruff", "format", "--check", "."], {}),
    ("mypy", [*PYTHON, "-m", "mypy", "."], {}),
    ("import contracts", [str(PROGRAMS / "lint-imports")], {}),
    ("migrations complete", [*MANAGE, "makemigrations", "--check", "--dry-run"], {}),
    ("deployment settings", [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
]


def test(arguments: list[str]) -> int:
    """Exit status: 0 when every check and every test passed."""
    with throwaway_home() as place, servers(place) as environment:
        environment["PATH"] = f"{PROGRAMS}{os.pathsep}{environment.get('PATH', os.defpath)}"
        failed = [] if arguments else failed_checks(environment)
        command = [*PYTHON, "-m", "pytest", *(arguments or ALL_TESTS)]
        status = subprocess.run(command, cwd=REPOSITORY, env=environment, check=False)
    for name in failed:
        say(f"FAILED: {name} (see above)")
    return status.returncode or bool(failed)


def failed_checks(environment: dict[str, str]) -> list[str]:
    """Run every check, print its output, and return the names of those that failed."""
    failed = []
    for name, command, variables in CHECKS:
        say(f"== {name}")
        if subprocess.run(command, cwd=REPOSITORY, env=environment | variables, check=False).returncode != 0:
            failed.append(name)
    return failed


@contextmanager
def throwaway_home() -> Iterator[Path]:
    """A data directory for one run of the tests."""
    place = Path(tempfile.mkdtemp(prefix="wattbourse-test-"))
    place.chmod(0o711)  # the servers of a root run as someone else
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
