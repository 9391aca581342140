"""The members of a market: the list with search and filters, and the file with all of them."""

from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from accounts.models import Participant
from members.domain.sheet import csv_file
from members.models import Claim
from members.queries import STATES, MemberFilter, described, member_count, member_rows, sheet_rows
from portal.desk import Desk, office
from portal.office.members.workbook import workbook
from portal.papers import attached
from tariffs.models import Tariff

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"


@office("members")
def members(desk: Desk) -> HttpResponse:
    """Who takes part, with meters, devices and people; what was reported and waits stands first."""
    wanted = MemberFilter(desk.asked("q"), desk.asked("kind"), desk.asked("state"))
    page = desk.page_of(member_rows(desk.market, wanted))
    waiting = Claim.objects.filter(market=desk.market, state=Claim.State.WAITING).select_related("participant")
    context: dict[str, Any] = {
        "page": page,
        "rows": described(desk.market, list(page.object_list)),
        "wanted": wanted,
        "kinds": Participant.Kind.choices,
        "states": [(state, state_words()[state]) for state in STATES],
        "words": state_words(),
        "counts": member_count(desk.market),
        "claims": waiting[:20],
    }
    return desk.show("office/members.html", **context)


def state_words() -> dict[str, str]:
    """What each state of a member is called."""
    return {
        "reading": _("Readings come"),
        "waiting": _("Waits for a reading"),
        "no_meter": _("No meter yet"),
        "left": _("Has left"),
    }


@office("members")
def members_file(desk: Desk, form: str) -> HttpResponse:
    """All members as the sheet that can be loaded again."""
    return file_answer(desk, form, list(sheet_rows(desk.market)), f"members-{desk.market.code}-{desk.today:%Y-%m-%d}")


@office("members")
def template_file(desk: Desk, form: str) -> HttpResponse:
    """The sheet without members, to be filled in."""
    return file_answer(desk, form, [], f"members-template-{desk.market.code}")


def file_answer(desk: Desk, form: str, rows: list[dict[str, Any]], name: str) -> HttpResponse:
    """The rows as a file of this form."""
    if form == "csv":
        return attached(HttpResponse(csv_file(rows), content_type=CSV), f"{name}.csv")
    if form != "xlsx":
        raise Http404
    tariffs = list(Tariff.objects.order_by("code").values_list("code", flat=True))
    return attached(HttpResponse(workbook(rows, tariffs), content_type=XLSX), f"{name}.xlsx")
