"""Under which account the servers run.

PostgreSQL refuses to run as root, so root hands both servers to an unprivileged account: whoever owns the data already,
else ``wattbourse`` where the operator created such an account, else ``nobody``. Everyone else runs them as themselves.
"""

import errno
import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import EmbeddedError

PREFERRED_NAMES = ("wattbourse", "nobody")


@dataclass(frozen=True)
class Account:
    """The user and group of the server processes, as numbers (an owner without a name is an owner too)."""

    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether the servers run as someone else than this process."""
        return self.uid != os.geteuid()

    def popen_options(self) -> dict[str, Any]:
        """Options for ``subprocess`` that start a process under this account, with files only it may read."""
        options: dict[str, Any] = {"umask": 0o077}
        if self.is_other:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return options

    def can_enter(self, directory: Path) -> bool:
        """Whether this account may walk into the directory: a home of mode 700 above it is enough to say no."""
        if not self.is_other:
            return os.access(directory, os.X_OK)
        command = ["/bin/sh", "-c", 'cd "$1"', "sh", str(directory)]
        return run_quietly(command, self) == 0

    def give(self, path: Path) -> None:
        """Make this account the owner of one path."""
        if self.is_other:
            os.chown(path, self.uid, self.gid)


def run_quietly(command: list[str], account: Account) -> int:
    """Exit status of a command under the account, 126 where it may not run it.

    Raises ``cannot_drop_privileges`` where root may not change user.
    """
    try:
        return subprocess.run(
            command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, check=False, **account.popen_options()
        ).returncode
    except PermissionError as error:
        if error.errno == errno.EACCES:  # the program may not be run; changing user fails with EPERM
            return 126
        raise EmbeddedError(
            "cannot_drop_privileges",
            f"PostgreSQL does not run as root, and this root may not start processes as user {account.uid} "
            f"({error.strerror}). Run the command as an ordinary user.",
        ) from error


def server_account(existing_data: Path | None) -> Account:
    """The account for the servers of a data directory; ``existing_data`` is a cluster that is there already."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if existing_data is not None and existing_data.stat().st_uid != 0:
        found = existing_data.stat()
        return Account(found.st_uid, found.st_gid)
    for name in PREFERRED_NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        "no_server_account",
        "PostgreSQL does not run as root, and this machine has no account 'wattbourse' or 'nobody' to run it. "
        "Create one (useradd --system wattbourse) or run the command as an ordinary user.",
    )
