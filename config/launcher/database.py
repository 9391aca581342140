"""The servers and the schema for a command: by setting, or the embedded ones."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.embedded import connect_or_start, servers_by_setting

from .errors import LauncherError, say
from .paths import REPOSITORY, fingerprint, home, is_stamped, put_stamp


@contextmanager
def servers(place: Path | None = None, lost: threading.Event | None = None) -> Iterator[dict[str, str]]:
    """The environment for a process that needs the servers; embedded ones are there as long as the context lasts.

    `lost`, if given, is the flag that is set when embedded servers end and cannot be started again.
    """
    place = place or home()
    environment = os.environ | {"WATTBOURSE_HOME": str(place), "PYTHONUNBUFFERED": "1"}
    if servers_by_setting(os.environ):
        yield environment
        return
    with connect_or_start(place, say=say, lost=lost) as embedded:
        yield environment | embedded.environment


def migrate(environment: dict[str, str]) -> None:
    """Bring the database to today's schema. The embedded one has a stamp: nothing is asked when nothing changed."""
    stamp = Path(environment["WATTBOURSE_HOME"]) / "migrated"
    value = fingerprint(REPOSITORY.glob("*/migrations/*.py")) + fingerprint([REPOSITORY / "requirements.lock"])
    embedded = not servers_by_setting(os.environ)
    if embedded and is_stamped(stamp, value):
        return
    say("Bringing the database up to date ...")
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"],
        cwd=REPOSITORY,
        env=environment,
        check=False,
    )
    if done.returncode != 0:
        raise LauncherError("migration_failed", "The database could not be brought up to date; the reason is above.")
    if embedded:
        put_stamp(stamp, value)
