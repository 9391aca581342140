"""The people of the pages without a browser: Django's test client with the face that `find_pages` asks for."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from playwright.sync_api import BrowserContext

from accounts.signin.sessions import PENDING
from tests.office_world import Office
from tests.site_pages import ADMINISTRATOR, AUDITOR, MEMBER, STRANGER, WAITING


@dataclass(frozen=True)
class Answer:
    """What an address answered, as Playwright tells it."""

    status: int
    headers: dict[str, str]
    body: str

    def text(self) -> str:
        return self.body


class Visitor:
    """One person, who reads in one language."""

    def __init__(self, language: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.client.cookies["django_language"] = language
        self.request = self

    def get(self, address: str, **options: Any) -> Answer:
        """One request, without following where it sends."""
        response = self.client.get(address)
        body = b"".join(response) if response.streaming else response.content
        headers = {name.lower(): value for name, value in response.items()}
        return Answer(response.status_code, headers, body.decode("utf-8", "replace"))


def visitors(office: Office, language: str) -> dict[str, Visitor]:
    """One of each kind; the one who waits owes the second step of the sign-in."""
    users = {MEMBER: office.owner, ADMINISTRATOR: office.minh, AUDITOR: office.auditor}
    people = {who: Visitor(language) for who in (STRANGER, *users, WAITING)}
    for who, user in users.items():
        people[who].client.force_login(user)
    session = SessionStore()
    session[PENDING] = [office.owner.pk, datetime.now(UTC).timestamp()]
    session.save()
    people[WAITING].client.cookies["sessionid"] = session.session_key or ""
    return people


def as_contexts(people: dict[str, Visitor]) -> dict[str, BrowserContext]:
    """The visitors where browsers are asked for; they answer `request.get` alone."""
    return cast(dict[str, BrowserContext], people)
