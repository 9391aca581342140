"""What if: a member's own month under two rulebooks, side by side, with the difference in words and by time of day."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from portal.desk import REFUSED, Desk, Refused, seat
from portal.refusals import REFUSALS, sentences
from portal.templatetags.figures import dong, energy, month, more, reader, whole
from settlement.documents.texts import text
from settlement.domain.calendar import month_after
from settlement.domain.month import WH_PER_KWH
from settlement.domain.what_if import Comparison, Part, Row
from settlement.queries.what_if import Seat, compare_rulebooks
from settlement.queries.what_if_choices import IN_FORCE, Choice, choices, rulebook_for
from tariffs.domain.rulebook import Rulebook
from tariffs.domain.rulebook_file import parse, read
from units.numbers import grouped

MONTHS_OFFERED = 24
FIRST_YEAR = 2000
MOST_BYTES = 500_000
REASONS = 4
HOURS = 24
FILE = "file"
# The chart's own measures: each hour has two bars of 10 in a column of 30.
WIDTH, HEIGHT, COLUMN, BAR = 720, 160, 30, 10


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour of the day: where its two bars stand and how high they are, with what they mean in words."""

    hour: int
    x: int
    left_y: int
    left_height: int
    right_x: int
    right_y: int
    right_height: int
    told: str


@seat("compare")
def compare(desk: Desk) -> HttpResponse:
    """The month under two rulebooks; POST takes the second from a file."""
    assert desk.participant is not None
    place = Seat(desk.market, desk.participant, _month(desk))
    offered = choices(place)
    left, right = _keys(desk, offered)
    context: dict[str, Any] = {
        "month": place.month,
        "months": [month_after(desk.today.replace(day=1), -back) for back in range(MONTHS_OFFERED)],
        "choices": [(choice.key, _named(choice)) for choice in offered],
        "left": left,
        "right": right,
    }
    try:
        books, names = _chosen(desk, place, offered, left, right)
        found = compare_rulebooks(desk.market.pk, desk.participant.pk, place.month, *books)
    except REFUSALS as error:
        return desk.show("bills/compare.html", REFUSED, **context, refusals=sentences(error))
    return desk.show("bills/compare.html", **context, names=names, **_shown(found))


def _month(desk: Desk) -> date:
    given = desk.request.POST.get("month") or desk.request.GET.get("month", "")
    try:
        asked = date.fromisoformat(f"{given}-01")
    except ValueError:
        asked = date.min
    known = FIRST_YEAR <= asked.year <= desk.today.year + 1
    return asked if known else month_after(desk.today.replace(day=1), -1)


def _keys(desk: Desk, offered: list[Choice]) -> tuple[str, str]:
    """What is asked for; at first the rulebook in force and the one that is offered next."""
    first = next((choice.key for choice in offered if choice.key != IN_FORCE), IN_FORCE)
    if desk.request.method == "POST":
        return desk.request.POST.get("left", "").replace("\0", "").strip() or IN_FORCE, FILE
    return desk.request.GET.get("left", IN_FORCE), desk.request.GET.get("right", first)


def _chosen(
    desk: Desk, place: Seat, offered: list[Choice], left: str, right: str
) -> tuple[tuple[Rulebook | None, Rulebook | None], tuple[str, str]]:
    """The two rulebooks and what they are called. Raises what is in REFUSALS."""
    named = {choice.key: _named(choice) for choice in offered}
    if right == FILE:
        book: Rulebook | None = _uploaded(desk)
        name = book.name if book else ""
    else:
        book = rulebook_for(place, right)
        name = named[right]
    return (rulebook_for(place, left), book), (named[left], name)


def _uploaded(desk: Desk) -> Rulebook:
    file = desk.request.FILES.get("file")
    if file is None:
        raise Refused("no_file", _("Choose a rulebook file from your computer."))
    if (file.size or 0) > MOST_BYTES:
        raise Refused("file_too_large", _("The file is larger than 500 kB; a rulebook is a short text."))
    data = file.read()
    return parse(read(data, "json" if data.lstrip()[:1] == b"{" else "toml"))


def _named(choice: Choice) -> str:
    words = {
        IN_FORCE: _("In force"),
        "shipped": _("Shipped: {name}"),
        "windows": _("New hours: {name}"),
        "pilot": _("Two-part pilot: {name}"),
        "change": _("Proposed: {name}"),
    }
    return words[choice.kind].format(name=choice.name)


def _shown(found: Comparison) -> dict[str, Any]:
    return {
        "found": found,
        "headline": _headline(found),
        "reasons": [_reason(row) for row in found.reasons[:REASONS]],
        "notes": _notes(found),
        "rows": [_row(row) for row in found.rows],
        "sides": (found.left.draft, found.right.draft),
        "bars": _bars(found),
        "top": _top(found),
        "chart": {"width": WIDTH, "height": HEIGHT, "bar": BAR, "line": WIDTH - COLUMN},
    }


def _headline(found: Comparison) -> str:
    """The difference in one sentence, with what makes most of it."""
    change, totals = found.difference_dong, (found.left.draft.total_dong, found.right.draft.total_dong)
    if not change:
        return _("You would pay the same in {month}.").format(month=month(found.month))
    if max(totals) <= 0:
        words = _("You would receive {amount} less in {month}"), _("You would receive {amount} more in {month}")
    else:
        words = _("You would pay {amount} more in {month}"), _("You would pay {amount} less in {month}")
    told = words[change < 0].format(amount=dong(abs(change)), month=month(found.month))
    same = [row for row in found.reasons if (row.difference_dong > 0) == (change > 0)]
    if not same:
        return _("{what}, because VAT is another.").format(what=told)
    return _("{what}, most of all because of: {why}.").format(what=told, why=_label(same[0]))


def _label(row: Row) -> str:
    """What a row is for: `From the grid, peak hours`."""
    parts = [text(row.kind, reader())]
    if row.tier_from_wh is not None:
        low = whole(row.tier_from_wh // WH_PER_KWH)
        high = None if row.tier_to_wh is None else whole(row.tier_to_wh // WH_PER_KWH)
        parts.append(text("tier", reader(), low=low, high=high) if high else text("tier_open", reader(), low=low))
    elif row.period:
        parts.append(text(row.period, reader()))
    return ", ".join(parts)


def _reason(row: Row) -> dict[str, str]:
    """A row that differs: by how much, and whether its quantity or its price does."""
    before, after = row.left or Part(0, None, 0, None), row.right or Part(0, None, 0, None)
    told = []
    if before.quantity != after.quantity:
        told.append(_("{after} instead of {before}").format(after=_quantity(row, after), before=_quantity(row, before)))
    if row.left and row.right and before.price != after.price and None not in (before.price, after.price):
        prices = f"{whole(after.price)} ₫", f"{whole(before.price)} ₫"
        told.append(_("at {after} instead of {before}").format(after=prices[0], before=prices[1]))
    return {"label": _label(row), "change": str(more(row.difference_dong)), "told": ", ".join(told)}


def _quantity(row: Row, part: Part | None) -> str:
    if part is None or row.kind == "platform_month":
        return ""
    if row.kind == "capacity":
        return f"{grouped(part.quantity // 100, reader(), decimals=1)} kW"
    return energy(part.quantity)


def _row(row: Row) -> dict[str, Any]:
    return {
        "label": _label(row),
        "sides": [(_quantity(row, part), part) for part in (row.left, row.right)],
        "difference": row.difference_dong,
    }


def _notes(found: Comparison) -> list[str]:
    """What must be known to read the figures rightly."""
    notes = []
    unmatched = [code for side in (found.left, found.right) for code in side.unmatched]
    if unmatched:
        told = _("A rulebook has no tariff for customers like you on {tariff}, so your prices stay there as they are.")
        notes.append(told.format(tariff=", ".join(dict.fromkeys(unmatched))))
    if found.left.tariffs != found.right.tariffs:
        told = _("Your tariff: {before} on the left, {after} on the right.")
        before, after = (", ".join(side.tariffs) or "–" for side in (found.left, found.right))
        notes.append(told.format(before=before, after=after))
    return notes


def _top(found: Comparison) -> int:
    """The dearest hour of either side, milli-đồng: what the chart's height stands for."""
    return max(max(_hours(side)) for side in (found.left.by_half_hour, found.right.by_half_hour))


def _hours(by_half_hour: tuple[int, ...]) -> list[int]:
    return [by_half_hour[2 * hour] + by_half_hour[2 * hour + 1] for hour in range(HOURS)]


def _bars(found: Comparison) -> list[Bar]:
    """The cost of grid energy by hour of the day, both sides; nothing where there was none."""
    top = _top(found)
    if top <= 0:
        return []
    used, sides = _hours(found.grid_wh_by_half_hour), (found.left.by_half_hour, found.right.by_half_hour)
    return [
        _bar(hour, used[hour], left, right, top)
        for hour, (left, right) in enumerate(zip(*map(_hours, sides), strict=True))
    ]


def _bar(hour: int, used_wh: int, left: int, right: int, top: int) -> Bar:
    heights = [max(cost, 0) * HEIGHT // top for cost in (left, right)]
    costs = [dong(cost // 1_000) for cost in (left, right)]
    told = f"{hour:02}:00–{hour + 1:02}:00 · {energy(used_wh)} · {costs[0]} → {costs[1]}"
    x = hour * COLUMN + (COLUMN - 2 * BAR) // 2
    return Bar(hour, x, HEIGHT - heights[0], heights[0], x + BAR, HEIGHT - heights[1], heights[1], told)
