"""Static files collected before the pages start: names with digests, compressed, nothing to do when nothing changed."""

import subprocess
import sys

from .errors import LauncherError
from .install import LOCK
from .paths import REPOSITORY, fingerprint, home, is_stamped, put_stamp


def collect(environment: dict[str, str]) -> dict[str, str]:
    """The environment with the folder of collected files named in it; an operator's own stays as it is."""
    if environment.get("WATTBOURSE_STATIC"):
        return environment
    folder = home() / "static"
    environment = environment | {"WATTBOURSE_STATIC": str(folder)}
    stamp, value = folder / "collected", fingerprint([*REPOSITORY.glob("*/static/**/*.*"), LOCK])
    if is_stamped(stamp, value):
        return environment
    command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--clear", "--verbosity", "0"]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise LauncherError("static_failed", f"The files of the pages could not be collected: {lines[-1]}")
    put_stamp(stamp, value)
    return environment
