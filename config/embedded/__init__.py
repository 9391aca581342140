"""PostgreSQL and Valkey from wheels: the servers that come with the package.

    with connect_or_start(Path("var")) as servers:
        print(servers.database_url, servers.redis_url)

Nothing here needs Django or any other package. docs/operations.md explains the data directory and every error code.
"""

from .client import (
    Servers,
    connect_or_start,
    discard_data,
    hard_stop_postgres,
    servers_by_setting,
    wait_for_postgres,
)
from .errors import EmbeddedError

__all__ = [
    "EmbeddedError",
    "Servers",
    "connect_or_start",
    "discard_data",
    "hard_stop_postgres",
    "servers_by_setting",
    "wait_for_postgres",
]
