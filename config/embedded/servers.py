"""The two servers of one data directory as a pair: prepared, started, watched and stopped together."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import postgres, valkey
from .binaries import find_postgres, find_valkey, readable_postgres, readable_valkey
from .places import SERVER_SOCKETS, VALKEY_SOCKET, Home, check_free_space, prepare_servers

LARGEST_LOG_BYTES = 20_000_000


@dataclass
class Pair:
    """A PostgreSQL and a Valkey, each with its process while it runs."""

    cluster: postgres.Cluster
    store: valkey.Store
    postgres: subprocess.Popen[bytes] | None = None
    valkey: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start whichever of the two is down."""
        if self.valkey is None:
            self.valkey = valkey.start(self.store)
        if self.postgres is None:
            self.postgres = postgres.start(self.cluster)

    def dead(self) -> list[tuple[str, int]]:
        """Names and exit statuses of the servers that ended by themselves; they count as down from here on."""
        ended = []
        if self.postgres is not None and self.postgres.poll() is not None:
            ended.append(("PostgreSQL", self.postgres.returncode))
            self.postgres = None
        if self.valkey is not None and self.valkey.poll() is not None:
            ended.append(("Valkey", self.valkey.returncode))
            self.valkey = None
        return ended

    def stop(self) -> None:
        """Stop both: Valkey first, so that no message is taken that nobody can act on."""
        if self.valkey is not None:
            valkey.stop(self.valkey)
        if self.postgres is not None:
            postgres.stop(self.postgres)


def prepare_pair(home: Home, sockets: Path, *, say: Callable[[str], None]) -> Pair:
    """Find the programs and the data, make what is missing, clear what a kill left. The caller holds the lock."""
    check_free_space(home)
    found, store_program = find_postgres(), find_valkey()
    data = postgres.choose_data(home, found)
    account = prepare_servers(home)
    copies = home.servers.resolve() / "programs"
    programs = readable_postgres(found, account, copies)
    folder = sockets / SERVER_SOCKETS
    cluster = postgres.Cluster(
        data.parent.resolve() / data.name, programs, account, folder, fresh_log(home, "postgresql")
    )
    store = valkey.Store(
        home.servers.resolve() / "valkey", readable_valkey(store_program, account, copies), account,
        folder / VALKEY_SOCKET, fresh_log(home, "valkey"),
    )  # fmt: skip
    postgres.clear_leftovers(cluster)
    valkey.clear_leftovers(store)
    valkey.create(store)
    if not cluster.data.exists():
        say(f"Preparing an empty database (PostgreSQL {programs.major}, only this first time) ...")
        postgres.create(cluster)
    return Pair(cluster, store)


def fresh_log(home: Home, name: str) -> Path:
    """The log of a server; a large one is put aside as `.1` first."""
    log = home.logs / f"{name}.log"
    if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    return log
