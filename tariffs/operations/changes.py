"""A change of rules takes two people: one proposes it with what it will touch, another approves it, and it then holds
from its day on.

A proposal is a piece of a rulebook file. Its impact is found out by putting it into force, looking, and taking it back.
A day that is settled or that has begun is never changed: the change must begin later than the site's today.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import User
from meters.models import Site
from tariffs.domain.fields import Mistake, RulebookRejected
from tariffs.domain.rulebook import Rulebook
from tariffs.domain.rulebook_file import parse
from tariffs.models import RuleChange
from tariffs.operations.apply import apply_rulebook
from tariffs.operations.effects import impact_of
from tariffs.operations.errors import ChangeRefused
from tariffs.operations.news import tell_approved, tell_proposed
from tariffs.operations.rules import audit

SECTIONS = {
    "tariff": {"windows", "tariffs", "prices"},
    "terms": {"terms"},
    "network_fee": {"network_fees"},
    "vat": {"vat"},
    "emission_factor": {"emission_factors"},
    "assignment": {"assignments"},
}
MOST_BYTES = 2_000_000


def propose_change(
    *,
    by: User,
    kind: str,
    payload: Mapping[str, Any],
    effective_on: date,
    note: str = "",
    source: str = "",
    at: datetime,
) -> RuleChange:
    """Propose a piece of a rulebook, to be approved by somebody else. Its impact is worked out and kept with it.

    Raises ChangeRefused (`unknown_kind`, `wrong_section`, `change_too_early`, `change_too_large`, `nothing_changes`,
    `not_the_day`), RulebookRejected, TariffRejected, RulesSettled.
    """
    kept = as_json(payload)
    impact = preview_change(kind=kind, payload=kept, effective_on=effective_on, at=at)
    with transaction.atomic():
        change = RuleChange.objects.create(
            kind=kind, effective_on=effective_on, payload=kept, note=note, source=source, impact=impact,
            proposed_by=by, proposed_at=at,
        )  # fmt: skip
        audit(by, at, "rules.proposed", f"rule change {change.pk}", {"kind": kind, "from": effective_on.isoformat()})
        tell_proposed(change, at)
    return change


def preview_change(*, kind: str, payload: Mapping[str, Any], effective_on: date, at: datetime) -> dict[str, Any]:
    """Whom a piece of a rulebook would touch if it were proposed now; nothing is kept. Raises as `propose_change`."""
    rulebook = _checked(kind, as_json(payload))
    _check_day(effective_on, at)
    found = impact_of(rulebook, effective_on, at)
    if not found["changes"]:
        raise ChangeRefused("nothing_changes", "These rules hold already; there is nothing to approve.")
    _check_begins(found, effective_on)
    return found


def impact(change: RuleChange, at: datetime | None = None) -> dict[str, Any]:
    """Who is touched by a change, worked out anew on the rulebook and the readings of now."""
    return impact_of(parse(change.payload), change.effective_on, at or change.proposed_at)


def approve_change(*, change: RuleChange, by: User, at: datetime, note: str = "") -> RuleChange:
    """Put a proposed change into force from its day. Whoever proposed it cannot approve it. Raises ChangeRefused
    (`own_change`, `already_decided`, `change_too_early`), and what `propose_change` raises."""
    with transaction.atomic():
        held = _hold(change)
        if held.proposed_by_id == by.pk:
            raise ChangeRefused("own_change", "Whoever proposed a change cannot approve it; ask a second person.")
        _check_day(held.effective_on, at)
        rulebook = _checked(held.kind, held.payload)
        applied = apply_rulebook(rulebook=rulebook, by=by, at=at)
        if any(one.alters and one.from_on < held.effective_on for one in applied):
            raise ChangeRefused("not_the_day", _BEGINS.format(min(one.from_on for one in applied).isoformat()))
        tell_approved(held, at)
        return _decide(held, RuleChange.State.APPROVED, by, at, note)


def reject_change(*, change: RuleChange, by: User, at: datetime, note: str = "") -> RuleChange:
    """Turn a proposed change down. Raises ChangeRefused (`already_decided`)."""
    with transaction.atomic():
        return _decide(_hold(change), RuleChange.State.REJECTED, by, at, note)


def withdraw_change(*, change: RuleChange, by: User, at: datetime, note: str = "") -> RuleChange:
    """Take one's own proposal back. Raises ChangeRefused (`not_own_change`, `already_decided`)."""
    with transaction.atomic():
        held = _hold(change)
        if held.proposed_by_id != by.pk:
            raise ChangeRefused("not_own_change", "Only who proposed a change takes it back; reject it instead.")
        return _decide(held, RuleChange.State.WITHDRAWN, by, at, note)


def as_json(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A piece of a rulebook as JSON: dates as text. Raises ChangeRefused (`change_too_large`, `not_json`)."""
    try:
        text = json.dumps(payload, default=_day, allow_nan=False)
        json.dumps(payload, default=_day, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as wrong:
        raise ChangeRefused("not_json", f"This is no rulebook: {str(wrong)[:120]}.") from wrong
    if len(text) > MOST_BYTES or "\\u0000" in text:
        raise ChangeRefused("change_too_large", "This is more than one change; propose it in parts.")
    found: dict[str, Any] = json.loads(text)
    return found


def _day(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a rulebook")


def _checked(kind: str, payload: Mapping[str, Any]) -> Rulebook:
    if kind not in RuleChange.Kind.values:
        raise ChangeRefused("unknown_kind", f"There is no such kind of change; give one of {', '.join(SECTIONS)}.")
    allowed = SECTIONS.get(kind)
    other = set(payload) - {"rulebook"} - allowed if allowed else set()
    if other:
        told = f"A change of the kind {kind} says nothing of {', '.join(sorted(other))}; propose that on its own."
        raise RulebookRejected([Mistake("wrong_section", sorted(other)[0], told)])
    return parse(payload)


def _check_day(effective_on: date, at: datetime) -> None:
    """The change begins later than today at every site; that the sites it touches have not settled its day already
    (their clock may be ahead) is seen when it is put into force."""
    zones = set(Site.objects.order_by().values_list("timezone", flat=True).distinct()) or {"UTC"}
    today = max(at.astimezone(ZoneInfo(zone)).date() for zone in zones)
    if effective_on <= today:
        told = f"A change begins after today: on a day after {today.isoformat()}."
        raise ChangeRefused("change_too_early", told)


_BEGINS = "This changes rules from {} on, before its day; give that day, or let its rows begin later."


def _check_begins(impact: Mapping[str, Any], effective_on: date) -> None:
    early = [one["from"] for one in impact["changes"] if one["alters"] and one["from"] < effective_on.isoformat()]
    if early:
        raise ChangeRefused("not_the_day", _BEGINS.format(min(early)))


def _hold(change: RuleChange) -> RuleChange:
    held = RuleChange.objects.select_for_update().get(pk=change.pk)
    if held.state != RuleChange.State.PROPOSED:
        raise ChangeRefused("already_decided", f"This change was decided already: {held.get_state_display()}.")
    return held


def _decide(held: RuleChange, state: str, by: User, at: datetime, note: str) -> RuleChange:
    held.state, held.decided_by, held.decided_at, held.decision_note = state, by, at, note
    held.save(update_fields=["state", "decided_by", "decided_at", "decision_note"])
    audit(by, at, f"rules.{state}", f"rule change {held.pk}", {"kind": held.kind, "note": note})
    return held
