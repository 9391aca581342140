"""Every write of trading: orders through `submit`, contracts through their calendar, energy limits from planning."""

from trading.operations.audit import Audit, audit
from trading.operations.markets import MarketRules, Ticked, create_market, halt, resume, schedule, set_clock, tick
from trading.operations.rehearsing import Rehearsed, Room, rehearse
from trading.operations.replies import Fill, OrderState, Reply
from trading.operations.submitting import MarketUnavailable, UnknownMarket, submit

__all__ = [
    "Audit",
    "Fill",
    "MarketRules",
    "MarketUnavailable",
    "OrderState",
    "Rehearsed",
    "Reply",
    "Room",
    "Ticked",
    "UnknownMarket",
    "audit",
    "create_market",
    "halt",
    "rehearse",
    "resume",
    "schedule",
    "set_clock",
    "submit",
    "tick",
]
