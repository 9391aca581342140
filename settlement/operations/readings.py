"""Deciding on readings that need a person: an estimate is approved, other figures stand in, or all stays as it is.

What is approved becomes the next version of the reading, written as every reading is, and the intervals that were
settled before are settled again. One person is enough where the platform's own estimate stands in for what is missing;
two are needed where a meter's figure is replaced, where somebody writes figures of their own, and where the month has
been billed. A figure that was read off the meter itself counts as corrected, every other one as estimated: an interval
that rests on an estimate pays no compensation.

Example: 10:00 of a shop is missing. Lan approves the straight line, 1,200 Wh: version 1, estimated, by Lan alone. Lan
writes 1,350 Wh instead: it waits until Minh confirms it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from accounts.models import User
from accounts.operations import audit
from accounts.policies import is_administrator
from meters.domain.vee.estimates import Pair, by_method, propose, to_total
from meters.models import Reading, Site
from meters.operations import NewReading, ReadingRejected, record_readings
from settlement.models import MonthClose, ReadingDecision
from settlement.operations.errors import SettlementError
from settlement.operations.news import tell_figures_wait
from settlement.operations.runs import resettle
from settlement.queries.readings import Finding, around
from trading.models import Market
from units.interval import from_ms, to_ms

State, Method, Cause = ReadingDecision.State, ReadingDecision.Method, ReadingDecision.Cause
MOST_REASON = 500
SETTLED_AT_ONCE = 8  # the rest is settled again by the next ticks
MOST_WH = 2**53


class ReadingDecisionError(ValueError):
    """A decision that cannot be made like that; the message says what to do. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Figures:
    """What shall stand in each interval: (import, export) in Wh, and where it is from."""

    method: str
    pairs: Sequence[Pair]
    read_off: bool = False


def figures_for(
    market: Market, found: Finding, *, method: str = "", import_total_wh: int | None = None,
    export_total_wh: int | None = None,
) -> Figures:  # fmt: skip
    """The estimate for an item by `method` (else by the first that can be used), spread over a register's own totals
    where these are known. Raises ReadingDecisionError `method_unusable`, `bad_total`."""
    if found.cause == Cause.ESTIMATED and method in ("", Method.AS_IT_IS):
        made = [(value.import_wh, value.export_wh) for value in found.values]
        return Figures(Method.AS_IT_IS, _totalled(made, import_total_wh, export_total_wh))
    known = around(market, found).known
    estimate = propose(known) if not method else by_method(known, method) if method in _METHODS else None
    if estimate is None:
        raise ReadingDecisionError("method_unusable", "This method lacks the readings it needs; choose another one.")
    pairs = list(zip(estimate.import_wh, estimate.export_wh, strict=True))
    return Figures(estimate.method, _totalled(pairs, import_total_wh, export_total_wh))


_METHODS = (Method.SIMILAR_SUN, Method.LINEAR, Method.SAME_WEEKDAY, Method.DAY_MEAN)


def _totalled(pairs: Sequence[Pair], import_wh: int | None, export_wh: int | None) -> list[Pair]:
    registers = []
    for place, total in enumerate((import_wh, export_wh)):
        shape = [pair[place] for pair in pairs]
        if total is not None and not 0 <= total <= MOST_WH:
            raise ReadingDecisionError("bad_total", "The register moved by 0 Wh or more; check what was written.")
        registers.append(shape if total is None else to_total(shape, total))
    return list(zip(*registers, strict=True))


def needs_two(market: Market, found: Finding, figures: Figures) -> bool:
    """Whether a second person must confirm these figures."""
    replaces_meter = any(value.version and not value.estimated for value in found.values)
    return replaces_meter or figures.read_off or figures.method == Method.OWN or is_billed(market, found.start)


def is_billed(market: Market, start: datetime) -> bool:
    """Whether the month of an interval has been issued in any market of the site: a change then becomes an adjustment.
    All of them rest on the same readings."""
    month = start.astimezone(ZoneInfo(market.site.timezone)).date().replace(day=1)
    return MonthClose.objects.filter(market__site=market.site_id, month=month, state=MonthClose.State.ISSUED).exists()


def decide(
    *, market: Market, found: Finding, figures: Figures, by: User, at: datetime, reason: str = ""
) -> ReadingDecision:
    """Takes figures for an item: written at once where one person is enough, else proposed to a second one.

    Raises ReadingDecisionError: `forbidden`, `reason_required` (figures of one's own, or in place of a meter's),
    `already_proposed`, `reading_changed`, `above_limit` and other codes of a refused reading.
    """
    _may(by)
    two = needs_two(market, found, figures)
    reason = _reason(reason, required=two)
    decision = _begun(market, found, figures, by=by, at=at, reason=reason, two=two)
    with transaction.atomic():
        _hold(market, found)
        if two:
            decision.save()
            _note(decision, "reading.proposed", by, at)
            tell_figures_wait(decision, at)
            return decision
        _carry_out(decision, by, at, "reading.approved")
    settle_decided(market, at, limit=SETTLED_AT_ONCE)
    return decision


def leave(*, market: Market, found: Finding, by: User, at: datetime, reason: str) -> ReadingDecision:
    """Leaves an item as it is: nothing is written, and it comes back only if the reading changes. Raises
    ReadingDecisionError `forbidden`, `reason_required`, `already_proposed`."""
    _may(by)
    pairs = [(value.import_wh, value.export_wh) for value in found.values]
    reason = _reason(reason, required=True)
    decision = _begun(market, found, Figures("", pairs), by=by, at=at, reason=reason, two=False)
    with transaction.atomic():
        _hold(market, found)
        decision.state, decision.decided_by, decision.decided_at = State.REJECTED, by, at
        decision.save()
        _note(decision, "reading.left", by, at)
    return decision


def confirm(*, decision: ReadingDecision, by: User, at: datetime, note: str = "") -> ReadingDecision:
    """The second person's yes: the figures are written. Raises ReadingDecisionError `forbidden`, `own_proposal`,
    `decided`, `reading_changed`."""
    _may(by)
    with transaction.atomic():
        held = _waiting(decision)
        if held.proposed_by_id == by.pk:
            raise ReadingDecisionError("own_proposal", "You proposed these figures; ask a second person to confirm.")
        held.note = _reason(note)
        _carry_out(held, by, at, "reading.confirmed")
    settle_decided(held.market, at, limit=SETTLED_AT_ONCE)
    return held


def drop(*, decision: ReadingDecision, by: User, at: datetime, note: str = "") -> ReadingDecision:
    """Ends a proposal without writing anything: the item is back in the queue. Raises ReadingDecisionError as
    `confirm` does, and `reason_required` where it is somebody else's."""
    _may(by)
    with transaction.atomic():
        held = _waiting(decision)
        held.note = _reason(note, required=held.proposed_by_id != by.pk)
        held.state, held.decided_by, held.decided_at = State.WITHDRAWN, by, at
        held.save()
        _note(held, "reading.dropped", by, at)
    return held


def settle_decided(market: Market, at: datetime, *, limit: int) -> int:
    """Settles again, oldest first, what was settled before a decision on one of its readings; how many were.

    An interval that cannot be settled raises its alarm and holds up no other.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DECIDED, (market.pk, at, limit))
        ids = [row[0] for row in cursor.fetchall()]
    for contract_id in ids:
        try:
            resettle(contract_id=contract_id, at=at)
        except SettlementError:
            continue
    return len(ids)


_DECIDED = """
    SELECT c.id FROM trading_contract c JOIN trading_market m ON m.id = c.market_id
    JOIN meters_intervalrevision i ON i.site_id = m.site_id AND i.start = c.delivery_start
    CROSS JOIN LATERAL (
        SELECT reading_revision FROM settlement_settlementrun r
        WHERE r.contract_id = c.id ORDER BY number DESC LIMIT 1
    ) last WHERE c.market_id = %s AND c.state IN ('CLEARED', 'FINAL') AND i.revision > last.reading_revision
    AND NOT EXISTS (
        SELECT FROM settlement_settlementalarm a
        WHERE a.contract_id = c.id AND a.resolved_at IS NULL AND a.retry_at > %s
    ) AND EXISTS (
        SELECT FROM settlement_readingdecision d WHERE d.market_id = c.market_id AND d.state = 'approved'
        AND d.start <= c.delivery_start AND d.until > c.delivery_start
    ) ORDER BY c.delivery_start LIMIT %s
"""


def settle_late(*, market: Market, found: Finding, by: User, at: datetime) -> int:
    """Settles again the intervals of an item whose readings came after they were settled; how many.

    Raises ReadingDecisionError `forbidden`, SettlementError where one cannot be settled.
    """
    _may(by)
    contracts = market.contracts.filter(delivery_start__gte=found.start, delivery_start__lt=found.until)
    ids = list(contracts.order_by("delivery_start").values_list("pk", flat=True))
    for contract_id in ids:
        resettle(contract_id=contract_id, at=at)
    audit(
        by=by, action="reading.settled_again", target=f"point {found.point_code}", at=at,
        detail={"interval": found.start.isoformat(), "count": len(ids), "market": market.code},
    )  # fmt: skip
    return len(ids)


def _may(by: User) -> None:
    if not is_administrator(by):
        raise ReadingDecisionError("forbidden", "Only an administrator decides on readings.")


def _reason(text: str, *, required: bool = False) -> str:
    text = text.strip()
    if "\0" in text or len(text) > MOST_REASON:
        raise ReadingDecisionError("reason_too_long", "Put the reason in at most 500 characters that can be seen.")
    if required and not text:
        raise ReadingDecisionError("reason_required", "Give the reason; it stands in the audit trail.")
    return text


def _begun(
    market: Market, found: Finding, figures: Figures, *, by: User, at: datetime, reason: str, two: bool
) -> ReadingDecision:
    values = [[value.start_ms, value.version, *pair] for value, pair in zip(found.values, figures.pairs, strict=True)]
    return ReadingDecision(
        market=market, metering_point_id=found.point_id, cause=found.cause, start=found.start, until=found.until,
        values=values, method=figures.method, read_off=figures.read_off, two_people=two, state=State.PROPOSED,
        reason=reason, proposed_by=by, proposed_at=at,
    )  # fmt: skip


def _hold(market: Market, found: Finding) -> None:
    """One decision at a time on a site's readings; none beside a proposal that waits."""
    Site.objects.select_for_update(no_key=True).get(pk=market.site_id)
    waiting = ReadingDecision.objects.filter(
        metering_point_id=found.point_id, state=State.PROPOSED, start__lt=found.until, until__gt=found.start
    )
    if waiting.exists():
        raise ReadingDecisionError("already_proposed", "Figures for these intervals wait for a second person already.")


def _waiting(decision: ReadingDecision) -> ReadingDecision:
    Site.objects.select_for_update(no_key=True).get(markets=decision.market_id)
    held = ReadingDecision.objects.select_related("market__site", "metering_point").get(pk=decision.pk)
    if held.state != State.PROPOSED:
        raise ReadingDecisionError("decided", "Somebody has decided on this already; reload the page.")
    return held


def _carry_out(decision: ReadingDecision, by: User, at: datetime, action: str) -> None:
    """Writes the figures and notes the versions they became."""
    _still_as_seen(decision)
    if decision.method != Method.AS_IT_IS or _differs(decision):
        _write(decision, by, at)
    versions = _versions(decision)
    decision.versions = [versions.get(start, 0) for start, *_ in decision.values]
    decision.state, decision.decided_by, decision.decided_at = State.APPROVED, by, at
    decision.save()
    _note(decision, action, by, at)


def _write(decision: ReadingDecision, by: User, at: datetime) -> None:
    point, market = decision.metering_point, decision.market
    quality = "measured" if decision.read_off else "estimated"
    rows = [NewReading(point.code, from_ms(start), taken, given, quality) for start, _, taken, given in decision.values]
    source = f"decision: {decision.method}"
    try:
        record_readings(site=market.site, rows=rows, by=by, at=at, source=source, minutes=market.interval_minutes)
    except ReadingRejected as refused:
        raise ReadingDecisionError(refused.code, str(refused)) from refused


def _still_as_seen(decision: ReadingDecision) -> None:
    versions = _versions(decision)
    if any(versions.get(start, 0) != seen for start, seen, *_ in decision.values):
        raise ReadingDecisionError("reading_changed", "A reading has come in since; look at the interval again.")


def _versions(decision: ReadingDecision) -> dict[int, int]:
    """The present version of each interval, by its start in ms."""
    return {start: version for start, version, *_ in _latest(decision)}


def _differs(decision: ReadingDecision) -> bool:
    now = {start: tuple(pair) for start, _, *pair in _latest(decision)}
    return any(now.get(start) != (taken, given) for start, _, taken, given in decision.values)


def _latest(decision: ReadingDecision) -> list[tuple[int, int, int, int]]:
    wanted = [from_ms(start) for start, *_ in decision.values]
    rows = Reading.objects.filter(site=decision.market.site_id, start__in=wanted)
    rows = rows.filter(metering_point=decision.metering_point_id).order_by("start", "-version").distinct("start")
    found = rows.values_list("start", "version", "import_wh", "export_wh")
    return [(to_ms(start), version, taken, given) for start, version, taken, given in found]


def _note(decision: ReadingDecision, action: str, by: User, at: datetime) -> None:
    audit(
        by=by, action=action, target=f"point {decision.metering_point.code}", at=at,
        detail={
            "interval": decision.start.isoformat(), "market": decision.market.code, "count": len(decision.values),
            "import_wh": sum(row[2] for row in decision.values), "export_wh": sum(row[3] for row in decision.values),
            "method": f"method:{decision.method}", "reason": decision.note or decision.reason,
            "cause": f"cause:{decision.cause}",
        },
    )  # fmt: skip
