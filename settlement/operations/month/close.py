"""Closing a month: compute, approve by a second person, issue. Each step commits with its progress.

    COMPUTING: the figures of one local day after another, then drafts for some participants after others → COMPUTED
    COMPUTED: the administrator reads checklist and drafts; somebody else approves → APPROVED, or it is discarded
    APPROVED: drafts are issued, some after others; then losses are posted → ISSUED

Nothing but these rows says how far a close is, so whoever calls `advance` next goes on where the last one died, twice
is once, and the outcome does not depend on where the interruptions were. The close's row is locked during a step.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import Max, Sum

from accounts.models import User
from accounts.operations import audit
from settlement.domain.calendar import month_after
from settlement.domain.month import VAT_CATEGORY
from settlement.models import (
    CloseDay,
    Invoice,
    Issuer,
    LedgerAccount,
    LedgerTransaction,
    MonthClose,
    MonthFigure,
    SettlementRun,
)
from settlement.operations.month.drafts import PAYABLE, Drafter, write
from settlement.operations.month.errors import CloseError
from settlement.operations.month.figures import take_day
from settlement.operations.month.issue import issue, write_losses
from settlement.operations.month.registers import keep_registers
from settlement.operations.month.rules import TariffBook, days_of, month_rules
from settlement.operations.news import tell_close_waits
from settlement.queries.closes import BLOCKING, WARNING, Progress, checklist, progress
from trading.models import Market
from units.interval import day_bounds

DRAFTS_AT_ONCE = 250
ISSUED_AT_ONCE = 500


def start_close(*, market: Market, month: date, by: User | None, at: datetime) -> MonthClose:
    """Begin to close a market's month at the market time `at`. `month` is its first day.

    Raises CloseError: `not_a_month`, `month_not_over`, `no_issuer`, `no_vat_rate`, `close_is_open`.
    """
    _check_month(market, month, at)
    _check_rules(market, month)
    last = SettlementRun.objects.filter(market=market).aggregate(last=Max("pk"))["last"] or 0
    number = (MonthClose.objects.filter(market=market, month=month).aggregate(n=Max("number"))["n"] or 0) + 1
    members = LedgerAccount.objects.filter(market=market, kind=LedgerAccount.Kind.PARTICIPANT).count()
    try:
        with transaction.atomic():
            close = MonthClose.objects.create(
                market=market, month=month, number=number, requested_by=by, requested_at=at, last_run_id=last,
                participants=members,
            )  # fmt: skip
            _audit(close, "close.started", by, at)
    except IntegrityError as error:
        raise CloseError("close_is_open", "The month is being closed already; go on with that close.") from error
    return close


def _check_month(market: Market, month: date, at: datetime) -> None:
    if month.day != 1:
        raise CloseError("not_a_month", "Name a month by its first day.")
    if at < day_bounds(month_after(month, 1), ZoneInfo(market.site.timezone)).start:
        raise CloseError("month_not_over", f"{month:%Y-%m} is not over yet; close it when it is.")


def _check_rules(market: Market, month: date) -> None:
    issuer = Issuer.objects.filter(site_id=market.site_id).first()
    if issuer is None and market.legal_basis in PAYABLE:
        raise CloseError("no_issuer", "The site has no issuer; say whose name, tax code and bank stand on invoices.")
    country = issuer.country if issuer else "VN"
    rules = month_rules(market.site_id, country, month, ZoneInfo(market.site.timezone))
    for category in sorted(set(VAT_CATEGORY.values())):
        for stretch in rules.vat[category]:
            if stretch.value is None:
                raise CloseError(
                    "no_vat_rate",
                    f"The rulebook of {country} has no VAT rate for {category} from {stretch.since.isoformat()};"
                    " add one, or load the rulebook.",
                )


def advance(close_id: int, at: datetime) -> bool:
    """Do the next step of a close, if there is one and nobody else is at it. Returns whether there may be more.

    Raises CloseError (`unknown_close`).
    """
    with transaction.atomic():
        close = MonthClose.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=close_id).first()
        if close is None:
            if not MonthClose.objects.filter(pk=close_id).exists():
                raise CloseError("unknown_close", "There is no such close.")
            return False
        if close.state == MonthClose.State.COMPUTING:
            _compute(close, at)
            return close.state == MonthClose.State.COMPUTING
        if close.state == MonthClose.State.APPROVED:
            _issue(close, at)
            return close.state == MonthClose.State.APPROVED
        return False


def run_close(close_id: int, at: datetime, told: Callable[[Progress], None] = lambda progress: None) -> MonthClose:
    """`advance` until there is nothing to do, telling the progress after each step. Raises CloseError."""
    while advance(close_id, at):
        told(progress(MonthClose.objects.select_related("market__site").get(pk=close_id)))
    return MonthClose.objects.select_related("market__site").get(pk=close_id)


def _compute(close: MonthClose, at: datetime) -> None:
    taken = set(CloseDay.objects.filter(close=close).values_list("on", flat=True))
    missing = [on for on in days_of(close.month) if on not in taken]
    if missing:
        book, zone = TariffBook(close.market.site_id, close.month), ZoneInfo(close.market.site.timezone)
        take_day(close, missing[0], zone, book.metered_power(), book.on_tiers())
        return
    members = LedgerAccount.objects.filter(
        market_id=close.market_id, kind=LedgerAccount.Kind.PARTICIPANT, participant_id__gt=close.drafted_to
    ).order_by("participant_id")
    ids = list(members.values_list("participant_id", flat=True)[:DRAFTS_AT_ONCE])
    if ids:
        write(close, Drafter(close).papers([pk for pk in ids if pk is not None]))
        close.drafted += len(ids)
        close.drafted_to = ids[-1] or 0
    if len(ids) < DRAFTS_AT_ONCE:
        close.state, close.computed_at = MonthClose.State.COMPUTED, at
        tell_close_waits(close, at)
    close.save(update_fields=("drafted", "drafted_to", "state", "computed_at"))


def approve_close(
    *, close: MonthClose, by: User, at: datetime, issue_on: date | None = None, accept: Sequence[str] = ()
) -> None:
    """Approve a computed close: its drafts will be issued with the date `issue_on` (None: the local date of `at`).

    `accept` names the warnings of the checklist that the approver has seen. Raises CloseError: `not_computed`,
    `second_person_needed`, `checklist_blocks`, `warnings_not_accepted`, `issued_too_early`.
    """
    with transaction.atomic():
        close = _held(close, MonthClose.State.COMPUTED, "not_computed", "Only a computed close can be approved.")
        if by.pk == close.requested_by_id:
            raise CloseError("second_person_needed", "Whoever computed the close cannot approve it; ask somebody else.")
        on = issue_on or at.astimezone(ZoneInfo(close.market.site.timezone)).date()
        if on < month_after(close.month, 1):
            raise CloseError("issued_too_early", "A document is dated after the month that it bills.")
        _check_dates(close.market, on)
        checks = checklist(close)
        _refuse(BLOCKING, [check.sentence for check in checks if check.state == BLOCKING])
        _refuse(WARNING, [c.sentence for c in checks if c.state == WARNING and c.code not in accept])
        close.state, close.approved_by, close.approved_at, close.issue_on = MonthClose.State.APPROVED, by, at, on
        close.checklist = [{"code": c.code, "state": c.state, "count": c.count} for c in checks]
        close.save()
        _audit(close, "close.approved", by, at, accepted=sorted(accept), issue_on=on.isoformat())


def _check_dates(market: Market, on: date) -> None:
    """In a series, dates go up with numbers."""
    numbered = Invoice.objects.filter(series__site_id=market.site_id, series__year=on.year)
    last = numbered.aggregate(last=Max("issued_on"))["last"]
    if market.legal_basis in PAYABLE and last is not None and on < last:
        raise CloseError(
            "issued_too_early", f"Numbers and dates go up together: date the documents {last.isoformat()} or later."
        )


def _refuse(state: str, sentences: list[str]) -> None:
    if sentences:
        code = "checklist_blocks" if state == BLOCKING else "warnings_not_accepted"
        raise CloseError(code, " ".join(sentences))


def discard_close(*, close: MonthClose, by: User | None, at: datetime) -> None:
    """Throw away a close that has not been approved, with its drafts. Raises CloseError `already_approved`."""
    with transaction.atomic():
        states = (MonthClose.State.COMPUTING, MonthClose.State.COMPUTED)
        close = _held(close, states, "already_approved", "The close is approved; correct it by a later close.")
        Invoice.objects.filter(close=close).delete()
        MonthFigure.objects.filter(close=close).delete()
        close.readings.all().delete()
        close.days.all().delete()
        close.state = MonthClose.State.DISCARDED
        close.save(update_fields=("state",))
        _audit(close, "close.discarded", by, at)


def _held(close: MonthClose, states: Sequence[str] | str, code: str, message: str) -> MonthClose:
    wanted = (states,) if isinstance(states, str) else states
    held = MonthClose.objects.select_for_update(of=("self",)).select_related("market__site").get(pk=close.pk)
    if held.state not in wanted:
        raise CloseError(code, message)
    return held


def _issue(close: MonthClose, at: datetime) -> None:
    drafts = list(
        Invoice.objects.filter(close=close, state=Invoice.State.DRAFT)
        .select_related("series")
        .order_by("participant_id", "metering_point_id")[:ISSUED_AT_ONCE]
    )
    if drafts:
        issue(close, drafts, Issuer.objects.filter(site_id=close.market.site_id).first(), at)
        keep_registers(close, sorted({draft.participant_id for draft in drafts}))
        close.issued += len(drafts)
    if len(drafts) < ISSUED_AT_ONCE:
        _post_losses(close, at)
        close.state, close.issued_at = MonthClose.State.ISSUED, at
        _audit(close, "close.issued", None, at, documents=close.issued)
    close.save(update_fields=("issued", "state", "issued_at"))


def _post_losses(close: MonthClose, at: datetime) -> None:
    """What was lost on the site's wires, at the mean price of what its members bought from the grid, rounded down."""
    if close.market.legal_basis not in PAYABLE:
        return
    lost = CloseDay.objects.filter(close=close).aggregate(wh=Sum("losses_wh"))["wh"] or 0
    figures = MonthFigure.objects.filter(close=close, kind="grid_import")
    sums = figures.aggregate(wh=Sum("energy_wh"), amount=Sum("amount_millidong"))
    before = LedgerTransaction.objects.filter(
        close__market_id=close.market_id, close__month=close.month, category=LedgerTransaction.Category.LOSSES
    )
    price = sums["amount"] // sums["wh"] if sums["wh"] else 0
    write_losses(close, before, lost, lost * price, at)


def _audit(close: MonthClose, action: str, by: User | None, at: datetime, **detail: object) -> None:
    target = f"market {close.market.code} {close.month:%Y-%m}"
    audit(by=by, action=action, target=target, detail={"close": close.number, **detail}, at=at)
