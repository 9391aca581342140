"""Cutting and writing certificates: numbers for new ones, parts of old ones, and an event for each change.

All of it happens under the market's book, whose row whoever changes certificates holds first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.models import User
from settlement.models import Certificate, CertificateBook, CertificateEvent

FREE = (Certificate.State.ISSUED, Certificate.State.TRANSFERRED)


@dataclass(frozen=True, slots=True)
class Piece:
    """The part `[first_wh, last_wh)` of a certificate, from one of its ends."""

    certificate: Certificate
    first_wh: int
    last_wh: int

    @property
    def wh(self) -> int:
        """How much it is."""
        return self.last_wh - self.first_wh

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the certificate is left."""
        return self.wh == self.certificate.last_wh - self.certificate.first_wh


def lock_book(market_id: int) -> None:
    """Wait for one's turn: until the end of the transaction nobody else changes certificates of this market."""
    CertificateBook.objects.bulk_create([CertificateBook(market_id=market_id)], ignore_conflicts=True)
    CertificateBook.objects.select_for_update().get(pk=market_id)


_COUNT_UP = """
    INSERT INTO settlement_certificateseries AS s (market_id, producer_id, next_wh)
    SELECT %s, x.producer, x.wh FROM unnest(%s::bigint[], %s::bigint[]) AS x(producer, wh)
    ON CONFLICT (market_id, producer_id) DO UPDATE SET next_wh = s.next_wh + EXCLUDED.next_wh
    RETURNING producer_id, next_wh
"""


def number(market_id: int, wh_by_producer: dict[int, int]) -> dict[int, int]:
    """Take so many numbers of each producer's series; the first of each."""
    if not wh_by_producer:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_UP, (market_id, list(wh_by_producer), list(wh_by_producer.values())))
        return {producer: next_wh - wh_by_producer[producer] for producer, next_wh in cursor.fetchall()}


def from_the_top(certificates: Iterable[Certificate], wh: int) -> list[Piece]:
    """The highest `wh` of these certificates."""
    pieces = []
    for certificate in sorted(certificates, key=lambda c: -c.first_wh):
        part = min(wh, certificate.last_wh - certificate.first_wh)
        if part:
            pieces.append(Piece(certificate, certificate.last_wh - part, certificate.last_wh))
        wh -= part
    return pieces


def from_the_bottom(certificate: Certificate, wh: int) -> Piece:
    """The lowest `wh` of a certificate, at most all of it."""
    return Piece(certificate, certificate.first_wh, min(certificate.first_wh + wh, certificate.last_wh))


def put(pieces: Sequence[Piece], state: Certificate.State, **fields: Any) -> None:
    """Bring these pieces into a state that they never leave, with the fields that say why."""
    whole = [piece.certificate.pk for piece in pieces if piece.is_whole]
    Certificate.objects.filter(pk__in=whole).update(state=state, **fields)
    parts = [piece for piece in pieces if not piece.is_whole]
    cut = [_part(piece, state, fields) for piece in parts]
    for piece in parts:
        _shrink(piece)
    Certificate.objects.bulk_update([piece.certificate for piece in parts], ["first_wh", "last_wh"])
    Certificate.objects.bulk_create(cut)


def _part(piece: Piece, state: Certificate.State, fields: dict[str, Any]) -> Certificate:
    of = piece.certificate
    return Certificate(
        market_id=of.market_id,
        producer_id=of.producer_id,
        holder_id=of.holder_id,
        contract_id=of.contract_id,
        hour_start=of.hour_start,
        origin=of.origin,
        run_id=of.run_id,
        reading_version=of.reading_version,
        first_wh=piece.first_wh,
        last_wh=piece.last_wh,
        state=state,
        **fields,
    )


def _shrink(piece: Piece) -> None:
    of = piece.certificate
    if piece.first_wh == of.first_wh:
        of.first_wh = piece.last_wh
    else:
        of.last_wh = piece.first_wh


def events_of(
    pieces: Iterable[Piece],
    kind: CertificateEvent.Kind,
    *,
    at: datetime,
    by: User | None = None,
    detail: dict[str, Any] | None = None,
) -> list[CertificateEvent]:
    """An event of each piece, not yet written. Void: the holder gives it up; otherwise it keeps it."""
    return [
        CertificateEvent(
            market_id=piece.certificate.market_id,
            kind=kind,
            at=at,
            by=by,
            contract_id=piece.certificate.contract_id,
            producer_id=piece.certificate.producer_id,
            origin=piece.certificate.origin,
            run_id=piece.certificate.run_id,
            first_wh=piece.first_wh,
            last_wh=piece.last_wh,
            quantity_wh=piece.wh,
            giver_id=piece.certificate.holder_id,
            taker_id=None if kind == CertificateEvent.Kind.VOID else piece.certificate.holder_id,
            detail=detail or {},
        )
        for piece in pieces
    ]
