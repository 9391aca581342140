"""What the market answers, as a trader reads it: refusals with their bound in kWh and đồng, what became of orders."""

from collections.abc import Callable

from django.utils.translation import gettext as _

from accounts.api.problems import Fault
from accounts.words import in_words
from portal.templatetags.figures import dong, energy, reader
from trading.api.shapes import Order
from trading.domain.errors import SENTENCES
from units.money import format_price
from units.numbers import grouped

# Which field of the ticket a refusal is about, so that the reader is led there.
FIELD_OF = {
    "invalid_price": "price", "invalid_price_tick": "price", "price_out_of_band": "price",
    "post_only_would_cross": "price", "not_a_price": "price",
    "invalid_quantity_lot": "kwh", "quantity_out_of_range": "kwh", "insufficient_energy": "kwh",
    "not_a_quantity": "kwh", "insufficient_credit": "kwh", "too_fine": "kwh",
    "invalid_tif": "kind", "invalid_expires_at": "until", "invalid_display_quantity": "display",
    "invalid_min_quantity": "least", "unknown_contract": "contract", "gate_closed": "contract",
    "gate_not_open": "contract",
}  # fmt: skip


def price_text(price: int) -> str:
    """`₫1,650/kWh`, in Vietnamese `1.650 ₫/kWh`."""
    return format_price(price, reader())


def exact_kwh(wh: int) -> str:
    """kWh as exactly as the quantity is: `12.5 kWh`, `0.25 kWh`; one decimal at least below 100."""
    if wh % 100 == 0 and (abs(wh) < 100_000 or wh % 1_000 == 0):
        return energy(wh)
    decimals = 3 if wh % 10 else 2 if wh % 100 else 1
    return f"{grouped(wh // 10 ** (3 - decimals), reader(), decimals=decimals)} kWh"


def refusal(code: str, bound: int | None, said: str = "") -> str:
    """A refusal of the market's in the reader's words."""
    if code == "client_order_id_reused":
        return _("The ticket sent before, whose answer did not come, was taken, and this one differs from it. Look at "
                 "your open orders, and send this one again only if you want it too.")  # fmt: skip
    tell = _BOUNDED.get(code)
    if tell is not None and bound is not None:
        return tell(bound)
    if code in SENTENCES and "{bound}" not in SENTENCES[code]:
        return in_words(SENTENCES[code])
    return in_words(said) if said else code


def fault_text(fault: Fault) -> str:
    """What a refused message is told."""
    return refusal(fault.code, fault.bound, fault.message)


_BOUNDED: dict[str, Callable[[int], str]] = {
    "invalid_price_tick": lambda n: _("The price must be a whole multiple of {price}.").format(price=price_text(n)),
    "price_out_of_band": lambda n: _("The price is outside what is allowed for you here; the bound is {price}.").format(
        price=price_text(n)),
    "invalid_quantity_lot": lambda n: _("The quantity must be a whole multiple of {quantity}.").format(
        quantity=exact_kwh(n)),
    "quantity_out_of_range": lambda n: _("The quantity is outside what the market takes; the bound is {quantity}."
        ).format(quantity=exact_kwh(n)),
    "invalid_display_quantity": lambda n: _("Show whole multiples of {quantity}, at most the whole order, and only of a"
        " limit order.").format(quantity=exact_kwh(n)),
    "invalid_min_quantity": lambda n: _("The least quantity must be a whole multiple of {quantity} and at most the"
        " whole order; an opening auction takes none.").format(quantity=exact_kwh(n)),
    "post_only_would_cross": lambda n: _("The order would trade at once, against your wish: the best opposite price is"
        " {price}.").format(price=price_text(n)),
    "insufficient_credit": lambda n: _("This needs more credit than is left: {money}. Cancel orders, or pay what is due"
        " or in advance.").format(money=dong(n)),
    "insufficient_energy": lambda n: _("You cannot deliver that much in this interval; {quantity} more can be offered."
        ).format(quantity=exact_kwh(n)),
}  # fmt: skip


def status_word(status: str) -> str:
    """An order's status in a word or two."""
    return {
        "open": _("working"),
        "partially_filled": _("partly filled"),
        "filled": _("filled"),
        "cancelled": _("cancelled"),
        "expired": _("expired"),
    }[status]


def reason_word(reason: str) -> str:
    """Why an order ended against its owner's wish; nothing where it did not."""
    return {
        "ioc_remainder": _("there was no counterpart for it at once"),
        "no_liquidity": _("the book had no more"),
        "fok_killed": _("not all of it could trade at once"),
        "min_quantity": _("the least quantity could not trade at once"),
        "self_trade": _("it met an order of your own"),
        "gate_closed": _("the gate closed"),
        "expired": _("its time was over"),
    }.get(reason, "")


def what(side: str, wh: int, interval: str, price: int | None) -> str:
    """An order in a few words: `buy 12.5 kWh for 12:30–13:00 at ₫1,650/kWh`."""
    sentences = {
        ("buy", False): _("buy {quantity} for {interval} at {price}"),
        ("sell", False): _("sell {quantity} for {interval} at {price}"),
        ("buy", True): _("buy {quantity} for {interval} at the market"),
        ("sell", True): _("sell {quantity} for {interval} at the market"),
    }
    limit = "" if price is None else price_text(price)
    return sentences[side, price is None].format(quantity=exact_kwh(wh), interval=interval, price=limit)


def came_to_nothing(order: Order) -> bool:
    """Whether the market took an order and ended it at once, with nothing traded: it is no success for its sender."""
    return order.status == "cancelled" and not order.filled_wh


def outcome(order: Order, interval: str, *, amended: bool = False) -> str:
    """What became of an order just sent, in a sentence or two."""
    asked = what(order.side, order.quantity_wh, interval, order.price)
    if came_to_nothing(order):
        told = _("Nothing was traded, and nothing waits: {order}. It was cancelled: {reason}.")
        return told.format(order=asked, reason=reason_word(order.reason))
    told = _("Amended: {order}.") if amended else _("Taken: {order}.")
    parts = [told.format(order=asked)]
    if order.filled_wh and order.average_price is not None:
        parts.append(_("{quantity} traded at {price} on average.").format(
            quantity=exact_kwh(order.filled_wh), price=price_text(order.average_price)))  # fmt: skip
    if order.remaining_wh:
        parts.append(_("{quantity} wait in the book.").format(quantity=exact_kwh(order.remaining_wh)))
    elif order.status == "cancelled":
        parts.append(_("The rest was cancelled: {reason}.").format(reason=reason_word(order.reason)))
    return " ".join(parts)
