"""What a market may refuse, listed for the catalogue; accounts/words.py tells it to the reader."""

from django.utils.translation import gettext_noop as N_  # noqa: N812 - the name that the catalogue is made by

SENTENCES = (
    N_("There is no such contract in this market. Ask for the list of open contracts."),
    N_("Trading for this interval has not opened yet. Wait until its gate opens."),
    N_("Trading for this interval has ended. Choose a later interval."),
    N_("The market is halted. Cancelling works; new orders wait until it resumes."),
    N_("The side must be buy or sell."),
    N_("A limit order needs a price; a market order has none."),
    N_("The price must be a whole multiple of {bound} VND/kWh."),
    N_("The price is outside this interval's band; its bound is {bound} VND/kWh."),
    N_("The quantity must be a whole multiple of {bound} Wh."),
    N_("The quantity is outside the allowed range; its bound is {bound} Wh."),
    N_("This time in force is not possible here; the opening auction takes only GTC and GTD limit orders."),
    N_("A GTD order needs an expiry in the future, other orders have none."),
    N_("Self-trade prevention must be cancel_taker, cancel_maker or cancel_both."),
    N_("The displayed quantity must be a whole multiple of {bound} Wh and at most the total."),
    N_("The minimum quantity must be a whole multiple of {bound} Wh and at most the total."),
    N_("A post-only order may not trade at once; the best opposite price is {bound} VND/kWh."),
    N_("This client order id already belongs to another order. Choose a new one."),
    N_("There is no such order of yours."),
    N_("This order is no longer open."),
    N_("Say a new quantity, a new price, or both."),
    N_("This order needs more credit than is left: {bound} VND after open orders, trades not settled yet and unpaid "
       "amounts. Pay what is due, pay in advance, or cancel orders."),
    N_("You cannot deliver that much in this interval; {bound} Wh more can be offered."),
    N_("This participant is not admitted to the market."),
    N_("This message has a wrong shape."),
    N_("The order has changed since; it is at revision {revision}. Look at it again."),
    N_("You do not act for this participant."),
    N_("You trade for several participants; name one."),
    N_("You may not trade for any participant."),
    N_("You may look at {name}, but not trade for it."),
    N_("Ask for at most {most} days, forward in time."),
    N_("{given} is no status; use {choices}."),
    N_("Send the `next` of the page before."),
)  # fmt: skip
