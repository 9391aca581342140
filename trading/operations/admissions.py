"""Who takes part in a market: admitted with a zone and credit, changed, and let go.

Whoever leaves trades no more from that moment: its open orders are taken back. What it traded before is delivered and
settled as agreed, and intervals that began before are settled with it, so that nobody's energy of the last hours is
lost.

Example: a home leaves at 10:10. Its offers for 11:00 are cancelled; the interval 10:00–10:30 is still settled with it.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Participant, User
from accounts.operations import audit
from trading.domain.messages import CancelAll
from trading.models import Admission, Market
from trading.operations.submitting import submit

MILLIDONG = 1_000
MOST_CREDIT_DONG = 10**12


class AdmissionRefused(ValueError):
    """A participant cannot be admitted like that; the message says why. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a participant is in a market. Credit in đồng, prices in đồng per kWh."""

    zone: str = "site"
    credit_limit_dong: int = 0
    renter: bool = False
    pool_ask_price: int | None = None
    pool_bid_price: int | None = None


def terms_of(admission: Admission) -> Terms:
    """The terms that hold."""
    return Terms(
        admission.zone, admission.credit_limit_millidong // MILLIDONG, admission.renter, admission.pool_ask_price,
        admission.pool_bid_price,
    )  # fmt: skip


@transaction.atomic
def admit(*, market: Market, participant: Participant, terms: Terms, by: User | None, at: datetime) -> str:
    """Let a participant take part on these terms, or change them, or let it in again. What became of it: `new`,
    `changed` or `unchanged`.

    Raises AdmissionRefused `invalid_zone`, `invalid_credit`, `price_out_of_band`.
    """
    _check(market, terms)
    Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
    there = Admission.objects.select_for_update().filter(market=market, participant=participant).first()
    if there is not None and there.active and terms_of(there) == terms:
        return "unchanged"
    admission = there or Admission(market=market, participant=participant)
    admission.zone, admission.renter = terms.zone, terms.renter
    admission.credit_limit_millidong = terms.credit_limit_dong * MILLIDONG
    admission.pool_ask_price, admission.pool_bid_price = terms.pool_ask_price, terms.pool_bid_price
    admission.active, admission.ended_at = True, None
    admission.save(update_fields=list(_OURS) if there else None)
    detail = {"market": market.code, "zone": terms.zone, "credit_limit_dong": terms.credit_limit_dong}
    if there is None:
        audit(by=by, action="admission.granted", target=f"participant {participant.code}", detail=detail, at=at)
    else:
        audit(by=by, action="admission.changed", target=f"participant {participant.code}", detail=detail, at=at)
    return "changed" if there else "new"


# The order path and settlement move the other columns of the row at the same time.
_OURS = ("zone", "renter", "credit_limit_millidong", "pool_ask_price", "pool_bid_price", "active", "ended_at")


def _check(market: Market, terms: Terms) -> None:
    if not terms.zone or len(terms.zone) > 20 or not terms.zone.isprintable():
        raise AdmissionRefused("invalid_zone", _("A zone's name has 1 to 20 letters; write site where there is one."))
    if not 0 <= terms.credit_limit_dong <= MOST_CREDIT_DONG:
        raise AdmissionRefused("invalid_credit", _("The credit limit is a whole number of đồng, 0 or more."))
    for price in (terms.pool_ask_price, terms.pool_bid_price):
        if price is not None and not market.min_price <= price <= market.max_price:
            told = _("Prices here are from {low} to {high} ₫/kWh; choose one.")
            raise AdmissionRefused("price_out_of_band", told.format(low=market.min_price, high=market.max_price))


def end_admission(*, market: Market, participant: Participant, by: User | None, at: datetime) -> bool:
    """Let a participant go; its open orders are taken back. True where it was in. `at` is now in the market's time."""
    with transaction.atomic():
        rows = Admission.objects.filter(market=market, participant=participant, active=True)
        if not rows.update(active=False, ended_at=at):
            return False
        detail = {"market": market.code}
        audit(by=by, action="admission.ended", target=f"participant {participant.code}", detail=detail, at=at)
    submit(market.pk, [CancelAll(participant.pk, None)], by=by, at=at)
    return True
