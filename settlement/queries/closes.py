"""What an administrator sees of a month before approving it: progress, a checklist that is computed, and what changed
since the month before.

| check | blocks | asks to be accepted |
|---|---|---|
| unbilled | intervals of the month that the figures do not hold | |
| figures_old | runs made since the figures were taken | |
| unapproved_edits | readings no run has seen, figures and rules of the month that wait for a second person | |
| open_disputes | disputes of the month that nobody has decided | |
| energy_balance | Wh sold that nobody bought, or the other way round | |
| cash_zero | money that came from nowhere, participants whose figures differ from the ledger | |
| month_before | | the month before, not issued yet |
| gaps | | intervals of participants settled on an estimate |
| before_cutoff | | intervals whose last run is earlier than R2 |
| losses | | technical losses outside the band of the site's terms |
| no_price | | participants that took grid energy at no price |
| no_profile | | participants without name and address for a document |
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from settlement.domain.calendar import KINDS, month_after, rank
from settlement.models import CloseDay, Dispute, Invoice, MonthClose, ReadingDecision, SettlementRun
from tariffs.models import RuleChange
from tariffs.queries import NoTerms, terms_at
from units.interval import day_bounds

OK, WARNING, BLOCKING = "ok", "warning", "blocking"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the checklist: `state` is ok, warning (to be accepted by its code) or blocking."""

    code: str
    state: str
    count: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a close is. `phase` is figures, drafts, issue or done; `total` 0 where it is not known yet."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Difference:
    """A participant's total against that of the month before, in đồng owed, and its Wh from anywhere."""

    participant_id: int
    name: str
    total_dong: int
    before_dong: int
    import_wh: int
    before_wh: int

    @property
    def change_dong(self) -> int:
        """How much more it owes than the month before."""
        return self.total_dong - self.before_dong


def month_bounds(close: MonthClose) -> tuple[datetime, datetime]:
    """The close's month as UTC moments [start, end)."""
    zone = ZoneInfo(close.market.site.timezone)
    return day_bounds(close.month, zone).start, day_bounds(month_after(close.month, 1), zone).start


def progress(close: MonthClose) -> Progress:
    """How far a close is, from its rows alone."""
    days = (month_after(close.month, 1) - close.month).days
    taken = close.days.count()
    if close.state == MonthClose.State.COMPUTING:
        return (
            Progress("figures", taken, days) if taken < days else Progress("drafts", close.drafted, close.participants)
        )
    documents = close.invoices.count()
    if close.state == MonthClose.State.APPROVED:
        left = close.invoices.filter(state=Invoice.State.DRAFT).count()
        return Progress("issue", documents - left, documents)
    return Progress("done", documents, documents)


def checklist(close: MonthClose) -> list[Check]:
    """Every check of a computed close, in the order of the table above."""
    start, end = month_bounds(close)
    runs = _runs(close, start, end)
    days = list(CloseDay.objects.filter(close=close))
    waiting = _waiting_changes(close.month) + _waiting_readings(close, start, end)
    return [
        _blocking("unbilled", runs["contracts"] - sum(day.intervals for day in days), _unbilled),
        _blocking("figures_old", int(_are_old(close, days, runs)), _figures_old),
        _blocking("unapproved_edits", runs["touched"] + waiting, _unapproved),
        _blocking("open_disputes", _open_disputes(close, start, end), _disputed),
        _blocking("energy_balance", _imbalance_wh(close), _unbalanced),
        _blocking("cash_zero", _cash_wrong(days), _cash),
        _warning("month_before", _months_before(close, start), _month_before),
        _warning("gaps", runs["estimated"], _gaps),
        _warning("before_cutoff", runs["early"], _early),
        _losses(close, days, start),
        _warning("no_price", _without_price(close), _no_price),
        _warning("no_profile", _without_profile(close), _no_profile),
    ]


def approved_checklist(close: MonthClose) -> list[Check]:
    """The checks as they stood when the close was approved, in the reader's language."""
    if not close.checklist:
        return []
    start, _end = month_bounds(close)
    losses = _losses(close, list(CloseDay.objects.filter(close=close)), start).sentence
    told = _SENTENCES | {"losses": lambda _count: losses}
    return [Check(row["code"], row["state"], row["count"], told[row["code"]](row["count"])) for row in close.checklist]


def differences(close: MonthClose, *, limit: int = 50) -> list[Difference]:
    """The participants whose totals differ most from the month before, the largest difference first."""
    with connection.cursor() as cursor:
        cursor.execute(
            _DIFFERENCES,
            {"close": close.pk, "market": close.market_id, "before": month_after(close.month, -1), "limit": limit},
        )
        return [Difference(*row) for row in cursor.fetchall()]


_DIFFERENCES = """
    WITH now AS (
        SELECT participant_id, sum(total_dong)::bigint AS dong FROM settlement_invoice
        WHERE close_id = %(close)s GROUP BY participant_id
    ), before AS (
        SELECT i.participant_id, sum(i.total_dong)::bigint AS dong FROM settlement_invoice i
        WHERE i.market_id = %(market)s AND i.month = %(before)s AND i.state IN ('issued', 'carried')
        AND NOT EXISTS (
            SELECT FROM settlement_invoice r WHERE r.refers_to_id = i.id AND r.relation = 'replacement'
        ) GROUP BY i.participant_id
    ), energy AS (
        SELECT participant_id, c.month, sum(-energy_wh)::bigint AS wh FROM settlement_monthfigure f
        JOIN settlement_monthclose c ON c.id = f.close_id
        WHERE f.kind IN ('grid_import', 'local_bought', 'pool_bought') AND (c.id = %(close)s OR c.id = (
            SELECT max(id) FROM settlement_monthclose
            WHERE market_id = %(market)s AND month = %(before)s AND state = 'issued'
        )) GROUP BY participant_id, c.month
    )
    SELECT p.id, p.name, coalesce(now.dong, 0), coalesce(before.dong, 0),
           coalesce((SELECT wh FROM energy e WHERE e.participant_id = p.id AND e.month <> %(before)s), 0),
           coalesce((SELECT wh FROM energy e WHERE e.participant_id = p.id AND e.month = %(before)s), 0)
    FROM now FULL JOIN before USING (participant_id) JOIN accounts_participant p ON p.id = participant_id
    ORDER BY abs(coalesce(now.dong, 0) - coalesce(before.dong, 0)) DESC, p.id LIMIT %(limit)s
"""


def _runs(close: MonthClose, start: datetime, end: datetime) -> dict[str, int]:
    names = ("contracts", "last_run", "runs_sum", "estimated", "early", "touched")
    values = {"market": close.market_id, "start": start, "end": end, "early": list(KINDS[: rank("R2")])}
    return dict(zip(names, _row(_RUNS, values), strict=True))


_RUNS = """
    SELECT count(*), coalesce(max(r.id), 0), coalesce(sum(r.id), 0)::bigint,
           coalesce(sum(r.estimated_count), 0)::bigint,
           count(*) FILTER (WHERE r.kind = ANY(%(early)s)),
           count(*) FILTER (WHERE i.revision > r.reading_revision)
    FROM trading_contract c JOIN trading_market m ON m.id = c.market_id LEFT JOIN LATERAL (
        SELECT id, kind, estimated_count, reading_revision FROM settlement_settlementrun
        WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) r ON true
    LEFT JOIN meters_intervalrevision i ON i.site_id = m.site_id AND i.start = c.delivery_start
    WHERE c.market_id = %(market)s AND c.delivery_start >= %(start)s AND c.delivery_start < %(end)s
"""


def _are_old(close: MonthClose, days: Sequence[CloseDay], runs: dict[str, int]) -> bool:
    """Runs that the figures have not seen; the sum finds also one that began before the close and committed later."""
    return runs["last_run"] > close.last_run_id or runs["runs_sum"] != sum(day.runs_sum for day in days)


def _months_before(close: MonthClose, start: datetime) -> int:
    """1 where the market had settled intervals before this month and the month before has not been issued."""
    issued = MonthClose.objects.filter(
        market_id=close.market_id, month=month_after(close.month, -1), state=MonthClose.State.ISSUED
    )
    settled = SettlementRun.objects.filter(market_id=close.market_id, contract__delivery_start__lt=start)
    return int(settled.exists() and not issued.exists())


def _waiting_changes(month: date) -> int:
    return RuleChange.objects.filter(state=RuleChange.State.PROPOSED, effective_on__lt=month_after(month, 1)).count()


def _waiting_readings(close: MonthClose, start: datetime, end: datetime) -> int:
    """Figures in place of readings that a second person has not confirmed."""
    waiting = ReadingDecision.objects.filter(market=close.market_id, state=ReadingDecision.State.PROPOSED)
    return waiting.filter(start__gte=start, start__lt=end).count()


def _open_disputes(close: MonthClose, start: datetime, end: datetime) -> int:
    return Dispute.objects.filter(
        market_id=close.market_id,
        state=Dispute.State.OPEN,
        contract__delivery_start__gte=start,
        contract__delivery_start__lt=end,
    ).count()


def _imbalance_wh(close: MonthClose) -> int:
    found = _row(
        "SELECT coalesce(abs(sum(energy_wh) FILTER (WHERE kind IN ('local_sold', 'local_bought'))), 0)::bigint,"
        " coalesce(abs(sum(energy_wh) FILTER (WHERE kind IN ('pool_sold', 'pool_bought'))), 0)::bigint"
        " FROM settlement_monthfigure WHERE close_id = %(close)s",
        {"close": close.pk},
    )
    return int(sum(found))


def _cash_wrong(days: Sequence[CloseDay]) -> int:
    return sum(day.ledger_differences for day in days) + sum(day.cash_millidong != 0 for day in days)


def _without_price(close: MonthClose) -> int:
    return int(
        _row(
            "SELECT count(DISTINCT participant_id) FROM settlement_monthfigure"
            " WHERE close_id = %(close)s AND kind = 'grid_import' AND price = 0",
            {"close": close.pk},
        )[0]
    )


def _without_profile(close: MonthClose) -> int:
    documents = Invoice.objects.filter(close=close, participant__billing=None).exclude(kind=Invoice.Kind.STATEMENT)
    return documents.values("participant").distinct().count()


def _losses(close: MonthClose, days: Sequence[CloseDay], start: datetime) -> Check:
    lost, taken = sum(day.losses_wh for day in days), _grid_wh(close)
    try:
        terms = terms_at(close.market.site_id, start)
    except NoTerms:
        return Check("losses", OK, 0, _("The site has no band for losses."))
    if not lost:
        return Check("losses", OK, 0, _("The connection to the grid is not metered, so there are no losses to check."))
    share = lost * 100 / max(taken + lost, 1)
    state = OK if terms.loss_min_pct <= share <= terms.loss_max_pct else WARNING
    sentence = _("Losses are %(share).1f %% of what came in; %(low)d to %(high)d %% is usual.") % {
        "share": share,
        "low": terms.loss_min_pct,
        "high": terms.loss_max_pct,
    }
    return Check("losses", state, lost, sentence)


def _grid_wh(close: MonthClose) -> int:
    query = (
        "SELECT coalesce(sum(import_wh), 0)::bigint FROM settlement_closereading d"
        " JOIN meters_meteringpoint p ON p.id = d.metering_point_id AND p.role = 'boundary'"
        " WHERE d.close_id = %(close)s"
    )
    return int(_row(query, {"close": close.pk})[0])


def _blocking(code: str, count: int, sentence: Callable[[int], str]) -> Check:
    return Check(code, BLOCKING if count else OK, count, sentence(count))


def _warning(code: str, count: int, sentence: Callable[[int], str]) -> Check:
    return Check(code, WARNING if count else OK, count, sentence(count))


def _unbilled(count: int) -> str:
    if not count:
        return _("Every interval of the month is in the figures.")
    return ngettext(
        "%(count)d interval is not in the figures; settle it, then compute again.",
        "%(count)d intervals are not in the figures; settle them, then compute again.",
        count,
    ) % {"count": count}


def _figures_old(count: int) -> str:
    if not count:
        return _("Nothing was settled since the figures were taken.")
    return _("Intervals were settled again since the figures were taken; compute the close again.")


def _unapproved(count: int) -> str:
    if not count:
        return _("No reading and no rule of the month waits to be settled or approved.")
    return ngettext(
        "%(count)d correction is not settled or not approved yet; settle the interval again, or decide on the rule.",
        "%(count)d corrections are not settled or not approved yet; settle the intervals again, or decide on the rule.",
        count,
    ) % {"count": count}


def _disputed(count: int) -> str:
    if not count:
        return _("No dispute is open.")
    return ngettext(
        "%(count)d dispute is open; decide it first.", "%(count)d disputes are open; decide them first.", count
    ) % {"count": count}


def _unbalanced(count: int) -> str:
    if not count:
        return _("All energy that was sold was bought.")
    return _("%(count)d Wh were sold that nobody bought, or bought that nobody sold.") % {"count": count}


def _cash(count: int) -> str:
    if not count:
        return _("All accounts together moved 0 đồng, and every participant's figures are what the ledger says.")
    return ngettext(
        "%(count)d figure is not what the ledger says; nothing may be issued before that is understood.",
        "%(count)d figures are not what the ledger says; nothing may be issued before that is understood.",
        count,
    ) % {"count": count}


def _month_before(count: int) -> str:
    if not count:
        return _("The month before is issued, or there is none.")
    return _("The month before is not issued yet; registers and carried amounts go on from it, so close it first.")


def _gaps(count: int) -> str:
    if not count:
        return _("Every interval rests on a measured reading.")
    return ngettext(
        "%(count)d interval of a participant rests on an estimate.",
        "%(count)d intervals of participants rest on estimates.",
        count,
    ) % {"count": count}


def _early(count: int) -> str:
    if not count:
        return _("The invoice cut-off (R2) is over for every interval.")
    return ngettext(
        "%(count)d interval has not had its run R2 yet; a later correction becomes an adjustment.",
        "%(count)d intervals have not had their run R2 yet; later corrections become adjustments.",
        count,
    ) % {"count": count}


def _no_price(count: int) -> str:
    if not count:
        return _("Everybody who took energy from the grid has a tariff.")
    return ngettext(
        "%(count)d participant took grid energy at no price; put it on a tariff.",
        "%(count)d participants took grid energy at no price; put them on a tariff.",
        count,
    ) % {"count": count}


def _no_profile(count: int) -> str:
    if not count:
        return _("Everybody has a name and an address for documents.")
    return ngettext(
        "%(count)d participant has no billing details; its document shows the name alone.",
        "%(count)d participants have no billing details; their documents show the names alone.",
        count,
    ) % {"count": count}


_SENTENCES: dict[str, Callable[[int], str]] = {
    "unbilled": _unbilled,
    "figures_old": _figures_old,
    "unapproved_edits": _unapproved,
    "open_disputes": _disputed,
    "energy_balance": _unbalanced,
    "cash_zero": _cash,
    "month_before": _month_before,
    "gaps": _gaps,
    "before_cutoff": _early,
    "no_price": _no_price,
    "no_profile": _no_profile,
}


def _row(query: str, values: dict[str, Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        row: tuple[Any, ...] = cursor.fetchone()
        return row
