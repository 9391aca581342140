"""Stopping trading and going on, by a person with a reason, and stops that are planned beforehand.

A stop is a command in the market's log like any other, so that a replay stops at the same place; the reason stands in
the audit trail. A planned stop (maintenance, a holiday) is begun and ended by the market's tick: what an administrator
had stopped before stays stopped when it ends.

Example: 02:00–04:00 is planned for new meters. The first tick after 02:00 halts the market, orders stay in the book and
gates close as ever; the first tick after 04:00 lets it go on.
"""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from accounts.operations import audit
from accounts.policies import is_administrator
from trading.models import Contract, Market, PlannedStop
from trading.operations.markets import halt, resume

MOST_REASON = 200
LONGEST = timedelta(days=14)
State = PlannedStop.State


class StopRefused(ValueError):
    """A stop that cannot be made like that; the message says what to do. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def stop_trading(
    market: Market, *, by: User, at: datetime, reason: str, contract: Contract | None = None, freeze: bool = False
) -> None:
    """Halts or freezes one contract, or the market where there is none. Raises StopRefused: `forbidden`,
    `reason_required`, `gate_closed`."""
    _may(by)
    reason = _reason(reason)
    reply = halt(market, by=by, at=at, contract_id=contract.pk if contract else None, freeze=freeze)
    if reply.rejected:
        raise StopRefused(reply.reason, "Trading for this interval has ended already; there is nothing to stop.")
    whole = "market.frozen" if freeze else "market.halted"
    single = "interval.frozen" if freeze else "interval.halted"
    _note(single if contract else whole, market, contract, by, at, reason)


def let_go_on(market: Market, *, by: User, at: datetime, reason: str, contract: Contract | None = None) -> None:
    """Ends the stop of one contract, or of the market. Raises StopRefused as `stop_trading` does."""
    _may(by)
    reason = _reason(reason)
    reply = resume(market, by=by, at=at, contract_id=contract.pk if contract else None)
    if reply.rejected:
        raise StopRefused(reply.reason, "Trading for this interval has ended already; there is nothing to stop.")
    _note("interval.resumed" if contract else "market.resumed", market, contract, by, at, reason)


@transaction.atomic
def plan_stop(
    market: Market, *, starts_at: datetime, ends_at: datetime, freeze: bool, reason: str, by: User, at: datetime
) -> PlannedStop:
    """Plans a stop of the whole market. Raises StopRefused: `forbidden`, `reason_required`, `bad_times`, `overlaps`."""
    _may(by)
    reason = _reason(reason)
    if not at < ends_at or not starts_at < ends_at or ends_at - starts_at > LONGEST:
        raise StopRefused("bad_times", "A stop ends after it begins, in the future, and lasts at most 14 days.")
    Market.objects.select_for_update(no_key=True).get(pk=market.pk)
    beside = PlannedStop.objects.filter(market=market, state__in=(State.PLANNED, State.RUNNING))
    if beside.filter(starts_at__lt=ends_at, ends_at__gt=starts_at).exists():
        raise StopRefused("overlaps", "Another stop is planned in this time; take that back first.")
    made = PlannedStop.objects.create(
        market=market, starts_at=starts_at, ends_at=ends_at, freeze=freeze, reason=reason, planned_by=by
    )
    _note_planned("market.stop_planned", made, by, at)
    return made


@transaction.atomic
def cancel_stop(stop: PlannedStop, *, by: User, at: datetime) -> None:
    """Takes a planned stop back. One that is under way is ended by letting trading go on. Raises StopRefused
    `forbidden`, `begun`."""
    _may(by)
    rows = PlannedStop.objects.filter(pk=stop.pk, state=State.PLANNED, applied=False)
    if not rows.update(state=State.CANCELLED):
        raise StopRefused("begun", "This stop has begun or is over; let trading go on instead.")
    _note_planned("market.stop_cancelled", stop, by, at)


def keep_planned_stops(market: Market, at: datetime) -> None:
    """Begins and ends what is due at `at`. Called by the tick; twice, it does nothing more."""
    due = PlannedStop.objects.filter(market=market, state__in=(State.PLANNED, State.RUNNING), starts_at__lte=at)
    for stop in due.order_by("starts_at"):
        if stop.ends_at <= at:
            _end(market, stop, at)
        elif stop.state == State.PLANNED:
            _begin(market, stop, at)


def _begin(market: Market, stop: PlannedStop, at: datetime) -> None:
    """The halt comes before the state: a tick that dies between the two is repeated, and a second halt changes nothing.
    A stop that was taken back a moment ago begins no more; one that is being begun is taken back no more."""
    market.refresh_from_db(fields=("halted", "stop"))
    ours = stop.applied or not market.halted
    waits = PlannedStop.objects.filter(pk=stop.pk, state=State.PLANNED)
    if ours and waits.update(applied=True):
        halt(market, by=None, at=at, freeze=stop.freeze)
    waits.update(state=State.RUNNING)


def _end(market: Market, stop: PlannedStop, at: datetime) -> None:
    market.refresh_from_db(fields=("halted", "stop"))
    if stop.applied and market.halted:
        resume(market, by=None, at=at)
    PlannedStop.objects.filter(pk=stop.pk).update(state=State.OVER)


def _may(by: User) -> None:
    if not is_administrator(by):
        raise StopRefused("forbidden", "Only an administrator stops trading or lets it go on.")


def _reason(text: str) -> str:
    text = text.strip()
    if not text or "\0" in text or len(text) > MOST_REASON:
        raise StopRefused("reason_required", "Give the reason in at most 200 characters; it stands in the audit trail.")
    return text


def _note(action: str, market: Market, contract: Contract | None, by: User, at: datetime, reason: str) -> None:
    detail = {"reason": reason, "interval": contract.delivery_start.isoformat() if contract else ""}
    audit(by=by, action=action, target=f"market {market.code}", at=at, detail=detail)


def _note_planned(action: str, stop: PlannedStop, by: User, at: datetime) -> None:
    times = {"period_start": stop.starts_at.isoformat(), "period_end": stop.ends_at.isoformat()}
    audit(
        by=by, action=action, target=f"market {stop.market.code}", at=at, detail={**times, "reason": stop.reason}
    )  # fmt: skip
