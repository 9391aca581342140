"""The rules an order must keep before it may touch the book: phase, terms, price, quantity.

Each function returns the first rule broken as a `Rejected`, or None. See docs/algorithms/matching.md, sections 2, 6, 8.
"""

from typing import NamedTuple

from trading.domain.book import Book
from trading.domain.errors import Rejected
from trading.domain.messages import (
    BUY,
    FOK,
    GTC,
    GTD,
    IOC,
    SELF_TRADE_RULES,
    SELL,
    TIMES_IN_FORCE,
    New,
)


class Rules(NamedTuple):
    """What holds in all contracts of a market: tick in VND/kWh, lot and quantity range in Wh."""

    tick: int = 1
    lot_wh: int = 100
    min_wh: int = 100
    max_wh: int = 10_000_000


def refuse_new(message: New, book: Book, rules: Rules, *, now: int, halted: bool) -> Rejected | None:
    """The first rule a new order breaks at the moment `now` (ms), or None."""
    return (
        refuse_phase(book, now=now, halted=halted)
        or _refuse_terms(message, book, now)
        or refuse_price(message.price, book, rules)
        or refuse_quantity(message.quantity_wh, rules)
        or _refuse_parts(message, book, rules)
    )


def refuse_phase(book: Book, *, now: int, halted: bool) -> Rejected | None:
    """Whether the contract takes orders at this moment."""
    if now >= book.gate_closes_at:
        return Rejected("gate_closed")
    if now < book.gate_opens_at:
        return Rejected("gate_not_open")
    return Rejected("halted") if halted else None


def _refuse_terms(message: New, book: Book, now: int) -> Rejected | None:
    if message.side not in (BUY, SELL):
        return Rejected("invalid_side")
    if message.tif not in TIMES_IN_FORCE or (message.price is None and message.tif not in (IOC, FOK)):
        return Rejected("invalid_tif")
    if book.call and (message.price is None or message.tif not in (GTC, GTD)):
        return Rejected("invalid_tif")
    if message.stp not in SELF_TRADE_RULES:
        return Rejected("invalid_stp")
    dated = message.tif == GTD
    if dated != bool(message.expires_at) or (dated and message.expires_at <= now):
        return Rejected("invalid_expires_at")
    return None


def refuse_price(price: int | None, book: Book, rules: Rules) -> Rejected | None:
    """Whether a limit is on the tick and inside the contract's band."""
    if price is None:
        return None
    if price % rules.tick:
        return Rejected("invalid_price_tick", rules.tick)
    if price < book.min_price:
        return Rejected("price_out_of_band", book.min_price)
    return Rejected("price_out_of_band", book.max_price) if price > book.max_price else None


def refuse_quantity(quantity: int, rules: Rules) -> Rejected | None:
    """Whether a total quantity is in whole lots and inside the range."""
    if quantity % rules.lot_wh:
        return Rejected("invalid_quantity_lot", rules.lot_wh)
    if quantity < rules.min_wh:
        return Rejected("quantity_out_of_range", rules.min_wh)
    return Rejected("quantity_out_of_range", rules.max_wh) if quantity > rules.max_wh else None


def _refuse_parts(message: New, book: Book, rules: Rules) -> Rejected | None:
    lot, total = rules.lot_wh, message.quantity_wh
    display, least = message.display_wh, message.min_quantity_wh
    if display and (display < 0 or display % lot or display > total or message.price is None):
        return Rejected("invalid_display_quantity", lot)
    if least and (least < 0 or least % lot or least > total or book.call):
        return Rejected("invalid_min_quantity", lot)
    return None
