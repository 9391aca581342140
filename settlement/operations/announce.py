"""Telling the live pages that a contract was settled. Whoever misses it reads the same from the database."""

import msgspec

from trading.operations.publish import send


def announce(market_id: int, contract_id: int, kind: str) -> None:
    """Publish `[{"settled": {"contract_id": …, "kind": …}}]` on the market's channel."""
    send(market_id, msgspec.json.encode([{"settled": {"contract_id": contract_id, "kind": kind}}]))
