"""The signing key of one installation: made once, kept beside its data, readable by its owner alone."""

import os
import secrets
from pathlib import Path


def secret_key(home: Path) -> str:
    """Returns the installation's key from `home/secret_key`, making it on first use."""
    path = home / "secret_key"
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        return _make(path)


def _make(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    key = secrets.token_urlsafe(64)
    draft = path.with_name(f"secret_key.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(key, encoding="ascii")
    try:
        os.link(draft, path)  # fails when another process was first; then its key is the one
    except FileExistsError:
        key = path.read_text(encoding="ascii")
    finally:
        draft.unlink()
    return key
