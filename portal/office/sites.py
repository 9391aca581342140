"""Several sites in one installation: each with its place and its markets, and how another one is set up."""

from typing import Any
from zoneinfo import available_timezones

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.models import User
from accounts.policies import may_administer
from meters.models import Site
from meters.operations import create_site
from portal.desk import REFUSED, Desk, Refused, office
from portal.refusals import REFUSALS, sentences
from trading.models import Market
from trading.operations.founding import PRESETS, RULES, found_market

RESERVED = ("first-site",)  # an address of the office that is no market's
SITE = ("site_code", "site_name", "timezone", "latitude", "longitude")
USUAL = {"timezone": "Asia/Ho_Chi_Minh", "latitude": "11.05", "longitude": "106.67"}


@office("sites")
def sites(desk: Desk) -> HttpResponse:
    """Every site with its markets; POST sets up a site with a market, or one more market on a site."""
    if desk.request.method != "POST":
        return desk.show("office/sites.html", **_context(_preset(desk.asked("preset"))))
    try:
        made = _set_up(desk)
    except REFUSALS as error:
        values = desk.request.POST.dict()
        return desk.show("office/sites.html", REFUSED, refusals=sentences(error), **_context(values))
    return _opened(made)


def _opened(made: Market) -> HttpResponse:
    return HttpResponseRedirect(reverse("portal:office_sites", args=(made.code,)) + "#next")


def _preset(name: str) -> dict[str, Any]:
    chosen = name if name in PRESETS else "campus"
    rules = {rule: "" if value is None else str(value) for rule, value in PRESETS[chosen].items()}
    return {**USUAL, **rules, "preset": chosen, "site": "new"}


def _context(values: dict[str, Any]) -> dict[str, Any]:
    rows = Site.objects.prefetch_related("markets").annotate(points=Count("metering_points")).order_by("name")
    return {
        "sites": rows,
        "seats": dict(
            Market.objects.annotate(
                seats=Count("admissions", filter=Q(admissions__active=True))
            ).values_list("pk", "seats")
        ),
        "values": values,
        "presets": [(name, word, values.get("preset") == name) for name, word in _preset_words()],
        "bases": Market.LegalBasis.choices,
        "zones": sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc")),
    }  # fmt: skip


def _preset_words() -> list[tuple[str, str]]:
    return [
        ("campus", _("Campus: internal accounting, half hours, two days ahead")),
        ("park", _("Industrial park: retail unit, with an opening auction")),
        ("pilot", _("Pilot: computes beside the grid's bill, never invoices")),
    ]


def _set_up(desk: Desk) -> Market:
    return set_up(desk, by=desk.user)


@transaction.atomic
def set_up(desk: Desk, by: User) -> Market:
    """A site where none is chosen, and a market on it: both or neither. Raises what their operations refuse."""
    code = desk.text("code")
    if code in RESERVED:
        raise Refused("reserved", _("This code is taken by a page; choose another."))
    site = _site(desk, by)
    return found_market(site=site, code=code, name=desk.text("name"), by=by, at=desk.now, **_rules(desk))


def _site(desk: Desk, by: User) -> Site:
    chosen = desk.text("site")
    if chosen != "new":
        found = Site.objects.filter(code=chosen).first()
        if found is None:
            raise Refused("no_site", _("Choose one of the sites in the list."))
        return found
    place = {name: _degrees(desk.text(name)) for name in ("latitude", "longitude")}
    return create_site(
        code=desk.text("site_code"), name=desk.text("site_name"), timezone=desk.text("timezone"), by=by, at=desk.now,
        **place,
    )  # fmt: skip


def _degrees(text: str) -> float:
    try:
        value = float(text.replace(",", ".").replace("−", "-"))
    except ValueError as error:
        raise Refused("not_a_number", _("Write latitude and longitude in degrees, like 11.05 and 106.67.")) from error
    return value


def _rules(desk: Desk) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    for name in RULES:
        text = desk.text(name)
        if name == "legal_basis":
            if text not in Market.LegalBasis.values:
                raise Refused("no_basis", _("Choose on what legal basis the market works."))
            rules[name] = text
        elif name == "call_ends_minutes" and not text:
            rules[name] = None
        else:
            rules[name] = _whole(text)
    return rules


def _whole(text: str) -> int:
    text = text.replace("−", "-")
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 6):
        raise Refused("not_whole", _("Minutes and prices are whole numbers."))
    return int(text)


@never_cache
@login_required
def first_site(request: HttpRequest) -> HttpResponse:
    """Where there is no market yet: an administrator sets the first one up."""
    assert isinstance(request.user, User)
    if not may_administer(request.user):
        raise PermissionDenied
    there = Market.objects.order_by("pk").first()
    if there is not None:
        return HttpResponseRedirect(reverse("portal:office_sites", args=(there.code,)))
    # A site and a market that are not there yet lend the desk its clock.
    desk = Desk(request, Market(site=Site()), "sites")
    if request.method != "POST":
        return render(request, "office/first_site.html", _context(_preset(request.GET.get("preset", ""))))
    try:
        return _opened(set_up(desk, by=request.user))
    except REFUSALS as error:
        context = {**_context(request.POST.dict()), "refusals": sentences(error)}
        return render(request, "office/first_site.html", context, status=REFUSED)
