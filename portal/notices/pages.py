"""The inbox: everything a person was told, in all parts of the house. Opening a notice leads to what it is about."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.domain.notices import KINDS
from accounts.models import User
from accounts.operations.notices import mark_read
from accounts.queries import own_notices, unread_notices
from portal.notices.links import address_of
from portal.notices.shown import groups_of, shown

ROWS = 30


@require_safe
@never_cache
@login_required
def inbox(request: HttpRequest) -> HttpResponse:
    """What this person was told, the newest first; what is asked for narrows it down."""
    assert isinstance(request.user, User)
    everything = own_notices(request.user)
    query = request.GET
    rows = everything.filter(read_at=None) if query.get("show") == "unread" else everything
    if (group := query.get("about", "")) and "\0" not in group:
        rows = rows.filter(kind__in=[name for name, kind in KINDS.items() if kind.group == group])
    if (who := query.get("who", "")) and "\0" not in who:
        rows = rows.filter(participant__code=who)
    page = Paginator(rows, ROWS).get_page(query.get("page"))
    people = (
        everything.order_by().exclude(participant=None).values_list("participant__code", "participant__name").distinct()
    )
    context: dict[str, Any] = {
        "rows": page,
        "notices": shown(page, request.user),
        "unread": unread_notices(request.user),
        "query": query,
        "all_link": _link(request, ""),
        "unread_link": _link(request, "unread"),
        "narrowed": any(query.get(name) for name in ("show", "about", "who")),
        "groups": groups_of(everything.order_by().values_list("kind", flat=True).distinct()),
        "people": sorted(people, key=lambda person: person[1]),
    }
    return render(request, "notices/inbox.html", context)


def _link(request: HttpRequest, show: str) -> str:
    """This list with all notices or the unread ones, otherwise narrowed as before, from its first page."""
    query = request.GET.copy()
    query.pop("page", None)
    query["show"] = show
    return f"?{query.urlencode()}"


@require_safe
@never_cache
@login_required
def notice(request: HttpRequest, pk: int) -> HttpResponse:
    """To what a notice is about; it has been read then."""
    assert isinstance(request.user, User)
    found = own_notices(request.user).filter(pk=pk).first()
    if found is None:
        raise Http404
    mark_read(user=request.user, ids=[found.pk], at=datetime.now(UTC))
    return HttpResponseRedirect(address_of(found))


@require_POST
@login_required
def read(request: HttpRequest) -> HttpResponse:
    """One notice has been read, or all of them; back to the same list."""
    assert isinstance(request.user, User)
    one = request.POST.get("one", "")
    ids = [int(one)] if one.isdecimal() and len(one) < 19 else None
    mark_read(user=request.user, ids=ids, at=datetime.now(UTC))
    back = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = reverse("portal:notices")
    return HttpResponseRedirect(back)


@require_safe
@never_cache
@login_required
def count(request: HttpRequest) -> HttpResponse:
    """How many are unread, as a number and in words: what the bell shows."""
    assert isinstance(request.user, User)
    unread = unread_notices(request.user)
    return JsonResponse({"unread": unread, "shown": bell_number(unread), "words": bell_words(unread)})


def bell_number(unread: int) -> str:
    """What fits on the bell."""
    return "99+" if unread > 99 else str(unread or "")


def bell_words(unread: int) -> str:
    """The bell in words."""
    if not unread:
        return _("Notices, all read")
    return _("Notices, {count} unread").format(count=unread)
