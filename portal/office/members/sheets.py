"""Members by spreadsheet: load a file, see what would become of each row, apply it, see what did."""

from typing import Any

from django.db.models import Count
from django.http import Http404, HttpResponse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.signin.mails import link_to
from members.domain.sheet import COLUMNS, SheetRefused
from members.domain.sheet.cells import MOST_BYTES, MOST_ROWS
from members.models import MemberSheet, MemberSheetRow
from members.operations import begin_sheet, check_sheet, discard_sheet
from members.operations.sheets import load_now
from members.words import of_sheet, told_row
from portal.desk import REFUSED, Desk, Refused, office
from portal.office.members.fields import shown
from portal.refusals import REFUSALS, sentences

AT_ONCE = 20  # so many members are written before the page comes back; more are left to the worker
State = MemberSheet.State


@office("members")
def sheets(desk: Desk) -> HttpResponse:
    """The files that were loaded, with the form for another; POST checks one."""
    if desk.request.method != "POST":
        return _list(desk)
    try:
        file = desk.request.FILES.get("file")
        if file is None:
            raise Refused("no_file", _("Choose the spreadsheet with the members."))
        data = file.read(MOST_BYTES + 1)
        made = check_sheet(
            market=desk.market, data=data, name=str(file.name or ""), by=desk.user, at=desk.now,
            address=link_to(desk.request, "/").rstrip("/"), language=get_language() or "en",
        )  # fmt: skip
    except SheetRefused as error:
        return _list(desk, REFUSED, refusals=[of_sheet(error)])
    except REFUSALS as error:
        return _list(desk, REFUSED, refusals=sentences(error))
    return desk.done(_("The file is checked. Nothing is written until you apply it."), "sheet", made.pk)


def _list(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    rows = MemberSheet.objects.filter(market=desk.market).select_related("uploaded_by", "applied_by")
    context = {"sheets": desk.page_of(rows), "columns": COLUMNS, "most_rows": MOST_ROWS}
    return desk.show("office/sheets.html", status, **context, **more)


def _sheet(desk: Desk, pk: int) -> MemberSheet:
    rows = MemberSheet.objects.filter(market=desk.market, pk=pk).select_related("uploaded_by", "applied_by")
    found = rows.first()
    if found is None:
        raise Http404
    return found


@office("members")
def sheet(desk: Desk, pk: int) -> HttpResponse:
    """One file: every row with its state, and what to do next."""
    return _page(desk, _sheet(desk, pk))


def _page(desk: Desk, held: MemberSheet, status: int = 200, **more: Any) -> HttpResponse:
    counts = dict(held.rows.values_list("state").annotate(Count("pk")).order_by())
    wanted = desk.asked("state")
    rows = held.rows.filter(state=wanted) if wanted in MemberSheetRow.State.values else held.rows.all()
    page = desk.page_of(rows, 100)
    for row in page:
        row.told = told_row(row.mistakes)
        texts = shown(row.values)
        row.texts = [(name, texts[name]) for name in row.changes if name in texts]
    context = {
        "sheet": held,
        "rows": page,
        "wanted": wanted,
        "counts": [(state, label, counts.get(state, 0)) for state, label in MemberSheetRow.State.choices],
        "working": held.state == State.APPLYING,
        "todo": counts.get("new", 0) + counts.get("changed", 0),
        "refused": counts.get("refused", 0),
    }
    return desk.show("office/sheet.html", status, **context, **more)


@office("members")
def sheet_progress(desk: Desk, pk: int) -> HttpResponse:
    """The part of the page that is fetched again while the worker is at it; at the end, the whole page."""
    held = _sheet(desk, pk)
    answer = desk.show("office/_sheet_progress.html", sheet=held, working=held.state == State.APPLYING)
    if held.state != State.APPLYING:
        answer.headers["HX-Refresh"] = "true"
    return answer


@office("members", change=True)
def apply_sheet(desk: Desk, pk: int) -> HttpResponse:
    """Write what the file says: a short one at once, a long one by the worker."""
    held = _sheet(desk, pk)
    try:
        begin_sheet(sheet=held, by=desk.user, at=desk.now)
    except REFUSALS as error:
        return _page(desk, held, REFUSED, refusals=sentences(error))
    if held.total <= AT_ONCE:
        load_now(pk, most=AT_ONCE + 1)
    return desk.done(_("The file is being applied. This page tells what becomes of each row."), "sheet", pk)


@office("members", change=True)
def discard(desk: Desk, pk: int) -> HttpResponse:
    """Throw a checked file away."""
    held = _sheet(desk, pk)
    try:
        discard_sheet(sheet=held)
    except REFUSALS as error:
        return _page(desk, held, REFUSED, refusals=sentences(error))
    return desk.done(_("The file is thrown away; nothing was written."), "sheets")
