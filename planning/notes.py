"""Why an order was placed, in one sentence that its owner can check."""

from planning.domain.forecast import Energy
from planning.prices import PriceBook
from planning.queries import DueContract, Instruction
from trading.domain.messages import SELL, Message, New
from units.energy import format_energy
from units.numbers import grouped


def note(message: Message, energy: Energy, contract: DueContract, instruction: Instruction, book: PriceBook) -> str:
    """The reason of a new order; nothing for a change of one, which keeps its first reason."""
    if not isinstance(message, New) or message.price is None:
        return ""
    at = contract.start.astimezone(book.zone).strftime("%H:%M")
    net = energy.net_wh
    expected = f"forecast {'surplus' if net >= 0 else 'need'} {format_energy(abs(net))} at {at}"
    selling = message.side == SELL
    if selling and net < message.quantity_wh:
        expected += " and energy in storage"
    near = instruction.sell_near_price if selling else instruction.buy_near_price
    if near is None or (near >= message.price if selling else near <= message.price):
        return f"{expected}, limit {grouped(message.price)}"
    moving = "falling" if selling else "rising"
    return f"{expected}, limit {grouped(message.price)} {moving} to {grouped(near)}"
