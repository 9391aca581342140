"""Where a notice leads: the page about what it tells of, at the seat that it concerns, or in the office.

Example: about `invoice 12` of the participant roof in the market campus → `/bills/campus/roof/documents/12/`.
"""

from django.urls import reverse

from accounts.models import Notice
from trading.models import Market


def address_of(notice: Notice) -> str:
    """The page that a notice is about; the inbox where there is none."""
    market = str(notice.data.get("market", ""))
    if notice.participant is not None and market:
        return _at_seat(notice, market, notice.participant.code)
    if notice.about_kind == "market" and market:
        return reverse("portal:market_of", args=(market,))
    if notice.about_kind in _OFFICE:
        return _in_office(notice, market)
    return _elsewhere(notice)


def _at_seat(notice: Notice, market: str, who: str) -> str:
    seat = market, who
    if notice.about_kind == "market":
        return reverse("portal:market_of", args=(market,))
    if notice.about_kind == "home":
        return reverse("portal:home", args=seat)
    if notice.about_kind == "invoice":
        return reverse("portal:bills_document", args=(*seat, notice.about_id))
    if notice.about_kind == "dispute":
        return reverse("portal:bills_disputes", args=seat)
    if notice.about_kind == "intervals":
        return f"{reverse('portal:bills_intervals', args=seat)}?on={notice.about_id}"
    return reverse("portal:bills_documents", args=seat)


# What the office shows: the name of its page, and whether the page is about one thing.
_OFFICE = {
    "close": ("office_close", True),
    "proposal": ("office_proposal", True),
    "reading": ("office_reading_proposal", True),
    "claim": ("office_claim", True),
    "meters": ("office_readings", False),
}


def _in_office(notice: Notice, market: str) -> str:
    """A proposal belongs to no market; it is shown in the office of the first."""
    market = market or Market.objects.order_by("pk").values_list("code", flat=True).first() or ""
    name, of_one = _OFFICE[notice.about_kind]
    return reverse(f"portal:{name}", args=(market, notice.about_id) if of_one else (market,))


def _elsewhere(notice: Notice) -> str:
    if notice.about_kind == "login":
        return reverse("accounts:account")
    if notice.about_kind == "members":
        return (
            reverse("accounts:members_of", args=(notice.about_id,)) if notice.about_id else reverse("accounts:members")
        )
    if notice.about_kind == "rules":
        return reverse("portal:bills")
    return reverse("portal:notices")
