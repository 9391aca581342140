"""Reminders of documents that are overdue: shown before they are sent, each level sent once.

A reminder is kept word for word, in the transaction that hands it to the mail server, with the document's row held: two
people who send at once send it once. Should the server take the mail and the commit then fail, it goes out again the
next time: a doubled mail is better than one that is only on record.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from smtplib import SMTPException
from zoneinfo import ZoneInfo

from django.core.mail import EmailMessage
from django.db import transaction

from accounts.models import BillingProfile, User
from accounts.operations import audit
from settlement.domain.dunning import held_back, level_due
from settlement.domain.matching_payments import OpenDocument
from settlement.models import Dispute, Invoice, Issuer, Reminder
from settlement.operations.news import tell_reminder
from settlement.operations.reminder_text import Letter, written
from settlement.queries.documents import documents_of, open_documents
from trading.models import Market


@dataclass(frozen=True, slots=True)
class Mail:
    """A reminder that is due. `held_back` says why it is not sent (`no_address`, `disputed`, `below_minimum`), and is
    empty where it is."""

    invoice_id: int
    participant_id: int
    level: int
    days_overdue: int
    open_dong: int
    to: str
    language: str
    subject: str
    body: str
    held_back: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What `send_reminders` did: mails that went out, those held back, and those the mail server refused."""

    sent: tuple[Mail, ...]
    held_back: tuple[Mail, ...]
    failed: tuple[Mail, ...]


def preview_reminders(market_id: int, on: date) -> tuple[Mail, ...]:
    """The reminders due on a local day, as they would be sent, those held back included. Sends nothing."""
    overdue = [d for d in open_documents(market_id=market_id) if d.open_dong > 0 and d.due_on < on]
    sent = _levels_sent(document.invoice_id for document in overdue)
    due = [(d, level) for d in overdue if (level := level_due((on - d.due_on).days, sent[d.invoice_id]))]
    return _mails(market_id, due, on)


def send_reminders(*, market_id: int, on: date, by: User | None, at: datetime) -> Sent:
    """Send what `preview_reminders` shows, each in its own transaction. A mail that fails is told, and due again."""
    sent, failed = [], []
    mails = preview_reminders(market_id, on)
    for mail in mails:
        if not mail.held_back:
            try:
                sent += [mail] if _send(mail, by, at) else []
            except (SMTPException, OSError):
                failed.append(mail)
    return Sent(tuple(sent), tuple(mail for mail in mails if mail.held_back), tuple(failed))


@transaction.atomic
def _send(mail: Mail, by: User | None, at: datetime) -> bool:
    """False where somebody has sent it, or the document was paid, since the preview."""
    (document,) = documents_of([mail.invoice_id], lock=True)
    again = Reminder.objects.filter(invoice_id=mail.invoice_id, level__gte=mail.level).exists()
    if again or document.open_dong != mail.open_dong:
        return False
    Reminder.objects.create(
        invoice_id=mail.invoice_id, level=mail.level, to=mail.to, subject=mail.subject, body=mail.body, by=by, at=at
    )
    detail = {"to": mail.to, "level": mail.level, "open_dong": mail.open_dong}
    audit(by=by, action="reminder.sent", target=f"invoice {mail.invoice_id}", detail=detail, at=at)
    tell_reminder(mail.invoice_id, mail.level, mail.open_dong, at)
    issuer = Issuer.objects.filter(site__markets=document.market_id).first()
    answers = [issuer.email] if issuer and issuer.email else []
    EmailMessage(subject=mail.subject, body=mail.body, to=[mail.to], reply_to=answers).send()
    return True


def _levels_sent(invoice_ids: Iterable[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    rows = Reminder.objects.filter(invoice_id__in=list(invoice_ids)).values_list("invoice_id", "level")
    for invoice_id, level in rows:
        found[invoice_id].add(level)
    return found


def _mails(market_id: int, due: list[tuple[OpenDocument, int]], on: date) -> tuple[Mail, ...]:
    market = Market.objects.select_related("site").get(pk=market_id)
    issuer = Issuer.objects.filter(site_id=market.site_id).first()
    invoices = Invoice.objects.select_related("series", "participant").in_bulk([d.invoice_id for d, _ in due])
    profiles = {
        profile.participant_id: profile
        for profile in BillingProfile.objects.filter(participant_id__in=[d.participant_id for d, _ in due])
    }
    disputed = _disputed(market, invoices.values())
    mails = []
    for document, level in due:
        profile = profiles.get(document.participant_id)
        invoice, days = invoices[document.invoice_id], (on - document.due_on).days
        letter = Letter(level, days, document.open_dong, invoice, profile, issuer)
        mails.append(_mail(letter, document, invoice.pk in disputed))
    return tuple(mails)


def _mail(letter: Letter, document: OpenDocument, disputed: bool) -> Mail:
    subject, body = written(letter)
    address = letter.profile.email if letter.profile else ""
    return Mail(
        invoice_id=document.invoice_id,
        participant_id=document.participant_id,
        level=letter.level,
        days_overdue=letter.days_overdue,
        open_dong=document.open_dong,
        to=address,
        language=letter.language,
        subject=subject,
        body=body,
        held_back=held_back(open_dong=document.open_dong, disputed=disputed, address=address),
    )


def _disputed(market: Market, invoices: Iterable[Invoice]) -> set[int]:
    """Documents of a participant who disputes an interval of their month."""
    zone = ZoneInfo(market.site.timezone)
    open_ = Dispute.objects.filter(market=market, state=Dispute.State.OPEN)
    rows = open_.values_list("participant_id", "contract__delivery_start")
    months = {(who, start.astimezone(zone).date().replace(day=1)) for who, start in rows}
    return {invoice.pk for invoice in invoices if (invoice.participant_id, invoice.month) in months}


def today(market_id: int, at: datetime) -> date:
    """The market's own day at a moment."""
    zone = Market.objects.values_list("site__timezone", flat=True).get(pk=market_id)
    return at.astimezone(ZoneInfo(zone)).date()
