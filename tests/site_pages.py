"""Every page of the site, found in the address patterns: who may open it and where it is, filled from `office_world`.

A page is an address that answers GET with a whole HTML document to at least one of five people. What answers with a
file, a fragment or a redirection is none, nor is what only takes POST. An address that nobody could open is returned
apart, so that a new page whose address the world cannot fill is noticed instead of left out.
Example: `office/<slug:code>/closes/<int:pk>/` becomes `/office/w/closes/2/`, seen by the administrator and the auditor.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.sessions.backends.db import SessionStore
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from playwright.sync_api import APIResponse, Browser, BrowserContext

from accounts.models import Membership, Notice, User
from accounts.operations.invitations import invite
from accounts.operations.notices import News, tell
from accounts.operations.resets import open_reset
from accounts.signin.sessions import PENDING
from settlement.queries.readings import findings
from tariffs.models import Tariff
from tests.member_pages import member_page_values
from tests.office_world import NOW, PASSWORD, Office

ADMINISTRATOR, AUDITOR, MEMBER, STRANGER, WAITING = "administrator", "auditor", "member", "stranger", "waiting"
# The stock admin is Django's own; the API answers in JSON.
ELSEWHERE = ("admin/", "api/v1/")
# Why an address is no page although nobody gets one there.
NOT_A_PAGE = {
    "portal:office_payout_file": "a file, refused until a payout is due",
}
WITH_QUERY = {"portal:bills_intervals": "?on=2026-06-02", "portal:bills_green": "?month=2026-06"}
NOTHING_THERE = 0


@dataclass(frozen=True)
class Page:
    """One address and who gets a page there; the first of them is the one it was made for."""

    name: str
    address: str
    people: tuple[str, ...]


def sign_in(browser: Browser, address: str, office: Office, **options: Any) -> dict[str, BrowserContext]:
    """A browser for each kind of person: two without a right to anything, one of whom owes the second step."""
    users = {STRANGER: None, MEMBER: office.owner, ADMINISTRATOR: office.minh, AUDITOR: office.auditor, WAITING: None}
    contexts = {}
    for who, user in users.items():
        contexts[who] = browser.new_context(base_url=address, **options)
        if user is not None:
            user.set_password(PASSWORD)
            user.save()
            _log_in(contexts[who], user)
    session = SessionStore()
    session[PENDING] = [office.owner.pk, datetime.now(UTC).timestamp()]
    session.save()
    contexts[WAITING].add_cookies([{"name": "sessionid", "value": session.session_key or "", "url": address}])
    return contexts


def _log_in(context: BrowserContext, user: User) -> None:
    context.request.get("/login/")
    token = next(cookie["value"] for cookie in context.cookies() if cookie["name"] == "csrftoken")
    form = {"username": user.username, "password": PASSWORD, "csrfmiddlewaretoken": token}
    assert context.request.post("/login/", form=form, max_redirects=0).status == 302


def find_pages(office: Office, contexts: dict[str, BrowserContext]) -> tuple[list[Page], list[str]]:
    """The pages, and the names of addresses that look like pages and could not be opened by anybody."""
    values = _values(office)
    pages, unknown = [], []
    for name, keys in _routes():
        missing = [key for key in keys if key not in values(name)]
        if missing:
            unknown.append(f"{name}: no {', '.join(missing)}")
            continue
        address = reverse(name, kwargs={key: values(name)[key] for key in keys}) + WITH_QUERY.get(name, "")
        answers = {who: context.request.get(address, max_redirects=0) for who, context in contexts.items()}
        if people := tuple(who for who, answer in answers.items() if _is_page(answer)):
            pages.append(Page(name, address, people))
        elif name not in NOT_A_PAGE and all(answer.status in (302, 403, 404) for answer in answers.values()):
            unknown += [f"{name}: {address}"] if not _is_door(answers) else []
    return pages, unknown


def _routes() -> Iterator[tuple[str, list[str]]]:
    """Names and parameters of all named addresses outside `ELSEWHERE`."""
    for entry in get_resolver().url_patterns:
        if str(entry.pattern) in ELSEWHERE:
            continue
        if isinstance(entry, URLResolver):
            prefix = f"{entry.namespace}:" if entry.namespace else ""
            for inner in entry.url_patterns:
                assert isinstance(inner, URLPattern), f"{entry.pattern} nests deeper than this walk"
                yield f"{prefix}{inner.name}", list(inner.pattern.converters)


def _is_page(answer: APIResponse) -> bool:
    html = answer.headers.get("content-type", "").startswith("text/html")
    return html and answer.status == 200 and answer.text().lstrip().lower().startswith("<!doctype html>")


def _is_door(answers: dict[str, APIResponse]) -> bool:
    """Whether somebody is sent on to another place than the login, as from `/office/` to the only market's."""
    sent = [answer.headers.get("location", "") for answer in answers.values() if answer.status == 302]
    return any(not place.startswith("/login/") for place in sent)


def _values(office: Office) -> Callable[[str], dict[str, Any]]:
    """What stands for a parameter, by the name of the address."""
    roof = office.world.people["roof"]
    Membership.objects.get_or_create(user=office.owner, participant=office.world.people["mill"], role="owner")
    _, secret = invite(by=office.owner, email="moi@example.vn", role="viewer", participant=roof, days=7,
                       at=datetime.now(UTC))  # fmt: skip
    common = {
        "code": office.world.market.code, "who": "roof", "position": 1, "form": "csv", "secret": secret,
        "table": "orders", "seq": 1,
        "tariff_code": Tariff.objects.order_by("pk")[0].code, "pk": NOTHING_THERE,
    }  # fmt: skip
    invoice = office.invoice("roof").pk
    special = {
        "portal:notice": {"pk": _notice(office)},
        "portal:office_close": {"pk": office.july.pk},
        "portal:office_close_progress": {"pk": office.july.pk},
        "portal:office_document": {"pk": invoice},
        "portal:office_why": {"pk": invoice},
        "portal:office_file": {"pk": invoice, "form": "xml"},
        "portal:office_proposal": {"pk": office.proposal.pk},
        "portal:office_dispute": {"pk": office.dispute.pk},
        "portal:office_reading": {"key": findings(office.world.market, NOW)[-1].key},
        "portal:office_reading_proposal": {"pk": office.reading.pk},
        "portal:bills_document": {"pk": invoice},
        "portal:bills_why": {"pk": invoice},
        "portal:bills_file": {"pk": invoice, "form": "xml"},
        "accounts:members_of": {"code": "roof"},
        "accounts:reset": {"secret": open_reset(user=office.owner, at=datetime.now(UTC))},
        "portal:office_propose": {"name": "compensation"},
        **member_page_values(office),
    }
    return lambda name: common | special.get(name, {})


def _notice(office: Office) -> int:
    """Something that the owner was told: the inbox has a row, and its address a place to lead to."""
    roof = office.world.people["roof"]
    figures = {"market": office.world.market.code, "meter": "MP-roof", "hours": 7}
    tell([News("meter_silent", "tour", NOW, ("home", ""), figures, participant=roof.pk)])
    return Notice.objects.get(user=office.owner, key="tour").pk
