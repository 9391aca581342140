"""The words of a reminder, in the payer's language, as plain text: what is owed, since when, and how to pay it."""

from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import BillingProfile
from settlement.documents.qr import VietQR, VietQRError
from settlement.models import Invoice, Issuer
from units.money import format_money


@dataclass(frozen=True, slots=True)
class Letter:
    """All that a reminder is written from."""

    level: int
    days_overdue: int
    open_dong: int
    invoice: Invoice
    profile: BillingProfile | None
    issuer: Issuer | None

    @property
    def language(self) -> str:
        return self.profile.language if self.profile else "vi"


def written(letter: Letter) -> tuple[str, str]:
    """Subject and body."""
    with translation.override(letter.language):
        number = str(letter.invoice)
        subject = _SUBJECTS[letter.level]().format(number=number)
        parts = [_greeting(letter), _opening(letter, number), *_how_to_pay(letter), _end(letter)]
        return " ".join(subject.split()), "\n\n".join(part for part in parts if part) + "\n"


_SUBJECTS = {
    1: lambda: _("Reminder: invoice {number} is not paid yet"),
    2: lambda: _("Second reminder: invoice {number} is overdue"),
    3: lambda: _("Last reminder: invoice {number} is overdue"),
}
_OPENINGS = {
    1: lambda: _(
        "Invoice {number} was due on {due_on}, and {amount} of it is still open. You may have overlooked it; please pay"
        " it in the next days. If you have just paid, take no notice of this mail."
    ),
    2: lambda: _(
        "Invoice {number} was due on {due_on}, {days} days ago, and {amount} of it is still open. Please pay it now, or"
        " tell us what keeps you from it."
    ),
    3: lambda: _(
        "Invoice {number} was due on {due_on}, {days} days ago, and {amount} of it is still open in spite of our"
        " reminders. Please pay it within 7 days. Until then you may be unable to buy in the market."
    ),
}


def _greeting(letter: Letter) -> str:
    name = letter.profile.legal_name if letter.profile else letter.invoice.participant.name
    return _("Dear {name},").format(name=" ".join(name.split()))


def _opening(letter: Letter, number: str) -> str:
    due_on = letter.invoice.due_on
    return _OPENINGS[letter.level]().format(
        number=number,
        due_on=f"{due_on:%d/%m/%Y}" if due_on else "",
        days=letter.days_overdue,
        amount=format_money(letter.open_dong, "vi" if letter.language == "vi" else "en"),
    )


def _how_to_pay(letter: Letter) -> list[str]:
    """Account, amount and reference, and the code that a banking app reads."""
    issuer = letter.issuer
    if issuer is None or not issuer.bank_account:
        return [_("Write this into the transfer: {reference}").format(reference=letter.invoice.reference)]
    rows = (
        (_("Account holder"), issuer.legal_name),
        (_("Bank"), issuer.bank_name),
        (_("Account"), issuer.bank_account),
        (_("Amount"), f"{letter.open_dong} VND"),
        (_("Write this into the transfer"), letter.invoice.reference),
    )
    table = "\n".join(f"{name}: {value}" for name, value in rows if value)
    payload = _payload(letter, issuer)
    return [table, _("VietQR code, as text: {payload}").format(payload=payload) if payload else ""]


def _payload(letter: Letter, issuer: Issuer) -> str:
    try:
        code = VietQR(issuer.bank_bin, issuer.bank_account, letter.open_dong, letter.invoice.reference)
    except VietQRError:
        return ""
    return code.payload()


def _end(letter: Letter) -> str:
    issuer = letter.issuer
    return "\n".join(part for part in (issuer.legal_name, issuer.phone, issuer.email) if part) if issuer else ""
