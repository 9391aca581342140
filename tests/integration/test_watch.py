"""Jobs and health: what runs is shown from its own records, what does not run is said with what to do."""

import json
import time
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from kombu.exceptions import OperationalError

from accounts.models import User
from config import pulse
from config.schedule import beat_schedule
from meters.models import MeteringPoint
from portal.watch import health as checks_of
from portal.watch.health import FAIL, OK, WARN, health, judged, worst
from portal.watch.jobs import jobs
from settlement.models import MonthClose, SettlementAlarm
from settlement.operations import settle, touched
from tests.billing_world import person
from tests.office_world import JULY_TENTH, NOW, Office

pytestmark = pytest.mark.django_db


@pytest.fixture
def heart(settings):
    """A pulse of its own for the test, gone afterwards."""
    settings.DATABASES["default"]["NAME"] += "-pulse"
    pulse.client().delete(pulse._key())
    yield
    pulse.client().delete(pulse._key())
    settings.DATABASES["default"]["NAME"] = settings.DATABASES["default"]["NAME"].removesuffix("-pulse")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def at(name: str) -> str:
    return reverse(f"portal:office_{name}", args=("w",))


def state_of(office: Office, code: str) -> str:
    return next((check.state for check in health(office.world.market) if check.code == code), "none")


def beating() -> None:
    pulse.note("beat")
    for entry in beat_schedule.values():
        pulse.note(f"task {entry['task']}")


def test_what_does_not_run_is_a_failure_with_what_to_do(office, heart) -> None:
    for code in ("beat", "workers"):
        (check,) = [each for each in health(office.world.market) if each.code == code]
        assert check.state == FAIL and "Start" in check.todo
    beating()
    assert state_of(office, "beat") == state_of(office, "workers") == OK and state_of(office, "tasks") == "none"


def test_one_task_that_is_late_is_named(office, heart) -> None:
    beating()
    old = json.dumps([time.time() - 90, ""])
    pulse.client().hset(pulse._key(), "task settlement.tasks.settle_markets", old)
    (check,) = [each for each in health(office.world.market) if each.code == "tasks"]
    assert check.state == WARN and "settle_markets" in check.sentence


def test_a_task_of_every_hour_is_not_late_before_its_turn(office, heart) -> None:
    beating()
    hourly = "task accounts.tasks.clear_deliveries"
    pulse.client().hdel(pulse._key(), hourly)
    assert state_of(office, "tasks") == "none"
    pulse.client().hset(pulse._key(), hourly, json.dumps([time.time() - 7_240, ""]))
    assert state_of(office, "tasks") == WARN


def test_a_failure_is_told_without_what_the_task_was_given(office, heart) -> None:
    pulse.note("failed settlement.tasks.close_months", "ValueError: " + "x" * 500)
    (check,) = [each for each in health(office.world.market) if each.code == "failed_close_months"]
    assert check.state == WARN and len(check.sentence) < 300


def test_a_broker_that_is_away_is_said_and_brings_nothing_down(office, monkeypatch) -> None:
    import redis

    def gone() -> None:
        raise redis.ConnectionError("secret-password@host")

    monkeypatch.setattr(pulse, "client", gone)
    page = signed_in(office.lan).get(at("health"))
    assert page.status_code == 200 and state_of(office, "broker") == FAIL and b"secret-password" not in page.content


def test_messages_that_wait_have_an_age(office, heart, monkeypatch) -> None:
    monkeypatch.setattr(pulse, "QUEUE", "pulse-test-queue")
    pulse.client().delete(pulse.QUEUE)
    old, new = ({"headers": {pulse.SENT_AT: time.time() - age}} for age in (500, 1))
    pulse.client().lpush(pulse.QUEUE, json.dumps(old), json.dumps(new))
    waits = pulse.waiting()
    assert waits.count == 2 and 499 < (waits.oldest_s or 0) < 560
    assert state_of(office, "queue") == FAIL
    pulse.client().delete(pulse.QUEUE)


def test_celerys_signals_are_heard(heart) -> None:
    from celery import signals

    from config.celery import app

    assert app.conf.beat_schedule
    headers: dict[str, object] = {}
    signals.before_task_publish.send(sender="trading.tasks.tick_markets", headers=headers)
    assert "beat" in pulse.notes() and headers[pulse.SENT_AT]
    from trading.tasks import tick_markets

    signals.task_postrun.send(sender=tick_markets, task=tick_markets)
    assert "task trading.tasks.tick_markets" in pulse.notes()


def test_settlement_meters_mail_disk_and_backup_are_judged(office, settings, tmp_path) -> None:
    settings.BACKUPS_FOLDER = str(tmp_path)
    assert state_of(office, "backup") == FAIL
    (tmp_path / "today.dump").touch()
    assert state_of(office, "backup") == state_of(office, "documents_disk") == OK
    settings.BACKUPS_FOLDER = ""
    settings.DEMO = False
    assert state_of(office, "backup") == WARN
    assert state_of(office, "alarms") == WARN
    assert state_of(office, "meters") == FAIL  # nothing was read since July
    office.world.read(dict.fromkeys(office.world.people, (100, 0)), NOW - timedelta(minutes=30))
    MeteringPoint.objects.filter(role="generation").update(role="storage")
    assert state_of(office, "meters") == WARN


def test_thresholds_judge_from_their_own_figure_on() -> None:
    assert [judged(value, 10, 20) for value in (9, 10, 19, 20)] == [OK, WARN, WARN, FAIL]
    assert worst([]) == OK and checks_of.RANK[FAIL] > checks_of.RANK[WARN]


def test_jobs_are_the_records_of_the_work_itself(office) -> None:
    rows = jobs(office.world.market)
    kinds = {job.kind: job for job in rows}
    assert {"Month close", "PDFs and e-invoices", "Bank file", "Settlement"} <= set(kinds)
    july = next(job for job in rows if job.pk == office.july.pk)
    assert (july.state, july.who) == ("waiting", office.lan)
    issued = MonthClose.objects.get(market=office.world.market, state="issued")
    assert issued.requested_by != issued.approved_by
    assert next(job for job in rows if job.kind == "Month close" and job.pk == issued.pk).who == issued.requested_by
    papers = kinds["PDFs and e-invoices"]
    assert (papers.done, papers.state) == (0, "waiting") and papers.total > 0
    assert kinds["Settlement"].state == "failed" and "terms" in kinds["Settlement"].sentence


def test_a_running_close_has_its_bar_and_the_page_goes_on_without_scripts(office) -> None:
    MonthClose.objects.filter(pk=office.july.pk).update(state="computing", drafted=1, participants=4)
    page = signed_in(office.lan).get(at("jobs"))
    assert b"<progress" in page.content and b'http-equiv="refresh"' in page.content and page.context["running"]


def test_what_failed_is_tried_again_where_that_is_safe(office, monkeypatch) -> None:
    from portal.office import watch

    lan, alarm, sent = signed_in(office.lan), SettlementAlarm.objects.get(), []
    monkeypatch.setattr(watch.app, "send_task", lambda name, given: sent.append((name, *given)))
    assert alarm.retry_at > NOW
    assert lan.post(at("jobs"), {"again": f"alarm-{alarm.pk}"}).status_code == 302
    alarm.refresh_from_db()
    assert alarm.retry_at <= NOW + timedelta(minutes=1)
    lan.post(at("jobs"), {"again": "papers-2026-06-01"})
    assert sent == [("settlement.tasks.deliver_month", office.world.market.pk, "2026-06-01")]
    for wrong in ("papers-x", "alarm-0", "alarm-9999999999999999999", "everything", ""):
        assert lan.post(at("jobs"), {"again": wrong}).status_code == 422, wrong
    monkeypatch.setattr(watch.app, "send_task", broken)
    answer = lan.post(at("jobs"), {"again": "papers-2026-06-01"})
    assert answer.status_code == 422 and b"No worker can be reached now" in answer.content


def broken(*_given: object) -> None:
    raise OperationalError


def test_intervals_that_wait_are_settled_again_from_the_list(office) -> None:
    office.world.read({"shop": (31_000, 0)}, office.dispute.contract.delivery_start)
    assert touched(office.world.market)
    settle(contract_id=office.dispute.contract_id, kind="R2", at=JULY_TENTH)
    assert any(job.again == "settle" for job in jobs(office.world.market))
    signed_in(office.lan).post(at("jobs"), {"again": "settle"})
    assert touched(office.world.market) == []


def test_auditors_look_and_members_do_not(office) -> None:
    auditor, member = signed_in(office.auditor), signed_in(office.owner)
    for name in ("jobs", "health"):
        assert auditor.get(at(name)).status_code == 200 and auditor.post(at(name)).status_code == 403
        assert member.get(at(name)).status_code == member.post(at(name)).status_code == 403
    detail = reverse("portal:health_detail")
    assert member.get(detail).status_code == 403 and Client().get(detail).status_code == 302
    told = auditor.get(detail + "?market=w").json()
    assert told["markets"]["w"]["state"] in (OK, WARN, FAIL)
    codes = {check["code"] for check in told["markets"]["w"]["checks"]}
    assert {"database", "broker", "documents_disk", "mail", "backup", "meters", "clearing"} <= codes
    assert auditor.get(detail + "?market=nowhere").status_code == 404
    assert person("lan").is_staff and signed_in(office.lan).post(detail).status_code == 405
