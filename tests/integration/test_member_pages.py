"""The office's pages about members and sites: what the forms do, who may, and that sites never mix."""

import io
import re
from datetime import UTC, date, datetime

import openpyxl
import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Invitation, Participant, User
from members.domain.sheet import COLUMNS
from members.models import Claim, MemberSheet
from members.operations import apply_member, claim_devices, claim_meter
from members.tasks import load_members
from meters.models import Device, Meter, MeteringPoint, Site
from tests.members_world import HOME, NOW, Sites, group, make_sites, sheet
from trading.models import Admission, Market

pytestmark = pytest.mark.django_db


@pytest.fixture
def sites(settings) -> Sites:
    settings.STAFF_NEED_SECOND_STEP = False
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return make_sites()


def signed_in(user: User, language: str = "en") -> Client:
    client = Client()
    client.force_login(user)
    client.cookies["django_language"] = language
    return client


def at(name: str, *rest: object, code: str = "east") -> str:
    return reverse(f"portal:office_{name}", args=(code, *rest))


def add_home(sites: Sites, **cells: str) -> Participant:
    made = apply_member(market=sites.east, group=group(**(HOME | cells)), by=sites.lan, at=NOW, wall=datetime.now(UTC))
    return made.participant


FORM = HOME | {"role": "boundary", "digits": "6", "role_2": "generation", "point_2": "B1-PV", "serial_2": "EM-1002",
               "multiplier_2": "1", "digits_2": "6"}  # fmt: skip


def test_a_member_is_added_by_the_form_and_invited(sites: Sites) -> None:
    lan = signed_in(sites.lan)
    answer = lan.post(at("member_add"), FORM)
    assert answer.status_code == 302 and answer["Location"] == at("member", "b1")
    assert sorted(MeteringPoint.objects.values_list("code", "role")) == [("B1", "boundary"), ("B1-PV", "generation")]
    assert Invitation.objects.get().email == "b1@example.vn" and mail.outbox[0].to == ["b1@example.vn"]
    assert "(UTC+7)" in mail.outbox[0].body, "the letter's moment is the site's"
    page = lan.get(at("member", "b1")).content.decode()
    for told in ("EM-1001", "EM-1002", "1,204.5 / 0 kWh", "5.5 kWp", "b1@example.vn", "invited", "home"):
        assert told in page, told
    listed = lan.get(at("members")).content.decode()
    assert "Nhà B1" in listed and "Waits for a reading" in listed


def test_what_is_wrong_stands_beside_what_was_written(sites: Sites) -> None:
    answer = signed_in(sites.lan).post(at("member_add"), FORM | {"tariff": "", "pv_kwp": "-2", "name": "Nhà lạ"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "A new member needs a tariff" in page and "below 0 makes no sense" in page
    assert 'value="Nhà lạ"' in page and not Participant.objects.exists()
    again = signed_in(sites.lan, "vi").post(at("member_add"), FORM | {"pv_kwp": "5,5", "start_import_kwh": "1.204"})
    assert again.status_code == 302
    assert Device.objects.get(kind="pv").peak_w == 5_500
    assert Meter.objects.get(serial="EM-1001").start_import_wh == 1_204_000  # thousands, as Vietnamese writes them
    twice = signed_in(sites.minh).post(at("member_add"), FORM)
    assert twice.status_code == 422 and "a member with this code already" in twice.content.decode()


def test_a_member_is_changed_only_where_the_form_differs(sites: Sites) -> None:
    add_home(sites)
    lan = signed_in(sites.lan, "vi")
    shown = lan.get(at("member_edit", "b1")).content.decode()
    form = dict(re.findall(r'<input id="(\w+)" name="\w+" value="([^"]*)"', shown))
    assert form["pv_kwp"] == "5,5" and form["credit_limit_dong"] == "5000000"
    form |= {"kind": "household", "tariff": "home"}
    trail = AuditEntry.objects.count()
    assert lan.post(at("member_edit", "b1"), form).status_code == 302
    assert AuditEntry.objects.count() == trail
    lan.post(at("member_edit", "b1"), form | {"name": "Nhà B1 mới", "battery_kwh": "", "battery_kw": ""})
    assert Participant.objects.get().name == "Nhà B1 mới" and not Device.objects.filter(kind="battery").exists()


def test_a_meter_is_exchanged_and_a_member_leaves(sites: Sites) -> None:
    add_home(sites)
    lan, point = signed_in(sites.lan), MeteringPoint.objects.get()
    where = at("member_meter", "b1", point.pk)
    shown = lan.get(where).content.decode()
    assert 'name="end_export_kwh" inputmode="decimal" maxlength="20" required value=""' in shown  # read, never guessed
    new = {"serial": "EM-9", "end_import_kwh": "1300.5", "end_export_kwh": "0", "start_import_kwh": "3"}
    assert lan.post(where, new | {"end_import_kwh": "?"}).status_code == 422
    assert lan.post(where, new).status_code == 302
    assert Meter.objects.get(serial="EM-1001").end_import_wh == 1_300_500
    assert Meter.objects.get(serial="EM-9").start_import_wh == 3_000
    meter = Meter.objects.get(serial="EM-9")
    last = {f"end_{meter.pk}_import_kwh": "9", f"end_{meter.pk}_export_kwh": "1"}
    leave = at("member_retire", "b1")
    assert "Tick the box" in lan.post(leave, last).content.decode()
    assert lan.post(leave, last | {"confirm": "yes"}).status_code == 302
    assert not Admission.objects.get().active
    assert "Has left" in lan.get(at("members") + "?state=left").content.decode()


def upload(client: Client, data: bytes, name: str = "members.csv") -> str:
    answer = client.post(at("sheets"), {"file": SimpleUploadedFile(name, data)})
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return str(answer["Location"])


def test_a_file_is_checked_shown_and_applied(sites: Sites) -> None:
    lan = signed_in(sites.lan)
    wrong = {"code": "b2", "name": "Nhà B2", "kind": "household", "tariff": "moon", "pv_kwp": "-1"}
    where = upload(lan, sheet(HOME, wrong))
    page = lan.get(where).content.decode()
    assert "Nothing is written yet. Applying writes 1 rows" in page
    assert "pv_kwp: A figure below 0 makes no sense here." in page and "no tariff “moon”" in page
    assert not Participant.objects.exists()
    assert "moon" not in lan.get(where + "?state=new").content.decode()
    assert lan.post(where + "apply/").status_code == 302
    assert Participant.objects.get().code == "b1" and len(mail.outbox) == 1
    assert "/invited/" in mail.outbox[0].body and "http://testserver" in mail.outbox[0].body
    assert "(UTC+7)" in mail.outbox[0].body
    done = lan.get(where).content.decode()
    assert "Applied" in done and at("member", "b1") in done
    assert lan.post(where + "apply/").status_code == 422
    vietnamese = signed_in(sites.lan, "vi").get(where).content.decode()
    assert "Số liệu nhỏ hơn 0" in vietnamese


def test_many_members_are_left_to_the_worker(sites: Sites) -> None:
    rows = [
        {
            "code": f"h{n}",
            "name": f"Nhà {n}",
            "kind": "household",
            "tariff": "home",
            "point": f"H{n}",
            "serial": f"S{n}00",
        }
        for n in range(25)
    ]
    lan = signed_in(sites.lan)
    where = upload(lan, sheet(*rows))
    lan.post(where + "apply/")
    made = MemberSheet.objects.get()
    assert (made.state, made.done, made.total) == ("applying", 0, 25)
    assert "hx-get" in lan.get(where).content.decode()
    load_members()
    made.refresh_from_db()
    assert (made.state, made.done) == ("applied", 25) and Admission.objects.count() == 25
    assert lan.get(where + "progress/")["HX-Refresh"] == "true"


def test_the_template_and_the_export_are_sheets_that_can_be_loaded(sites: Sites) -> None:
    add_home(sites)
    lan = signed_in(sites.lan)
    for form in ("xlsx", "csv"):
        data = lan.get(at("members_file", form)).content
        lan.get(upload(lan, data, f"m.{form}"))
        states = list(MemberSheet.objects.order_by("-pk")[0].rows.values_list("state", "mistakes", "changes"))
        assert states == [("unchanged", [], [])], form
    book = openpyxl.load_workbook(io.BytesIO(lan.get(at("template", "xlsx")).content))
    assert [cell.value for cell in next(book.worksheets[0].iter_rows())] == list(COLUMNS)
    assert lan.get(at("template", "pdf")).status_code == 404


def test_a_file_from_a_spreadsheet_program_is_read(sites: Sites) -> None:
    book = openpyxl.Workbook()
    book.active.append(["code", "name", "kind", "tariff", "point", "serial", "installed_on", "pv_kwp", "multiplier"])
    book.active.append(["b1", "Nhà Đức", "household", "home", "B1", 20260001, date(2026, 5, 31), 5.4, 40])
    book.active.append(["b2", "=A2", "household", "home", "B2", "S-2", "soon", "many", 1.5])
    out = io.BytesIO()
    book.save(out)
    lan = signed_in(sites.lan)
    where = upload(lan, out.getvalue(), "m.xlsx")
    rows = {row.code: row for row in MemberSheet.objects.get().rows.all()}
    assert rows["b1"].values | {} == {
        "name": "Nhà Đức", "kind": "household", "tariff": "home", "point": "B1", "serial": "20260001",
        "installed_on": "2026-05-31", "pv_kwp": 5_400, "multiplier": 40,
    }  # fmt: skip
    found = {(mistake["column"], mistake["code"]) for mistake in rows["b2"].mistakes}
    assert found >= {("name", "formula"), ("installed_on", "bad_day"), ("pv_kwp", "not_a_number"),
                     ("multiplier", "too_many_decimals")}  # fmt: skip
    assert "holds a formula" in lan.get(where).content.decode()


def test_a_sheet_of_refused_rows_says_what_to_do(sites: Sites) -> None:
    lan = signed_in(sites.lan)
    page = lan.get(upload(lan, b"code,name\nx y,\n", "m.csv")).content.decode()
    assert "put the refused rows right in it" in page and "is new or changed" not in page


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"x" * 10_000_000, "larger than 4 MB"),
        ("code,name\nb1,Nhà Đức\n".encode("cp1258", "ignore"), "not in UTF-8"),
        (b"PK\x03\x04broken", "no spreadsheet that can be read"),
        (b"a,b\n1,2\n", "names no column “code”"),
    ],
)
def test_a_file_that_is_no_sheet_is_refused_with_a_sentence(sites: Sites, data: bytes, told: str) -> None:
    answer = signed_in(sites.lan).post(at("sheets"), {"file": SimpleUploadedFile("m", data)})
    assert answer.status_code == 422 and told in answer.content.decode()
    assert not MemberSheet.objects.exists()
    assert signed_in(sites.lan).post(at("sheets")).status_code == 422


def test_what_a_member_reports_is_confirmed_or_refused(sites: Sites) -> None:
    home = add_home(sites)
    lan = signed_in(sites.lan)
    told = claim_meter(market=sites.east, participant=home, serial="em 77", by=sites.stranger, at=NOW)
    where = at("claim", told.pk)
    assert "EM77" in lan.get(where).content.decode() and "another meter" in lan.get(at("members")).content.decode()
    values = {"decision": "accept", "point": "B1", "serial": "EM77"}
    assert lan.post(where, values).status_code == 422
    assert lan.post(where, values | {"end_import_kwh": "1300", "end_export_kwh": "0"}).status_code == 302
    assert Meter.objects.get(removed_on=None).serial == "EM77"
    assert lan.post(where, {"decision": "refuse", "note": "no"}).status_code == 422  # decided already
    devices = claim_devices(market=sites.east, participant=home, figures={"pv_kwp": 7_200}, by=sites.stranger, at=NOW)
    assert "7.2" in lan.get(at("claim", devices.pk)).content.decode()
    assert lan.post(at("claim", devices.pk), {"decision": "accept"}).status_code == 302
    assert list(Device.objects.values_list("kind", "peak_w")) == [("pv", 7_200)]
    refused = claim_devices(market=sites.east, participant=home, figures={"pv_kwp": 99_000}, by=sites.stranger, at=NOW)
    assert lan.post(at("claim", refused.pk), {"decision": "refuse", "note": ""}).status_code == 422
    lan.post(at("claim", refused.pk), {"decision": "refuse", "note": "The roof carries 7 kWp."})
    assert Claim.objects.get(pk=refused.pk).state == "refused" and Device.objects.get(kind="pv").peak_w == 7_200


SITE = {
    "site": "new", "site_code": "dai-hoc", "site_name": "Đại học", "timezone": "Asia/Ho_Chi_Minh", "latitude": "11,05",
    "longitude": "106.67", "code": "dh", "name": "Chợ điện Đại học", "legal_basis": "internal_accounting",
    "interval_minutes": "30", "open_ahead_minutes": "2880", "gate_minutes": "5", "call_ends_minutes": "",
    "grace_minutes": "5", "min_price": "0", "max_price": "6000",
}  # fmt: skip


def test_a_site_with_a_market_is_set_up_and_chosen_in_the_bar(sites: Sites) -> None:
    lan = signed_in(sites.lan)
    for wrong, told in (
        ({"timezone": "Mars/Olympus"}, "Choose a time zone"),
        ({"latitude": "north"}, "in degrees"),
        ({"code": "east"}, "already a market with this code"),
        ({"site_code": "east-site"}, "already a site with this code"),
        ({"gate_minutes": "5000"}, "from 0 to 1440 minutes"),
        ({"min_price": "7000"}, "lowest price lies below"),
        ({"min_price": "-−5"}, "are whole numbers"),
        ({"code": "Chợ"}, "A code has small letters"),
        ({"code": "first-site"}, "taken by a page"),
    ):
        answer = lan.post(at("sites"), SITE | wrong)
        assert answer.status_code == 422 and told in answer.content.decode(), wrong
    assert Site.objects.count() == 2 and Market.objects.count() == 2
    assert lan.post(at("sites"), SITE).status_code == 302
    market = Market.objects.get(code="dh")
    assert (market.site.name, market.max_price, market.site.latitude) == ("Đại học", 6_000, 11.05)
    assert 'href="/office/dh/members/"' in lan.get(at("members")).content.decode()
    assert lan.post(at("sites"), SITE | {"site": "dai-hoc", "code": "dh2"}).status_code == 302
    assert market.site.markets.count() == 2
    actions = AuditEntry.objects.filter(by=sites.lan).values_list("action", flat=True)
    assert list(actions).count("market.opened") == 2 and list(actions).count("site.created") == 1


def test_an_installation_without_a_market_begins_with_a_site(settings) -> None:
    settings.STAFF_NEED_SECOND_STEP = False
    lan = signed_in(User.objects.create_user("lan", is_staff=True))
    assert lan.get("/office/")["Location"] == "/office/first-site/"
    assert lan.get("/office/first-site/?preset=pilot").status_code == 200
    assert lan.post("/office/first-site/", SITE | {"name": ""}).status_code == 422
    assert lan.post("/office/first-site/", SITE).status_code == 302
    assert lan.get("/office/first-site/")["Location"] == at("sites", code="dh")
    assert signed_in(User.objects.create_user("an")).get("/office/first-site/").status_code == 403


def test_data_of_one_site_never_shows_at_another(sites: Sites) -> None:
    home = add_home(sites)
    lan = signed_in(sites.lan)
    where = upload(lan, sheet(HOME))
    claim = claim_meter(market=sites.east, participant=home, serial="CLAIM-1", by=sites.stranger, at=NOW)
    point = MeteringPoint.objects.get()
    for name, *rest in (
        ("member", "b1"), ("member_edit", "b1"), ("member_meter", "b1", point.pk), ("member_retire", "b1"),
        ("sheet", int(where.strip("/").split("/")[-1])), ("claim", claim.pk),
    ):  # fmt: skip
        assert lan.get(at(name, *rest)).status_code == 200, name
        assert lan.get(at(name, *rest, code="west")).status_code == 404, name
        assert lan.post(at(name, *rest, code="west"), {}).status_code == 404, name
    for name in ("members", "sheets", "overview"):
        page = lan.get(at(name, code="west")).content.decode()
        assert "Nhà B1" not in page and "EM-1001" not in page and "members.csv" not in page and "CLAIM" not in page
    export = lan.get(at("members_file", "csv", code="west")).content.decode("utf-8-sig")
    assert len(export.splitlines()) == 1
    assert "EM-1001" not in lan.get(at("members", code="west") + "?q=EM").content.decode()


def test_members_are_for_administrators_and_auditors_only_look(sites: Sites) -> None:
    home = add_home(sites)
    told = claim_meter(market=sites.east, participant=home, serial="CLAIM-1", by=sites.stranger, at=NOW)
    where = upload(signed_in(sites.lan), sheet(HOME))
    point = MeteringPoint.objects.get()
    pages = [
        at("members"), at("member_add"), at("sheets"), where, at("claim", told.pk), at("member", "b1"),
        at("member_edit", "b1"), at("member_meter", "b1", point.pk), at("member_retire", "b1"), at("sites"),
        at("members_file", "csv"), at("template", "csv"),
    ]  # fmt: skip
    forms = [at("member_point", "b1"), where + "apply/", where + "discard/"]
    trail = AuditEntry.objects.count()
    auditor, stranger, nobody = signed_in(sites.auditor), signed_in(sites.stranger), Client()
    for page in pages:
        assert auditor.get(page).status_code == 200, page
        assert '<button class="act">Add' not in auditor.get(page).content.decode(errors="replace")
        assert stranger.get(page).status_code == 403 and nobody.get(page).status_code == 302, page
    for page in (*pages, *forms):
        for client in (auditor, stranger):
            assert client.post(page, FORM).status_code == 403, page
    assert AuditEntry.objects.count() == trail
