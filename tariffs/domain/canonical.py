"""One form of a rulebook in bytes, so that two people can say which one they mean.

The order in which a file names its rows, its spaces and its comments do not count; everything that it says does, the
sources and doubts too. UTF-8 JSON, names sorted, rows sorted by their own text, dates as ISO text.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from tariffs.domain.rulebook import Rulebook

VERSION = "wattbourse-rulebook-1"


def canonical(rulebook: Rulebook) -> bytes:
    """The rulebook as bytes: the same for the same rules."""
    return _text({"version": VERSION, **asdict(rulebook)}).encode()


def digest(rulebook: Rulebook) -> str:
    """SHA-256 (hex) of the canonical bytes."""
    return hashlib.sha256(canonical(rulebook)).hexdigest()


def _text(value: Any) -> str:
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, tuple | list):
        return sorted((_plain(one) for one in value), key=_text)
    return value.isoformat() if isinstance(value, date) else value
