"""The secrets of one installation: each made once, kept beside its data, readable by its owner alone.

`secret_key` signs sessions and links. `web_push_key` signs messages to browsers: 32 bytes that are a private key on the
curve P-256, as base64url; browsers are subscribed with the public key that belongs to it.
"""

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

# How many points the curve P-256 has (FIPS 186-5); a private key is a number from 1 to one less.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def secret_key(home: Path) -> str:
    """Returns the installation's key from `home/secret_key`, making it on first use."""
    return _kept(home / "secret_key", lambda: secrets.token_urlsafe(64))


def web_push_key(home: Path) -> str:
    """Returns the key for messages to browsers from `home/web_push_key`, making it on first use."""
    return _kept(home / "web_push_key", _new_p256_key)


def _new_p256_key() -> str:
    scalar = 1 + secrets.randbelow(P256_ORDER - 1)
    return urlsafe_b64encode(scalar.to_bytes(32)).rstrip(b"=").decode()


def _kept(path: Path, new: Callable[[], str]) -> str:
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        return _make(path, new())


def _make(path: Path, key: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(key, encoding="ascii")
    try:
        os.link(draft, path)  # fails when another process was first; then its key is the one
    except FileExistsError:
        key = path.read_text(encoding="ascii")
    finally:
        draft.unlink()
    return key
