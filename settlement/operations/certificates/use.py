"""Using certificates up: retired for a report, or locked because they were registered outside.

Both are for good: a Wh that was used can neither be used again nor handed on. The oldest are taken first; the last one
is cut where only a part of it is needed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.operations import audit
from settlement.models import Certificate, CertificateEvent
from settlement.operations.certificates.pieces import FREE, Piece, events_of, from_the_bottom, lock_book, put
from settlement.queries.certificates import hourly_room
from units.energy import format_energy


class CertificateError(ValueError):
    """Certificates that can not be used like that; nothing has changed. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Used:
    """How much was used, of how many certificates."""

    wh: int
    certificates: int


@transaction.atomic
def retire(
    *,
    market_id: int,
    participant_id: int,
    start: datetime,
    end: datetime,
    purpose: str,
    by: User | None,
    at: datetime,
    most_wh: int | None = None,
) -> Used:
    """Retire the participant's certificates of the hours in [start, end), all or the oldest `most_wh`.

    `purpose` says what for. Raises CertificateError: `no_purpose`, `empty_period`, `invalid_quantity`,
    `not_enough_certificates` (fewer than `most_wh` are free).
    """
    _check(purpose.strip() != "", "no_purpose", "Say what the certificates are retired for.")
    pieces = _oldest(_free(market_id, participant_id, start, end), most_wh)
    why = {"purpose": purpose.strip(), "period_start": start, "period_end": end}
    return _use(pieces, Certificate.State.RETIRED, why, by=by, at=at)


@transaction.atomic
def retire_for_report(
    *, market_id: int, participant_id: int, start: datetime, end: datetime, purpose: str, by: User | None, at: datetime
) -> Used:
    """Retire what covers the participant's own purchases hour by hour: of each hour in [start, end) at most what was
    imported in it, less what is retired for it already, what came from neighbours first. The rest stays free.

    Raises CertificateError (`no_purpose`, `empty_period`). Again, it changes nothing.
    """
    _check(purpose.strip() != "", "no_purpose", "Say what the certificates are retired for.")
    free = sorted(_free(market_id, participant_id, start, end), key=lambda c: c.holder_id == c.producer_id)
    room = hourly_room(market_id, participant_id, start, end)
    pieces = []
    for certificate in free:
        piece = from_the_bottom(certificate, room.get(certificate.hour_start, 0))
        if piece.wh:
            room[certificate.hour_start] -= piece.wh
            pieces.append(piece)
    why = {"purpose": purpose.strip(), "period_start": start, "period_end": end}
    return _use(pieces, Certificate.State.RETIRED, why, by=by, at=at)


@transaction.atomic
def lock(
    *,
    market_id: int,
    participant_id: int,
    start: datetime,
    end: datetime,
    registry: str,
    reference: str,
    by: User | None,
    at: datetime,
    most_wh: int | None = None,
) -> Used:
    """Lock certificates that were registered outside (I-REC, say), under the registry's reference.

    They stay with their holder, and count in no report and no sale here. Raises CertificateError as `retire` does
    (`no_reference` where the registry or its reference is missing).
    """
    named = registry.strip() != "" and reference.strip() != ""
    _check(named, "no_reference", "Give the registry and the reference under which they are registered there.")
    pieces = _oldest(_free(market_id, participant_id, start, end), most_wh)
    why = {"registry": registry.strip(), "reference": reference.strip()}
    return _use(pieces, Certificate.State.LOCKED, why, by=by, at=at)


def _free(market_id: int, participant_id: int, start: datetime, end: datetime) -> list[Certificate]:
    """What the holder can still use, oldest first, with the market's book held."""
    _check(start < end, "empty_period", "The period ends before it begins; give its start and its end.")
    lock_book(market_id)
    found = Certificate.objects.filter(
        market_id=market_id, holder_id=participant_id, hour_start__gte=start, hour_start__lt=end, state__in=FREE
    )
    return list(found.order_by("hour_start", "producer_id", "first_wh"))


def _oldest(certificates: Iterable[Certificate], most_wh: int | None) -> list[Piece]:
    if most_wh is None:
        return [Piece(certificate, certificate.first_wh, certificate.last_wh) for certificate in certificates]
    _check(most_wh > 0, "invalid_quantity", "Give how many Wh to use, at least 1.")
    pieces, left = [], most_wh
    for certificate in certificates:
        if left:
            pieces.append(from_the_bottom(certificate, left))
            left -= pieces[-1].wh
    told = f"Only {format_energy(most_wh - left)} of certificates are free in this period; ask for no more."
    _check(not left, "not_enough_certificates", told)
    return pieces


def _use(pieces: list[Piece], state: Certificate.State, why: dict[str, Any], *, by: User | None, at: datetime) -> Used:
    used = Used(sum(piece.wh for piece in pieces), len(pieces))
    if pieces:
        told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in why.items()}
        events = events_of(pieces, CertificateEvent.Kind(state.value), at=at, by=by, detail=told)
        holder = pieces[0].certificate
        put(pieces, state, **why)
        CertificateEvent.objects.bulk_create(events)
        target = f"participant {holder.holder_id} in market {holder.market_id}"
        audit(by=by, action=f"certificates.{state.value}", target=target, detail={"wh": used.wh, **told}, at=at)
    return used


def _check(holds: bool, code: str, message: str) -> None:
    if not holds:
        raise CertificateError(code, message)
