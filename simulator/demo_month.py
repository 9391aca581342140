"""What people do with the demo's past months: a doubt is decided, a month closed by two, invoices issued and paid.

The earlier month goes all the way; the last one is computed and waits for `second`, so that a visitor can try it. Each
step looks first whether it was done.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta

from django.db import transaction

from accounts.models import Participant, User
from settlement.domain.calendar import due_on
from settlement.models import BankFile, Dispute, Invoice, MonthClose
from settlement.operations.bank_files import Imported, import_bank_file
from settlement.operations.disputes import decide_dispute, open_dispute
from settlement.operations.documents import make_pdfs, submit_invoices
from settlement.operations.month import approve_close, run_close, start_close
from settlement.queries.closes import WARNING, checklist
from simulator.demo_history import MODEL_ZONE
from simulator.demo_papers import ACCOUNT
from trading.models import Contract, Market

Say = Callable[[str], None]
FIRST, SECOND, TENANT = "administrator", "second", "tenant"
DOUBTER = "co-khi-an-phat"
PAID_AFTER = timedelta(days=8)
BANK_FILE = "sao-ke-demo.csv"
STRANGER_DONG = 12_345_000


def close_and_issue(market: Market, month: date, no_later: datetime, say: Say) -> None:
    """A past month closed by two people on the day of its cut-off, issued, and paid by some."""
    if MonthClose.objects.filter(market=market, month=month).exists():
        if BankFile.objects.filter(site_id=market.site_id, name=BANK_FILE).exists():
            return
    else:
        _doubt(market, month, no_later)
        with transaction.atomic():
            close = _computed(market, month, no_later)
            at = _office(month, 14, no_later)
            warned = [check.code for check in checklist(close) if check.state == WARNING]
            approve_close(close=close, by=_user(SECOND), at=at, accept=warned)
            run_close(close.pk, at)
    made = sum(1 for _ in make_pdfs(market, month, processes=1))
    sum(1 for _ in submit_invoices(market, month))
    paid = _pay(market, month, no_later)
    say(f"{month:%B %Y} is closed and issued: {made} documents, {paid.matched} transfers matched.")


def compute(market: Market, month: date, no_later: datetime, say: Say) -> None:
    """A past month computed by the first administrator, once; the second one has not looked yet."""
    if MonthClose.objects.filter(market=market, month=month).exists():
        return
    with transaction.atomic():
        _computed(market, month, no_later)
    say(f"{month:%B %Y} is computed and waits: log in as {SECOND} to approve it.")


def _computed(market: Market, month: date, no_later: datetime) -> MonthClose:
    at = _office(month, 10, no_later)
    return run_close(start_close(market=market, month=month, by=_user(FIRST), at=at).pk, at)


def _doubt(market: Market, month: date, no_later: datetime) -> None:
    """A tenant doubts the last morning of the month; its meter is looked at, and it stands."""
    doubter = Participant.objects.get(code=DOUBTER)
    if Dispute.objects.filter(market=market, participant=doubter, state=Dispute.State.KEPT).exists():
        return
    contract = Contract.objects.filter(market=market, delivery_start__lt=_midnight_after(month)).latest(
        "delivery_start"
    )
    with transaction.atomic():
        dispute = open_dispute(
            market=market,
            contract=contract,
            participant=doubter,
            reason="Our meter was being looked at that evening. Please check what it counted.",
            by=_user(TENANT),
            at=_office(month, 8, no_later),
        )
        decide_dispute(
            dispute=dispute,
            waive=False,
            decision="The registers before and after agree with the reading, so it stands.",
            by=_user(FIRST),
            at=_office(month, 9, no_later),
        )


def _pay(market: Market, month: date, no_later: datetime) -> Imported:
    at = min(_office(month, 9, no_later) + PAID_AFTER, no_later)
    issued = Invoice.objects.filter(
        market=market, month=month, state=Invoice.State.ISSUED, kind=Invoice.Kind.INVOICE, total_dong__gt=0
    ).select_related("participant__billing")
    data = _bank_file(issued.order_by("number"), at.astimezone(MODEL_ZONE).date())
    return import_bank_file(site=market.site, data=data, name=BANK_FILE, by=_user(FIRST), at=at)


def _bank_file(invoices: Iterable[Invoice], on: date) -> bytes:
    """Of four documents the first two are paid, the third in part for the first such one only, the fourth not at all;
    and somebody pays without saying what for."""
    rows = []
    in_part = False
    for place, invoice in enumerate(invoices):
        paid = invoice.total_dong
        if place % 4 == 3 or (place % 4 == 2 and in_part):
            continue
        if place % 4 == 2:
            in_part, paid = True, paid // 2
        rows.append((f"TT tien dien {invoice.reference}", invoice.participant.billing.legal_name, paid))
    rows.append(("Chuyen tien dien thang truoc", "NGUYEN VAN THI DU", STRANGER_DONG))
    lines = [f"Account number;{ACCOUNT}", "Date;Description;Counterparty;Reference;Amount"]
    lines += [f"{on};{text};{name};DEMO-{n:04};{dong}" for n, (text, name, dong) in enumerate(rows, start=1)]
    return "\n".join(lines).encode()


def _office(month: date, hour: int, no_later: datetime) -> datetime:
    """An hour of the day of the month's cut-off, unless the demo began before it."""
    cut_off = due_on("R2", month)
    return min(datetime.combine(cut_off, time(hour), tzinfo=MODEL_ZONE), no_later)


def _midnight_after(month: date) -> datetime:
    following = (month + timedelta(days=32)).replace(day=1)
    return datetime.combine(following, time(0), tzinfo=MODEL_ZONE)


def _user(name: str) -> User:
    return User.objects.get(username=name)
