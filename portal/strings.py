"""What the page's scripts say: translated here, so that one catalogue serves templates and scripts alike.

Words in braces are filled in by the script.
"""

from django.utils.translation import gettext as _

from trading.models import Contract


def page_strings() -> dict[str, str]:
    """Every sentence and word that the scripts of the market page use, in the language of the request."""
    return _connection() | _time() | _states() | _book() | _day() | _energy()


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


def _day() -> dict[str, str]:
    return {
        "now": _("now"),
        "at_interval": _("{interval}: {price}, {quantity}"),
        "at_interval_none": _("{interval}: no trade"),
        "no_prices": _("Nothing has been traded for today yet."),
    }


def _energy() -> dict[str, str]:
    return {
        "nothing_settled": _("Nothing is settled yet today. An interval is settled a few minutes after its delivery."),
        "sold_better": _("You sold {quantity} to neighbours. With all you traded, today is {money} better than "
                         "with the grid alone."),
        "bought_better": _("You bought {quantity} from neighbours: {money} better than with the grid alone."),
        "only_grid": _("So far today everything went through the grid."),
        "worse": _("Today is {money} worse than with the grid alone: you paid for energy that you promised and did not "
                   "deliver or take."),
        "shadow": _("This market only computes: nothing is invoiced."),
        "settled_count": _("{n} intervals settled"),
    }  # fmt: skip
