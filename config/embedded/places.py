"""Where the servers keep their files.

`HOME/servers` holds the data (`pg18`, `valkey`), `HOME/logs` the logs, `HOME/servers.lock` the lock that makes sure of
one owner per data directory on a machine, and `HOME/servers.json` says where the running servers listen. Sockets live
in a short private directory of a temporary directory, because a socket path over 107 bytes (103 on macOS) cannot be
bound; its path is lower case, because the host part of an address, where it is written, does not tell cases apart.

Root's servers run as another user, who may not be able to enter `HOME` (a clone inside /root, say). `HOME/servers` is
then a link to a new directory in /var/lib/wattbourse.
"""

import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .account import Account, server_account
from .errors import EmbeddedError

LONGEST_SOCKET_BYTES = 103
LEAST_FREE_BYTES = 256 * 1024 * 1024
SHARED_STATE = Path("/var/lib/wattbourse")
SERVER_SOCKETS = "s"
POSTGRES_SOCKET = ".s.PGSQL.5432"
VALKEY_SOCKET = "valkey.sock"


@dataclass(frozen=True)
class Home:
    """The paths inside one data directory; nothing is made or checked by looking at them."""

    path: Path

    @property
    def lock(self) -> Path:
        return self.path / "servers.lock"

    @property
    def state(self) -> Path:
        return self.path / "servers.json"

    @property
    def servers(self) -> Path:
        return self.path / "servers"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def clusters(self) -> dict[int, Path]:
        """PostgreSQL data directories that are here, by major version."""
        named = {path: re.fullmatch(r"pg(\d+)", path.name) for path in self.servers.glob("pg*")}
        return {int(match.group(1)): path for path, match in named.items() if match and (path / "PG_VERSION").is_file()}


def prepare_home(home: Home) -> None:
    """Make the directories that this process itself writes to; raises ``home_unwritable``."""
    try:
        home.path.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        home.logs.mkdir(exist_ok=True)
        home.lock.touch(mode=0o600)
        with home.lock.open("a"):
            pass
    except OSError as error:
        raise unwritable(home.path, error) from error


def unwritable(path: Path, error: OSError) -> EmbeddedError:
    """The sentence for a directory that cannot be made or written."""
    return EmbeddedError(
        "home_unwritable",
        f"Cannot write to the data directory {path} ({error.strerror}). "
        "Give this user the right to write there, or name another directory with WATTBOURSE_HOME.",
    )


def check_free_space(home: Home) -> None:
    """Raise ``disk_full`` before a server finds out halfway."""
    free_bytes = shutil.disk_usage(home.servers if home.servers.exists() else home.path).free
    if free_bytes < LEAST_FREE_BYTES:
        raise EmbeddedError(
            "disk_full",
            f"Only {free_bytes // 1_000_000} MB are free where the data is kept ({home.path}); the servers need "
            f"{LEAST_FREE_BYTES // 1_000_000} MB. Free some space, or name another directory with WATTBOURSE_HOME.",
        )


def prepare_servers(home: Home) -> Account:
    """Make the directory of the servers' data, somewhere their account can enter, and return that account."""
    clusters = sorted(home.clusters().items())
    account = server_account(clusters[-1][1] if clusters else None)
    try:
        if home.servers.is_symlink() or not home.servers.exists():
            _make_servers(home, account)
    except OSError as error:
        raise unwritable(home.servers, error) from error
    if not account.can_enter(home.servers.resolve()):
        raise EmbeddedError(
            "home_unreachable",
            f"The servers run as user {account.uid}, who may not enter {home.servers.resolve()}. "
            "Allow it (chmod o+x on the directories above), or name another directory with WATTBOURSE_HOME.",
        )
    return account


def _make_servers(home: Home, account: Account) -> None:
    if home.servers.is_symlink():
        home.servers.resolve().mkdir(mode=0o711, parents=True, exist_ok=True)
    elif account.can_enter(home.path):
        home.servers.mkdir(mode=0o711)
    else:
        elsewhere = SHARED_STATE / secrets.token_hex(6)
        elsewhere.mkdir(parents=True)
        for directory in (SHARED_STATE, elsewhere):
            directory.chmod(0o711)
        home.servers.symlink_to(elsewhere)


def prepare_sockets(home: Home, account: Account) -> Path:
    """A short directory for the sockets: ours alone, with a folder of the servers' account inside."""
    digest = hashlib.sha256(os.fsencode(home.path)).hexdigest()[:12]
    for parent in (Path("/tmp"), Path("/var/tmp"), Path(tempfile.gettempdir())):
        directory = parent / f"wb-{digest}"
        longest_bytes = len(os.fsencode(directory / SERVER_SOCKETS / POSTGRES_SOCKET))
        is_plain = str(directory) == str(directory).lower()
        if is_plain and longest_bytes <= LONGEST_SOCKET_BYTES and os.access(parent, os.W_OK):
            return _own_directory(directory, account)
    raise EmbeddedError(
        "no_socket_directory",
        "No temporary directory with a short lower-case path can be written to: set TMPDIR to one.",
    )


def _own_directory(directory: Path, account: Account) -> Path:
    try:
        directory.mkdir(mode=0o711, exist_ok=True)
    except OSError as error:
        raise unwritable(directory, error) from error
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise EmbeddedError(
            "socket_directory_taken",
            f"{directory} belongs to someone else. Remove it, or set TMPDIR to a directory of your own.",
        )
    directory.chmod(0o711 if account.is_other else 0o700)
    inner = directory / SERVER_SOCKETS
    inner.mkdir(mode=0o700, exist_ok=True)
    account.give(inner)
    return directory
