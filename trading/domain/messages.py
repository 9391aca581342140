"""The messages a market takes. Immutable tuples, so that 'an exact repeat' is plain equality.

Prices are integer VND/kWh, quantities integer Wh, moments integer milliseconds since the epoch. The moment at which a
message is taken is not part of it: it is handed to the engine beside the message.
"""

from typing import NamedTuple, TypeAlias

BUY = 1
SELL = -1

GTC = "GTC"
GTD = "GTD"
IOC = "IOC"
FOK = "FOK"
TIMES_IN_FORCE = frozenset((GTC, GTD, IOC, FOK))

CANCEL_TAKER = "cancel_taker"
CANCEL_MAKER = "cancel_maker"
CANCEL_BOTH = "cancel_both"
SELF_TRADE_RULES = frozenset((CANCEL_TAKER, CANCEL_MAKER, CANCEL_BOTH))

Party: TypeAlias = str | int
ContractKey: TypeAlias = str | int
OrderKey: TypeAlias = tuple[Party, str]


class New(NamedTuple):
    """Place an order. `price` is None for a market order; `side` is BUY or SELL."""

    participant: Party
    client_order_id: str
    contract: ContractKey
    side: int
    quantity_wh: int
    price: int | None
    tif: str = GTC
    expires_at: int = 0
    post_only: bool = False
    stp: str = CANCEL_TAKER
    display_wh: int = 0
    min_quantity_wh: int = 0


class Cancel(NamedTuple):
    """Take an own order out of the book."""

    participant: Party
    client_order_id: str


class Amend(NamedTuple):
    """Change an own order; None leaves as it is. `quantity_wh` is the new total, fills included."""

    participant: Party
    client_order_id: str
    quantity_wh: int | None = None
    price: int | None = None


class CancelAll(NamedTuple):
    """Cancel every open order of a participant, in one contract or in all."""

    participant: Party
    contract: ContractKey | None = None


class Halt(NamedTuple):
    """Stop trading, of one contract or (None) of the whole market: new orders and amendments are refused, cancellations
    are taken, the queue is kept. Frozen, cancellations are refused too: the book stands still until its gate."""

    contract: ContractKey | None = None
    freeze: bool = False


class Resume(NamedTuple):
    """Go on after a halt: of one contract, or of the market. What was stopped one by one stays so."""

    contract: ContractKey | None = None


class Uncross(NamedTuple):
    """End the opening auction of a contract at one price."""

    contract: ContractKey


class Time(NamedTuple):
    """Let time pass: gates that are due close, orders whose time is over expire."""


Message: TypeAlias = New | Cancel | Amend | CancelAll | Halt | Resume | Uncross | Time
