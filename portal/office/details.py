"""Who sells at the site, and how each member stands on its documents: set here before the first month is closed."""

from typing import Any

from django.db.models import F, QuerySet
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from accounts.domain.billing import TEXTS
from accounts.domain.billing_csv import COLUMNS, MOST_BYTES
from accounts.models import BillingProfile, Participant
from accounts.operations.billing import import_billing, set_billing
from accounts.queries import billing_file
from portal.desk import REFUSED, Desk, Refused, office
from portal.papers import attached
from portal.refusals import REFUSALS, sentences
from settlement.models import Issuer
from settlement.operations.issuers import SYMBOLS, set_issuer

NUMBERS = ("due_days", "carry_below_dong")
PREFERENCES = ("invoice_per", "language")
WANTED = ("address", "email", "bank_account")


@office("details")
def details(desk: Desk) -> HttpResponse:
    """Who sells, and the members with the state of their details, missing ones first; POST says who sells."""
    if desk.request.method != "POST":
        return _page(desk)
    try:
        numbers = {name: _whole(desk.text(name)) for name in NUMBERS}
        texts = {name: desk.text(name) for name in (*TEXTS, "country", *SYMBOLS)}
        set_issuer(site=desk.market.site, by=desk.user, at=desk.now, **texts, **numbers)
    except REFUSALS as error:
        return _page(desk, REFUSED, refusals=sentences(error), values=desk.request.POST)
    return desk.done(_("Saved. These details stand on every document from now on."), "details")


def _whole(text: str) -> int:
    """A whole number; what is none becomes one that is refused."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1


def _page(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    issuer = Issuer.objects.filter(site=desk.market.site).first()
    people = _members(desk)
    wanted = desk.asked("q")
    rows = people.filter(name__icontains=wanted) | people.filter(code__icontains=wanted) if wanted else people
    page = desk.page_of(rows.order_by(F("billing").asc(nulls_first=True), "name"))
    for person in page:
        person.profile = getattr(person, "billing", None)
        person.lacks = _lacks(person.profile)
    context = {
        "issuer": issuer,
        "values": issuer or Issuer(site=desk.market.site),
        "people": page,
        "q": wanted,
        "missing": people.filter(billing=None).count(),
        "columns": COLUMNS,
    }
    return desk.show("office/details.html", status, **context | more)


def _members(desk: Desk) -> QuerySet[Participant]:
    return Participant.objects.filter(admissions__market=desk.market).select_related("billing")


def _lacks(profile: BillingProfile | None) -> list[str]:
    """What documents, reminders or payouts will miss."""
    words = {"address": _("no address"), "email": _("no e-mail address"), "bank_account": _("no bank account")}
    return [words[name] for name in WANTED if profile and not getattr(profile, name)]


@office("details")
def details_of(desk: Desk, who: str) -> HttpResponse:
    """The details of one member; POST changes them."""
    person = _members(desk).filter(code=who).first()
    if person is None:
        raise Http404
    if desk.request.method != "POST":
        return _form(desk, person)
    try:
        vat_registered = desk.text("vat_registered") == "yes"
        set_billing(participant=person, by=desk.user, at=desk.now, vat_registered=vat_registered, **given(desk))
    except REFUSALS as error:
        return _form(desk, person, REFUSED, refusals=sentences(error), values=desk.request.POST)
    return desk.done(_("Saved. Documents that are issued from now on show these details."), "details")


def given(desk: Desk) -> dict[str, str]:
    """What the form of a member says, without its registration for value-added tax."""
    return {name: desk.text(name) for name in (*TEXTS, *PREFERENCES)}


def _form(desk: Desk, person: Participant, status: int = 200, **more: Any) -> HttpResponse:
    return desk.show("office/details_of.html", status, **form_context(person) | {"person": person} | more)


def form_context(person: Participant) -> dict[str, Any]:
    """What the form of a member shows before anything is written into it."""
    profile = BillingProfile.objects.filter(participant=person).first()
    return {
        "profile": profile,
        "values": profile or BillingProfile(participant=person),
        "per_what": BillingProfile.PerWhat.choices,
        "languages": (("vi", "Tiếng Việt"), ("en", "English")),
    }


@office("details", change=True)
def details_import(desk: Desk) -> HttpResponse:
    """Take a spreadsheet of details in."""
    try:
        file = desk.request.FILES.get("file")
        if file is None:
            raise Refused("no_file", _("Choose the spreadsheet with the billing details."))
        among = list(_members(desk).values_list("pk", flat=True))
        told = import_billing(data=file.read(MOST_BYTES + 1), among=among, by=desk.user, at=desk.now)
    except REFUSALS as error:
        return _page(desk, REFUSED, refusals=sentences(error))
    said = _("Details of {new} members are new, of {changed} changed, of {unchanged} as before.")
    return desk.done(said.format(new=told.new, changed=told.changed, unchanged=told.unchanged), "details")


@office("details")
def details_file(desk: Desk) -> HttpResponse:
    """All members with their details as the spreadsheet that can be loaded again."""
    data = billing_file(_members(desk).order_by("code"))
    answer = HttpResponse(data, content_type="text/csv; charset=utf-8")
    return attached(answer, f"billing-details-{desk.market.code}-{desk.today:%Y-%m-%d}.csv")
