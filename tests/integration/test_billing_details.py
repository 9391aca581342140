"""Who sells and how members stand on documents: set one by one or by spreadsheet, refused with every reason at once."""

from datetime import UTC, datetime

import pytest

from accounts.domain.billing_csv import COLUMNS
from accounts.models import AuditEntry, BillingProfile, Membership, Participant, User
from accounts.operations import AccountError
from accounts.operations.billing import BillingRejected, Loaded, import_billing, set_billing
from accounts.queries import billing_file
from meters.models import Site
from settlement.models import InvoiceSeries, Issuer
from settlement.operations.issuers import IssuerRejected, set_issuer
from tests.billing_world import make_billing_world
from tests.settlement_world import make_world

pytestmark = pytest.mark.django_db
AT = datetime(2026, 8, 20, 3, 0, tzinfo=UTC)
BY = {"by": None, "at": AT}
SELLER = {
    "legal_name": "Công ty  Điện Khu A ", "tax_code": "3700 123 456", "bank_bin": "970436", "bank_account": "0071 0012",
    "symbol": "KA", "self_bill_symbol": "KB", "due_days": 14, "carry_below_dong": 0,
}  # fmt: skip


def site() -> Site:
    return make_world("a").site


def codes(error: pytest.ExceptionInfo[IssuerRejected] | pytest.ExceptionInfo[BillingRejected]) -> list[str]:
    return [problem.code for problem in error.value.problems]


def person(code: str) -> Participant:
    return Participant.objects.create(code=code, name=code.title(), kind="household")


def member(participant: Participant, role: str) -> User:
    user = User.objects.create_user(f"{role}-{participant.code}")
    Membership.objects.create(user=user, participant=participant, role=role)
    return user


def load(text: str, *, by: User | None = None) -> Loaded:
    among = list(Participant.objects.values_list("pk", flat=True))
    return import_billing(data=text.encode(), among=among, by=by, at=AT)


def wrong(text: str) -> list[tuple[str, str]]:
    with pytest.raises(BillingRejected) as caught:
        load(text)
    return [(problem.place, problem.code) for problem in caught.value.problems]


def test_an_issuer_is_set_tidied_and_noted_once() -> None:
    where = site()
    made = set_issuer(site=where, **BY, **SELLER)
    assert (made.legal_name, made.tax_code, made.bank_account) == ("Công ty Điện Khu A", "3700123456", "00710012")
    set_issuer(site=where, **BY, **SELLER)
    set_issuer(site=where, **BY, phone="0274 222")
    assert Issuer.objects.get(site=where).phone == "0274 222" and Issuer.objects.get(site=where).due_days == 14
    entries = AuditEntry.objects.filter(action="issuer.set", target=f"site {where.code}")
    assert entries.count() == 2 and entries.earliest("pk").detail["symbol"] == "KA"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("legal_name", "  ", "no_legal_name"), ("legal_name", "x" * 201, "too_long"),
        ("legal_name", "a\0b", "bad_text"),
        ("tax_code", "", "no_tax_code"), ("tax_code", "012345678", "bad_tax_code"),
        ("tax_code", "0123456789-01", "bad_tax_code"), ("tax_code", "012345678901", "bad_tax_code"),
        ("email", "nobody@", "bad_email"), ("bank_bin", "97043", "bad_bank_bin"),
        ("bank_bin", "97043٦", "bad_bank_bin"),
        ("bank_account", "12/34", "bad_bank_account"), ("bank_account", "", "no_bank_account"),
        ("country", "vn", "bad_country"), ("country", "VIE", "bad_country"), ("symbol", "K1", "bad_symbol"),
        ("symbol", "ĐA", "bad_symbol"), ("symbol", "ka", "bad_symbol"), ("symbol", "KAB", "bad_symbol"),
        ("symbol", "KB", "same_symbols"), ("due_days", 91, "bad_due_days"), ("due_days", -1, "bad_due_days"),
        ("due_days", "10", "bad_due_days"), ("carry_below_dong", -1, "bad_carry_below"),
        ("carry_below_dong", 2**31, "bad_carry_below"), ("colour", "red", "unknown_field"),
    ],
)  # fmt: skip
def test_an_issuer_that_cannot_be_right_is_refused(field: str, value: object, code: str) -> None:
    where = site()
    with pytest.raises(IssuerRejected) as caught:
        set_issuer(site=where, **BY, **SELLER | {field: value})
    assert codes(caught) == [code] and caught.value.code == code
    assert not Issuer.objects.exists() and not AuditEntry.objects.filter(action="issuer.set").exists()


def test_a_branch_a_month_of_days_and_a_foreign_tax_code_are_right() -> None:
    where = site()
    assert set_issuer(site=where, **BY, **SELLER | {"tax_code": "0123456789001"}).tax_code == "0123456789-001"
    assert set_issuer(site=where, **BY, country="DE", tax_code="DE 123456789", due_days=0).tax_code == "DE123456789"
    with pytest.raises(IssuerRejected) as caught:
        set_issuer(site=where, **BY, country="DE", tax_code="9" * 21)
    assert codes(caught) == ["bad_tax_code"]


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(IssuerRejected) as caught:
        set_issuer(site=site(), **BY, legal_name="", tax_code="1", symbol="1", due_days=200)
    assert codes(caught) == ["no_legal_name", "bad_tax_code", "bad_due_days", "bad_symbol"]


def test_letters_belong_to_one_site_also_crosswise() -> None:
    first, second = site(), make_world("b").site
    set_issuer(site=first, **BY, **SELLER)
    for pair in (("KA", "KC"), ("KC", "KA"), ("KB", "KC")):
        with pytest.raises(IssuerRejected) as caught:
            set_issuer(site=second, **BY, **SELLER | {"symbol": pair[0], "self_bill_symbol": pair[1]})
        assert codes(caught) == ["symbol_taken"]
    InvoiceSeries.objects.create(site=first, kind="invoice", year=2026, code="C26TQQ")
    with pytest.raises(IssuerRejected) as caught:
        set_issuer(site=second, **BY, **SELLER | {"symbol": "QQ", "self_bill_symbol": "QR"})
    assert codes(caught) == ["symbol_taken"]


def test_letters_stay_while_documents_of_the_year_carry_them() -> None:
    where = site()
    set_issuer(site=where, **BY, **SELLER)
    InvoiceSeries.objects.create(site=where, kind="invoice", year=2026, code="C26TKA", last_number=17)
    with pytest.raises(IssuerRejected) as caught:
        set_issuer(site=where, **BY, symbol="KC")
    assert codes(caught) == ["symbol_in_use"]
    assert set_issuer(site=where, **BY, due_days=20).symbol == "KA"
    new_year = datetime(2026, 12, 31, 18, 0, tzinfo=UTC)  # 1 January 01:00 at the site
    assert set_issuer(site=where, by=None, at=new_year, symbol="KC").symbol == "KC"


def test_details_are_set_in_part_and_noted_by_field() -> None:
    home = person("home")
    made = set_billing(participant=home, **BY, legal_name="Trần  Lan", tax_code="079 085 001 234", language="en")
    assert (made.legal_name, made.tax_code, made.invoice_per) == ("Trần Lan", "079085001234", "participant")
    set_billing(participant=home, **BY, legal_name="Trần Lan")
    set_billing(participant=home, **BY, bank_account="123456", vat_registered=True)
    assert BillingProfile.objects.get(participant=home).language == "en"
    notes = [entry.detail for entry in AuditEntry.objects.filter(action="billing.set", target="home").order_by("pk")]
    assert notes == [{"fields": ["legal_name", "tax_code", "language"]}, {"fields": ["bank_account", "vat_registered"]}]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"legal_name": ""}, "no_legal_name"), ({"tax_code": "123"}, "bad_tax_code"), ({"email": "x"}, "bad_email"),
        ({"bank_bin": "970436"}, "no_bank_account"), ({"invoice_per": "day"}, "bad_invoice_per"),
        ({"language": "fr"}, "bad_language"), ({"address": "x" * 301}, "too_long"),
        ({"shoe_size": "44"}, "unknown_field"),
    ],
)  # fmt: skip
def test_details_that_cannot_be_right_are_refused(fields: dict[str, str], code: str) -> None:
    home = person("home")
    with pytest.raises(BillingRejected) as caught:
        set_billing(participant=home, **BY, **{"legal_name": "Lan", **fields})
    assert codes(caught) == [code] and not BillingProfile.objects.exists()


def test_owners_change_their_own_and_not_whether_they_owe_vat() -> None:
    home, other = person("home"), person("other")
    owner, trader = member(home, "owner"), member(home, "trader")
    auditor = User.objects.create_user("auditor", is_auditor=True)
    assert set_billing(participant=home, by=owner, at=AT, legal_name="Lan", vat_registered=False).legal_name == "Lan"
    for who, whose in ((trader, home), (owner, other), (auditor, home)):
        with pytest.raises(AccountError) as caught:
            set_billing(participant=whose, by=who, at=AT, legal_name="Not mine")
        assert caught.value.code == "may_not_set_billing"
    with pytest.raises(AccountError) as caught:
        set_billing(participant=home, by=owner, at=AT, vat_registered=True)
    assert caught.value.code == "vat_by_administrator"
    assert not BillingProfile.objects.get().vat_registered
    staff = User.objects.create_user("staff", is_staff=True)
    assert set_billing(participant=home, by=staff, at=AT, vat_registered=True).vat_registered


def test_a_spreadsheet_sets_many_and_leaves_what_it_does_not_name() -> None:
    a, b, c = person("a"), person("b"), person("c")
    set_billing(participant=a, **BY, legal_name="A", address="Old", email="a@example.org", vat_registered=True)
    set_billing(participant=c, **BY, legal_name="C")
    text = (
        "\ufeffLegal_Name;participant;address;vat_registered;name\r\nA;a;;;x\r\n"
        '"B; Ltd\nEast";b;\'+84 Lane;yes;\r\nC;c;;no;\r\n;d;;;\r\n'
    )
    assert load(text) == Loaded(new=1, changed=1, unchanged=1)
    first = BillingProfile.objects.get(participant=a)
    assert (first.address, first.email, first.vat_registered) == ("", "a@example.org", True)
    second = BillingProfile.objects.get(participant=b)
    assert (second.legal_name, second.address, second.vat_registered) == ("B; Ltd East", "+84 Lane", True)
    entry = AuditEntry.objects.get(action="billing.imported")
    assert entry.detail == {"new": 1, "changed": 1, "participants": ["a", "b"]}
    assert load(text) == Loaded(0, 0, 3) and AuditEntry.objects.filter(action="billing.imported").count() == 1


def test_all_that_is_wrong_in_a_spreadsheet_is_said_with_its_line_and_nothing_is_saved() -> None:
    person("a"), person("b")
    text = (
        "participant,legal_name,tax_code,vat_registered,language\n"
        'a,"A\nand sons",,,\n'
        "b,,12,,xx\n"
        "nobody,N,,,\n"
        "a,Again,,,\n"
        "b,B,,\n"
        ",B,,,\n"
        "c,C,,maybe,\n"
    )
    assert wrong(text) == [
        ("line 4", "no_legal_name"), ("line 4", "bad_tax_code"), ("line 4", "bad_language"),
        ("line 5", "unknown_participant"), ("line 6", "participant_twice"), ("line 7", "wrong_cells"),
        ("line 8", "no_participant"), ("line 9", "not_yes_or_no"),
    ]  # fmt: skip
    assert not BillingProfile.objects.exists() and not AuditEntry.objects.filter(action="billing.imported").exists()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "no_rows"), ("participant,legal_name\n", "no_rows"), ("legal_name\nA\n", "no_participant_column"),
        ("participant,shoe\na,44\n", "unknown_column"), ("participant,email,email\na,,\n", "column_twice"),
        ('participant,legal_name\na,"A\n', "not_csv"),
    ],
)  # fmt: skip
def test_a_file_of_another_form_is_refused(text: str, code: str) -> None:
    assert wrong(text) == [("", code)]


def test_a_file_in_another_encoding_or_of_any_size_is_refused() -> None:
    for data, code in (("participant,legal_name\na,Lý".encode("utf-16"), "not_utf8"), (b"x" * 8_000_001, "too_large")):
        with pytest.raises(BillingRejected) as caught:
            import_billing(data=data, among=[], **BY)
        assert caught.value.code == code


def test_a_spreadsheet_is_for_administrators_and_for_these_members_alone() -> None:
    home = person("home")
    with pytest.raises(AccountError) as caught:
        load("participant,legal_name\nhome,Lan\n", by=member(home, "owner"))
    assert caught.value.code == "may_not_set_billing"
    with pytest.raises(BillingRejected) as rejected:
        import_billing(data=b"participant,legal_name\nhome,Lan\n", among=[], **BY)
    assert codes(rejected) == ["unknown_participant"]


def test_what_is_downloaded_can_be_loaded_again() -> None:
    world = make_billing_world()
    for code in ("a", "b"):
        world.add(code, retail=3_000)
    set_billing(
        participant=world.people["a"], **BY, legal_name="=A", phone="+84 1", vat_registered=True, bank_account="1"
    )
    people = Participant.objects.filter(admissions__market=world.market)
    data = billing_file(people)
    lines = data.decode("utf-8-sig").splitlines()
    assert lines[0].split(",") == list(COLUMNS) and len(lines) == 3
    assert "'=A" in lines[1] and lines[2].startswith("b,")
    among = [each.pk for each in people]
    assert import_billing(data=data, among=among, **BY) == Loaded(0, 0, 1)
