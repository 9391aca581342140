"""Setting up documents through the forms: who sells, each member, many by spreadsheet, and one's own."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, BillingProfile, Membership, User
from settlement.models import Issuer, MonthClose

pytestmark = pytest.mark.django_db
SELLER = {
    "legal_name": "Công ty Điện Trường", "tax_code": "3700123456", "bank_bin": "970436",
    "bank_account": "0071001234567", "country": "VN",
    "symbol": "WX", "self_bill_symbol": "WY", "due_days": "15", "carry_below_dong": "1000",
}  # fmt: skip
MEMBER = {"legal_name": "Nhà ông Thành", "invoice_per": "meter", "language": "en", "email": "thanh@example.org"}


def signed_in(user: User, language: str = "en") -> Client:
    client = Client()
    client.force_login(user)
    client.cookies["django_language"] = language
    return client


def at(name: str, *rest: object) -> str:
    return reverse(f"portal:office_{name}", args=("w", *rest))


MINE = ("w", "roof")


def test_who_sells_is_set_and_refused_with_every_reason_and_what_was_written(office) -> None:
    lan = signed_in(office.lan)
    answer = lan.post(at("details"), SELLER | {"tax_code": "12", "due_days": "soon", "phone": "0274 1"})
    page = answer.content.decode()
    assert answer.status_code == 422 and 'role="alert"' in page and 'value="0274 1"' in page and 'value="soon"' in page
    assert "A tax code has 10 digits" in page and "Documents fall due after 0 to 90 days" in page
    assert lan.post(at("details"), SELLER).status_code == 302
    assert Issuer.objects.get(site=office.world.site).due_days == 15
    assert AuditEntry.objects.filter(action="issuer.set", by=office.lan).count() == 1
    vietnamese = signed_in(office.lan, "vi").post(at("details"), SELLER | {"symbol": "QQ"}).content.decode()
    assert "Chứng từ của năm nay" in vietnamese


def test_a_month_without_a_seller_leads_to_the_form(office) -> None:
    lan = signed_in(office.lan)
    MonthClose.objects.filter(pk=office.july.pk).update(state="discarded")
    Issuer.objects.all().delete()
    answer = lan.post(at("closes"), {"month": "2026-07-01"})
    assert answer.status_code == 422 and f'href="{at("details")}#seller"' in answer.content.decode()
    assert "Nobody sells here yet" in lan.get(at("details")).content.decode()
    assert lan.post(at("details"), SELLER | {"symbol": "KA", "self_bill_symbol": "KB"}).status_code == 422  # series
    assert lan.post(at("details"), SELLER).status_code == 302
    assert lan.post(at("closes"), {"month": "2026-07-01"}).status_code == 302


def test_members_without_details_stand_first_and_the_checklist_leads_there(office) -> None:
    lan = signed_in(office.lan)
    page = lan.get(at("details")).content.decode()
    assert [page.index(code) for code in (">lamp<", ">mill<")] == sorted(page.index(c) for c in (">lamp<", ">mill<"))
    assert "1 without details" in page and "Missing" in page
    found = lan.get(at("details") + "?q=MIL").content.decode()
    assert ">mill<" in found and ">lamp<" not in found
    assert "No member is called that" in lan.get(at("details") + "?q=zzz").content.decode()
    checklist = lan.get(at("close", office.july.pk)).content.decode()
    assert f'href="{at("details")}#members"' in checklist


def test_a_members_details_are_set_in_the_office(office) -> None:
    lan = signed_in(office.lan)
    answer = lan.post(at("details_of", "lamp"), MEMBER | {"email": "nobody", "vat_registered": "yes"})
    assert answer.status_code == 422 and "This is no e-mail address" in answer.content.decode()
    assert not BillingProfile.objects.filter(participant__code="lamp").exists()
    assert lan.post(at("details_of", "lamp"), MEMBER | {"vat_registered": "yes"}).status_code == 302
    made = BillingProfile.objects.get(participant__code="lamp")
    assert (made.vat_registered, made.invoice_per, made.language) == (True, "meter", "en")
    assert lan.get(at("details_of", "nobody")).status_code == lan.post(at("details_of", "nobody")).status_code == 404


def load(client: Client, text: str):
    return client.post(at("details_import"), {"file": SimpleUploadedFile("details.csv", text.encode())})


def test_a_spreadsheet_goes_out_and_comes_in_whole_or_not_at_all(office) -> None:
    lan = signed_in(office.lan)
    answer = lan.get(at("details_file"))
    assert answer.headers["Content-Disposition"] == 'attachment; filename="billing-details-w-2026-08-20.csv"'
    text = answer.content.decode("utf-8-sig")
    assert len(text.splitlines()) == 5
    refused = load(lan, text + "ghost,,Ghost,,,,,,,,,,\nroof2,,,1,,,,,,,,,\n")
    page = refused.content.decode()
    assert refused.status_code == 422 and "line 6: " in page and "line 7: " in page and "“ghost”" in page
    assert load(lan, text.replace("lamp,Đèn đường khu B,", "lamp,Đèn đường khu B,Ban quản lý")).status_code == 302
    assert BillingProfile.objects.get(participant__code="lamp").legal_name == "Ban quản lý"
    assert lan.post(at("details_import")).status_code == 422


def test_an_owner_keeps_its_own_details_but_not_its_vat(office) -> None:
    owner = signed_in(office.owner)
    address = reverse("portal:bills_details", args=MINE)
    assert owner.post(address, MEMBER | {"vat_registered": "yes"}).status_code == 302
    held = BillingProfile.objects.get(participant__code="roof")
    assert held.legal_name == "Nhà ông Thành" and held.invoice_per == "meter" and not held.vat_registered
    refused = owner.post(address, MEMBER | {"tax_code": "1"})
    assert refused.status_code == 422 and "10, 12 or 13 digits" in refused.content.decode()
    assert AuditEntry.objects.filter(action="billing.set", by=office.owner).count() == 1


def test_only_an_owner_changes_them(office) -> None:
    address = reverse("portal:bills_details", args=MINE)
    for role in ("trader", "viewer"):
        user = User.objects.create_user(role)
        Membership.objects.create(user=user, participant=office.world.people["roof"], role=role)
        client = signed_in(user)
        page = client.get(address).content.decode()
        assert "Only an owner changes these" in page and '<button class="act">' not in page
        assert client.post(address, MEMBER).status_code == 403
    assert signed_in(office.auditor).post(at("details"), SELLER).status_code == 403
    assert '<button class="act">Save' not in signed_in(office.auditor).get(at("details")).content.decode()


def test_administration_shows_both_and_changes_neither(office) -> None:
    root = User.objects.create_superuser("root")
    client = signed_in(root)
    for name, row in (
        ("settlement_issuer", Issuer.objects.get()),
        ("accounts_billingprofile", BillingProfile.objects.first()),
    ):
        assert row is not None
        assert client.get(reverse(f"admin:{name}_changelist")).status_code == 200
        assert client.get(reverse(f"admin:{name}_change", args=(row.pk,))).status_code == 200
        assert client.post(reverse(f"admin:{name}_change", args=(row.pk,)), {}).status_code == 403
        assert client.get(reverse(f"admin:{name}_add")).status_code == 403
