"""Payments: what a movement pays, how it is posted, and that two people cannot pay the same thing twice."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from accounts.models import AuditEntry
from settlement.models import BankLine, Payment
from settlement.operations.bank_files import Imported, import_bank_file
from settlement.operations.booking import PaymentError
from settlement.operations.exposure import check_exposure
from settlement.operations.payments import ignore_line, match_line, record_payment
from settlement.operations.refunds import refund, undo_payment, use_prepaid
from settlement.queries.documents import documents_of
from tests.money_world import NOON, bank_csv, check_money, issue, money_world, only_line, standing
from tests.settlement_world import World

pytestmark = pytest.mark.django_db
BY = {"by": None, "at": NOON}


def upload(world: World, *rows: tuple[int, str], first: int = 1) -> Imported:
    data = bank_csv(rows, first=first)
    return import_bank_file(site=world.site, data=data, name="nov.csv", **BY)


def open_dong(invoice) -> int:
    return documents_of([invoice.pk])[0].open_dong


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(PaymentError) as caught:
        call()
    assert str(caught.value).endswith((".", ";")) or "; reload" in str(caught.value)
    return caught.value.code


def test_a_reference_in_a_mangled_text_pays_the_document() -> None:
    world = money_world("a")
    invoice = issue(world, "a", 500_000)
    text = f"MBVCB.99 {invoice.reference[:6]} {invoice.reference[6:].lower()}-CT tu 0123"
    assert upload(world, (500_000, text)) == Imported(only_line().file_id, 1, 0, 1, 0)
    assert open_dong(invoice) == 0
    assert standing(world) == {"a.participant": 500_000, "bank": -500_000}
    payment = Payment.objects.get()
    assert (payment.kind, payment.amount_dong, payment.bank_line) == ("received", 500_000, only_line())
    assert AuditEntry.objects.filter(action="payment.matched", target=f"payment {payment.pk}").exists()
    check_money(world)


def test_part_payment_then_overpayment_into_the_prepayment() -> None:
    world = money_world("a")
    invoice = issue(world, "a", 500_000)
    upload(world, (200_000, invoice.reference))
    assert open_dong(invoice) == 300_000
    upload(world, (350_000, invoice.reference), first=2)
    assert open_dong(invoice) == 0
    assert standing(world)["a.prepaid"] == 50_000
    upload(world, (70_000, invoice.reference), first=3)  # it is paid already
    assert standing(world)["a.prepaid"] == 120_000
    assert Payment.objects.filter(kind="prepayment", amount_dong=70_000).exists()
    check_money(world)


def test_one_transfer_for_several_documents_pays_the_one_due_first() -> None:
    world = money_world("a")
    later = issue(world, "a", 300_000, due_on=NOON.date().replace(day=20))
    sooner = issue(world, "a", 500_000)
    upload(world, (600_000, f"{later.reference} va {sooner.reference}"))
    assert (open_dong(sooner), open_dong(later)) == (0, 200_000)
    check_money(world)


def test_what_a_machine_cannot_decide_waits_in_suspense() -> None:
    world = money_world("a", "b")
    mine, yours = issue(world, "a", 500_000), issue(world, "b", 300_000)
    unknown = mine.reference[:-2] + "00"
    rows = ((500_000, "tien dien"), (800_000, f"{mine.reference} {yours.reference}"), (500_000, unknown))
    assert upload(world, *rows).matched == 0
    assert standing(world)["suspense"] == 1_800_000
    line = BankLine.objects.get(text="tien dien")
    match_line(line_id=line.pk, invoice_ids=[mine.pk], **BY)
    assert open_dong(mine) == 0
    check_money(world)


def test_money_paid_out_matches_what_we_owe() -> None:
    world = money_world("s")
    bill = issue(world, "s", -400_000)
    assert upload(world, (-400_000, bill.reference)).matched == 1
    assert open_dong(bill) == 0
    assert standing(world) == {"s.participant": -400_000, "bank": 400_000}
    assert upload(world, (-1, bill.reference), (5_000, bill.reference), first=2).matched == 0
    line = BankLine.objects.get(amount_dong=-1)
    assert code_of(lambda: match_line(line_id=line.pk, invoice_ids=[bill.pk], **BY)) == "pays_too_much"
    line = BankLine.objects.get(amount_dong=5_000)
    assert code_of(lambda: match_line(line_id=line.pk, invoice_ids=[bill.pk], **BY)) == "wrong_direction"
    check_money(world)


def test_refusals_of_a_match() -> None:
    world, other = money_world("a", "b"), money_world("c", code="other")
    mine, yours, theirs = issue(world, "a", 5_000), issue(world, "b", 5_000), issue(other, "c", 5_000)
    shown = issue(world, "a", 9_000, kind="statement")
    upload(world, (5_000, ""))
    line = only_line().pk
    assert code_of(lambda: match_line(line_id=0, invoice_ids=[mine.pk], **BY)) == "line_not_found"
    assert code_of(lambda: match_line(line_id=line, **BY)) == "nobody_named"
    assert code_of(lambda: match_line(line_id=line, invoice_ids=[0], **BY)) == "document_not_found"
    assert code_of(lambda: match_line(line_id=line, invoice_ids=[shown.pk], **BY)) == "document_not_found"
    assert code_of(lambda: match_line(line_id=line, invoice_ids=[mine.pk, yours.pk], **BY)) == "several_participants"
    assert code_of(lambda: match_line(line_id=line, invoice_ids=[theirs.pk], **BY)) == "other_site"
    stranger = {"market_id": world.market.pk, "participant_id": other.people["c"].pk}
    assert code_of(lambda: match_line(line_id=line, **stranger, **BY)) == "unknown_participant"
    match_line(line_id=line, invoice_ids=[mine.pk], **BY)
    assert code_of(lambda: match_line(line_id=line, invoice_ids=[mine.pk], **BY)) == "line_already_decided"
    assert code_of(lambda: ignore_line(line_id=line, note="fee", **BY)) == "line_already_decided"
    check_money(world)


def test_an_ignored_line_leaves_suspense() -> None:
    world = money_world("a")
    upload(world, (9_000, "interest"), (-2_000, "fee"))
    for line in BankLine.objects.all():
        assert code_of(lambda pk=line.pk: ignore_line(line_id=pk, note=" ", **BY)) == "reason_missing"
        ignore_line(line_id=line.pk, note="not a participant's", **BY)
    assert standing(world) == {}
    check_money(world)


def test_prepaid_pays_the_oldest_document_first_and_is_refunded() -> None:
    world = money_world("a")
    who = {"market_id": world.market.pk, "participant_id": world.people["a"].pk}
    assert use_prepaid(**who, **BY) is None
    upload(world, (100_000, "tra truoc"))
    match_line(line_id=only_line().pk, **who, **BY)
    assert use_prepaid(**who, **BY) is None
    later = issue(world, "a", 70_000, due_on=NOON.date().replace(day=20))
    sooner = issue(world, "a", 20_000)
    payment = use_prepaid(**who, **BY)
    assert payment is not None and payment.amount_dong == 90_000
    assert (open_dong(sooner), open_dong(later)) == (0, 0)
    assert standing(world)["a.prepaid"] == 10_000
    assert code_of(lambda: refund(**who, amount_dong=10_001, **BY)) == "not_prepaid"
    upload(world, (-10_000, "hoan tien"), first=9)
    line = BankLine.objects.get(amount_dong=-10_000)
    assert code_of(lambda: refund(**who, amount_dong=9_000, line_id=line.pk, **BY)) == "line_differs"
    refund(**who, amount_dong=10_000, line_id=line.pk, **BY)
    line.refresh_from_db()
    assert line.state == "matched"
    assert standing(world) == {"a.participant": 90_000, "bank": -90_000}
    check_money(world)


def test_a_wrong_match_is_undone_once_and_recorded_for_whom_it_was() -> None:
    world = money_world("a", "b")
    mine, yours = issue(world, "a", 500_000), issue(world, "b", 500_000)
    upload(world, (600_000, mine.reference))
    payment = Payment.objects.get()
    before = standing(world)
    back = undo_payment(payment_id=payment.pk, note="It was b's.", **BY)
    assert (back.kind, back.amount_dong, open_dong(mine)) == ("refund", -600_000, 500_000)
    assert code_of(lambda: undo_payment(payment_id=payment.pk, note="again", **BY)) == "already_undone"
    assert code_of(lambda: undo_payment(payment_id=back.pk, note="again", **BY)) == "not_undoable"
    record_payment(
        market_id=world.market.pk, participant_id=world.people["b"].pk, amount_dong=600_000, note="FT1", **BY
    )
    assert open_dong(yours) == 0
    assert standing(world)["bank"] == before["bank"]
    check_money(world)


def test_undoing_what_left_a_prepayment_that_was_used() -> None:
    world = money_world("a")
    who = {"market_id": world.market.pk, "participant_id": world.people["a"].pk}
    first = record_payment(**who, amount_dong=50_000, **BY)
    invoice = issue(world, "a", 50_000)
    used = use_prepaid(**who, **BY)
    assert used is not None
    assert code_of(lambda: undo_payment(payment_id=first.pk, note="x", **BY)) == "prepaid_used"
    undo_payment(payment_id=used.pk, note="wrong document", **BY)
    assert open_dong(invoice) == 50_000
    undo_payment(payment_id=first.pk, note="bounced", **BY)
    assert standing(world) == {"a.participant": 50_000, "a.receivable": -50_000}
    check_money(world)


def test_a_returned_payout_is_owed_again() -> None:
    world = money_world("s")
    bill = issue(world, "s", -400_000)
    who = {"market_id": world.market.pk, "participant_id": world.people["s"].pk}
    payment = record_payment(**who, amount_dong=-400_000, **BY)
    undo_payment(payment_id=payment.pk, note="the bank sent it back", **BY)
    assert open_dong(bill) == -400_000
    assert standing(world) == {"s.participant": -400_000, "s.receivable": 400_000}
    assert code_of(lambda: record_payment(**who, amount_dong=-400_001, **BY)) == "pays_too_much"
    assert code_of(lambda: record_payment(**who, amount_dong=0, **BY)) == "no_amount"


def test_a_second_market_of_the_site_is_paid_through_the_first() -> None:
    world = money_world("a")
    invoice = issue(world, "a", 500_000)
    home = world.market
    second = type(home).objects.create(site=world.site, code="w2", name="w2", legal_basis="internal_accounting")
    world.market = second
    home.admissions.update(market=second)
    later = issue(world, "a", 80_000)
    world.market = home
    home_lines = upload(world, (80_000, later.reference))
    assert home_lines.matched == 1
    assert open_dong(invoice) == 500_000
    assert "suspense" not in standing(world) and "bank" not in standing(world)
    world.market = second
    assert standing(world) == {"a.participant": 80_000, "bank": -80_000}
    assert not check_exposure(second.pk)


def in_threads(*calls: Callable[[], object]) -> list[object]:
    """Run these at once, each on its own connection: results, or the errors' codes."""
    results: list[object] = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def run(number: int) -> None:
        try:
            gate.wait()
            results[number] = calls[number]()
        except PaymentError as error:
            results[number] = error.code
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
def test_two_people_match_one_line_and_one_of_them_is_told() -> None:
    world = money_world("a", "b")
    mine, yours = issue(world, "a", 500_000), issue(world, "b", 500_000)
    upload(world, (500_000, "tien dien"))
    line = only_line().pk
    results = in_threads(
        lambda: match_line(line_id=line, invoice_ids=[mine.pk], **BY),
        lambda: match_line(line_id=line, invoice_ids=[yours.pk], **BY),
        lambda: ignore_line(line_id=line, note="not ours", **BY),
    )
    assert results.count("line_already_decided") == 2
    assert Payment.objects.count() <= 1
    check_money(world)


@pytest.mark.django_db(transaction=True)
def test_the_same_file_twice_at_once_is_taken_in_once() -> None:
    world = money_world("a")
    invoice = issue(world, "a", 500_000)
    results = in_threads(*[lambda: upload(world, (200_000, invoice.reference), (7, "x"))] * 4)
    assert sorted(result.new for result in results) == [0, 0, 0, 2]
    assert open_dong(invoice) == 300_000
    check_money(world)


@pytest.mark.django_db(transaction=True)
def test_two_lines_and_the_prepayment_at_one_document() -> None:
    world = money_world("a")
    who = {"market_id": world.market.pk, "participant_id": world.people["a"].pk}
    record_payment(**who, amount_dong=60_000, **BY)
    invoice = issue(world, "a", 100_000)
    upload(world, (60_000, "one"), (60_000, "two"))
    lines = list(BankLine.objects.values_list("pk", flat=True))
    in_threads(
        *[lambda pk=pk: match_line(line_id=pk, invoice_ids=[invoice.pk], **BY) for pk in lines],
        lambda: use_prepaid(**who, **BY),
        lambda: refund(**who, amount_dong=60_000, **BY),
    )
    assert open_dong(invoice) == 0
    check_money(world)
    assert not check_exposure(world.market.pk)
