"""What people do in the office and with their bills, through the forms, and what refuses them."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from accounts.models import BillingProfile, User
from portal.templatetags.figures import dong
from settlement.models import BankLine, Dispute, Invoice, MonthClose, Payment, Reminder
from settlement.operations.disputes import decide_dispute
from settlement.operations.month import advance
from settlement.queries.closes import WARNING, approved_checklist, checklist
from tariffs.models import RuleChange
from tests.billing_world import JUNE
from tests.office_world import JULY, NOW

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def at(name: str, *rest: object) -> str:
    return reverse(f"portal:office_{name}", args=("w", *rest))


def mine(name: str, *rest: object) -> str:
    return reverse(f"portal:bills_{name}", args=("w", "roof", *rest))


def warnings(close: MonthClose) -> list[str]:
    return [check.code for check in checklist(close) if check.state == WARNING]


def refused(answer, sentence: str) -> None:
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'role="alert"' in page and sentence in page


def said(answer) -> str:
    """The sentence after a redirect."""
    assert answer.redirect_chain and answer.status_code == 200, answer.content[:400]
    return " ".join(str(message) for message in answer.context["messages"])


def test_a_month_is_computed_approved_by_another_and_issued(office) -> None:
    lan, minh = signed_in(office.lan), signed_in(office.minh)
    close, form = office.july, {"issue_on": "2026-08-20", "confirm": "yes", "accept": warnings(office.july)}
    refused(lan.post(at("close_approve", close.pk), form), "cannot approve it")
    refused(minh.post(at("close_approve", close.pk), form | {"accept": []}), "rest on estimates")
    refused(minh.post(at("close_approve", close.pk), form | {"confirm": ""}), "Tick the box")
    refused(minh.post(at("close_approve", close.pk), form | {"issue_on": "soon"}), "Choose a day")
    assert "being issued" in said(minh.post(at("close_approve", close.pk), form, follow=True))
    progress = minh.get(at("close_progress", close.pk))
    assert b"<progress" in progress.content and b"hx-get" in progress.content and "HX-Refresh" not in progress.headers
    while advance(close.pk, NOW):
        pass
    assert minh.get(at("close_progress", close.pk)).headers["HX-Refresh"] == "true"
    close.refresh_from_db()
    assert close.state == "issued" and close.approved_by == office.minh
    page = minh.get(at("close", close.pk)).content.decode()
    assert all(f"<span>{escape(check.sentence)}" in page for check in approved_checklist(close))
    assert "No dispute is open." in page and "rest on estimates" in page
    refused(minh.post(at("close_discard", close.pk), {"confirm": "yes"}), "correct it by a later close")


def test_a_close_is_begun_and_thrown_away(office) -> None:
    lan = signed_in(office.lan)
    refused(lan.post(at("closes"), {"month": "2026-07-01"}), "being closed already")
    refused(lan.post(at("closes"), {"month": "2026-09-01"}), "not over yet")
    refused(lan.post(at("close_discard", office.july.pk)), "Tick the box")
    assert "thrown away" in said(lan.post(at("close_discard", office.july.pk), {"confirm": "yes"}, follow=True))
    assert "has begun" in said(lan.post(at("closes"), {"month": "2026-07-01"}, follow=True))
    again = MonthClose.objects.get(market=office.world.market, month=JULY, state="computing")
    assert (again.number, again.requested_by, again.requested_at.date()) == (2, office.lan, NOW.date())
    assert b"<progress" in lan.get(at("close", again.pk)).content


def test_documents_are_found_and_downloaded(office) -> None:
    lan = signed_in(office.lan)
    shop = office.invoice("shop")
    for query in (f"?q={shop.reference}", "?q=Bình Minh&month=2026-06", "?kind=invoice&month=2026-06&q=shop"):
        page = lan.get(at("documents") + query)
        assert [row.pk for row in page.context["documents"]] == [shop.pk], query
    assert not lan.get(at("documents") + "?q=nobody").context["documents"].object_list
    csv = b"".join(lan.get(at("download", "csv") + "?month=2026-06&state=issued").streaming_content).decode("utf-8-sig")
    assert shop.reference in csv and csv.count("\r\n") == 1 + Invoice.objects.filter(month=JUNE, state="issued").count()
    assert b"".join(lan.get(at("download", "xlsx") + "?month=2026-06").streaming_content)[:2] == b"PK"
    assert b"".join(lan.get(at("download", "xml") + "?month=2026-06").streaming_content)[:2] == b"PK"
    pdf = lan.get(at("file", shop.pk, "pdf") + "?language=vi")
    assert pdf.content[:5] == b"%PDF-" and pdf.headers["Content-Type"] == "application/pdf"
    assert b"<HDon" in lan.get(at("file", shop.pk, "xml")).content
    draft = office.invoice("shop", JULY)
    assert "no number yet" in said(lan.get(at("file", draft.pk, "xml"), follow=True))
    for address in (at("file", shop.pk, "doc"), at("file", shop.pk, "pdf") + "?language=tlh", at("why", shop.pk, 99),
                    at("document", 10**9), at("download", "csv") + "?table=users"):  # fmt: skip
        assert lan.get(address).status_code == 404, address


def test_why_an_amount_is_told_with_names_in_the_office_and_without_at_home(office) -> None:
    roof = office.invoice("roof")
    sold = roof.lines.get(kind="local_sold").position
    assert "Bình Minh" in signed_in(office.lan).get(at("why", roof.pk, sold)).content.decode()
    home = signed_in(office.owner).get(mine("why", roof.pk, sold)).content.decode()
    assert "<details" in home and "Bình Minh" not in home


def test_a_wrong_name_is_replaced_once(office) -> None:
    lan, mill = signed_in(office.lan), office.invoice("mill")
    form = {"reason": "New legal name", "confirm": "yes"}
    refused(lan.post(at("document", mill.pk), form), "what the document says already")
    mill.participant.billing.legal_name = "Dệt may mới"
    mill.participant.billing.save()
    refused(lan.post(at("document", mill.pk), {"reason": "New legal name"}), "Tick the box")
    assert "refers to the original" in said(lan.post(at("document", mill.pk), form, follow=True))
    page = lan.get(at("document", mill.pk)).context
    assert page["invoice"].standing == "replaced" and page["invoice"].open_dong == 0
    refused(lan.post(at("document", mill.pk), form), "has been replaced")


def test_a_bank_file_is_taken_in_once_and_its_movements_decided(office) -> None:
    lan, mill = signed_in(office.lan), office.invoice("mill")
    refused(lan.post(at("bank")), "Choose the file")
    refused(lan.post(at("bank"), {"file": SimpleUploadedFile("x.csv", b"\x00\x01")}), "")
    text = f"Date,Description,Amount,Reference,Counterparty\n2026-08-06,det may,{mill.total_dong},B1,DET MAY\n"
    for told in ("1 new movements: 0", "0 new movements: 0"):
        answer = lan.post(at("bank"), {"file": SimpleUploadedFile("b.csv", text.encode())}, follow=True)
        assert told in said(answer)
    line = BankLine.objects.get(bank_reference__contains="B1")
    offers = next(each.offers for each in answer.context["lines"] if each.pk == line.pk)
    assert offers[0].invoice_ids == (mill.pk,)
    assert "is matched" in said(lan.post(at("match", line.pk), {"invoices": str(mill.pk)}, follow=True))
    assert lan.get(at("document", mill.pk)).context["invoice"].standing == "paid"
    refused(lan.post(at("match", line.pk), {"invoices": str(mill.pk)}), "already")
    fee = BankLine.objects.get(amount_dong=-11_000)
    refused(lan.post(at("match", fee.pk), {"verdict": "ignore", "note": "Bank fee"}), "Tick the box")
    form = {"verdict": "ignore", "note": "Bank fee", "confirm": "yes"}
    assert "not ours" in said(lan.post(at("match", fee.pk), form, follow=True))
    other = BankLine.objects.get(text="chuyen tien")
    refused(lan.post(at("match", other.pk), {"verdict": "prepaid", "participant": "nobody"}), "Choose the member")
    assert "prepayment" in said(
        lan.post(at("match", other.pk), {"verdict": "prepaid", "participant": "shop"}, follow=True)
    )


def test_money_is_recorded_taken_back_and_refunded(office) -> None:
    lan = signed_in(office.lan)
    refused(lan.post(at("payments"), {"participant": "shop", "what": "in", "amount_dong": "a lot"}), "whole number")
    refused(lan.post(at("payments"), {"participant": "shop", "what": "in", "amount_dong": "0"}), "not 0")
    form = {"participant": "shop", "what": "in", "amount_dong": "1.000.000", "note": "cash"}
    assert "recorded" in said(lan.post(at("payments"), form, follow=True))
    made = Payment.objects.get(note="cash")
    assert made.amount_dong == 1_000_000 and made.by == office.lan
    refund = {"participant": "shop", "what": "refund", "amount_dong": "1000"}
    refused(lan.post(at("payments"), refund), "Tick the box")
    assert "refund is recorded" in said(lan.post(at("payments"), refund | {"confirm": "yes"}, follow=True))
    refused(lan.post(at("undo", made.pk), {"confirm": "yes", "note": "wrong"}), "has been used")
    first = Payment.objects.earliest("pk")
    refused(lan.post(at("undo", first.pk), {"confirm": "yes"}), "Say why")
    assert "taken back" in said(lan.post(at("undo", first.pk), {"confirm": "yes", "note": "wrong"}, follow=True))


def test_payouts_are_listed_and_written_for_the_bank(office) -> None:
    lan, roof = signed_in(office.lan), office.invoice("roof")
    rows = lan.get(at("payouts")).context["rows"]
    assert [(row.code, row.amount_dong) for row in rows] == [("roof", -roof.total_dong)]
    assert roof.reference in lan.get(at("payout_file")).content.decode("utf-8-sig")


def test_reminders_are_shown_and_sent_once(office, mailoutbox) -> None:
    lan = signed_in(office.lan)
    mails = lan.get(at("reminders")).context["mails"].object_list
    assert {mail.to for mail in mails if not mail.held_back} == {"shop@example.org", "mill@example.org"}
    refused(lan.post(at("reminders")), "Tick the box")
    assert "sent" in said(lan.post(at("reminders"), {"confirm": "yes"}, follow=True))
    assert len(mailoutbox) == Reminder.objects.count() == 2
    lan.post(at("reminders"), {"confirm": "yes"})
    assert len(mailoutbox) == 2


def test_a_change_of_rules_is_proposed_and_decided_by_another(office) -> None:
    lan, minh, change = signed_in(office.lan), signed_in(office.minh), office.proposal
    page = lan.get(at("proposal", change.pk))
    assert page.context["impact"]["participants"] == 4 and page.context["own"]
    refused(lan.post(at("proposal", change.pk), {"verdict": "approve", "confirm": "yes"}), "ask a second person")
    refused(minh.post(at("proposal", change.pk), {"verdict": "approve"}), "Tick the box")
    done = minh.post(at("proposal", change.pk), {"verdict": "approve", "confirm": "yes", "note": "ok"}, follow=True)
    assert "Approved" in said(done)
    change.refresh_from_db()
    assert (change.state, change.decided_by) == ("approved", office.minh)
    assert b"700" in lan.get(at("rulebook") + "?on=2027-01-02").content


def test_a_proposal_that_is_wrong_keeps_what_was_written(office) -> None:
    lan = signed_in(office.lan)
    form = {"kind": "vat", "effective_on": "2027-06-01", "payload": "[rulebook]\nname = 3", "note": "new rate"}
    answer = lan.post(at("proposals"), form)
    refused(answer, "rulebook")
    assert "name = 3" in answer.content.decode() and "new rate" in answer.content.decode()
    form["payload"] = (
        '[rulebook]\nname = "VAT"\ncountry = "VN"\n[[vat]]\ncategory = "electricity"\nrate_bp = 900\n'
        'billed_from = 2027-06-01\nsource = "Law"\n'
    )
    assert "Proposed" in said(lan.post(at("proposals"), form, follow=True))
    made = RuleChange.objects.latest("pk")
    assert "Taken back" in said(lan.post(at("proposal", made.pk), {"verdict": "withdraw"}, follow=True))


def test_a_dispute_is_decided_by_an_administrator(office) -> None:
    lan = signed_in(office.lan)
    page = lan.get(at("dispute", office.dispute.pk))
    assert "Bình Minh" in page.content.decode()
    refused(lan.post(at("dispute", office.dispute.pk), {"verdict": "keep", "decision": "no"}), "Tick the box")
    form = {"verdict": "waive", "decision": "The operator confirmed it.", "confirm": "yes"}
    assert "settled again" in said(lan.post(at("dispute", office.dispute.pk), form, follow=True))
    office.dispute.refresh_from_db()
    assert (office.dispute.state, office.dispute.decided_by) == ("waived", office.lan)
    refused(lan.post(at("dispute", office.dispute.pk), form), "over")


def test_a_member_disputes_an_interval_and_takes_it_back(office) -> None:
    owner = signed_in(office.owner)
    held = office.dispute
    decide_dispute(
        dispute=held, waive=False, decision="The meter was right.", by=office.lan, at=NOW + timedelta(hours=1)
    )
    page = owner.get(mine("intervals") + "?on=2026-06-02")
    (row,) = page.context["rows"]
    assert page.context["compensation"][row.contract_id] < 0 and page.context["disputed"] == {row.contract_id: "kept"}
    form = {"contract": row.contract_id, "reason": "Fuse", "confirm": "yes"}
    refused(owner.post(mine("intervals") + "?on=2026-06-02", form | {"contract": ""}), "Choose the interval")
    refused(owner.post(mine("intervals") + "?on=2026-06-02", form | {"reason": " "}), "Say what is wrong")
    refused(owner.post(mine("intervals") + "?on=2026-06-02", form | {"confirm": ""}), "Tick the box")
    refused(owner.post(mine("intervals") + "?on=2026-06-02", form | {"reason": "a\0b"}), "cannot be seen")
    assert "in dispute" in said(owner.post(mine("intervals") + "?on=2026-06-02", form, follow=True))
    made = Dispute.objects.get(state="open")
    assert "taken back" in said(owner.post(mine("withdraw", made.pk), follow=True))
    refused(owner.post(mine("withdraw", made.pk)), "over")


def test_a_member_sees_balance_green_energy_and_takes_the_evidence_home(office) -> None:
    owner, roof = signed_in(office.owner), office.invoice("roof")
    assert owner.get("/bills/").url == mine("documents")
    page = owner.get(mine("documents"))
    assert page.context["account"].closing_dong == roof.total_dong
    assert [row.pk for row in page.context["documents"]] == [roof.pk]
    green = owner.get(mine("green") + "?month=2026-06").context
    assert green["report"].totals.own_pv_wh == 6_000 and green["certificates"].object_list
    pack = owner.get(mine("pack") + "?month=2026-06")
    assert pack.content[:2] == b"PK" and "w-roof-2026-06.zip" in pack.headers["Content-Disposition"]


def test_who_is_to_be_paid_is_asked_for_a_bank_account(office) -> None:
    owner, roof = signed_in(office.owner), office.invoice("roof")
    assert roof.total_dong < 0
    home = reverse("portal:home", args=(office.world.market.code, "roof"))
    asked = "your bank account is not known"
    BillingProfile.objects.filter(participant=roof.participant).update(bank_account="")
    for page in (mine("documents"), home):
        told = owner.get(page).content.decode()
        assert asked in told and mine("details") in told
        assert dong(roof.total_dong) not in told.split("Statement of account")[0], "a word says which way it runs"
    BillingProfile.objects.filter(participant=roof.participant).update(bank_account="0071001234567")
    for page in (mine("documents"), home):
        assert asked not in owner.get(page).content.decode()


def test_the_panel_says_that_every_interval_was_checked(office) -> None:
    page = signed_in(office.auditor).get(at("control") + "?since=2026-06-01").context
    assert page["panel"].settled == page["panel"].checked == 7 and not page["certificates"].violations
    assert [alarm.code for alarm in page["open_alarms"]] == ["no_terms"]


def test_the_audit_trail_is_told_and_narrowed(office) -> None:
    lan = signed_in(office.lan)
    assert "Lan Trần" in lan.get(at("audit")).content.decode()
    closes = lan.get(at("audit") + "?action=close.&by=lan").context["rows"]
    assert closes and {row.action.split(".")[0] for row in closes} == {"close"}
    assert not lan.get(at("audit") + "?until=2020-01-01").context["rows"]
