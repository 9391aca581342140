"""What stands in the addresses of the pictures, found in the demo's data."""

from collections.abc import Callable

from django.urls import reverse

from accounts.models import Membership
from config.screenshots import Shot
from settlement.models import Invoice, MonthClose
from simulator.demo_seed import CODE


class NotThere(Exception):
    """The demo has no such thing yet."""


def address(shot: Shot) -> str:
    """Where the page is. Raises NotThere."""
    path = reverse(shot.page, args=[_VALUES[name](shot) for name in shot.values])
    return path + (shot.query.format(month=_month(shot)) if shot.query else "")


def is_full() -> bool:
    """Whether both months of the demo's past are there: one issued, one that waits."""
    states = set(MonthClose.objects.filter(market__code=CODE).values_list("state", flat=True))
    return {MonthClose.State.ISSUED, MonthClose.State.COMPUTED} <= states


def _who(shot: Shot) -> str:
    """The member for whom the login acts; for the office the prosumer's."""
    for name in (shot.who, "prosumer"):
        if seat := Membership.objects.filter(user__username=name).select_related("participant").first():
            return seat.participant.code
    raise NotThere("nobody acts for a member")


def _invoice(shot: Shot) -> int:
    found = Invoice.objects.filter(participant__code=_who(shot), number__isnull=False).order_by("-month").first()
    if found is None:
        raise NotThere("no document is issued yet")
    return found.pk


def _close(state: str) -> Callable[[Shot], int]:
    def find(_shot: Shot) -> int:
        found = MonthClose.objects.filter(market__code=CODE, state=state).order_by("-month").first()
        if found is None:
            raise NotThere(f"no month is {state} yet")
        return found.pk

    return find


def _month(shot: Shot) -> str:
    found = Invoice.objects.filter(pk=_invoice(shot)).values_list("month", flat=True)[0]
    return f"{found:%Y-%m}"


_VALUES: dict[str, Callable[[Shot], str | int]] = {
    "code": lambda _shot: CODE,
    "who": _who,
    "invoice": _invoice,
    "line": lambda _shot: 1,
    "waiting": _close("computed"),
    "issued": _close("issued"),
}
