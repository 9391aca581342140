"""Reminders: each level once, never where nobody should be reminded, in the payer's own language."""

from datetime import date, timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from accounts.models import BillingProfile
from settlement.documents.qr import parse
from settlement.models import Dispute, Invoice, Issuer, Reminder
from settlement.operations.dunning import preview_reminders, send_reminders
from settlement.operations.payments import record_payment
from tests.money_world import NOON, TODAY, issue, money_world
from tests.settlement_world import TUESDAY_TEN, World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = money_world("a", "b")
    Issuer.objects.create(
        site=world.site, legal_name="EIU Energy", bank_name="VCB", bank_bin="970436", bank_account="0123456789",
        email="bills@example.com",
    )  # fmt: skip
    profile(world, "a", language="en")
    return world


def profile(world: World, who: str, **values: str) -> None:
    BillingProfile.objects.create(
        participant=world.people[who], legal_name=f"Company {who}", **{"email": f"{who}@example.com", **values}
    )


def send(world: World, days: int):
    on = TODAY + timedelta(days=days)
    return send_reminders(market_id=world.market.pk, on=on, by=None, at=NOON + timedelta(days=days))


def test_each_level_goes_out_once(world: World) -> None:
    invoice = issue(world, "a", 500_000)
    levels = []
    for days in (0, 2, 3, 3, 4, 13, 14, 20, 29, 30, 31, 400):
        levels += [each.level for each in send(world, days).sent]
    assert levels == [1, 2, 3]
    assert [m.to for m in mail.outbox] == [["a@example.com"]] * 3
    assert mail.outbox[0].reply_to == ["bills@example.com"]
    assert list(Reminder.objects.order_by("level").values_list("level", flat=True)) == [1, 2, 3]
    body = Reminder.objects.get(level=1).body
    assert body == mail.outbox[0].body
    assert "₫500,000" in body and invoice.reference in body and "0123456789" in body
    code = parse(next(line.split(": ")[1] for line in body.splitlines() if line.startswith("VietQR")))
    assert (code.account, code.amount_dong, code.reference) == ("0123456789", 500_000, invoice.reference)


def test_a_level_that_was_passed_over_is_not_sent_afterwards(world: World) -> None:
    issue(world, "a", 500_000)
    assert [each.level for each in send(world, 20).sent] == [2]


def test_what_is_open_is_asked_for_and_a_preview_sends_nothing(world: World) -> None:
    issue(world, "a", 500_000)
    who = {"market_id": world.market.pk, "participant_id": world.people["a"].pk}
    record_payment(**who, amount_dong=499_001, by=None, at=NOON)
    on = TODAY + timedelta(days=5)
    (shown,) = preview_reminders(world.market.pk, on)
    assert (shown.held_back, shown.open_dong) == ("below_minimum", 999)
    issue(world, "a", 2_000)
    assert [m.held_back for m in preview_reminders(world.market.pk, on)] == ["below_minimum", ""]
    assert not mail.outbox and not Reminder.objects.exists()


def test_vietnamese_is_the_first_language(world: World) -> None:
    profile(world, "b", email="b@example.com")
    issue(world, "b", 1_500_000)
    (sent,) = send(world, 3).sent
    assert sent.language == "vi"
    assert sent.subject.startswith("Nhắc thanh toán: hóa đơn ")
    assert "1.500.000 ₫" in sent.body


def test_nobody_is_reminded_without_address_in_a_dispute_or_of_a_statement(world: World) -> None:
    issue(world, "b", 500_000)
    issue(world, "a", 700_000, kind="statement")
    issue(world, "a", -700_000)
    contract = world.contract(start=TUESDAY_TEN)
    disputed = issue(world, "a", 800_000, month=date(2026, 6, 1))
    Dispute.objects.create(
        market=world.market, contract=contract, participant=world.people["a"], reason="meter", opened_at=NOON
    )
    done = send(world, 40)
    assert [(m.held_back, m.invoice_id == disputed.pk) for m in done.held_back] == [
        ("no_address", False),
        ("disputed", True),
    ]
    assert not done.sent and not mail.outbox


def test_a_mail_that_is_refused_is_told_and_due_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    issue(world, "a", 500_000)

    def refuse(self: object, *args: object) -> None:
        raise OSError("no route")

    with monkeypatch.context() as patched:
        patched.setattr("django.core.mail.EmailMessage.send", refuse)
        assert len(send(world, 3).failed) == 1
    assert not Reminder.objects.exists()
    assert len(send(world, 3).sent) == 1


def test_the_command_previews_and_sends(world: World) -> None:
    issue(world, "a", 500_000, due_on=date(2020, 1, 1))
    out = StringIO()
    call_command("send_reminders", world.market.code, preview=True, stdout=out)
    assert "Last reminder" in out.getvalue() and not mail.outbox
    call_command("send_reminders", world.market.code, stdout=out)
    assert "1 sent, 0 held back, 0 failed." in out.getvalue()
    assert Invoice.objects.get().reminders.count() == 1
    with pytest.raises(CommandError, match="no market"):
        call_command("send_reminders", "nowhere")
