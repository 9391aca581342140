"""Bank files taken in: once, as a whole, each movement once; then ageing, statements and payouts after them."""

from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEntry, BillingProfile
from settlement.domain.bank import BankFileError
from settlement.models import BankFile, BankLine, Issuer
from settlement.operations.bank_files import import_bank_file
from settlement.operations.payments import match_line, record_payment
from settlement.operations.refunds import use_prepaid
from settlement.queries.money import account_statement, ageing, open_items, payout_file, payouts, suggestions
from tests.money_world import NOON, TODAY, bank_csv, check_money, issue, money_world, standing
from tests.unit.test_bank_files import CAMT

pytestmark = pytest.mark.django_db
BY = {"by": None, "at": NOON}


def test_the_same_bytes_and_overlapping_files() -> None:
    world = money_world("a")
    first = bank_csv([(1_000, "x"), (2_000, "y")])
    done = import_bank_file(site=world.site, data=first, name="1.csv", **BY)
    again = import_bank_file(site=world.site, data=first, name="renamed.csv", **BY)
    assert (done.new, again.new, again.known, again.file_id) == (2, 0, 2, done.file_id)
    overlap = import_bank_file(site=world.site, data=bank_csv([(2_000, "y"), (5_000, "z")], first=2), name="2", **BY)
    assert (overlap.new, overlap.known, overlap.unmatched) == (1, 1, 1)
    assert standing(world) == {"bank": -8_000, "suspense": 8_000}
    assert BankFile.objects.count() == 2
    assert AuditEntry.objects.filter(action="bank_file.imported").count() == 2
    check_money(world)


def test_a_refused_file_leaves_nothing() -> None:
    world = money_world("a")
    Issuer.objects.create(site=world.site, legal_name="EIU", bank_account="99 88")
    with pytest.raises(BankFileError) as caught:
        import_bank_file(site=world.site, data=CAMT.encode(), name="x", **BY)
    assert caught.value.code == "other_account"
    assert not BankFile.objects.exists() and not standing(world)
    Issuer.objects.update(bank_account="0123 456 789")
    assert import_bank_file(site=world.site, data=CAMT.encode(), name="x" * 300, **BY).new == 2


def test_two_lines_of_one_file_for_one_document() -> None:
    world = money_world("a")
    invoice = issue(world, "a", 100_000)
    data = bank_csv([(60_000, invoice.reference), (70_000, invoice.reference)])
    assert import_bank_file(site=world.site, data=data, name="x", **BY).matched == 2
    assert standing(world)["a.prepaid"] == 30_000
    check_money(world)


def test_suggestions_name_the_likely_documents_first() -> None:
    world = money_world("a", "b")
    BillingProfile.objects.create(participant=world.people["a"], legal_name="Công ty Ánh Dương")
    mine, yours = issue(world, "a", 100_000), issue(world, "b", 100_000)
    more = issue(world, "a", 50_000)
    rows = [(100_000, "ck"), (150_000, "ck"), (100_000, f"ck {yours.reference[:-1]}")]
    data = bank_csv(rows, who="CONG TY ANH DUONG")
    assert import_bank_file(site=world.site, data=data, name="x", **BY).matched == 0
    exact, both, cut = BankLine.objects.order_by("position")
    found = [(s.invoice_ids, s.reason) for s in suggestions(exact)]
    assert found == [((mine.pk,), "amount_and_name"), ((yours.pk,), "amount")]
    assert suggestions(both)[0].invoice_ids == (mine.pk, more.pk)
    assert suggestions(cut)[0].invoice_ids == (mine.pk,)


def test_ageing_adds_up_to_the_ledger() -> None:
    world = money_world("a", "b", "s")
    for days, dong in ((-5, 1), (0, 2), (1, 4), (30, 8), (31, 16), (60, 32), (61, 64), (90, 128), (91, 256)):
        issue(world, "a", dong * 1_000, due_on=TODAY - timedelta(days=days))
    issue(world, "s", -7_000)
    half = issue(world, "b", 9_000, due_on=TODAY - timedelta(days=40))
    who = {"market_id": world.market.pk, "participant_id": world.people["b"].pk}
    record_payment(**who, amount_dong=4_000, invoice_ids=[half.pk], **BY)
    record_payment(market_id=world.market.pk, participant_id=world.people["s"].pk, amount_dong=500, **BY)
    a, b, s = ageing(world.market.pk, TODAY)
    assert list(a.buckets.values()) == [3_000, 12_000, 48_000, 192_000, 256_000]
    assert (b.buckets["to_60"], b.total_dong) == (5_000, 5_000)
    assert (s.credit_dong, s.total_dong, s.prepaid_dong) == (-7_000, -7_000, 500)
    stands = standing(world)
    receivables = sum(dong for name, dong in stands.items() if name.endswith("receivable"))
    assert sum(row.total_dong for row in (a, b, s)) == -receivables
    before = {row.code: row for row in ageing(world.market.pk, TODAY - timedelta(days=1))}
    assert before["b"].total_dong == 9_000 and before["s"].prepaid_dong == 0
    assert [item.open_dong for item in open_items(world.market.pk, world.people["b"].pk)] == [5_000]


def test_a_statement_of_account_goes_on_from_month_to_month() -> None:
    world = money_world("a")
    who = {"market_id": world.market.pk, "participant_id": world.people["a"].pk}
    issue(world, "a", 100_000)
    record_payment(**who, amount_dong=130_000, by=None, at=NOON + timedelta(hours=1))
    issue(world, "a", 20_000)
    use_prepaid(**who, by=None, at=NOON + timedelta(hours=2))
    told = account_statement(*who.values(), TODAY, TODAY + timedelta(days=1))
    assert [(line.kind, line.amount_dong, line.balance_dong) for line in told.lines] == [
        ("invoice", 100_000, 100_000),
        ("invoice", 20_000, 120_000),
        ("received", -130_000, -10_000),
        ("from_prepaid", 0, -10_000),
    ]
    assert (told.opening_dong, told.closing_dong) == (0, -10_000)
    later = account_statement(*who.values(), TODAY + timedelta(days=1), date(2027, 1, 1))
    assert (later.opening_dong, later.lines, later.closing_dong) == (-10_000, (), -10_000)


def test_payouts_are_listed_for_the_bank() -> None:
    world = money_world("a", "b")
    BillingProfile.objects.create(
        participant=world.people["a"], legal_name="=HYPERLINK(1)", bank_name="VCB", bank_account="0007"
    )
    bill, other = issue(world, "a", -5_000), issue(world, "b", -6_000)
    assert [(p.amount_dong, p.missing) for p in payouts(world.market.pk, TODAY)] == [(5_000, False), (6_000, True)]
    assert not payouts(world.market.pk, TODAY - timedelta(days=1))
    text = payout_file(world.market.pk, TODAY).decode("utf-8-sig")
    assert text.splitlines()[1] == f"{bill.reference},'=HYPERLINK(1),VCB,,0007,5000,{TODAY}"
    assert other.reference not in text
    import_bank_file(site=world.site, data=bank_csv([(-5_000, bill.reference)]), name="x", **BY)
    assert [p.amount_dong for p in payouts(world.market.pk, TODAY)] == [6_000]


def test_the_command(tmp_path: Path) -> None:
    world = money_world("a")
    file = tmp_path / "november.csv"
    file.write_bytes(bank_csv([(1_000, "x")]))
    out = StringIO()
    call_command("import_bank_file", world.site.code, str(file), stdout=out)
    assert "1 new movements, 0 known; 0 matched, 1 wait for a person." in out.getvalue()
    who = {"market_id": world.market.pk, "participant_id": world.people["a"].pk}
    match_line(line_id=BankLine.objects.get().pk, **who, **BY)
    file.write_bytes(b"Date;Amount\nsoon;5\n2026-11-05;0\n")
    with pytest.raises(CommandError, match=r"bad_date.*\n.*zero_amount"):
        call_command("import_bank_file", world.site.code, str(file))
    with pytest.raises(CommandError, match="no site"):
        call_command("import_bank_file", "nowhere", str(file))
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("import_bank_file", world.site.code, str(tmp_path / "absent"))
