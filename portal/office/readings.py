"""The queue of readings that need a person; one of them with curve and estimate; what waits for a second person."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from meters.domain.vee.estimates import usable
from portal.desk import REFUSED, Desk, Refused, office
from portal.office.curves import curve_page
from portal.refusals import REFUSALS, sentences
from settlement.models import ReadingDecision
from settlement.operations.readings import (
    Figures,
    ReadingDecisionError,
    confirm,
    decide,
    drop,
    figures_for,
    is_billed,
    leave,
    needs_two,
    settle_late,
)
from settlement.queries.readings import DayAround, Finding, around, finding, findings
from settlement.queries.readings.findings import CAUSES, LATE, Value
from units.interval import from_ms

State, Method = ReadingDecision.State, ReadingDecision.Method
MOST_AT_ONCE = 200
LONGEST_KEY = 60


@office("readings")
def readings(desk: Desk) -> HttpResponse:
    """What needs a person, filtered; POST approves the estimates of many items, or settles them again."""
    if desk.request.method != "POST":
        return _queue(desk)
    try:
        said = _bulk(desk)
    except REFUSALS as error:
        return _queue(desk, REFUSED, refusals=sentences(error))
    return desk.done(said, "readings")


def _queue(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    found = findings(desk.market, desk.now)
    waiting = ReadingDecision.objects.filter(market=desk.market, state=State.PROPOSED)
    done = ReadingDecision.objects.filter(market=desk.market).exclude(state=State.PROPOSED)
    names = cause_names()
    context: dict[str, Any] = {
        "rows": desk.page_of(_chosen(desk, found)),
        "all_count": len(to_decide(found)),
        "causes": [(cause, names[cause], sum(each.cause == cause for each in to_decide(found))) for cause in CAUSES],
        "cause_names": names,
        "waiting": waiting.select_related("metering_point__participant", "proposed_by").order_by("start"),
        "decided": desk.page_of(
            done.select_related("metering_point__participant", "proposed_by", "decided_by").order_by("-decided_at"),
            20, "decided",
        ),
        "query": desk.request.GET,
        "most": MOST_AT_ONCE,
    }  # fmt: skip
    return desk.show("office/readings.html", status, **context | more)


def to_decide(found: Sequence[Finding]) -> list[Finding]:
    """The items that nobody has proposed anything for yet."""
    return [each for each in found if each.proposal is None]


def open_count(desk: Desk) -> int:
    """How many items and proposals need a person, for the morning page."""
    waiting = ReadingDecision.objects.filter(market=desk.market, state=State.PROPOSED).count()
    return len(to_decide(findings(desk.market, desk.now))) + waiting


def _chosen(desk: Desk, found: Sequence[Finding]) -> list[Finding]:
    """Those that the address asks for: by cause, by member or point, by day."""
    cause, text = desk.asked("cause", 14), desk.asked("q").casefold()
    since, until = desk.asked_day("since"), desk.asked_day("until")
    rows = to_decide(found)
    rows = [each for each in rows if each.cause == cause] if cause else rows
    if text:
        rows = [each for each in rows if text in f"{each.point_code} {each.participant_name}".casefold()]
    days = ((each, each.start.astimezone(desk.zone).date()) for each in rows)
    return [each for each, on in days if (not since or on >= since) and (not until or on <= until)]


def _bulk(desk: Desk) -> str:
    """One decision for each chosen item, the platform's own estimate; who fails does not hold up the others."""
    keys = set(desk.request.POST.getlist("item")[:MOST_AT_ONCE])
    chosen = [each for each in to_decide(findings(desk.market, desk.now)) if each.key in keys]
    if not chosen:
        raise Refused("nothing_chosen", _("Choose at least one row."))
    desk.confirmed()
    done, refused = 0, []
    for each in chosen:
        try:
            _decide_plainly(desk, each)
            done += 1
        except REFUSALS as error:
            refused += [f"{each.point_code}: {sentence}" for sentence in sentences(error)]
    if refused and not done:
        raise Refused("all_refused", refused[0])
    said = ngettext("%(count)d item is dealt with.", "%(count)d items are dealt with.", done) % {"count": done}
    return " ".join((said, *refused[:3]))


def _decide_plainly(desk: Desk, each: Finding) -> None:
    if each.cause == LATE:
        settle_late(market=desk.market, found=each, by=desk.user, at=desk.now)
        return
    figures = figures_for(desk.market, each)
    decide(market=desk.market, found=each, figures=figures, by=desk.user, at=desk.now, reason=desk.text("reason"))


@office("readings")
def reading(desk: Desk, key: str) -> HttpResponse:
    """One item: its day's curve, the estimate by a chosen method; POST decides it."""
    found = _item(desk, key)
    if desk.request.method != "POST":
        return _page(desk, found)
    try:
        said = _verdict(desk, found)
    except REFUSALS as error:
        return _page(desk, found, REFUSED, refusals=sentences(error))
    return desk.done(said, "readings")


def _item(desk: Desk, key: str) -> Finding:
    parts = key[:LONGEST_KEY].split("-")
    if len(parts) != 3 or not (parts[0].isdecimal() and parts[2].isdecimal()) or len(parts[2]) > 11:
        raise Http404
    found = finding(desk.market, desk.now, int(parts[0]), parts[1], from_ms(int(parts[2]) * 1000))
    if found is None:
        raise Http404
    return found


def _verdict(desk: Desk, found: Finding) -> str:
    verdict, reason = desk.text("verdict"), desk.text("reason")
    if desk.text("seen") not in ("", versions_of(found)):
        raise ReadingDecisionError("reading_changed", "A reading has come in since; look at the interval again.")
    whom: dict[str, Any] = {"market": desk.market, "found": found, "by": desk.user, "at": desk.now}
    if verdict == "leave":
        leave(**whom, reason=reason)
        return _("Left as it is. It comes back only if the reading changes.")
    if found.cause == LATE:
        count = settle_late(**whom)
        return ngettext("%(count)d interval is settled again.", "%(count)d intervals are settled again.", count) % {
            "count": count
        }
    figures = _own(desk, found) if verdict == "own" else _by_method(desk, found)
    made = decide(**whom, figures=figures, reason=reason)
    if made.state == State.PROPOSED:
        return _("Proposed. A second person confirms it before anything is written.")
    return _("Approved. The reading has a new version, and what was settled before is settled again.")


def versions_of(found: Finding) -> str:
    """What a person looked at: the version of each interval. It goes with the form, since an item keeps its address
    when a reading changes or its stretch grows."""
    return ".".join(str(value.version) for value in found.values)


def _by_method(desk: Desk, found: Finding) -> Figures:
    return figures_for(
        desk.market, found, method=desk.text("method"), import_total_wh=_wh(desk.text("import_total")),
        export_total_wh=_wh(desk.text("export_total")),
    )  # fmt: skip


def _own(desk: Desk, found: Finding) -> Figures:
    pairs = [
        (_wh(desk.text(f"import-{place}")) or 0, _wh(desk.text(f"export-{place}")) or 0)
        for place in range(len(found.values))
    ]
    return Figures(Method.OWN, pairs, desk.text("read_off") == "yes")


_MARKS = str.maketrans("", "", " .,_\u00a0\u202f")


def _wh(text: str) -> int | None:
    """Whole Wh from a form; marks between thousands are taken in, nothing is None. Raises Refused."""
    digits = text.translate(_MARKS).removesuffix("Wh")
    if not digits:
        return None
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 15:
        raise Refused("not_wh", _("Write energy as a whole number of Wh, like 1250."))
    return int(digits)


def _page(desk: Desk, found: Finding, status: int = 200, **more: Any) -> HttpResponse:
    day = around(desk.market, found)
    context: dict[str, Any] = {"found": found, "cause_name": cause_names()[found.cause], "late": found.cause == LATE}
    context["seen"] = versions_of(found)
    if found.cause != LATE:
        context |= _estimated(desk, found)
    context |= curve_page(desk, found, day, context.get("pairs"))
    context["trail"] = ReadingDecision.objects.filter(
        metering_point_id=found.point_id, start__lt=found.until, until__gt=found.start
    ).select_related("proposed_by", "decided_by")
    return desk.show("office/reading.html", status, **context | more)


def _estimated(desk: Desk, found: Finding) -> dict[str, Any]:
    """The estimate that the address or the form asks for; the first that can be used where it asks for none."""
    asked = desk.request.POST if desk.request.method == "POST" else desk.request.GET
    try:
        figures = figures_for(
            desk.market, found, method=asked.get("method", "")[:14], import_total_wh=_wh(asked.get("import_total", "")),
            export_total_wh=_wh(asked.get("export_total", "")),
        )  # fmt: skip
        trouble: list[str] = []
    except REFUSALS as error:
        figures, trouble = figures_for(desk.market, found), sentences(error)
    return {
        "figures": figures,
        "pairs": list(figures.pairs),
        "sums": tuple(sum(pair[place] for pair in figures.pairs) for place in (0, 1)),
        "rows": _rows(desk, found, figures),
        "methods": _methods(desk, found, around(desk.market, found)),
        "method_sentence": method_sentences().get(figures.method, ""),
        "needs_two": needs_two(desk.market, found, figures),
        "billed": is_billed(desk.market, found.start),
        "asked": {name: asked.get(name, "") for name in ("import_total", "export_total")},
        "trouble": trouble,
    }


def _rows(desk: Desk, found: Finding, figures: Figures) -> list[dict[str, Any]]:
    step = timedelta(minutes=desk.market.interval_minutes)
    return [
        {"start": (start := from_ms(value.start_ms)), "end": start + step, "value": value, "pair": pair, "place": place}
        for place, (value, pair) in enumerate(zip(found.values, figures.pairs, strict=True))
    ]


def _methods(desk: Desk, found: Finding, day: DayAround) -> list[tuple[str, str]]:
    codes = [*([Method.AS_IT_IS] if found.cause == "estimated" else []), *usable(day.known)]
    return [(code, str(Method(code).label)) for code in codes]


@office("readings")
def proposal(desk: Desk, pk: int) -> HttpResponse:
    """Figures that wait for a second person, or were decided; POST confirms them or ends the proposal."""
    rows = ReadingDecision.objects.select_related("metering_point__participant", "proposed_by", "decided_by", "market")
    held = rows.filter(market=desk.market, pk=pk).first()
    if held is None:
        raise Http404
    if desk.request.method != "POST":
        return _proposal(desk, held)
    try:
        if desk.text("verdict") == "confirm":
            confirm(decision=held, by=desk.user, at=desk.now, note=desk.text("note"))
            said = _("Confirmed. The reading has a new version, and what was settled before is settled again.")
        else:
            drop(decision=held, by=desk.user, at=desk.now, note=desk.text("note"))
            said = _("Nothing was written. The reading is back in the queue.")
    except REFUSALS as error:
        return _proposal(desk, held, REFUSED, refusals=sentences(error))
    return desk.done(said, "readings")


def _proposal(desk: Desk, held: ReadingDecision, status: int = 200, **more: Any) -> HttpResponse:
    step = timedelta(minutes=desk.market.interval_minutes)
    rows = [{"start": (at := from_ms(row[0])), "end": at + step, "pair": row[2:], "version": row[1]}
            for row in held.values]  # fmt: skip
    found = _as_finding(held)
    pairs = [(row[2], row[3]) for row in held.values]
    context: dict[str, Any] = {
        "decision": held,
        "rows": rows,
        "own": held.proposed_by_id == desk.user.pk,
        "sums": tuple(sum(pair[place] for pair in pairs) for place in (0, 1)),
        "method_sentence": method_sentences().get(held.method, ""),
    }
    context |= curve_page(desk, found, around(desk.market, found), pairs if held.method else None)
    return desk.show("office/reading_proposal.html", status, **context | more)


def _as_finding(held: ReadingDecision) -> Finding:
    point = held.metering_point
    values = tuple(Value(row[0], row[1]) for row in held.values)
    return Finding(held.cause, point.pk, point.code, point.role, point.participant.code, point.participant.name,
                   held.start, held.until, values)  # fmt: skip


def cause_names() -> dict[str, str]:
    """What each cause is called."""
    return {str(value): str(label) for value, label in ReadingDecision.Cause.choices} | {LATE: _("Came after settling")}


def method_sentences() -> dict[str, str]:
    """How each estimate was made, in a sentence."""
    return {
        Method.SIMILAR_SUN: _("What the other roofs gave in these intervals, times this roof's share of theirs on the"
                              " seven days before."),
        Method.LINEAR: _("A straight line between the reading before and the reading after."),
        Method.SAME_WEEKDAY: _("The mean of the same time of day on the same weekday of the last four weeks."),
        Method.DAY_MEAN: _("The mean of the same time of day on the seven days before."),
        Method.NOTHING: _("No reading of this meter helps, so the estimate is 0 until somebody knows better."),
        Method.AS_IT_IS: _("The estimate as it came in; approving it writes nothing new."),
        Method.OWN: _("Figures that a person wrote."),
    }  # fmt: skip
