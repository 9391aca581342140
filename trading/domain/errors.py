"""Why a message is refused: a stable code for programs, a sentence for people, and the bound that was broken."""

SENTENCES = {
    "unknown_contract": "There is no such contract in this market. Ask for the list of open contracts.",
    "gate_not_open": "Trading for this interval has not opened yet. Wait until its gate opens.",
    "gate_closed": "Trading for this interval has ended. Choose a later interval.",
    "halted": "The market is halted. Cancelling works; new orders wait until it resumes.",
    "frozen": "The book is frozen: for now orders can be neither placed nor cancelled. They expire at their gate.",
    "invalid_side": "The side must be buy or sell.",
    "invalid_price": "A limit order needs a price; a market order has none.",
    "invalid_price_tick": "The price must be a whole multiple of {bound} VND/kWh.",
    "price_out_of_band": "The price is outside what is allowed for you in this interval; its bound is {bound} VND/kWh.",
    "invalid_quantity_lot": "The quantity must be a whole multiple of {bound} Wh.",
    "quantity_out_of_range": "The quantity is outside the allowed range; its bound is {bound} Wh.",
    "invalid_tif": "This time in force is not possible here; the opening auction takes only GTC and GTD limit orders.",
    "invalid_expires_at": "A GTD order needs an expiry in the future, other orders have none.",
    "invalid_stp": "Self-trade prevention must be cancel_taker, cancel_maker or cancel_both.",
    "invalid_display_quantity": "The displayed quantity must be a whole multiple of {bound} Wh and at most the total.",
    "invalid_min_quantity": "The minimum quantity must be a whole multiple of {bound} Wh and at most the total.",
    "post_only_would_cross": "A post-only order may not trade at once; the best opposite price is {bound} VND/kWh.",
    "client_order_id_reused": "This client order id already belongs to another order. Choose a new one.",
    "unknown_order": "There is no such order of yours.",
    "order_not_open": "This order is no longer open.",
    "nothing_to_amend": "Say a new quantity, a new price, or both.",
    "insufficient_credit": "This order needs more credit than is left: {bound} VND after open orders, trades not"
    " settled yet and unpaid amounts. Pay what is due, pay in advance, or cancel orders.",
    "insufficient_energy": "You cannot deliver that much in this interval; {bound} Wh more can be offered.",
    "unknown_participant": "This participant is not admitted to the market.",
    "bulk_rejected": "Another message of this bulk was refused, so none of them was carried out.",
    "bulk_of_several_markets": "A bulk that is taken wholly or not at all must be about one market. Send one for each.",
    "invalid_message": "This message has a wrong shape.",
}


class Rejected:
    """A refusal: it never changes the book. `bound` is the limit that was broken, where there is one."""

    __slots__ = ("bound", "code")

    def __init__(self, code: str, bound: int | None = None) -> None:
        self.code = code
        self.bound = bound

    @property
    def sentence(self) -> str:
        """What to tell the trader."""
        return SENTENCES[self.code].format(bound=self.bound)

    def __repr__(self) -> str:
        return f"Rejected({self.code!r}, {self.bound!r})"


class SliceTooShort(Exception):
    """A taker reached the end of the borrowed part of a book: run again with more of it."""

    def __init__(self, contract: object, side: int) -> None:
        super().__init__(f"more of side {side} of contract {contract} is needed")
        self.contract = contract
        self.side = side
