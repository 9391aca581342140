"""A forgotten password: the same answer to everybody, a link that works once, and no way round the second step."""

import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.test import Client
from kombu.exceptions import OperationalError

from accounts import tasks
from accounts.models import AuditEntry, Login, Notice, PasswordReset, PushDevice, User
from accounts.operations import create_user
from accounts.queries import audit_trail
from config import celery
from tests.factories import NOON

PASSWORD, OTHER = "correct horse battery", "another long one 7"
LINK = re.compile(r"http://testserver(/\S+)")
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def lan(db) -> User:
    name = f"lan-{uuid4().hex[:8]}"
    return create_user(by=None, username=name, password=PASSWORD, email=f"{name}@example.vn", language="vi", at=NOON)


@pytest.fixture(autouse=True)
def queued(monkeypatch) -> list:
    """What a worker would be handed; `deliver` does its work."""
    found: list = []
    assert celery.app.main == "wattbourse"  # until it is loaded, a shared task is that of another app
    task = tasks.send_reset_letters
    monkeypatch.setattr(task, "delay", lambda *given: found.append((task, given)))
    return found


def deliver(queued) -> None:
    while queued:
        task, given = queued.pop(0)
        task(*given)


def ask(named: str, **more):
    return Client().post("/login/forgotten/", {"named": named}, **more)


def link(queued) -> str:
    deliver(queued)
    return LINK.search(mail.outbox[-1].body).group(1)


def put(address: str, password: str = OTHER, again: str | None = None, client: Client | None = None):
    form = {"password": password, "again": password if again is None else again}
    return (client or Client()).post(address, form)


def log_in(user: User, password: str) -> Client:
    client = Client()
    client.post("/login/", {"username": user.username, "password": password})
    return client


def test_the_answer_does_not_tell_whether_there_is_such_a_login(lan, queued, django_assert_num_queries) -> None:
    texts = set()
    for named in (lan.username, lan.email.upper(), f"nobody-{uuid4().hex}", "x" * 5_000, "a\0b", ""):
        with django_assert_num_queries(0):
            answer = ask(named)
        assert answer.status_code == 200 and b"If there is a login with this name" in answer.content
        texts.add(re.sub(rb'value="[\w]{64}"', b"", answer.content))
    assert len(texts) == 1 and len(queued) == 6
    deliver(queued)
    assert [letter.to for letter in mail.outbox] == [[lan.email], [lan.email]]


def test_the_letter_is_in_the_readers_language_and_the_link_works_once(lan, queued) -> None:
    ask(lan.email)
    address = link(queued)
    assert mail.outbox[0].subject == "Đặt mật khẩu mới" and lan.username in mail.outbox[0].body
    assert address.split("/")[3] not in str(list(PasswordReset.objects.values()))
    assert Client().get(address).status_code == Client().head(address).status_code == 200
    assert put(address).url == "/login/"
    lan.refresh_from_db()
    assert lan.check_password(OTHER)
    assert [answer.status_code for answer in (Client().get(address), put(address, "yet another one 8"))] == [410, 410]
    lan.refresh_from_db()
    assert lan.check_password(OTHER) and not PasswordReset.objects.filter(user=lan).exists()
    assert Notice.objects.filter(user=lan, kind="password_changed").count() == 1
    assert AuditEntry.objects.filter(by=lan, action="password.reset").count() == 1
    assert "by a link" in audit_trail(by=lan.username, action="password.")[0].sentence


def test_every_session_ends_and_other_letters_are_over(lan, queued) -> None:
    first, second = log_in(lan, PASSWORD), log_in(lan, PASSWORD)
    ask(lan.username)
    older = link(queued)
    ask(lan.username)
    newer = link(queued)
    assert put(newer, client=first).url == "/login/"
    assert [each.get("/account/").status_code for each in (first, second)] == [302, 302]
    assert not Login.objects.filter(user=lan).exists() and put(older).status_code == 410
    assert log_in(lan, PASSWORD).get("/account/").status_code == 302
    assert log_in(lan, OTHER).get("/account/").status_code == 200


def test_no_device_shows_notices_after_a_reset_or_a_change(lan, queued) -> None:
    def subscribed(digest: str, session_key: str) -> None:
        values = {"endpoint": f"https://push.example/{digest}", "p256dh": "x", "auth": "x", "name": "Phone"}
        PushDevice.objects.create(user=lan, digest=digest, session_key=session_key, added_at=NOON, **values)

    own = log_in(lan, PASSWORD)
    subscribed("lost", "a session that ended long ago")
    subscribed("own", own.session.session_key)
    assert own.post("/account/password/", {"password": OTHER, "again": OTHER}).status_code == 302
    assert [device.digest for device in PushDevice.objects.filter(user=lan)] == ["own"]
    ask(lan.username)
    assert put(link(queued), "yet another one 8").url == "/login/"
    assert not PushDevice.objects.filter(user=lan).exists()


def test_the_second_step_stays(lan, queued) -> None:
    totp.TOTP.activate(lan, SECRET)
    ask(lan.username)
    put(link(queued))
    client = Client()
    answer = client.post("/login/", {"username": lan.username, "password": OTHER})
    assert answer.url.startswith("/login/second-step/") and "_auth_user_id" not in client.session


def test_a_bad_choice_spends_nothing(lan, queued) -> None:
    ask(lan.username)
    address = link(queued)
    for answer in (put(address, "short"), put(address, OTHER, "not the same"), put(address, lan.username)):
        assert answer.status_code == 200 and b'role="alert"' in answer.content
    lan.refresh_from_db()
    assert lan.check_password(PASSWORD) and put(address).status_code == 302


def test_a_late_link_and_one_of_a_closed_login_are_over(lan, queued) -> None:
    ask(lan.username)
    address = link(queued)
    PasswordReset.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    assert Client().get(address).status_code == 410
    ask(lan.username)
    address = link(queued)
    User.objects.filter(pk=lan.pk).update(is_active=False)
    assert Client().get(address).status_code == put(address).status_code == 410
    ask(lan.username)
    deliver(queued)
    assert len(mail.outbox) == 2


@pytest.mark.parametrize("known", [True, False])
def test_letters_are_limited_for_known_and_unknown_names(lan, known, queued) -> None:
    named = lan.email if known else f"ghost-{uuid4().hex}@example.vn"
    answers = [ask(named) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0 and len(queued) == 3


def test_without_a_broker_the_page_says_so(lan, monkeypatch) -> None:
    def gone(*given) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.send_reset_letters, "delay", gone)
    answer = ask(lan.username)
    assert answer.status_code == 503 and b"Letters cannot be sent now" in answer.content
