"""An invoice, a self-billing invoice or a statement as one value: all that a page, a PDF, an XML or a sheet shows.

It is frozen when the document is issued, stored as canonical JSON, and known by the SHA-256 of those bytes, so that
years later every form of it can be made again and an audit can compare byte for byte. It holds figures and names, never
sentences: those are made in the reader's language from here.

Signs: what the participant owes is positive, what it is owed is negative, on lines and totals alike. A document whose
total is negative is a self-billing invoice (the operator issues it in the seller's name) or, in a shadow market, a
statement of what would have been earned. Money is whole đồng, energy whole Wh, rates basis points (800 = 8 %).

Example: 35,000 Wh bought from neighbours at 1,700 is a line of +59,500 đồng; VAT at 800 basis points +4,760.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

VERSION = "wattbourse-document-1"

# What a line is for. Each has its ledger category of the same name, `carried` aside.
LINE_KINDS = (
    "local_sold",
    "local_bought",
    "pool_sold",
    "pool_bought",
    "grid_export",
    "grid_spill",
    "grid_import",
    "tier_import",
    "capacity",
    "network_fee",
    "compensation_received",
    "compensation_paid",
    "platform_fee",
    "platform_month",
    "carried",
)
DOCUMENT_KINDS = ("invoice", "self_bill", "statement")
RELATIONS = ("original", "adjustment", "replacement")


@dataclass(frozen=True, slots=True)
class Party:
    """A seller or buyer as it stands on paper. `bank_bin` is the bank's six-digit number of NAPAS."""

    code: str
    name: str
    tax_code: str = ""
    address: str = ""
    email: str = ""
    phone: str = ""
    bank_name: str = ""
    bank_bin: str = ""
    bank_account: str = ""


@dataclass(frozen=True, slots=True)
class RegisterLine:
    """One register of one meter: it stood at `old_wh`, then at `new_wh` (as displayed × multiplier; `new_wh` may be
    smaller where it has run over), and counted `energy_wh` in between. Dates are inclusive."""

    metering_point: str
    serial: str
    multiplier: int
    direction: str  # import or export
    since: date
    until: date
    old_wh: int
    new_wh: int
    energy_wh: int


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line. `price` is đồng/kWh (đồng/kW for `capacity`), None where many prices make up the line.

    `period` is a time-of-use period (`peak`, `normal`, `offpeak`, `flat`) or empty; a tier has its bounds in kWh of the
    month. `quantity` is Wh, or W for `capacity`, or 1 for a monthly charge. `vat_bp` None: not subject to VAT.
    """

    position: int
    kind: str
    period: str
    tier_from_kwh: int | None
    tier_to_kwh: int | None
    since: date
    until: date
    quantity: int
    price: int | None
    amount_dong: int
    vat_bp: int | None


@dataclass(frozen=True, slots=True)
class VatSum:
    """The lines of one rate together. The tax is rounded once a rate, half away from zero."""

    vat_bp: int | None
    net_dong: int
    vat_dong: int


@dataclass(frozen=True, slots=True)
class Reference:
    """An issued document that another refers to."""

    series: str
    number: int
    issued_on: date


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """Everything on the paper. `month` is the first day of the month billed; `number` 0 and `issued_on` None: a draft.

    `payable` is false for statements of shadow markets, which show what would have been saved and must not be paid.
    `saved_dong` is how much better the month was than the same meters on the grid alone (negative: worse).
    `payment_reference` is what the payer writes into the transfer; empty where there is nothing to pay.
    """

    market_code: str
    market_name: str
    kind: str
    relation: str
    refers_to: Reference | None
    reason: str
    series: str
    number: int
    issued_on: date | None
    due_on: date | None
    month: date
    timezone: str
    language: str
    seller: Party
    buyer: Party
    metering_point: str  # empty: one document for all of the participant's meters
    registers: tuple[RegisterLine, ...]
    lines: tuple[DocumentLine, ...]
    vat: tuple[VatSum, ...]
    net_dong: int
    vat_dong: int
    total_dong: int
    saved_dong: int
    payable: bool
    payment_reference: str

    def canonical(self) -> bytes:
        """The document as bytes: UTF-8 JSON, keys sorted, no spaces, dates as ISO text."""
        values = {"version": VERSION, **asdict(self)}
        return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_text).encode()

    def digest(self) -> str:
        """SHA-256 (hex) of the canonical bytes."""
        return hashlib.sha256(self.canonical()).hexdigest()


def _text(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a document")


def from_canonical(data: bytes) -> InvoiceDocument:
    """The document that these bytes are. Raises ValueError where they are none, or of another version."""
    values = json.loads(data)
    if values.pop("version", None) != VERSION:
        raise ValueError(f"The document is not of version {VERSION}.")
    values |= {
        "seller": Party(**values["seller"]),
        "buyer": Party(**values["buyer"]),
        "registers": tuple(_dated(RegisterLine, row) for row in values["registers"]),
        "lines": tuple(_dated(DocumentLine, row) for row in values["lines"]),
        "vat": tuple(VatSum(**row) for row in values["vat"]),
        "refers_to": _dated(Reference, values["refers_to"]) if values["refers_to"] else None,
    }
    document: InvoiceDocument = _dated(InvoiceDocument, values)
    return document


def _dated(kind: type[Any], values: dict[str, Any]) -> Any:
    """An instance of a dataclass, its date fields read from ISO text."""
    dates = {field.name for field in fields(kind) if field.type in (date, date | None)}
    return kind(**{name: _date(value) if name in dates else value for name, value in values.items()})


def _date(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)
