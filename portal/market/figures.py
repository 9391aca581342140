"""A participant's own figures for the desk: energy and cost of today and the month, the peak guard, the green share.

Each figure is asked of the app that owns it (`settlement.queries.costs`, `planning.peak`, `settlement.queries.carbon`);
here they are only put together and worded. docs/desk-figures.md says what each one is.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts.models import Participant
from accounts.words import in_words
from planning.peak import PeakView, peak_view
from portal.market.drawing import Drawing, Share, Value, draw, place, shares
from portal.templatetags.figures import energy, millidong
from portal.templatetags.homes import kilowatts
from settlement.domain.calendar import month_start
from settlement.domain.carbon import CarbonTotals, totals_of
from settlement.queries.carbon import CarbonError, carbon_report
from settlement.queries.costs import Cost, IntervalCost, by_day, costs, total
from settlement.queries.statements import Statement, statement
from trading.models import Market
from units.interval import Interval, day_bounds


@dataclass(frozen=True, slots=True)
class CostFigures:
    """Cost of today and of the month so far, by interval and by day, and how much of it can still change."""

    rows: list[IntervalCost]
    today: Cost
    month: Cost
    days: dict[date, Cost]
    drawing: Drawing
    provisional: int
    month_intervals: int
    month_provisional: int
    estimated: int


@dataclass(frozen=True, slots=True)
class PeakFigures:
    """The guard with its curve; `limit_y` and `now_x` are places in the drawing."""

    view: PeakView
    drawing: Drawing
    limit_y: str | None
    warn_y: str | None
    now_x: str


@dataclass(frozen=True, slots=True)
class GreenFigures:
    """Where the energy of today and of the month came from; `refused` says why it cannot be told."""

    today: CarbonTotals | None
    month: CarbonTotals | None
    today_shares: list[Share]
    month_shares: list[Share]
    unsettled_hours: int
    refused: str = ""


@dataclass(frozen=True, slots=True)
class OwnFigures:
    """Everything of one participant at one moment of the market."""

    market: Market
    participant: Participant
    now: datetime
    on: date
    zone: ZoneInfo
    statement: Statement
    verdict: str
    flows: dict[str, list[Share]]
    cost: CostFigures
    peak: PeakFigures
    green: GreenFigures


def own_figures(market: Market, participant: Participant, now: datetime) -> OwnFigures:
    """The figures of a participant at the market time `now`, of that local day and its month so far."""
    zone = ZoneInfo(market.site.timezone)
    on = now.astimezone(zone).date()
    day = day_bounds(on, zone)
    first = month_start(on, zone)
    told = statement(market.pk, participant.pk, day.start, day.end)
    return OwnFigures(
        market, participant, now, on, zone, told, verdict(told), _flows(told),
        cost_figures(market, participant.pk, Interval(first, day.end), day, zone),
        peak_figures(market, participant.pk, now, day),
        green_figures(market, participant.pk, first, day),
    )  # fmt: skip


def verdict(told: Statement) -> str:
    """What the day came to, in a sentence."""
    if not told.intervals:
        return _("Nothing is settled yet today. An interval is settled a few minutes after its delivery.")
    sentence = _outcome(told)
    return sentence if told.payable else f"{sentence} {_('This market only computes: nothing is invoiced.')}"


def _outcome(told: Statement) -> str:
    money = millidong(abs(told.savings_millidong))
    if told.savings_millidong <= -500:
        return _(
            "Today is {money} worse than with the grid alone: you paid for energy that you promised and did not deliver"
            " or take."
        ).format(money=money)
    if told.sold_wh:
        return _("You sold {quantity} to neighbours. With all you traded, today is {money} better than with the grid"
                 " alone.").format(quantity=energy(told.sold_wh), money=money)  # fmt: skip
    if told.bought_wh:
        return _("You bought {quantity} from neighbours: {money} better than with the grid alone.").format(
            quantity=energy(told.bought_wh), money=money
        )
    if not told.import_wh and not told.export_wh:
        return _("So far today nothing was taken from the wires and nothing given to them.")
    return _("So far today everything went through the grid.")


def _flows(told: Statement) -> dict[str, list[Share]]:
    """What was taken and given, each by neighbours and grid."""
    return {
        "taken": shares([("local", "", told.bought_wh), ("grid", "", told.grid_import_wh)]),
        "given": shares([("local", "", told.sold_wh), ("grid", "", told.grid_export_wh)]),
    }


def cost_figures(market: Market, participant_id: int, month: Interval, day: Interval, zone: ZoneInfo) -> CostFigures:
    """The costs of the month's settled intervals, the day's one by one."""
    all_rows = costs(market, participant_id, month.start, month.end)
    rows = [row for row in all_rows if row.start >= day.start]
    values = [
        Value(
            row.start, row.cost.paid_millidong, row.cost.evn_millidong, _kind(row),
            _("{interval}: {paid}, with the grid alone {alone}").format(
                interval=row.label, paid=millidong(row.cost.paid_millidong), alone=millidong(row.cost.evn_millidong)
            ),
        )
        for row in rows
    ]  # fmt: skip
    return CostFigures(
        rows=rows,
        today=total(row.cost for row in rows),
        month=total(row.cost for row in all_rows),
        days=by_day(all_rows, zone),
        drawing=draw(values, day, market.interval_minutes),
        provisional=_count(rows),
        month_intervals=len(all_rows),
        month_provisional=_count(all_rows),
        estimated=sum(row.estimated for row in rows),
    )


def _kind(row: IntervalCost) -> str:
    return "provisional" if row.provisional else "settled"


def _count(rows: Iterable[IntervalCost]) -> int:
    return sum(row.provisional for row in rows)


def peak_figures(market: Market, participant_id: int, now: datetime, day: Interval) -> PeakFigures:
    """The guard's view, drawn."""
    view = peak_view(market, participant_id, now)
    minutes = market.interval_minutes
    zone = ZoneInfo(market.site.timezone)
    values = [
        Value(
            each.start, each.power_w, None, "estimated" if each.estimated else "measured",
            f"{Interval.of(each.start, minutes, zone).label(zone)}: {kilowatts(each.power_w)}",
        )
        for each in view.today
    ]  # fmt: skip
    also = [view.guard.limit_w] if view.guard else []
    drawing = draw(values, day, minutes, also)
    limit_y = drawing.scale.y(view.guard.limit_w) if view.guard else None
    warn_y = drawing.scale.y(view.guard.warn_w) if view.guard else None
    return PeakFigures(view, drawing, limit_y, warn_y, place(now, day))


def green_figures(market: Market, participant_id: int, first: datetime, day: Interval) -> GreenFigures:
    """Energy by source and the share matched by the hour, of the day and of the month so far."""
    try:
        report = carbon_report(market, participant_id, first, day.end)
    except CarbonError as error:
        return GreenFigures(None, None, [], [], 0, in_words(str(error)))
    today = totals_of(hour for hour in report.hours if hour.start >= day.start)
    return GreenFigures(
        today, report.totals, _sources(today), _sources(report.totals), len(report.unsettled_hours)
    )  # fmt: skip


def _sources(totals: CarbonTotals) -> list[Share]:
    return shares(
        [
            ("sun", _("Own sun"), totals.own_pv_wh),
            ("neighbours", _("Neighbours' sun"), totals.local_pv_wh),
            ("storage", _("Sun from storage"), totals.own_storage_wh + totals.local_storage_wh),
            ("other", _("Neighbours, without certificate"), totals.local_other_wh),
            ("grid", _("Grid"), totals.grid_wh),
        ]
    )


def until_yesterday(figures: CostFigures, on: date) -> dict[date, Cost]:
    """The days of the month before today, the latest first."""
    return {each: cost for each, cost in sorted(figures.days.items(), reverse=True) if each < on}
