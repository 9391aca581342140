"""Money: who owes what, bank files, payments by hand, payouts and reminders."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Participant
from portal.desk import REFUSED, Desk, Refused, office
from portal.papers import attached
from portal.refusals import REFUSALS, sentences
from settlement.domain.bank.statement import MOST_BYTES
from settlement.models import BankFile, BankLine, Invoice, Payment
from settlement.operations.bank_files import import_bank_file
from settlement.operations.dunning import preview_reminders, send_reminders
from settlement.operations.payments import ignore_line, match_line, record_payment
from settlement.operations.refunds import refund, undo_payment, use_prepaid
from settlement.queries.money import ageing, open_items, payout_file, payouts, suggestions, unmatched_lines

PAYOUT_DAYS = 30
MOST_OFFERED = 1_000
LINES_PER_PAGE = 10  # each looks through all open documents for what it may be


@office("money")
def money(desk: Desk) -> HttpResponse:
    """Who owes what since when."""
    rows = ageing(desk.market.pk, desk.today)
    names = ("not_due", "to_30", "to_60", "to_90", "over_90")
    sums = {name: sum(row.buckets[name] for row in rows) for name in names}
    sums |= {name: sum(getattr(row, name) for row in rows) for name in ("credit_dong", "total_dong", "prepaid_dong")}
    items = desk.page_of(open_items(desk.market.pk))
    known = Invoice.objects.select_related("series", "participant").in_bulk([item.invoice_id for item in items])
    return desk.show("office/money.html", rows=desk.page_of(rows, name="people"), sums=sums, items=items, known=known)


@office("money")
def bank(desk: Desk) -> HttpResponse:
    """Movements that wait for a decision, with what they may mean; POST takes a bank file in."""
    if desk.request.method != "POST":
        return _bank(desk)
    try:
        file = desk.request.FILES.get("file")
        if file is None:
            raise Refused("no_file", _("Choose the file that your bank gave you."))
        data = file.read(MOST_BYTES + 1)
        told = import_bank_file(site=desk.market.site, data=data, name=str(file.name), by=desk.user, at=desk.now)
    except REFUSALS as error:
        return _bank(desk, REFUSED, refusals=sentences(error))
    said = _(
        "{new} new movements: {matched} found their documents, {unmatched} wait below. {known} were known already."
    )
    return desk.done(
        said.format(new=told.new, matched=told.matched, unmatched=told.unmatched, known=told.known), "bank"
    )


def _bank(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    lines = desk.page_of(unmatched_lines(desk.market.site_id).select_related("file"), LINES_PER_PAGE)
    offers = {line.pk: suggestions(line) for line in lines}
    ids = {pk for found in offers.values() for each in found for pk in each.invoice_ids}
    for line in lines:
        line.offers = offers[line.pk]
    context = {
        "lines": lines,
        "known": Invoice.objects.select_related("series", "participant").in_bulk(ids),
        "reasons": reasons(),
        "people": _offered(desk),
        "files": BankFile.objects.filter(site=desk.market.site).select_related("by")[:10],
    }
    return desk.show("office/bank.html", status, **context | more)


def reasons() -> dict[str, str]:
    """Why a document is suggested for a movement."""
    return {
        "reference": _("its reference stands in the text"),
        "amount_and_name": _("amount and name fit"),
        "sum_and_name": _("all that this member owes comes to the amount"),
        "amount": _("only the amount fits"),
    }


def _people(desk: Desk) -> Any:
    return Participant.objects.filter(admissions__market=desk.market).order_by("name")


def _offered(desk: Desk) -> Any:
    """The members that a form names as one writes; beyond the first many, one writes the code."""
    return _people(desk)[:MOST_OFFERED]


@office("money", change=True)
def match(desk: Desk, pk: int) -> HttpResponse:
    """Say what a movement paid: documents, or the prepayment of somebody, or nobody of ours."""
    try:
        said = _decide_line(desk, pk)
    except REFUSALS as error:
        return _bank(desk, REFUSED, refusals=sentences(error))
    return desk.done(said, "bank")


def _decide_line(desk: Desk, pk: int) -> str:
    line = BankLine.objects.filter(pk=pk, site=desk.market.site).first()
    if line is None:
        raise Refused("line_not_found", _("There is no such bank line."))
    note = desk.text("note")
    if desk.text("verdict") == "ignore":
        desk.confirmed()
        ignore_line(line_id=pk, by=desk.user, at=desk.now, note=note)
        return _("The movement is set aside as not ours.")
    if desk.text("verdict") == "prepaid":
        who = _participant(desk)
        match_line(line_id=pk, by=desk.user, at=desk.now, market_id=desk.market.pk, participant_id=who.pk, note=note)
        return _("The movement went into the member's prepayment.")
    ids = [int(text) for text in desk.text("invoices").split(",") if text.isdecimal() and len(text) < 16]
    match_line(line_id=pk, by=desk.user, at=desk.now, invoice_ids=ids, note=note)
    return _("The movement is matched.")


def _participant(desk: Desk) -> Participant:
    found = _people(desk).filter(code=desk.text("participant")).first()
    if found is None:
        raise Refused("no_participant", _("Choose the member."))
    return found


@office("money")
def payments(desk: Desk) -> HttpResponse:
    """Every payment; POST records one by hand, refunds a prepayment, or uses it up."""
    if desk.request.method != "POST":
        return _payments(desk)
    try:
        said = _pay(desk)
    except REFUSALS as error:
        return _payments(desk, REFUSED, refusals=sentences(error))
    return desk.done(said, "payments")


def _payments(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    rows = Payment.objects.filter(market=desk.market).select_related("participant", "by", "bank_line")
    rows = rows.prefetch_related("allocations__invoice__series")
    return desk.show("office/payments.html", status, payments=desk.page_of(rows), people=_offered(desk), **more)


def _pay(desk: Desk) -> str:
    who, what = _participant(desk), desk.text("what")
    if what == "use":
        made = use_prepaid(market_id=desk.market.pk, participant_id=who.pk, by=desk.user, at=desk.now)
        return (
            _("Open documents were paid from the prepayment.")
            if made
            else _("There was nothing to pay, or no prepayment.")
        )
    amount, note = desk.number("amount_dong"), desk.text("note")
    if what == "refund":
        desk.confirmed()
        refund(
            market_id=desk.market.pk, participant_id=who.pk, amount_dong=amount, by=desk.user, at=desk.now, note=note
        )
        return _("The refund is recorded. Make the transfer at your bank.")
    signed = -abs(amount) if what == "out" else amount
    record_payment(
        market_id=desk.market.pk, participant_id=who.pk, amount_dong=signed, by=desk.user, at=desk.now, note=note
    )
    return _("The payment is recorded.")


@office("money", change=True)
def undo(desk: Desk, pk: int) -> HttpResponse:
    """Take a payment back: its documents are open again."""
    try:
        desk.confirmed()
        if not Payment.objects.filter(pk=pk, market=desk.market).exists():
            raise Refused("payment_not_found", _("There is no such payment."))
        undo_payment(payment_id=pk, by=desk.user, at=desk.now, note=desk.text("note"))
    except REFUSALS as error:
        return _payments(desk, REFUSED, refusals=sentences(error))
    return desk.done(_("The payment is taken back; its documents are open again."), "payments")


@office("money")
def payout(desk: Desk) -> HttpResponse:
    """What is to be paid out to net sellers, until a day."""
    until = _until(desk)
    rows = payouts(desk.market.pk, until)
    total = sum(row.amount_dong for row in rows if not row.missing)
    missing = sum(row.missing for row in rows)
    return desk.show("office/payouts.html", rows=desk.page_of(rows), total_dong=total, missing=missing, until=until)


@office("money")
def payout_csv(desk: Desk) -> HttpResponse:
    """The same as a file for the bank's bulk transfer."""
    answer = HttpResponse(payout_file(desk.market.pk, _until(desk)), content_type="text/csv; charset=utf-8")
    return attached(answer, f"payouts-{desk.market.code}-{desk.today:%Y-%m-%d}.csv")


def _until(desk: Desk) -> date:
    return desk.asked_day("until") or desk.today + timedelta(days=PAYOUT_DAYS)


@office("money")
def reminders(desk: Desk) -> HttpResponse:
    """The reminders that are due, word for word; POST sends them."""
    if desk.request.method != "POST":
        return _reminders(desk)
    try:
        desk.confirmed()
    except REFUSALS as error:
        return _reminders(desk, REFUSED, refusals=sentences(error))
    told = send_reminders(market_id=desk.market.pk, on=desk.today, by=desk.user, at=desk.now)
    if told.failed:
        said = ngettext(
            "{n} reminder was refused by the mail server; it is still due.",
            "{n} reminders were refused by the mail server; they are still due.",
            len(told.failed),
        )
        messages.error(desk.request, said.format(n=len(told.failed)))
    if not told.sent:
        return HttpResponseRedirect(desk.address("reminders"))
    said = ngettext("{n} reminder is sent.", "{n} reminders are sent.", len(told.sent))
    return desk.done(said.format(n=len(told.sent)), "reminders")


def _reminders(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    mails = preview_reminders(desk.market.pk, desk.today)
    words = {
        "no_address": _("no e-mail address"),
        "disputed": _("an interval of the month is in dispute"),
        "below_minimum": _("too little to remind of"),
    }
    ready = sum(not mail.held_back for mail in mails)
    page = desk.page_of(mails, 20)
    known = Invoice.objects.select_related("series", "participant").in_bulk([mail.invoice_id for mail in page])
    context = {"mails": page, "ready": ready, "known": known, "held_words": words}
    return desk.show("office/reminders.html", status, **context | more)
