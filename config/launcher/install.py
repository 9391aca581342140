"""Set-up: everything the product needs, in `.venv` and `node_modules`, by the lock files and nothing else.

The lock files carry hashes and no address, so packages come from wherever this machine's own pip, uv and npm settings
say. A stamp with the fingerprint of the lock file makes the next start skip all of it. Python packages and browser
assets are fetched at the same time.

A plain Debian has Python and pip, but neither `ensurepip` nor leave to install beside the system's packages: the
environment is made without pip, and the system's pip installs `uv` into it, which does the rest faster.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from . import assets
from .errors import LauncherError, say
from .paths import ENVIRONMENT, PYTHON, REPOSITORY, fingerprint, home, is_stamped, make_home, put_stamp

UV_LOCK = REPOSITORY / "requirements-uv.lock"
LOCK = REPOSITORY / "requirements.lock"
DEV_LOCK = REPOSITORY / "requirements-dev.lock"
NODE_LOCK = REPOSITORY / "requirements-node.lock"
TOOL = ENVIRONMENT / "uv"  # beside the product's packages, not among them
SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def ensure_installed(*, dev: bool = False) -> None:
    """Install what is missing; quick when nothing is. `dev` adds the tools of the checks."""
    if not is_installed(dev=dev):
        with only_one_installer():
            install(dev=dev)
    assets.compile_catalogues()
    assets.draw_icons()


def is_installed(*, dev: bool) -> bool:
    """Whether the environment is whole and as the lock files want it."""
    return PYTHON.exists() and packages_are_current(dev=dev) and assets.are_current(dev=dev)


def packages_are_current(*, dev: bool) -> bool:
    """Whether the last installation followed today's lock file; the one for development holds everything."""
    stamp = ENVIRONMENT / "installed"
    accepted = [DEV_LOCK] if dev else [LOCK, DEV_LOCK]
    return any(is_stamped(stamp, stamp_of(lock)) for lock in accepted)


def stamp_of(lock: Path) -> str:
    """What the stamp says after an installation from this lock file."""
    return f"{lock.name} {fingerprint([lock, LOCK])}"


@contextmanager
def only_one_installer() -> Iterator[None]:
    """Let one process install at a time; a second one waits, then finds the work done."""
    with LOCK.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up is going on in this folder; waiting for it ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def install(*, dev: bool) -> None:
    """Fetch Python packages and browser assets side by side; raises LauncherError with the log's name."""
    if is_installed(dev=dev):
        return
    began = time.monotonic()
    say("Setting up: Python packages and browser assets ...")
    log = prepare_log()
    make_environment(log)
    npm = assets.system_npm()
    with ThreadPoolExecutor(2) as pool:
        browser = pool.submit(assets.install, npm, log, dev=dev) if npm else None
        packages = pool.submit(install_packages, dev, log)
        packages.result()
        if browser:
            browser.result()
    if not npm:
        install_from(NODE_LOCK, log)
        assets.install(assets.packaged_npm(ENVIRONMENT), log, dev=dev)
    say(f"Set up in {time.monotonic() - began:.0f} s.")


def prepare_log() -> Path:
    """An empty log of this set-up."""
    log = home() / "logs" / "setup.log"
    try:
        make_home()
        log.parent.mkdir(exist_ok=True)
        log.write_text("")
    except OSError as error:
        raise LauncherError(
            "home_unwritable",
            f"Cannot write to the data directory {home()} ({error.strerror}). "
            "Give this user the right to write there, or name another directory with WATTBOURSE_HOME.",
        ) from error
    return log


def make_environment(log: Path) -> None:
    """Make `.venv`, again if the Python behind it is gone."""
    if PYTHON.exists() and subprocess.run([str(PYTHON), "-c", ""], check=False).returncode == 0:
        return
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    if run_step([sys.executable, "-m", "venv", "--without-pip", str(ENVIRONMENT)], log) != 0:
        raise LauncherError("setup_failed", f"Python could not make the environment {ENVIRONMENT}; see {log}.")


def install_packages(dev: bool, log: Path) -> None:
    """Bring the environment to what the lock file says."""
    if packages_are_current(dev=dev):
        return
    lock = DEV_LOCK if dev else LOCK
    install_from(lock, log)
    put_stamp(ENVIRONMENT / "installed", stamp_of(lock))


def install_from(lock: Path, log: Path) -> None:
    """Install one lock file: with uv, trusting the system's certificates first, else with pip."""
    options = ["--require-hashes", "--no-deps", "-r", str(lock)]
    uv = find_uv(log)
    if uv:
        command = [uv, "pip", "install", "--quiet", "--python", str(PYTHON), *options]
        if run_step([*command, "--system-certs"], log) == 0 or run_step(command, log) == 0:
            return
    if not run_pip(["install", "--quiet", *options], log):
        raise LauncherError(
            "setup_failed", f"The packages of {lock.name} could not be installed; see {log}.{last_line(log)}"
        )


def find_uv(log: Path) -> str | None:
    """The pinned uv, installed if need be; None where pip cannot get it."""
    program = TOOL / "bin" / "uv"
    if not program.exists():
        target = ["--target", str(TOOL), "--require-hashes", "--no-deps", "-r", str(UV_LOCK)]
        if not run_pip(["install", "--quiet", *target], log):
            return None
    return str(program)


def run_pip(arguments: list[str], log: Path) -> bool:
    """Run the system's pip on the environment; the environment's own where the system has none or an old one.

    Not every pip trusts the system's certificates, so a second try names them.
    """
    quiet = ["--disable-pip-version-check", "--no-input"]
    outside = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    bundle = {"PIP_CERT": str(SYSTEM_CERTIFICATES)} if SYSTEM_CERTIFICATES.exists() else {}
    for extra in ({}, bundle):
        if run_step([*outside, *quiet, *arguments], log, extra) == 0:
            return True
    if run_step([str(PYTHON), "-m", "ensurepip"], log) != 0:
        return False
    inside = [str(PYTHON), "-m", "pip", *quiet, *arguments]
    return run_step(inside, log) == 0 or run_step(inside, log, bundle) == 0


def run_step(command: list[str], log: Path, extra: dict[str, str] | None = None) -> int:
    """Exit status of a command whose output goes to the log."""
    with log.open("a") as output:
        output.write("$ " + " ".join(command) + "\n")
        output.flush()
        return subprocess.run(
            command, cwd=REPOSITORY, env=os.environ | (extra or {}), check=False,
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        ).returncode  # fmt: skip


def last_line(log: Path) -> str:
    """The last thing a failed step said, as the tail of a sentence."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f" It said: {lines[-1]}" if lines else ""


def write_locks() -> None:
    """Make the lock files anew from pyproject.toml, for every system and Python at once, without any address."""
    log = prepare_log()
    uv = find_uv(log)
    command = [str(uv), "pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade"]
    command += ["--quiet", "--system-certs", "--no-emit-index-url", "--no-annotate", "--no-header"]
    project = str(REPOSITORY / "pyproject.toml")
    steps = [
        [*command, project, "-o", str(LOCK)],
        [*command, project, "--group", "dev", "-c", str(LOCK), "-o", str(DEV_LOCK)],
    ]
    for step in steps:
        if run_step(step, log) != 0:
            raise LauncherError("lock_failed", f"The lock files could not be made; see {log}.{last_line(log)}")
        say(f"Wrote {step[-1]}")
