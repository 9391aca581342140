"""The servers that come with the package: real ones, started, shared, killed and broken on purpose."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import redis

from config.embedded import (
    EmbeddedError,
    Servers,
    connect_or_start,
    discard_data,
    hard_stop_postgres,
    servers_by_setting,
    wait_for_postgres,
)
from config.embedded import places as places_module
from config.embedded.account import server_account
from config.embedded.binaries import Postgres, find_postgres, readable_postgres
from config.embedded.locks import wait_for_lock
from config.embedded.places import Home, prepare_sockets
from config.embedded.postgres import command_line

REPOSITORY = Path(__file__).resolve().parents[2]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the servers to another user")


@pytest.fixture
def home() -> Iterator[Path]:
    """A data directory that root's servers can enter, unlike pytest's own temporary ones."""
    directory = Path(tempfile.mkdtemp(prefix="wb-test-"))
    directory.chmod(0o711)
    yield directory / "home"
    shutil.rmtree(directory)
    shutil.rmtree(sockets_of(directory / "home"))


def sockets_of(home: Path) -> Path:
    return prepare_sockets(Home(home), server_account(None))


def start(home: Path) -> Servers:
    return connect_or_start(home, say=lambda _text: None)


def query(servers: Servers, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def state_of(home: Path) -> dict[str, object]:
    return dict(json.loads((home / "servers.json").read_text()))


def cluster_of(home: Path) -> Path:
    return next(iter(Home(home).clusters().values()))


def running_servers(home: Path) -> list[int]:
    """Processes whose command line names this data directory or its sockets (Linux)."""
    sockets = sockets_of(home)
    found = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    return [pid for pid in found if any(str(path) in command_line(pid) for path in (home, sockets))]


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still waiting until {what}"
        time.sleep(0.05)


def start_in_other_process(home: Path) -> subprocess.Popen[bytes]:
    """A command that holds the servers until it is killed."""
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    process = subprocess.Popen(
        [sys.executable, "-m", "config.embedded", "sleep", "300"],
        cwd=REPOSITORY,
        env=environment | {"WATTBOURSE_HOME": str(home)},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: (home / "servers.json").exists() and "database_url" in state_of(home), "the servers run")
    return process


def kill_with_children(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_both_servers_answer_and_keep_their_data(home: Path) -> None:
    with start(home) as servers:
        query(servers, "CREATE TABLE kept (wh bigint)")
        query(servers, "INSERT INTO kept VALUES (1500)")
        with redis.from_url(servers.redis_url) as store:
            store.set("kept", "yes")
    assert running_servers(home) == []
    with start(home) as servers:
        assert query(servers, "SELECT wh FROM kept") == [(1500,)]
        with redis.from_url(servers.redis_url) as store:
            assert store.get("kept") == b"yes"


def test_database_is_durable_and_listens_on_a_socket_only(home: Path) -> None:
    names = ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "jit")
    with start(home) as servers:
        assert [query(servers, f"SHOW {name}")[0][0] for name in names] == ["on", "on", "on", "", "off"]


def test_socket_directory_is_closed_to_others(home: Path) -> None:
    with start(home):
        inner = Path(str(state_of(home)["control"])).parent / places_module.SERVER_SOCKETS
        assert inner.stat().st_mode & 0o777 == 0o700


@needs_root
def test_root_hands_the_servers_to_another_user(home: Path) -> None:
    with start(home):
        postmaster = Path(f"/proc/{state_of(home)['postgres_pid']}")
        assert postmaster.stat().st_uid != 0


def test_second_command_shares_the_servers_and_either_may_leave_first(home: Path) -> None:
    first = start(home)
    second = start(home)
    assert second.database_url == first.database_url
    first.stop()
    assert query(second, "SELECT 1") == [(1,)]
    second.stop()
    assert running_servers(home) == []


def test_commands_that_start_and_leave_at_the_same_moment(home: Path) -> None:
    """Some find the servers starting, some running, some stopping; each gets working ones."""

    def use(_number: int) -> list[tuple[object, ...]]:
        with start(home) as servers:
            return query(servers, "SELECT 1")

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, range(12))) == [[(1,)]] * 12
    assert running_servers(home) == []


@pytest.mark.crash
def test_killed_keeper_is_replaced_under_a_running_command(home: Path) -> None:
    with start(home) as servers:
        query(servers, "CREATE TABLE kept AS SELECT 7 AS wh")
        first = state_of(home)["keeper_pid"]
        os.kill(int(str(first)), signal.SIGKILL)
        wait_until(
            lambda: state_of(home).get("keeper_pid") != first and "database_url" in state_of(home), "it is replaced"
        )
        assert query(servers, "SELECT wh FROM kept") == [(7,)]
        assert not servers.lost.is_set()
    assert running_servers(home) == []


@pytest.mark.crash
def test_killed_parent_leaves_no_server_behind(home: Path) -> None:
    kill_with_children(start_in_other_process(home))
    wait_until(lambda: running_servers(home) == [], "all servers have stopped")


@pytest.mark.crash
def test_servers_that_lost_their_keeper_are_taken_over_in_order(home: Path) -> None:
    process = start_in_other_process(home)
    with psycopg.connect(str(state_of(home)["database_url"]), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS wh")
    os.kill(int(str(state_of(home)["keeper_pid"])), signal.SIGKILL)
    kill_with_children(process)
    with start(home) as servers:
        assert query(servers, "SELECT wh FROM kept") == [(7,)]
    assert running_servers(home) == []


@pytest.mark.crash
def test_hard_stop_comes_back_with_everything_committed(home: Path) -> None:
    heard: list[str] = []
    with connect_or_start(home, say=heard.append) as servers:
        query(servers, "CREATE TABLE committed (n int)")
        for n in range(3):
            query(servers, f"INSERT INTO committed VALUES ({n})")
            wait_for_postgres(home, after=hard_stop_postgres(home))
        assert query(servers, "SELECT count(*) FROM committed") == [(3,)]
    assert heard.count("PostgreSQL is back.") == 3


@pytest.mark.crash
def test_dead_valkey_is_started_again(home: Path) -> None:
    with start(home) as servers, redis.from_url(servers.redis_url) as store:
        os.kill(store.info()["process_id"], signal.SIGKILL)
        store.connection_pool.disconnect()

        def answers() -> bool:
            try:
                return bool(store.ping())
            except redis.ConnectionError:
                return False

        wait_until(answers, "Valkey is back")


def test_pid_file_that_names_a_stranger_does_not_stop_the_start(home: Path) -> None:
    """After a power cut the number in the pid file may belong to anyone; here to a process of the servers' own user."""
    with start(home):
        pass
    cluster = cluster_of(home)
    stranger = subprocess.Popen(["sleep", "300"], **server_account(cluster).popen_options())
    try:
        (cluster / "postmaster.pid").write_text(f"{stranger.pid}\n{cluster}\n1\n5432\n/tmp\n\n1 1\nready\n")
        with start(home) as servers:
            assert query(servers, "SELECT 1") == [(1,)]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_path_longer_than_a_socket_may_be(home: Path) -> None:
    with start(home / ("long-" * 20) / ("deep-" * 20)) as servers:
        assert query(servers, "SELECT 1") == [(1,)]


def test_interrupted_preparation_is_started_over(home: Path) -> None:
    with start(home):
        pass
    cluster = cluster_of(home)
    (cluster / "PG_VERSION").unlink()
    cluster.rename(cluster.with_name(cluster.name + ".new"))
    with start(home) as servers:
        assert query(servers, "SELECT 1") == [(1,)]


def test_data_of_another_major_version_is_left_alone(home: Path) -> None:
    (home / "servers" / "pg9").mkdir(parents=True)
    (home / "servers" / "pg9" / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedError, match="written by PostgreSQL 9") as raised:
        start(home)
    assert raised.value.code == "data_version"
    assert (home / "servers" / "pg9" / "PG_VERSION").read_text() == "9\n"


def test_damaged_data_is_said_to_be_damaged(home: Path) -> None:
    with start(home):
        pass
    (cluster_of(home) / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedError) as raised:
        start(home)
    assert raised.value.code == "data_damaged"
    os.close(wait_for_lock(Home(home), 30))
    assert running_servers(home) == []


def test_unreadable_valkey_snapshot_is_put_aside(home: Path) -> None:
    with start(home):
        pass
    snapshot = home / "servers" / "valkey" / "dump.rdb"
    snapshot.write_bytes(b"REDIS0011 not a snapshot")
    with start(home) as servers, redis.from_url(servers.redis_url) as store:
        assert store.ping()
    assert snapshot.with_name("dump.rdb.unreadable").exists()


def test_unwritable_directory(home: Path) -> None:
    home.write_text("a file where the directory should be")
    with pytest.raises(EmbeddedError, match="WATTBOURSE_HOME") as raised:
        start(home / "inside")
    assert raised.value.code == "home_unwritable"


@needs_root
def test_full_disk(home: Path) -> None:
    home.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(home)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this root may not mount a small disk")
    try:
        with pytest.raises(EmbeddedError, match="Free some space") as raised:
            start(home)
        assert raised.value.code == "disk_full"
        os.close(wait_for_lock(Home(home), 30))
    finally:
        subprocess.run(["umount", str(home)], check=True)


@needs_root
def test_home_that_the_servers_may_not_enter(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clone inside /root: the servers' data goes where their user can reach it, and is found again."""
    monkeypatch.setattr(places_module, "SHARED_STATE", home.with_name("shared"))
    home.mkdir(mode=0o700)
    with start(home) as servers:
        query(servers, "CREATE TABLE kept AS SELECT 7 AS wh")
    assert (home / "servers").is_symlink()
    with start(home) as servers:
        assert query(servers, "SELECT wh FROM kept") == [(7,)]


@needs_root
def test_programs_that_the_servers_user_cannot_read_are_copied(home: Path) -> None:
    found = find_postgres()
    private = home.with_name("private")
    private.mkdir(mode=0o700)
    package = found.folder.parents[1]
    for folder in package.parent.glob(f"{package.name}*"):  # with the `.libs` that initdb loads
        shutil.copytree(folder, private / folder.name, symlinks=True)
    hidden = private / found.folder.relative_to(package.parent)
    account = server_account(None)
    copied = readable_postgres(Postgres(hidden, found.major), account, home)
    assert copied.folder.is_relative_to(home)
    answer = subprocess.run([str(copied.initdb), "--version"], capture_output=True, **account.popen_options())
    assert answer.returncode == 0


def test_discarding_refuses_while_in_use_and_forgets_everything_after(home: Path) -> None:
    with start(home) as servers:
        query(servers, "CREATE TABLE kept AS SELECT 7 AS wh")
        with pytest.raises(EmbeddedError) as raised:
            discard_data(home)
        assert raised.value.code == "in_use"
        assert query(servers, "SELECT wh FROM kept") == [(7,)]
    discard_data(home)
    with start(home) as servers:
        assert query(servers, "SELECT to_regclass('kept')") == [(None,)]


def test_servers_by_setting_take_both_or_neither() -> None:
    assert servers_by_setting({"DATABASE_URL": "postgres://a/b", "REDIS_URL": "redis://c"})
    assert not servers_by_setting({"DATABASE_URL": "", "PATH": "/bin"})
    with pytest.raises(EmbeddedError, match=r"^REDIS_URL is not set") as raised:
        servers_by_setting({"DATABASE_URL": "postgres://a/b"})
    assert raised.value.code == "servers_half_set"


def test_launcher_and_servers_need_nothing_but_python() -> None:
    """They run before anything is installed."""
    script = "import sys; old = set(sys.modules); import config.launcher.commands; print(*set(sys.modules) - old)"
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()} - {"config"}
    assert loaded <= set(sys.stdlib_module_names)
