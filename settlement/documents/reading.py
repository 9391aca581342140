"""How a document reads: which way its money runs, who is paid, and which of its lines belong together.

The value's signs are the participant's (what it owes is positive). A self-billing invoice is printed from the seller's
side, so every amount there is turned: 80,994 đồng owed to the campus stand as −80,994 in the value, as 80,994 on paper.
"""

from collections.abc import Iterator

from settlement.documents.qr import VietQR, VietQRError
from settlement.domain.document import DocumentLine, InvoiceDocument

GROUPS = {
    "neighbours": ("local_bought", "local_sold"),
    "pool": ("pool_bought", "pool_sold"),
    "grid": ("grid_import", "tier_import", "capacity", "grid_export", "grid_spill"),
    "fees": ("network_fee", "platform_fee", "platform_month"),
    "compensation": ("compensation_received", "compensation_paid"),
    "carried": ("carried",),
}
KWH, KW, MONTH, NONE = "kWh", "kW", "month", ""
HOURS = ("peak", "normal", "offpeak", "flat")
_UNITS = {"capacity": KW, "platform_month": MONTH, "carried": NONE}


def sign(document: InvoiceDocument) -> int:
    """What amounts are multiplied with on paper."""
    return -1 if document.kind == "self_bill" else 1


def is_draft(document: InvoiceDocument) -> bool:
    return document.number == 0 or document.issued_on is None


def amount_due(document: InvoiceDocument) -> int:
    """What the buyer pays to the seller, in đồng: 0 where nothing is to be paid, or the money runs the other way."""
    return max(0, sign(document) * document.total_dong) if document.payable else 0


def unit(line: DocumentLine) -> str:
    """What the line's quantity counts on paper."""
    return _UNITS.get(line.kind, KWH)


def hours(line: DocumentLine) -> str:
    """The line's hours of the day; empty for a tier, which its bounds name."""
    return line.period if line.period in HOURS else ""


def grouped_lines(document: InvoiceDocument) -> Iterator[tuple[str, list[DocumentLine]]]:
    """The document's lines by what they are for, groups in the order above, lines by position; no group is empty."""
    ordered = sorted(document.lines, key=lambda line: line.position)
    for group, kinds in GROUPS.items():
        if lines := [line for line in ordered if line.kind in kinds]:
            yield group, lines


def payment_code(document: InvoiceDocument) -> VietQR | None:
    """The code that pays an invoice. None for a draft, where nothing is to be paid, or where the seller's bank or the
    reference does not fit into one: the account stands on the paper all the same."""
    amount = amount_due(document)
    if document.kind != "invoice" or not amount or is_draft(document):
        return None
    try:
        return VietQR(document.seller.bank_bin, document.seller.bank_account, amount, document.payment_reference)
    except VietQRError:
        return None


def number_text(number: int) -> str:
    """A document's number as it is printed: eight digits."""
    return f"{number:08}"
