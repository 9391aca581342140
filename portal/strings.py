"""What the page's scripts say: translated here, so that one catalogue serves templates and scripts alike.

Words in braces are filled in by the script.
"""

from django.utils.translation import gettext as _

from trading.models import Contract


def page_strings() -> dict[str, str]:
    """Every sentence and word that the scripts of the market page use, in the language of the request."""
    return _connection() | _time() | _states() | _book() | _own() | _ticket() | _day()


def home_strings() -> dict[str, str]:
    """What the scripts of a home say."""
    return _connection() | {
        "market_price": _("Market price {interval}: {price}"),
        "nothing_yet": _("Nothing is measured yet today."),
    }


def wall_strings() -> dict[str, str]:
    """What the script of the wall says."""
    words = _connection()
    return {name: words[name] for name in ("live", "stale")} | {
        name: _time()[name] for name in ("seconds", "minutes", "hours", "gate_ends", "no_gate", "gate_now")
    }


def _connection() -> dict[str, str]:
    return {
        "connecting": _("Connecting"),
        "live": _("Live"),
        "reconnecting": _("Reconnecting"),
        "stale": _("Stale since {time}"),
        "logged_out": _("Logged out"),
    }


def _time() -> dict[str, str]:
    return {
        "gate_ends": _("Trading for {interval} ends in {time}"),
        "call_ends": _("The opening auction for {interval} ends in {time}"),
        "gate_opens": _("Trading for {interval} opens in {time}"),
        "gate_now": _("Trading for {interval} is ending"),
        "gate_over": _("Trading for {interval} has ended"),
        "halted_note": _("Trading is halted. Orders can only be cancelled."),
        "no_gate": _("No interval is open for trading"),
        "seconds": _("{n} s"),
        "minutes": _("{n} min"),
        "hours": _("{n} h {m} min"),
        "speed": _("{n}× real time"),
    }


def _states() -> dict[str, str]:
    states = {f"state_{state.value}": str(state.label) for state in Contract.State}
    return states | {
        "state_HALTED": _("Halted"),
        "state_FROZEN": _("Frozen"),
        "no_price": _("no trade yet"),
        "indicative": _("indicative"),
        "no_contracts": _("No intervals are open yet. They appear here as soon as the market opens them."),
    }


def _book() -> dict[str, str]:
    return {
        "book_of": _("Order book {interval}"),
        "spread": _("Spread {price}"),
        "last_price": _("Last {price}"),
        "no_last": _("No trade yet"),
        "one_sided": _("One side only"),
        "auction_at": _("Auction would clear {quantity} at {price}"),
        "auction_none": _("Auction: nothing would trade yet"),
        "empty_book": _("No orders for this interval yet."),
        "no_asks": _("Nobody offers energy now"),
        "no_bids": _("Nobody asks for energy now"),
        "yours": _("yours"),
        "no_orders": _("You have no open orders."),
        "more_orders": _("and {n} more"),
        "buying": _("to buy"),
        "selling": _("to sell"),
        "bought": _("bought"),
        "sold": _("sold"),
        "no_trades": _("No trades yet. Each appears here the moment it happens."),
    }


def _own() -> dict[str, str]:
    return {
        "no_positions": _("Nothing bought or sold in the intervals ahead."),
        "working": _("working"),
        "partly_filled": _("partly filled"),
        "refused": _("change refused"),
        "being_amended": _("being amended"),
        "being_cancelled": _("being cancelled"),
        "change": _("Change"),
        "cancel": _("Cancel"),
        "save": _("Save"),
        "back": _("Back"),
        "new_price": _("New price, ₫/kWh"),
        "new_left": _("New quantity left, kWh"),
        "keeps_place": _("Keeps its place in the queue."),
        "loses_place": _("Loses its place in the queue."),
        "cancel_here": _("Cancel all in this interval"),
        "cancel_all": _("Cancel all in the market"),
        "sure_cancel_here": _("Cancel every open order of yours for {interval}? They lose their places in the queue."),
        "sure_cancel_all": _("Cancel every open order of yours in this market? They lose their places in the queue."),
        "sure_cancel_of": _("This takes back those of all you trade for: {names}."),
        "yes_cancel": _("Cancel them"),
        "gone_meanwhile": _("The order for {interval} ended while you were changing it. Your change was not sent."),
    }


def _ticket() -> dict[str, str]:
    return {
        "sending": _("Being sent …"),
        "not_sent": _("It was not taken. Load the page again."),
        "not_known": _("No answer came, so it is not known whether this was taken. Send it again: the same order is "
                       "never taken twice."),
        "not_live": _("The page shows the market as it was at {time}. Orders wait until it is live again."),
        "one_click": _("One click on a price places the order at once"),
        "one_click_on": _("One click places: at most {quantity} a click"),
        "one_click_sure": _("From now on a click on a price of the order book places an order at once, without a "
                            "question: the quantity of the ticket, at most {quantity}. The market's limits hold as "
                            "ever. This browser remembers it until you switch it off."),
        "one_click_yes": _("Switch one click on"),
        "one_click_needs": _("Write the most kWh that one click may place into the quantity, then switch it on."),
        "one_click_more": _("One click places at most {quantity}; send this one with the button."),
    }  # fmt: skip


def _day() -> dict[str, str]:
    return {
        "now": _("now"),
        "at_interval": _("{interval}: {price}, {quantity}"),
        "at_interval_none": _("{interval}: no trade"),
        "no_prices": _("Nothing has been traded for today yet."),
        "evn_at": _("EVN charges {price}"),
        "pool_at": _("pool {price}"),
        "candles_of": _("Trades of {interval}"),
        "candle": _("{time}: first {open}, highest {high}, lowest {low}, last {close} · {quantity}, {n} trades"),
        "no_trades_here": _("Nothing has been traded for this interval yet."),
        "evn_line": _("EVN, your tariff {price}"),
        "surplus_line": _("paid by the grid {price}"),
        "pool_line": _("pool {price}"),
        "indicative_line": _("auction would clear at {price}"),
    }
