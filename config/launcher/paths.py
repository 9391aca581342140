"""Where things are: the repository, the environment that set-up makes, and the data directory."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENT = REPOSITORY / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
DEFAULT_PORT = 8000


def home() -> Path:
    """The data directory: `WATTBOURSE_HOME`, or `var` in the repository."""
    return Path(os.environ.get("WATTBOURSE_HOME") or REPOSITORY / "var").absolute()


def make_home() -> None:
    """Make the data directory: ours alone, except that root's servers must be able to pass through it."""
    home().mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)


def fingerprint(files: Iterable[Path]) -> str:
    """A digest of the names and contents of files, in order of name."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(str(file).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def is_stamped(stamp: Path, value: str) -> bool:
    """Whether a step left this mark when it was done last."""
    return stamp.is_file() and stamp.read_text() == value


def put_stamp(stamp: Path, value: str) -> None:
    """Mark a step as done."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value)
