"""Notices: who is told what, once; nobody reads another's; ways, quiet hours, e-mails and messages to browsers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.core import mail
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.domain.notices import KINDS, Ways
from accounts.models import AuditEntry, Membership, Notice, NoticeDelivery, NoticeManner, Participant, PushDevice, User
from accounts.operations import AccountError, create_participant, create_user, deliveries
from accounts.operations.deliveries import clear_old, deliver_due
from accounts.operations.erasure import erase_user
from accounts.operations.invitations import accept_as_new, invite
from accounts.operations.logins import change_password, note_login
from accounts.operations.notice_ways import Wish, add_device, remove_device, set_wish
from accounts.operations.notices import News, forget_looks, look_once, mark_read, tell
from accounts.queries import own_notices, unread_notices
from accounts.signin.notice_letters import send
from accounts.tasks import clear_deliveries, deliver_notices
from accounts.webpush.posting import Answer, Outcome
from tests.factories import NOON, make_market, make_participants
from tests.push_service import Browser, PushService, push_service

PASSWORD = "correct horse battery"
State = NoticeDelivery.State


def make(name: str, **more) -> User:
    return create_user(by=None, username=name, password=PASSWORD, at=NOON, **more)


@pytest.fixture
def house(db) -> Participant:
    return create_participant(by=None, code="b2", name="Nhà B2", kind="household", at=NOON)


@pytest.fixture
def an(house) -> User:
    user = make("an", email="an@example.vn")
    Membership.objects.create(user=user, participant=house, role="owner")
    return user


@pytest.fixture
def binh(house) -> User:
    user = make("binh", email="binh@example.vn", language="vi")
    Membership.objects.create(user=user, participant=house, role="viewer")
    return user


@pytest.fixture
def service(settings) -> Iterator[PushService]:
    with push_service() as service:
        settings.PUSH_SERVICES = [service.address]
        yield service


def bill(house: Participant, key: str = "bill 1", **more) -> News:
    figures = {"market": "m", "total_dong": 412_000, "month_on": "2026-10-01", "due_on": "2026-11-15"}
    return News("bill_issued", key, NOON, ("invoice", 1), figures, participant=house.pk, **more)


def now() -> datetime:
    return datetime.now(UTC)


def entered(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def subscribe(user: User, browser: Browser, service: PushService, session_key: str = "s") -> PushDevice:
    given = browser.subscription
    return add_device(
        user=user, endpoint=given["endpoint"], p256dh=given["keys"]["p256dh"], auth=given["keys"]["auth"],
        name="Firefox, Linux", session_key=session_key, services=[service.address], at=NOON,
    )  # fmt: skip


def wish(user: User, kinds: dict[str, Ways] | None = None, roles: tuple[str, ...] = ("owner", "self"), **more) -> None:
    values = {"quiet": None, "timezone": "Asia/Ho_Chi_Minh", "push_amounts": False} | more
    set_wish(user=user, roles=set(roles), wish=Wish(kinds or {}, **values), at=NOON)


# Who is told


def test_everybody_with_a_seat_is_told_once_and_nobody_else(house, an, binh) -> None:
    make("stranger")
    assert tell([bill(house)]) == 2
    assert tell([bill(house)]) == 0
    assert set(Notice.objects.values_list("user__username", flat=True)) == {"an", "binh"}
    told = Notice.objects.get(user=an)
    assert (told.kind, told.level, told.about_kind, told.about_id) == ("bill_issued", "action", "invoice", "1")
    assert told.data["who"] == "Nhà B2" and told.at == NOON


def test_who_did_it_who_left_and_who_is_locked_out_are_not_told(house, an, binh) -> None:
    binh.is_active = False
    binh.save()
    assert tell([bill(house, but=an.pk)]) == 0


def test_administrators_are_told_of_the_house_and_auditors_are_not(db) -> None:
    minh = make("minh", is_staff=True)
    make("auditor", is_auditor=True)
    tell([News("proposal_waits", "p 1", NOON, ("proposal", 1), {"what": "vat"}, administrators=True)])
    assert list(Notice.objects.values_list("user", flat=True)) == [minh.pk]


def test_one_person_with_two_seats_hears_of_the_market_once(house, an) -> None:
    other = create_participant(by=None, code="b3", name="Nhà B3", kind="household", at=NOON)
    Membership.objects.create(user=an, participant=other, role="trader")
    news = [News("market_halted", "h 1", NOON, participant=each.pk) for each in (house, other)]
    assert tell(news) == 1


def test_what_is_told_on_request_needs_a_way(house, an, binh) -> None:
    day = News("day_summary", "day 1", NOON, data={"sold_wh": 1}, participant=house.pk)
    assert tell([day]) == 0
    wish(an, {"days": Ways(True, False)})
    assert tell([day]) == 1
    assert Notice.objects.get().user == an


def test_a_notice_never_changes_but_for_being_read(house, an) -> None:
    tell([bill(house)])
    with pytest.raises(DatabaseError), transaction.atomic():
        Notice.objects.update(data={})
    assert mark_read(user=an, ids=None, at=NOON) == 1
    assert mark_read(user=an, ids=None, at=NOON) == 0


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_tell_it_once() -> None:
    house = create_participant(by=None, code="b2", name="Nhà B2", kind="household", at=NOON)
    people = [make(f"u{n}", email=f"u{n}@example.vn") for n in range(5)]
    for each in people:
        Membership.objects.create(user=each, participant=house, role="owner")
    start, made = Barrier(8), []

    def one() -> None:
        start.wait(timeout=20)
        news = [bill(house, f"bill {n}") for n in range(4)]
        made.append(tell(news))
        connection.close()

    threads = [Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sum(made) == Notice.objects.count() == 20
    assert NoticeDelivery.objects.count() == 20  # an e-mail each


def test_what_is_undone_was_never_told(house, an) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        tell([bill(house)])
        raise RuntimeError
    assert not Notice.objects.exists()


def test_a_look_is_made_once(db) -> None:
    assert look_once("day 1 2026-10-12", NOON) and not look_once("day 1 2026-10-12", NOON)
    assert forget_looks("day 1 ", NOON) == 0 and forget_looks("day 2 ", NOON + timedelta(days=9)) == 0
    assert forget_looks("day 1 ", NOON + timedelta(days=9)) == 1


# The login


def test_changes_of_a_login_are_told_to_its_person_alone(an, binh) -> None:
    change_password(user=an, password="another long password", at=NOON)
    told = Notice.objects.get()
    assert (told.user, told.kind, told.participant) == (an, "password_changed", None)
    assert NoticeDelivery.objects.get().device is None


def test_a_new_device_is_told_from_the_second_one_on(an) -> None:
    for session, device in (("1", "Firefox, Linux"), ("2", "Firefox, Linux"), ("3", "Chrome, Android")):
        note_login(user=an, session_key=session, device=device, address=None, means="password", at=NOON)
    (told,) = Notice.objects.all()
    assert (told.kind, told.data["device"]) == ("new_device", "Chrome, Android")


def test_whoever_invited_hears_that_it_was_accepted(house, an) -> None:
    _, secret = invite(by=an, email="moi@example.vn", role="trader", participant=house, days=7, at=now())
    accept_as_new(secret=secret, username="moi", password=PASSWORD, language="en", at=now())
    told = Notice.objects.get(kind="invitation_accepted")
    assert told.user == an and told.data == {"who": "Nhà B2", "person": "moi", "role": "trader"}
    assert "moi accepted your invitation" in entered(an).get("/notices/").content.decode()


def test_erasing_a_login_erases_what_it_was_told(house, an) -> None:
    tell([bill(house)])
    wish(an, {"documents": Ways(False, False)})
    erase_user(user=an, open_money={}, at=NOON)
    assert not Notice.objects.filter(user=an).exclude(kind="password_changed").exists()
    assert not NoticeManner.objects.exists() and not an.notice_choices.exists()


# The inbox


def test_nobody_reads_or_marks_the_notices_of_others(house, an, binh) -> None:
    tell([bill(house)])
    mine, others = Notice.objects.get(user=an), Notice.objects.get(user=binh)
    client = entered(an)
    assert client.get(reverse("portal:notice", args=(others.pk,))).status_code == 404
    client.post("/notices/read/", {"one": others.pk})
    client.post("/notices/read/")
    others.refresh_from_db()
    mine.refresh_from_db()
    assert others.read_at is None and mine.read_at is not None
    assert client.get("/notices/count.json").json()["unread"] == 0
    assert entered(binh).get("/notices/count.json").json() == {
        "unread": 1, "shown": "1", "words": "Notices, 1 unread",
    }  # fmt: skip


@pytest.mark.parametrize("address", ["/notices/", "/notices/count.json", "/notices/settings/", "/notices/1/"])
def test_without_a_login_there_is_nothing(db, address) -> None:
    answer = Client().get(address)
    assert answer.status_code == 302 and answer.url.startswith("/login/")


def test_who_acts_no_more_for_a_house_reads_no_more_of_it(house, an) -> None:
    tell([bill(house)])
    Membership.objects.all().delete()
    assert not own_notices(an).exists() and unread_notices(an) == 0
    assert "412,000" not in entered(an).get("/notices/").content.decode()


def test_the_inbox_in_both_languages_marked_read_one_by_one_and_filtered(house, an) -> None:
    tell([bill(house, f"bill {n}") for n in range(2)])
    tell([News("market_halted", "h", NOON, ("market", ""), {"market_name": "Campus"}, participant=house.pk)])
    client = entered(an)
    page = client.get("/notices/").content.decode()
    assert page.count("Bill of Nhà B2 for October 2026: ₫412,000</a>") == 2 and "3 unread" in page
    assert 'aria-label="Notices, 3 unread"' in page
    client.cookies["django_language"] = "vi"
    assert "Giao dịch tại Campus đã tạm dừng" in client.get("/notices/").content.decode()
    client.cookies["django_language"] = "en"
    one = Notice.objects.get(kind="market_halted")
    answer = client.post("/notices/read/", {"one": one.pk, "back": "/notices/?show=unread"})
    assert (answer.status_code, answer.url) == (302, "/notices/?show=unread")
    assert "Trading in Campus" not in client.get("/notices/?show=unread").content.decode()
    assert "Trading in Campus" in client.get("/notices/?about=market&who=b2").content.decode()
    assert "Nothing here fits" in client.get("/notices/?about=security").content.decode()
    assert client.get("/notices/?about=%00&who=%00&page=x").status_code == 200
    assert client.post("/notices/read/", {"back": "https://evil.example/"}).url == "/notices/"
    assert unread_notices(an) == 0


def test_long_lists_have_pages_and_an_empty_one_says_what_will_come(house, an) -> None:
    client = entered(an)
    assert "Nothing has happened yet" in client.get("/notices/").content.decode()
    tell([bill(house, f"bill {n}") for n in range(31)])
    assert "1 / 2" in client.get("/notices/").content.decode()
    assert client.get("/notices/?page=2").content.decode().count('<li data-level="action" class="unread"') == 1


@pytest.mark.parametrize(
    ("kind", "about", "where"),
    [
        ("bill_issued", ("invoice", 7), "/bills/m/b2/documents/7/"),
        ("payment_received", ("bills", ""), "/bills/m/b2/"),
        ("dispute_kept", ("dispute", 3), "/bills/m/b2/disputes/"),
        ("reading_corrected", ("intervals", "2026-10-12"), "/bills/m/b2/intervals/?on=2026-10-12"),
        ("meter_silent", ("home", ""), "/home/m/b2/"),
        ("market_halted", ("market", ""), "/markets/m/"),
        ("rules_changed", ("rules", ""), "/bills/m/b2/"),
    ],
)
def test_a_notice_leads_to_what_it_is_about_and_is_read_then(house, an, kind, about, where) -> None:
    tell([News(kind, "k", NOON, about, {"market": "m"}, participant=house.pk)])
    answer = entered(an).get(reverse("portal:notice", args=(Notice.objects.get().pk,)))
    assert (answer.status_code, answer.url) == (302, where)
    assert unread_notices(an) == 0


def test_notices_of_the_house_lead_to_the_office(db) -> None:
    make_market("m")
    minh = make("minh", is_staff=True)
    tell([
        News("proposal_waits", "p", NOON, ("proposal", 5), {}, administrators=True),
        News("close_waits", "c", NOON, ("close", 6), {"market": "m"}, administrators=True),
        News("site_meter_silent", "s", NOON, ("meters", ""), {"market": "m"}, administrators=True),
        News("reading_waits", "r", NOON, ("reading", 7), {"market": "m"}, administrators=True),
        News("claim_waits", "l", NOON, ("claim", 8), {"market": "m"}, administrators=True),
        News("market_halted", "h", NOON, ("market", ""), {"market": "m"}, administrators=True),
        News("password_changed", "w", NOON, ("login", ""), {}, user=minh.pk),
    ])  # fmt: skip
    client = entered(minh)
    rows = Notice.objects.order_by("pk").values_list("kind", "pk")
    found = {kind: client.get(reverse("portal:notice", args=(pk,))).url for kind, pk in rows}
    assert found == {
        "proposal_waits": "/office/m/rulebook/changes/5/",
        "close_waits": "/office/m/closes/6/",
        "site_meter_silent": "/office/m/readings/",
        "reading_waits": "/office/m/readings/decisions/7/",
        "claim_waits": "/office/m/members/claims/8/",
        "market_halted": "/markets/m/",
        "password_changed": "/account/",
    }


def test_the_home_shows_the_latest_three_that_are_unread(house, an) -> None:
    market = make_market("m")
    make_participants(0)
    from trading.models import Admission

    Admission.objects.create(market=market, participant=house, credit_limit_millidong=0)
    tell([bill(house, f"bill {n}") for n in range(5)])
    page = entered(an).get("/home/m/b2/").content.decode()
    assert page.count("Bill of Nhà B2 for October 2026: ₫412,000") == 3 and "All notices" in page


# Preferences


def test_choices_are_kept_where_they_differ_and_shown_again(house, an) -> None:
    client = entered(an)
    page = client.get("/notices/settings/").content.decode()
    assert 'name="email-documents" checked' in page and 'name="push-days"' in page
    assert "email-login" not in page and "email-closes" not in page
    given = {
        "email-cap": "on",
        "push-documents": "on",
        "quiet": "on",
        "quiet_from": "22:00",
        "quiet_until": "06:30",
    }
    assert client.post("/notices/settings/", given).status_code == 302
    held = {each.topic: (each.email, each.push) for each in an.notice_choices.all()}
    assert held["documents"] == (False, True) and held["cap"] == (True, False)
    assert "stops" in held and "days" not in held  # the latter is as usual
    manner = NoticeManner.objects.get(user=an)
    assert (manner.quiet_from, manner.quiet_until, manner.timezone) == (22 * 60, 6 * 60 + 30, "UTC")
    assert AuditEntry.objects.filter(by=an, action="notices.chosen").count() == 1
    assert 'value="06:30"' in client.get("/notices/settings/").content.decode()
    client.post("/notices/settings/", {})
    assert NoticeManner.objects.get(user=an).quiet_from is None


def test_half_a_quiet_time_is_refused_in_words(an) -> None:
    answer = entered(an).post("/notices/settings/", {"quiet": "on", "quiet_from": "25:00", "quiet_until": "06:00"})
    assert answer.status_code == 422 and "Give both ends" in answer.content.decode()
    assert not NoticeManner.objects.exists()


def test_what_is_about_the_safety_of_the_login_cannot_be_chosen(an) -> None:
    with pytest.raises(AccountError) as refused:
        wish(an, {"login": Ways(False, False)})
    assert refused.value.code == "always_told"
    entered(an).post("/notices/settings/", {})  # nothing ticked
    change_password(user=an, password="another long password", at=NOON)
    assert NoticeDelivery.objects.filter(notice__kind="password_changed").count() == 1


def test_an_auditor_chooses_and_reads_what_is_his(db) -> None:
    auditor = make("auditor", is_auditor=True, email="a@example.vn")
    change_password(user=auditor, password="another long password", at=NOON)
    client = entered(auditor)
    assert client.post("/notices/settings/", {"push_amounts": "on"}).status_code == 302
    assert client.post("/notices/read/").status_code == 302
    assert unread_notices(auditor) == 0


# E-mail


def test_owners_get_a_letter_and_viewers_do_not(house, an, binh, settings) -> None:
    settings.SITE_ADDRESS = "https://energy.example.vn"
    tell([bill(house)])
    assert deliver_due(now(), send).sent == 1
    (letter,) = mail.outbox
    assert letter.to == ["an@example.vn"] and letter.subject == "Bill of Nhà B2 for October 2026: ₫412,000"
    assert f"https://energy.example.vn/notices/{Notice.objects.get(user=an).pk}/" in letter.body
    assert deliver_due(now(), send).all == 0


def test_letters_are_in_the_readers_language(house, binh) -> None:
    wish(binh, {"documents": Ways(True, False)}, ("viewer", "self"))
    tell([bill(house)])
    deliver_notices()
    assert mail.outbox[0].subject == "Hóa đơn của Nhà B2 cho tháng 10/2026: 412.000 ₫"


def test_a_mail_server_that_is_away_gets_it_later(house, an, monkeypatch) -> None:
    tell([bill(house)])

    def refuse(*_, **__) -> int:
        raise OSError("no route")

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    at = now()
    assert deliver_due(at, send).put_off == 1
    row = NoticeDelivery.objects.get()
    assert (row.state, row.attempts) == (State.WAITING, 1) and "no route" in row.error
    assert row.due_at == at + timedelta(seconds=30)
    monkeypatch.undo()
    assert deliver_due(at, send).all == 0
    assert deliver_due(at + timedelta(seconds=31), send).sent == 1


# Messages to browsers


def test_a_browser_gets_what_it_can_read_and_the_service_cannot(house, an, service) -> None:
    browser = Browser(service)
    subscribe(an, browser, service)
    NoticeDelivery.objects.all().delete()
    tell([bill(house)])
    assert deliver_due(now(), send).sent == 2  # and a letter
    (posted,) = service.posted
    notice = Notice.objects.get(kind="bill_issued")
    assert json.loads(browser.read(posted)) == {
        "title": "Nhà B2 has a new bill",
        "body": "Please pay it by 15 November 2026. The bill shows how each amount came about.",
        "address": f"/notices/{notice.pk}/",
        "tag": f"notice-{notice.pk}",
    }
    assert b"B2" not in posted.body and posted.path == browser.path
    assert posted.headers["Content-Encoding"] == "aes128gcm" and posted.headers["Urgency"] == "normal"
    assert posted.headers["TTL"] == str(KINDS["bill_issued"].ttl_s) and posted.headers["Topic"] == f"notice-{notice.pk}"
    assert posted.headers["Authorization"].startswith("vapid t=")
    assert PushDevice.objects.get().reached_at is not None


def test_amounts_stand_on_a_device_only_where_its_owner_wants_them(house, an, service) -> None:
    browser = Browser(service)
    subscribe(an, browser, service)
    wish(an, push_amounts=True)
    tell([bill(house)])
    deliver_due(now(), send)
    titles = [json.loads(browser.read(each))["title"] for each in service.posted]
    assert "Bill of Nhà B2 for October 2026: ₫412,000" in titles


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_over_is_forgotten(house, an, service, status) -> None:
    subscribe(an, Browser(service), service)
    NoticeDelivery.objects.all().delete()
    service.answers = [status]
    tell([bill(house)])
    assert deliver_due(now(), send).dropped == 1
    assert not PushDevice.objects.exists()
    assert NoticeDelivery.objects.get().device is None  # the letter alone


def test_a_letter_that_cannot_be_written_holds_up_no_other_and_is_given_up(house, an, binh) -> None:
    for user in (an, binh):
        wish(user, {"documents": Ways(True, False)})
    NoticeDelivery.objects.all().delete()
    tell([bill(house)])
    User.objects.filter(pk=an.pk).update(email="an@example.vn\nBcc: all@example.vn")
    done = deliver_due(now(), send)
    assert (done.sent, done.failed) == (1, 1) and [letter.to for letter in mail.outbox] == [[binh.email]]
    assert deliver_due(now() + timedelta(hours=1), send).all == 0


def test_a_device_removed_while_its_message_is_on_the_way_holds_up_no_other(house, an, service, monkeypatch) -> None:
    subscribe(an, Browser(service), service)
    wish(an, {"documents": Ways(True, True)})
    NoticeDelivery.objects.all().delete()
    tell([bill(house)])
    settled = deliveries._settle

    def removed_before(row, answer, at):
        PushDevice.objects.all().delete()
        return settled(row, answer, at)

    monkeypatch.setattr(deliveries, "_settle", removed_before)
    assert deliver_due(now(), lambda _row: Answer(Outcome.TAKEN)).sent == 2
    assert NoticeDelivery.objects.get().state == State.SENT  # the letter, which is not sent again


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_service_in_trouble_is_tried_later_and_later(house, an, service, status) -> None:
    subscribe(an, Browser(service), service)
    wish(an, {"documents": Ways(False, True)})
    NoticeDelivery.objects.all().delete()
    service.answers, service.pause_s = [status, status], 300
    tell([bill(house)])
    at = now()
    assert deliver_due(at, send).put_off == 1
    row = NoticeDelivery.objects.get()
    assert row.due_at == at + timedelta(seconds=300) and row.error == f"HTTP {status}"
    service.pause_s = 0
    assert deliver_due(row.due_at, send).put_off == 1
    row.refresh_from_db()
    assert row.due_at == at + timedelta(seconds=300 + 120)
    assert deliver_due(row.due_at, send).sent == 1
    assert len(service.posted) == 3 and PushDevice.objects.exists()


@pytest.mark.parametrize("status", [302, 400, 403, 413])
def test_what_would_be_refused_again_is_not_sent_again(house, an, service, status) -> None:
    subscribe(an, Browser(service), service)
    wish(an, {"documents": Ways(False, True)})
    NoticeDelivery.objects.all().delete()
    service.answers = [status]
    tell([bill(house)])
    assert deliver_due(now(), send).failed == 1
    assert len(service.posted) == 1  # a redirection is not followed


def test_a_service_that_nobody_answers_for_is_given_up_after_eight_tries(house, an, service, settings) -> None:
    subscribe(an, Browser(service), service)
    wish(an, {"documents": Ways(False, True)})
    NoticeDelivery.objects.all().delete()
    dead = "http://127.0.0.1:9"
    PushDevice.objects.update(endpoint=f"{dead}/x")
    settings.PUSH_SERVICES = [dead]
    tell([bill(house)])
    for _ in range(8):
        row = NoticeDelivery.objects.get()
        deliver_due(row.due_at, send)
    assert NoticeDelivery.objects.get().state == State.FAILED


def test_an_address_that_is_no_longer_allowed_is_not_posted_to(house, an, service, settings) -> None:
    subscribe(an, Browser(service), service)
    wish(an, {"documents": Ways(False, True)})
    NoticeDelivery.objects.all().delete()
    settings.PUSH_SERVICES = ["fcm.googleapis.com"]
    tell([bill(house)])
    assert deliver_due(now(), send).failed == 1 and not service.posted


def test_quiet_hours_put_off_bills_and_not_the_safety_of_the_login(house, an) -> None:
    at = now()
    minute = at.hour * 60 + at.minute
    wish(an, quiet=((minute - 60) % 1_440, (minute + 60) % 1_440), timezone="UTC")
    tell([bill(house)])
    change_password(user=an, password="another long password", at=NOON)
    at = now()
    done = deliver_due(at, send)
    assert (done.sent, done.put_off) == (1, 1)
    waits = NoticeDelivery.objects.get(state=State.WAITING)
    assert waits.attempts == 0 and timedelta(minutes=58) < waits.due_at - at <= timedelta(minutes=60)
    assert deliver_due(waits.due_at + timedelta(minutes=1), send).sent == 1


def test_what_was_read_is_late_or_concerns_one_no_more_is_not_sent(house, an, binh) -> None:
    wish(binh, {"documents": Ways(True, False)}, ("viewer", "self"))
    tell([bill(house)])
    mark_read(user=an, ids=None, at=NOON)
    Membership.objects.filter(user=binh).delete()
    assert deliver_due(now(), send).dropped == 2
    tell([bill(house, "bill 2")])
    assert deliver_due(now() + timedelta(days=4), send).dropped == 1
    assert not mail.outbox
    clear_deliveries()
    assert NoticeDelivery.objects.count() == 3
    assert clear_old(now() + timedelta(days=60)) == 3 and Notice.objects.count() == 3


# Devices


def post(client: Client, given: dict) -> tuple[int, dict]:
    answer = client.post("/notices/devices/", json.dumps(given), content_type="application/json")
    return answer.status_code, answer.json()


def test_a_page_adds_its_browser_which_hears_of_it_at_once(an, service) -> None:
    client, browser = entered(an), Browser(service)
    status, told = post(client, browser.subscription)
    assert (status, told) == (200, {"next": "/notices/settings/"})
    assert PushDevice.objects.get().session_key == client.session.session_key
    assert post(client, browser.subscription)[0] == 200 and PushDevice.objects.count() == 1
    deliver_due(now(), send)
    assert json.loads(browser.read(service.posted[0]))["title"] == "Notices are shown on a new device"
    page = client.get("/notices/settings/").content.decode()
    assert f'data-digest="{PushDevice.objects.get().digest}"' in page


@pytest.mark.parametrize("given", [{}, {"endpoint": "https://evil.example/x"}, {"endpoint": 5, "keys": "no"}])
def test_a_subscription_of_a_strange_place_is_refused_in_words(an, given) -> None:
    status, told = post(entered(an), given)
    assert status == 400 and told["code"] == "not_a_push_service" and told["message"]
    assert not PushDevice.objects.exists()


def test_bad_keys_are_refused(an, service) -> None:
    status, told = post(entered(an), {"endpoint": f"{service.address}/x", "keys": {"p256dh": "AA", "auth": "AA"}})
    assert (status, told["code"]) == (400, "bad_keys")


@pytest.mark.parametrize("body", ["[" * 50_000, "{", "[]", "null", '"x"', "\0", '{"keys": []}', '{"endpoint": 1}'])
def test_what_is_no_subscription_is_refused_in_words(an, body: str) -> None:
    answer = entered(an).post(reverse("portal:notices_device"), body, content_type="application/json")
    assert answer.status_code == 400 and answer.json()["message"]


def test_ten_devices_are_enough(an, service) -> None:
    for n in range(10):
        subscribe(an, Browser(service, str(n)), service)
    with pytest.raises(AccountError) as refused:
        subscribe(an, Browser(service, "x"), service)
    assert refused.value.code == "too_many_devices"


def test_a_browser_belongs_to_who_signed_in_last_and_goes_with_the_sign_out(an, binh, service) -> None:
    browser, client = Browser(service), entered(an)
    post(client, browser.subscription)
    other = entered(binh)
    post(other, browser.subscription)
    assert PushDevice.objects.get().user == binh
    client.post("/logout/")
    assert PushDevice.objects.count() == 1
    other.post("/logout/")
    assert not PushDevice.objects.exists()


def test_nobody_removes_the_device_of_another(an, binh, service) -> None:
    device = subscribe(an, Browser(service), service)
    entered(binh).post(reverse("portal:notices_device_remove", args=(device.pk,)))
    assert PushDevice.objects.exists()
    entered(an).post(reverse("portal:notices_device_remove", args=(device.pk,)))
    assert not PushDevice.objects.exists()
    assert not remove_device(user=an, pk=device.pk, at=NOON)
    assert AuditEntry.objects.filter(action="push_device.removed", by=an).count() == 1
