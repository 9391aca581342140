"""Two at once on the same month, the same series, the same document: one outcome, no gap in numbers, no deadlock."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import close_old_connections, connection
from django.db.models import Sum

from settlement.models import Allocation, Invoice, InvoiceSeries, LedgerEntry, MonthClose
from settlement.operations import resettle
from settlement.operations.booking import PaymentError
from settlement.operations.month import CloseError, advance, approve_close, discard_close, replace_invoice, start_close
from settlement.operations.month import close as closing
from settlement.operations.payments import record_payment
from tests.billing_world import JULY_TENTH, JUNE, bill, close_month, compute, interval, make_billing_world, person
from tests.settlement_world import TUESDAY_TEN, World
from trading.models import Admission, Market

pytestmark = pytest.mark.django_db(transaction=True)
MEMBERS = 7
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "DRAFTS_AT_ONCE", 2)
    monkeypatch.setattr(closing, "ISSUED_AT_ONCE", 2)


def settled(basis: str = "internal_accounting") -> World:
    """Seven members of whom two sell, one interval."""
    world = make_billing_world(basis=basis)
    for number in range(MEMBERS):
        world.add(f"p{number}", retail=2_000)
        bill(world, f"p{number}")
    interval(world, TUESDAY_TEN, {f"p{n}": (0, 9_000 + n) if n < 2 else (9_000 + n, 0) for n in range(MEMBERS)})
    return world


def second_market(world: World) -> World:
    """Another market of the same site, with members of its own."""
    market = Market.objects.create(
        site=world.site, code="w2", name="w2", limits_enforced=False, ticking=False,
        legal_basis=world.market.legal_basis,
    )  # fmt: skip
    other = World(market)
    for number in range(MEMBERS):
        other.add(f"q{number}", retail=3_000)
        bill(other, f"q{number}")
    interval(other, TUESDAY_TEN + HOUR, {f"q{n}": (0, 8_000) if n < 2 else (8_000, 0) for n in range(MEMBERS)})
    return other


def at_once(*works: Callable[[], object]) -> list[object]:
    """What each gave, or the error that each raised, all having begun at the same moment."""
    gate, found = threading.Barrier(len(works)), [None] * len(works)

    def run(place: int, work: Callable[[], object]) -> None:
        try:
            connection.ensure_connection()
            gate.wait()
            found[place] = work()
        except (CloseError, PaymentError) as error:
            found[place] = error.code
        except Exception as error:
            found[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    close_old_connections()
    assert not [one for one in found if isinstance(one, Exception)], found
    return found


def finish(close: MonthClose) -> None:
    """Advance until the close waits for a person or is done, whoever else advances it."""
    while MonthClose.objects.get(pk=close.pk).state in ("computing", "approved"):
        advance(close.pk, JULY_TENTH)


def check_numbers() -> None:
    for series in InvoiceSeries.objects.all():
        numbers = sorted(series.invoices.values_list("number", flat=True))
        assert numbers == list(range(1, series.last_number + 1))
    assert LedgerEntry.objects.aggregate(s=Sum("amount_millidong"))["s"] == 0


def test_two_workers_on_one_close_make_one() -> None:
    world = settled()
    close = start_close(market=world.market, month=JUNE, by=person("lan"), at=JULY_TENTH)
    at_once(*[lambda: finish(close)] * 3)
    close.refresh_from_db()
    assert (close.state, close.drafted, close.invoices.count()) == ("computed", MEMBERS, MEMBERS)
    approve_close(close=close, by=person("minh"), at=JULY_TENTH, accept=("no_profile",))
    at_once(*[lambda: finish(close)] * 3)
    close.refresh_from_db()
    assert (close.state, close.issued) == ("issued", MEMBERS)
    assert Invoice.objects.filter(state="issued").count() == MEMBERS
    check_numbers()


def test_two_markets_of_one_site_share_the_series_without_a_gap() -> None:
    one = settled()
    two = second_market(one)
    closes = [compute(world) for world in (one, two)]
    for close in closes:
        approve_close(close=close, by=person("minh"), at=JULY_TENTH, accept=("no_profile",))
    at_once(*[lambda close=close: finish(close) for close in closes * 2])
    assert Invoice.objects.filter(state="issued").count() == 2 * MEMBERS
    assert {s.kind: s.last_number for s in InvoiceSeries.objects.all()} == {"invoice": 10, "self_bill": 4}
    check_numbers()


def test_members_of_two_shadow_markets_have_registers_that_both_keep() -> None:
    """Statements have no series that would keep the two apart."""
    world = settled("shadow")
    two = second_market(world)
    for code, who in world.people.items():
        Admission.objects.create(market=two.market, participant=who, credit_limit_millidong=10**15)
        point = world.site.metering_points.get(code=f"MP-{code}")
        point.meters.create(serial=f"SN-{code}", installed_on=JUNE)
    interval(two, TUESDAY_TEN + 2 * HOUR, dict.fromkeys(two.people, (500, 0)))
    closes = [compute(one) for one in (world, two)]
    for close in closes:
        approve_close(close=close, by=person("minh"), at=JULY_TENTH, accept=("no_profile", "gaps"))
    at_once(*[lambda close=close: finish(close) for close in closes * 2])
    assert {close.state for close in MonthClose.objects.all()} == {"issued"}


def test_a_close_is_started_once() -> None:
    world = settled()
    by = person("lan")
    found = at_once(*[lambda: start_close(market=world.market, month=JUNE, by=by, at=JULY_TENTH).number] * 4)
    assert sorted(map(str, found)) == ["1", *["close_is_open"] * 3]
    assert MonthClose.objects.count() == 1


def test_a_close_is_approved_once() -> None:
    close = compute(settled())
    people = [person("minh"), person("hoa")]
    found = at_once(*[
        lambda by=by: approve_close(close=close, by=by, at=JULY_TENTH, accept=("no_profile",)) for by in people * 2
    ])  # fmt: skip
    assert sorted(map(str, found)) == ["None", *["not_computed"] * 3]


def test_a_discard_wins_or_loses_against_a_step_but_never_half() -> None:
    world = settled()
    close = start_close(market=world.market, month=JUNE, by=person("lan"), at=JULY_TENTH)
    by = person("lan")
    at_once(lambda: finish(close), lambda: discard_close(close=close, by=by, at=JULY_TENTH), lambda: finish(close))
    close.refresh_from_db()
    assert close.state == "discarded"
    assert not close.invoices.exists() and not close.days.exists() and not close.figures.exists()
    assert close_month(world).state == "issued"
    check_numbers()


def test_an_approval_and_a_discard_exclude_each_other() -> None:
    close = compute(settled())
    by, other = person("minh"), person("lan")
    found = at_once(
        lambda: approve_close(close=close, by=by, at=JULY_TENTH, accept=("no_profile",)),
        lambda: discard_close(close=close, by=other, at=JULY_TENTH),
    )
    close.refresh_from_db()
    assert (close.state, found) in (
        ("approved", [None, "already_approved"]),
        ("discarded", ["not_computed", None]),
    )


def renamed() -> Invoice:
    """An issued invoice whose buyer has another name since."""
    world = settled()
    close_month(world)
    profile = world.people["p3"].billing
    profile.legal_name = "New name"
    profile.save()
    return Invoice.objects.get(participant=world.people["p3"])


def test_a_document_is_replaced_once() -> None:
    invoice, by = renamed(), person("minh")
    found = at_once(*[
        lambda: replace_invoice(invoice=invoice, reason="Wrong name.", by=by, at=JULY_TENTH).number
    ] * 3)  # fmt: skip
    assert sorted(map(str, found)) == ["6", "already_replaced", "already_replaced"]
    check_numbers()


def test_a_document_is_paid_or_replaced() -> None:
    """Whoever comes second is refused, or finds the document that stands there now."""
    invoice, by = renamed(), person("minh")
    at_once(
        lambda: replace_invoice(invoice=invoice, reason="Wrong name.", by=by, at=JULY_TENTH),
        lambda: record_payment(
            market_id=invoice.market_id,
            participant_id=invoice.participant_id,
            amount_dong=invoice.total_dong,
            invoice_ids=[invoice.pk],
            by=by,
            at=JULY_TENTH,
        ),
    )
    replaced = invoice.followed_by.filter(relation="replacement").exists()
    assert replaced != Allocation.objects.filter(invoice=invoice).exists()


def test_a_correction_while_a_month_is_issued_becomes_the_next_close_s() -> None:
    world = settled()
    close = compute(world)
    approve_close(close=close, by=person("minh"), at=JULY_TENTH, accept=("no_profile",))
    world.read({"p3": (19_003, 0)})
    contract = world.market.contracts.get().pk
    at_once(lambda: finish(close), lambda: resettle(contract_id=contract, at=JULY_TENTH), lambda: finish(close))
    close_month(world, at=JULY_TENTH + timedelta(days=1))
    change = Invoice.objects.get(relation="adjustment")
    assert change.total_dong == 10_000 * 2 + 1_600
    accounts = LedgerEntry.objects.filter(account__kind="participant", account__participant=world.people["p3"])
    assert accounts.aggregate(s=Sum("amount_millidong"))["s"] == 0
    check_numbers()
