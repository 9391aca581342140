"""One PostgreSQL: making its data directory, starting, watching and stopping it.

Every setting is given on the command line, so that a newer version of the product brings its own and the data directory
holds data alone. It is durable (fsync and synchronous commit), listens on a socket only, and fits a small machine.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .account import Account
from .binaries import Postgres
from .errors import EmbeddedError
from .places import Home

DATABASE = USER = "wattbourse"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_compression": "on",
    "shared_buffers": "192MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "10min",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_min_duration_statement": "5s",
}
SECONDS_TO_START = 120  # recovery after a power cut replays the write-ahead log
SECONDS_TO_STOP = 60
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Cluster:
    """A data directory, the programs that go with it, and the account that owns it."""

    data: Path
    programs: Postgres
    account: Account
    sockets: Path
    log: Path

    @property
    def pid_file(self) -> Path:
        return self.data / "postmaster.pid"


def choose_data(home: Home, programs: Postgres) -> Path:
    """The data directory of this major version; raises ``data_version`` where only another version's data is here."""
    others = [major for major in home.clusters() if major != programs.major]
    if programs.major not in home.clusters() and others:
        found = max(others)
        raise EmbeddedError(
            "data_version",
            f"The data in {home.servers / f'pg{found}'} was written by PostgreSQL {found}, and PostgreSQL "
            f"{programs.major} is installed now. See 'Upgrade' in docs/operations.md, or start anew with "
            "./run demo --fresh.",
        )
    return home.servers / f"pg{programs.major}"


def create(cluster: Cluster) -> None:
    """Make the data directory with an empty database in it. It appears under its name only when it is whole."""
    draft = cluster.data.with_name(cluster.data.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    cluster.account.give(draft)
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if cluster.programs.major >= 17 else []
    initdb = [
        str(cluster.programs.initdb),
        "-D",
        str(draft),
        "-U",
        USER,
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
    ]
    _run_step(cluster, [*initdb, *locale])
    single = [str(cluster.programs.postgres), "--single", "-D", str(draft), "template1"]
    _run_step(cluster, single, f"CREATE DATABASE {DATABASE};\n")
    draft.rename(cluster.data)


def _run_step(cluster: Cluster, command: list[str], text: str = "") -> None:
    done = subprocess.run(
        command, input=text, text=True, capture_output=True, check=False, cwd="/",
        env=ENVIRONMENT, **cluster.account.popen_options(),
    )  # fmt: skip
    with cluster.log.open("a") as log:
        log.write(done.stdout + done.stderr)
    if done.returncode != 0:
        raise explain_failure(done.stderr, cluster)


def start(cluster: Cluster) -> subprocess.Popen[bytes]:
    """Start the server and wait until it takes connections; tries again while a killed one's processes go on."""
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        process, log_start = _spawn(cluster)
        while process.poll() is None:
            if is_ready(cluster, process.pid):
                return process
            if time.monotonic() > deadline:
                process.kill()
                raise EmbeddedError(
                    "database_slow", f"PostgreSQL did not start in {SECONDS_TO_START} s; see {cluster.log}."
                )
            time.sleep(0.02)
        log = read_from(cluster.log, log_start)
        if "pre-existing shared memory block" not in log or time.monotonic() > deadline:
            raise explain_failure(log, cluster)
        time.sleep(0.2)


def _spawn(cluster: Cluster) -> tuple[subprocess.Popen[bytes], int]:
    settings = SETTINGS | {"unix_socket_directories": str(cluster.sockets)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    log_start = cluster.log.stat().st_size if cluster.log.exists() else 0
    with cluster.log.open("ab") as log:
        process = subprocess.Popen(
            [str(cluster.programs.postgres), "-D", str(cluster.data), *options],
            cwd="/", env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, **cluster.account.popen_options(),
        )  # fmt: skip
    return process, log_start


def is_ready(cluster: Cluster, pid: int) -> bool:
    """Whether the server says in its pid file (eighth line, as pg_ctl reads it) that it takes connections."""
    try:
        lines = cluster.pid_file.read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def clear_leftovers(cluster: Cluster) -> None:
    """Deal with the pid file that a power cut or a kill left. Only for the holder of the lock.

    A server that still runs has lost its keeper: it is stopped properly. Any other process with that number is a
    stranger who got it after a reboot, and PostgreSQL itself would refuse to start beside it.
    """
    try:
        pid = int(cluster.pid_file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return
    if is_our_server(pid, cluster.data):
        os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + SECONDS_TO_STOP
        while is_our_server(pid, cluster.data) and time.monotonic() < deadline:
            time.sleep(0.05)
        if is_our_server(pid, cluster.data):
            os.kill(pid, signal.SIGQUIT)
    else:
        cluster.pid_file.unlink(missing_ok=True)


def is_our_server(pid: int, data: Path) -> bool:
    """Whether a process is a PostgreSQL server of this data directory."""
    words = command_line(pid)
    return str(data) in words and "postgres" in words.split(" ", 1)[0]


def command_line(pid: int) -> str:
    """The command line of a process, empty when there is none."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    asked = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server: politely to its data (fast), then at once (it recovers next time), then by force."""
    for number, seconds in ((signal.SIGINT, SECONDS_TO_STOP), (signal.SIGQUIT, 15), (signal.SIGKILL, 15)):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue


def read_from(log: Path, offset: int) -> str:
    """What was written to a log since it had this size."""
    with log.open("rb") as file:
        file.seek(offset)
        return file.read().decode(errors="replace")


REASONS = (
    (
        r"No space left on device|Disk quota exceeded",
        "disk_full",
        "The disk of {data} is full. Free some space and start again; no data is lost.",
    ),
    (
        r"incompatible with server",
        "data_version",
        "{data} was written by another version of PostgreSQL. See 'Upgrade' in docs/operations.md.",
    ),
    (
        r"could not locate a valid checkpoint|invalid primary checkpoint|not a valid data directory"
        r"|could not find the database system",
        "data_damaged",
        "{data} is damaged. Restore a backup as docs/operations.md says.",
    ),
    (
        r"pre-existing shared memory block",
        "data_in_use",
        "Processes of an earlier PostgreSQL still use {data}. End them, then start again.",
    ),
)


def explain_failure(log: str, cluster: Cluster) -> EmbeddedError:
    """Turn what PostgreSQL said into a sentence with a code."""
    for pattern, code, sentence in REASONS:
        if re.search(pattern, log):
            return EmbeddedError(code, sentence.format(data=cluster.data))
    said = re.findall(r"(?:FATAL|PANIC|initdb: error|ERROR):\s*(.+)", log)
    reason = said[-1] if said else "it gave no reason"
    sentence = f"PostgreSQL did not start: {reason}. The whole story is in {cluster.log}."
    return EmbeddedError("database_failed", sentence)
