"""The words after `./run`, and what each of them starts."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable

from config.embedded import EmbeddedError

from .checks import test
from .database import migrate, servers
from .demo import demo
from .errors import LauncherError, say
from .install import ensure_installed, write_locks
from .paths import ENVIRONMENT, PYTHON, REPOSITORY, home
from .screenshots import screenshots

USAGE = """\
./run                     the exchange with a simulated campus and park, on http://localhost:8000
./run demo --fresh        the same, starting over    (--for SECONDS, --speed N, --port N)
./run setup               only install what is needed
./run test [ARGUMENTS]    all checks and tests; with arguments, pytest alone
./run bench [NAME]        list the benchmarks, or run one
./run screenshots [DIR]   pictures of every page, of the demo that runs or of one started for it   (--all)
./run with PROGRAM ...    any program, with the servers up and their addresses in its environment
./run lock                make the lock files anew from pyproject.toml
./run COMMAND ...         any management command, with the servers up (./run help lists them)

Data and logs are in var/ (or WATTBOURSE_HOME). With DATABASE_URL and REDIS_URL set, those servers are used.
"""
WITH_TOOLS = {"test", "bench", "screenshots"}  # what they need besides the product: test runner, browser driver
WITHOUT_SERVERS = {"help", "version", "replay_clearing", "makemessages", "compilemessages", "startapp", "spectacular"}
WITHOUT_SCHEMA = {"migrate", "makemigrations", "showmigrations", "sqlmigrate", "flush", "dbshell", "check"}


def main(arguments: list[str]) -> int:
    """Do what the arguments say; returns the exit status. Every foreseeable trouble is one sentence."""
    try:
        return dispatch(arguments)
    except (LauncherError, EmbeddedError) as problem:
        say(str(problem))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        say(f"The disk is full. Free some space and start again; no data is lost. [disk_full] ({error.filename})")
    except KeyboardInterrupt:
        say("\nStopped.")
        return 130
    return 1


def dispatch(arguments: list[str]) -> int:
    """Find the command; no word, or an option, means the demo."""
    if arguments and arguments[0] in ("-h", "--help"):
        say(USAGE)
        return 0
    if not arguments or arguments[0].startswith("-"):
        arguments = ["demo", *arguments]
    name, rest = arguments[0], arguments[1:]
    ensure_installed(dev=name in WITH_TOOLS)
    enter_environment(arguments)
    own: dict[str, Callable[[list[str]], int]] = {
        "setup": setup, "lock": lock, "demo": demo, "test": test, "bench": bench, "with": run_with,
        "screenshots": screenshots,
    }  # fmt: skip
    return own[name](rest) if name in own else manage(arguments)


def enter_environment(arguments: list[str]) -> None:
    """Go on inside the environment that set-up made, unless this is it."""
    if os.path.realpath(sys.prefix) != os.path.realpath(ENVIRONMENT):
        os.chdir(REPOSITORY)
        os.execv(PYTHON, [str(PYTHON), "-m", "config.launcher", *arguments])


def setup(_arguments: list[str]) -> int:
    """Everything is installed by the time this is reached."""
    say("Everything is installed. ./run starts the exchange.")
    return 0


def lock(_arguments: list[str]) -> int:
    """Make the lock files anew."""
    write_locks()
    return 0


def bench(arguments: list[str]) -> int:
    """List the benchmarks or run one, on servers with a data directory of their own, on the same disk as the data."""
    command = [sys.executable, "-m", "config.bench", *arguments]
    if not arguments:
        return run_child(command, dict(os.environ))
    with servers(home() / "bench") as environment:
        return run_child(command, environment)


def run_with(arguments: list[str]) -> int:
    """Run any program beside the servers, such as pg_dump."""
    with servers() as environment:
        try:
            return run_child(arguments or ["env"], environment)
        except FileNotFoundError as error:
            raise LauncherError("no_program", f"There is no program {error.filename}.") from error


def manage(arguments: list[str]) -> int:
    """Run a management command."""
    command = [sys.executable, "manage.py", *arguments]
    if not needs_servers(arguments):
        return run_child(command, dict(os.environ))
    with servers() as environment:
        if arguments[0] not in WITHOUT_SCHEMA:
            migrate(environment)
        return run_child(command, environment)


def needs_servers(arguments: list[str]) -> bool:
    """Whether a command reads or writes the database; a replay does only when told to."""
    name = arguments[0]
    if name == "replay_orders":
        return "--database" in arguments
    return name not in WITHOUT_SERVERS and "--help" not in arguments


def run_child(command: list[str], environment: dict[str, str]) -> int:
    """Run a command in the foreground. Ctrl-C is for the command alone; the launcher outlives it and tidies up."""
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = subprocess.Popen(command, cwd=REPOSITORY, env=environment, restore_signals=True, preexec_fn=heed_ctrl_c)
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        return child.wait()
    finally:
        signal.signal(signal.SIGINT, previous)


def heed_ctrl_c() -> None:
    """In the child: take Ctrl-C as usual."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
