"""The benchmarks behind `./run bench`: one module each, with a `TITLE` and `run() -> dict`.

A result says `name`, `value`, `unit`, `baseline`, `ratio` and `conditions`. The baseline is measured in the same run,
or is the target where there is nothing to measure against; `conditions` says which. Modules import Django only where
they need it, inside `scratch_database()`.
"""

import ast
import importlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

FIELDS = ("name", "value", "unit", "baseline", "ratio", "conditions")
FOLDER = Path(__file__).parent


class BenchmarkError(Exception):
    """A benchmark that does not exist or does not say what it must."""


def titles() -> dict[str, str]:
    """Every benchmark with its title, read without importing any of them."""
    return {file.stem: title_of(file) for file in sorted(FOLDER.glob("*.py")) if not file.stem.startswith("_")}


def title_of(file: Path) -> str:
    """The module's TITLE."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and any(getattr(name, "id", "") == "TITLE" for name in node.targets):
            return str(ast.literal_eval(node.value))
    raise BenchmarkError(f"{file.name} has no TITLE.")


def measure(name: str) -> dict[str, Any]:
    """Run one benchmark and return what it found."""
    if name not in titles():
        raise BenchmarkError(f"There is no benchmark '{name}'. There are: {', '.join(titles())}.")
    result: dict[str, Any] = importlib.import_module(f"config.bench.{name}").run()
    missing = [field for field in FIELDS if field not in result]
    if missing:
        raise BenchmarkError(f"The benchmark '{name}' does not say its {', '.join(missing)}.")
    return {field: result[field] for field in FIELDS}


@contextmanager
def scratch_database() -> Iterator[str]:
    """A new database on the server of DATABASE_URL, with Django set up on it; dropped at the end."""
    import psycopg
    from psycopg import sql

    server = os.environ["DATABASE_URL"]
    name = f"wb_bench_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as administration:
        administration.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        os.environ["DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        try:
            set_up_django()
            yield os.environ["DATABASE_URL"]
        finally:
            close_connections()
            os.environ["DATABASE_URL"] = server
            administration.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def set_up_django() -> None:
    """Set Django up on today's DATABASE_URL and make the schema."""
    import django
    from django.apps import apps
    from django.core.management import call_command

    if apps.ready:
        raise BenchmarkError("Django is set up already, on another database: ask for the scratch database first.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    call_command("migrate", verbosity=0)


def close_connections() -> None:
    """Close what Django holds open on the scratch database, its pool included."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
