"""Public ids that order by time and lead back to the row: a UUID version 7 made of market and sequence number.

| 48 bits | 4 | 12 | 2 | 22 | 40 |
|---|---|---|---|---|---|
| moment, ms since 1970 | version 7 | 0 | variant 2 | market id | sequence number |

RFC 9562 leaves the last 62 bits to the maker. Filling them with market and sequence number makes the id a pure function
of the command log, so that a replay gives the same ids, and lets the database find a row by its bigint key alone.
An id is a name, not a secret: whoever may see the order is decided elsewhere.

Example: market 3, seq 1,000, at 1,780,000,000,000 ms → `019e7044-8800-7000-8000-0300000003e8`.
"""

from uuid import UUID

MARKET_BITS = 22
SEQ_BITS = 40
TIME_BITS = 48
_VERSION = 7
_VARIANT = 0b10


class IdError(ValueError):
    """The numbers do not fit into an id, or the id was not made here."""

    code = "invalid_id"


def uuid7_for(market_id: int, seq: int, at_ms: int) -> UUID:
    """The id of what happened in `market_id` (< 2²²) as number `seq` (< 2⁴⁰) at `at_ms` (ms since 1970, < 2⁴⁸)."""
    for name, value, bits in (("market", market_id, MARKET_BITS), ("seq", seq, SEQ_BITS), ("moment", at_ms, TIME_BITS)):
        if value >> bits:
            raise IdError(f"The {name} {value} does not fit into an id; it must be from 0 to 2^{bits} − 1.")
    return UUID(int=at_ms << 80 | _VERSION << 76 | _VARIANT << 62 | market_id << SEQ_BITS | seq)


def market_and_seq(public_id: UUID) -> tuple[int, int]:
    """The market id and the sequence number inside an id of `uuid7_for`. Raises IdError for any other UUID."""
    number = public_id.int
    if number >> 64 & 0xFFFF != _VERSION << 12 or number >> 62 & 0b11 != _VARIANT:
        raise IdError(f"The id {public_id} was not given out here; copy it again from the answer to your order.")
    return number >> SEQ_BITS & (1 << MARKET_BITS) - 1, number & (1 << SEQ_BITS) - 1


def at_ms_of(public_id: UUID) -> int:
    """The moment inside an id, in ms since 1970."""
    market_and_seq(public_id)
    return public_id.int >> 80
