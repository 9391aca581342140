"""Windows × prices: the dated rows of a tariff.

A tariff by time of use has prices by period (normal, peak, off-peak) and the country has windows that say when each
period is; both change by date, each on its own. Every stretch of dates on which one set of windows and one set of
prices hold becomes rows. A flat tariff has one row a stretch, a tiered one a row for each tier.

A file that changes only prices takes the windows that the tariff has; one that changes only windows takes its prices.

Example: windows billed from 2014 on, prices from 2024-10-11 and from 2025-05-10: rows from 2024-10-11 to 2025-05-09 at
the old prices, and from 2025-05-10 on at the new.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from tariffs.domain.fields import Mistake, RulebookRejected
from tariffs.domain.hours import Hours
from tariffs.domain.rulebook import TOU_PERIODS, Dated, Prices, Rulebook, WindowSet
from tariffs.domain.windows import ALL_WEEK, MINUTES_A_DAY, TIER, Window, check_rows, spans_of

Span = tuple[date, date | None]


def compose(rulebook: Rulebook, held: dict[str, list[Window]], kinds: dict[str, str]) -> dict[str, list[Window]]:
    """The new rows of each tariff that the rulebook prices or gives windows to, by its code, from their first day on.

    `held`: the rows that each tariff has so far; `kinds`: the kind of each tariff that is known besides those of the
    rulebook. Raises RulebookRejected.
    """
    kinds = kinds | {head.code: head.kind for head in rulebook.tariffs}
    billed = [windows for windows in rulebook.windows if windows.dated is not None]
    mistakes: list[Mistake] = []
    made: dict[str, list[Window]] = {}
    for number, prices in enumerate(rulebook.prices):
        place = f"prices[{number}]"
        mistakes += _check_prices(prices, kinds.get(prices.tariff), place)
        if not mistakes:
            own = held.get(prices.tariff, [])
            made.setdefault(prices.tariff, []).extend(_rows(prices, kinds[prices.tariff], billed, own))
    if billed and not rulebook.prices:
        tou = {code: _rewindowed(rows, billed) for code, rows in held.items() if kinds.get(code) == "tou"}
        made = {code: rows for code, rows in tou.items() if rows}
    for code, rows in made.items():
        mistakes += [Mistake(p.code, f"tariff {code}", p.sentence) for p in check_rows(rows)] if rows else []
        if not rows:
            told = "No windows are billed on the days of these prices; add windows with hours."
            mistakes.append(Mistake("no_windows", f"tariff {code}", told))
    if mistakes:
        raise RulebookRejected(mistakes)
    return made


def joined(before: Sequence[Window], rows: Sequence[Window]) -> list[Window]:
    """The rows that a tariff had, up to the day from which the new ones hold, and then the new ones."""
    first = min(row.valid_from for row in rows)
    kept = [row for row in before if row.valid_from < first]
    return [*(ended(row, first) for row in kept), *rows]


def ended(row: Window, on: date) -> Window:
    """The row, over by `on` at the latest."""
    if row.valid_to is not None and row.valid_to <= on:
        return row
    return _like(row, row.valid_from, on)


def _check_prices(prices: Prices, kind: str | None, place: str) -> Iterator[Mistake]:
    wanted = {"flat": {"flat"}, "tou": set(TOU_PERIODS), "tiered": set()}.get(kind or "")
    if wanted is None:
        told = f"There is no tariff {prices.tariff}; add it under [[tariffs]]."
        yield Mistake("unknown_tariff", f"{place}.tariff", told)
        return
    if set(prices.by_period) != wanted or bool(prices.tiers) != (kind == "tiered"):
        names = ", ".join(sorted(wanted)) or "tiers"
        yield Mistake("wrong_periods", place, f"A tariff of the kind {kind} needs these prices and no others: {names}.")


def _rows(prices: Prices, kind: str, billed: Sequence[WindowSet], held: Sequence[Window]) -> Iterator[Window]:
    dated = prices.dated
    if kind == "flat":
        yield _row(Hours(ALL_WEEK, 0, MINUTES_A_DAY, "flat"), prices.by_period["flat"], dated, _span(dated))
    elif kind == "tiered":
        for tier in prices.tiers:
            yield Window(
                ALL_WEEK, 0, MINUTES_A_DAY, tier.price, dated.valid_from, dated.valid_to, TIER, dated.source,
                tier.from_wh, tier.to_wh, dated.legal_from, dated.doubt,
            )  # fmt: skip
    elif billed:
        for windows in billed:
            span = _common(_span(dated), _until_next(windows, billed))
            if span is not None:
                yield from (_row(hours, prices.by_period[hours.period], dated, span) for hours in windows.hours)
    else:
        yield from _repriced(prices, held)


def _repriced(prices: Prices, held: Sequence[Window]) -> Iterator[Window]:
    """The windows that the tariff has on these dates, at the new prices."""
    for row in held:
        span = _common(_span(prices.dated), (row.valid_from, row.valid_to))
        if span is not None and row.period in prices.by_period:
            hours = Hours(row.weekdays, row.from_minute, row.to_minute, row.period)
            yield _row(hours, prices.by_period[row.period], prices.dated, span)


def _rewindowed(held: Sequence[Window], billed: Sequence[WindowSet]) -> list[Window]:
    """The prices that the tariff has from the day of the new windows on, at the new hours; none where it has no prices
    then, or not for these periods."""
    made = []
    for windows in billed:
        for span in spans_of(held):
            common = _common(span, _until_next(windows, billed))
            if common is None:
                continue
            valid = {row.period: row for row in held if row.is_valid(common[0])}
            if all(hours.period in valid for hours in windows.hours):
                made += [_moved(valid[hours.period], hours, common) for hours in windows.hours]
    return made


def _moved(row: Window, hours: Hours, span: Span) -> Window:
    return Window(
        hours.weekdays, hours.from_minute, hours.to_minute, row.price, *span, hours.period, row.source,
        legal_from=row.legal_from, doubt=row.doubt,
    )  # fmt: skip


def _row(hours: Hours, price: int, dated: Dated, span: Span) -> Window:
    return Window(
        hours.weekdays, hours.from_minute, hours.to_minute, price, *span, hours.period, dated.source,
        legal_from=dated.legal_from, doubt=dated.doubt,
    )  # fmt: skip


def _like(row: Window, valid_from: date, valid_to: date | None) -> Window:
    return Window(
        row.weekdays, row.from_minute, row.to_minute, row.price, valid_from, valid_to, row.period, row.source,
        row.tier_from_wh, row.tier_to_wh, row.legal_from, row.doubt,
    )  # fmt: skip


def _span(dated: Dated) -> Span:
    return dated.valid_from, dated.valid_to


def _until_next(windows: WindowSet, billed: Iterable[WindowSet]) -> Span:
    """A set of windows is billed until its last day, or until the next set is."""
    assert windows.dated is not None
    first, end = _span(windows.dated)
    later = [other.dated.valid_from for other in billed if other.dated and other.dated.valid_from > first]
    ends = [day for day in (end, min(later, default=None)) if day is not None]
    return first, min(ends, default=None)


def _common(one: Span, other: Span) -> Span | None:
    first = max(one[0], other[0])
    ends = [end for end in (one[1], other[1]) if end is not None]
    end = min(ends, default=None)
    return None if end is not None and end <= first else (first, end)
