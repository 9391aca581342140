"""The rulebooks that come with the product: a folder of TOML files for each country, read as one."""

from pathlib import Path
from typing import Any

from tariffs.domain.fields import Mistake, RulebookRejected
from tariffs.domain.rulebook import Rulebook
from tariffs.domain.rulebook_file import parse, read

FOLDER = Path(__file__).parent / "reference"


def shipped() -> list[str]:
    """The names of the rulebooks that are here."""
    return sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir())


def load(source: str | Path) -> dict[str, Any]:
    """The tables of a shipped rulebook by name, of a file, or of a folder of TOML files. Raises RulebookRejected."""
    path = FOLDER / source if str(source) in shipped() else Path(source)
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        told = f"There is no rulebook {source}; give a TOML or JSON file, or one of {', '.join(shipped())}."
        raise RulebookRejected([Mistake("no_such_rulebook", "file", told)])
    tables: dict[str, Any] = {}
    for file in files:
        _add(tables, read(file.read_bytes(), "json" if file.suffix == ".json" else "toml"), file.name)
    return tables


def reference(name: str) -> Rulebook:
    """A shipped rulebook."""
    return parse(load(name))


def _add(tables: dict[str, Any], more: dict[str, Any], file: str) -> None:
    """Lists of several files go one after the other; anything else stands in one of them."""
    for name, value in more.items():
        if name in tables and not (isinstance(value, list) and isinstance(tables[name], list)):
            raise RulebookRejected([Mistake("said_twice", file, f"[{name}] stands in two files of the folder.")])
        tables[name] = [*tables[name], *value] if name in tables else value
