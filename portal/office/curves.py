"""The curve of a day with an item of the queue in it: as figures for the chart, and as a table for everybody else."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from meters.domain.vee.estimates import Pair
from portal.desk import Desk
from portal.templatetags.figures import day as day_text
from portal.templatetags.figures import reader
from settlement.queries.readings import DayAround, Finding
from settlement.queries.readings.findings import Value
from units.interval import from_ms

TAKEN, GIVEN = 0, 1


@dataclass(frozen=True, slots=True)
class Row:
    """One interval of the day: what was read, what is usual, what is proposed; (import, export) in Wh."""

    start: Any
    end: Any
    read: Pair | None
    estimated: bool
    usual: Pair | None
    proposed: Pair | None


def curve_page(desk: Desk, found: Finding, day: DayAround, pairs: list[Pair] | None) -> dict[str, Any]:
    """What a page with the curve shows: `curve` for the script, `table` row by row."""
    wanted = {value.start_ms: place for place, value in enumerate(found.values)}
    proposed = [pairs[wanted[at]] if pairs and at in wanted else None for at in day.starts_ms]
    own = day.days[day.on]
    return {
        "day": day.on,
        "table": _table(desk, day, own, proposed),
        "both": _moves(own, proposed, TAKEN) and _moves(own, proposed, GIVEN),
        "curve": {
            "language": get_language(),
            "timezone": desk.market.site.timezone,
            "starts": [at // 1000 for at in day.starts_ms],
            "step": desk.market.interval_minutes * 60,
            "from": found.values[0].start_ms // 1000,
            "until": found.values[-1].start_ms // 1000 + desk.market.interval_minutes * 60,
            "register": "export" if _given_more(found, day, pairs) else "import",
            "import": _figures(day, own, proposed, TAKEN),
            "export": _figures(day, own, proposed, GIVEN),
            "strings": curve_strings(),
        },
    }


def _table(desk: Desk, day: DayAround, own: list[Value | None], proposed: list[Pair | None]) -> list[Row]:
    step = timedelta(minutes=desk.market.interval_minutes)
    made = []
    for place, at in enumerate(day.starts_ms):
        start, value = from_ms(at), own[place]
        read = (value.import_wh, value.export_wh) if value else None
        estimated = bool(value and value.estimated)
        made.append(Row(start, start + step, read, estimated, day.typical[place], proposed[place]))
    return made


def _moves(own: list[Value | None], proposed: list[Pair | None], register: int) -> bool:
    read = any((value.import_wh, value.export_wh)[register] for value in own if value)
    return read or any(pair[register] for pair in proposed if pair)


def _given_more(found: Finding, day: DayAround, pairs: list[Pair] | None) -> bool:
    """Which register the item is about."""
    if found.role == "generation" or found.cause == "no_generation":
        return True
    known = [*(pairs or []), *(pair for pair in day.typical if pair), (found.import_wh, found.export_wh)]
    return sum(pair[GIVEN] for pair in known) > sum(pair[TAKEN] for pair in known)


def _figures(day: DayAround, own: list[Value | None], proposed: list[Pair | None], register: int) -> dict[str, Any]:
    def of(values: list[Value | None]) -> list[int | None]:
        return [(v.import_wh, v.export_wh)[register] if v else None for v in values]

    beside = {on: of(values) for on, values in day.days.items() if on != day.on and any(values)}
    return {
        "day": of(own),
        "typical": [pair[register] if pair else None for pair in day.typical],
        "proposed": [pair[register] if pair else None for pair in proposed],
        "beside": [{"name": _name(on), "values": values} for on, values in beside.items()],
    }


def _name(on: date) -> str:
    return day_text(on)


def curve_strings() -> dict[str, str]:
    """What the script of the curve says."""
    return {
        "read": _("{interval}: read {energy}"),
        "unread": _("{interval}: no reading"),
        "usual": _("usual {energy}"),
        "proposed": _("proposed {energy}"),
        "language": reader(),
    }
