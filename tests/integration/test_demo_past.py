"""The demo's past: two months that were settled, one closed and paid in part, one waiting for approval; a filling that
is killed goes on and ends as if nothing had been.

Everything below looks at one past of two days, whose filling is broken off in an interval, between issue and payment,
and before the last close.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction
from django.db.models import Count, Sum
from django.test import override_settings

from accounts.models import BillingProfile
from meters.models import Meter, Reading
from settlement.documents.pdf import render_pdf
from settlement.domain.document import InvoiceDocument
from settlement.models import (
    BankFile,
    BankLine,
    Certificate,
    Dispute,
    Invoice,
    Issuer,
    LedgerAccount,
    LedgerEntry,
    MonthClose,
    SettlementRun,
)
from settlement.operations.exposure import check_exposure
from settlement.operations.month import approve_close, run_close
from settlement.operations.verify import verify_month
from settlement.queries.closes import BLOCKING, checklist
from simulator import demo_month, demo_past
from simulator.demo_past import fill, is_filled, past
from simulator.demo_seed import seed
from simulator.domain.past import Extent
from trading.models import Admission, Contract, Market
from trading.operations import audit, tick

pytestmark = pytest.mark.django_db
WALL = datetime(2026, 6, 3, 2, 0, tzinfo=UTC)
APRIL, MAY, JUNE = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)
SHORT = Extent(earlier_days=1, last_days=1, this_days=1)


class Killed(BaseException):
    """The process is gone; nobody catches it."""


class After:
    """Does what `function` does, and dies at the end of the call with this number."""

    def __init__(self, function, calls: int) -> None:
        self.function, self.calls = function, calls

    def __call__(self, *arguments, **named):
        result = self.function(*arguments, **named)
        self.calls -= 1
        if self.calls == 0:
            raise Killed
        return result


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def market(django_db_setup, django_db_blocker, tmp_path_factory, said) -> Iterator[Market]:
    folder = tmp_path_factory.mktemp("past")
    papers = override_settings(DOCUMENTS_FOLDER=folder / "documents", EINVOICE_OUTBOX=folder / "e-invoices")
    with django_db_blocker.unblock(), papers:
        market = seed(WALL)
        tick(market.pk, market.clock_at)
        broken_off = (
            (demo_past, "settle", 30),
            (demo_month, "run_close", 2),
            (demo_month, "submit_invoices", 1),
            (demo_month, "start_close", 1),
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(demo_past, "BREATH", 0)
            for module, name, calls in broken_off:
                with pytest.MonkeyPatch.context() as once, pytest.raises(Killed):
                    once.setattr(module, name, After(getattr(module, name), calls))
                    fill(market, say=said.append, extent=SHORT)
            assert not is_filled(market, SHORT)
            assert fill(market, say=said.append, extent=SHORT)
        yield market
        call_command("flush", interactive=False, verbosity=0)


def close_of(market: Market, month: date) -> MonthClose:
    return MonthClose.objects.get(market=market, month=month)


def documents(market: Market, **which: object) -> list[InvoiceDocument]:
    return [invoice.frozen() for invoice in Invoice.objects.filter(market=market, month=APRIL, **which)]


def began(market: Market) -> datetime:
    return past(market).days[-1].end


def past_contracts(market: Market):
    return Contract.objects.filter(market=market, delivery_start__lt=began(market))


def test_every_interval_of_the_past_is_there_once_and_settled(market) -> None:
    assert past_contracts(market).count() == 112
    assert set(past_contracts(market).values_list("state", flat=True)) == {"CLEARED"}
    runs = SettlementRun.objects.filter(market=market).values("contract").annotate(n=Count("pk"))
    assert sorted({run["n"] for run in runs}) == [1, 3]  # one interval was doubted: its runs with and after the doubt
    kinds = SettlementRun.objects.filter(number=1).order_by().values_list("kind").annotate(Count("pk"))
    assert dict(kinds) == {"R2": 96, "P": 16}
    assert SettlementRun.objects.filter(estimated_count__gt=0).count() == 0


def test_the_live_market_is_untouched(market) -> None:
    assert Contract.objects.filter(market=market).exclude(pk__in=past_contracts(market)).count() == 97
    assert audit(market.pk).differences == ()


def test_money_and_energy_add_up(market) -> None:
    assert LedgerEntry.objects.aggregate(sum=Sum("amount_millidong"))["sum"] == 0
    assert check_exposure(market.pk) == ()
    issued = Invoice.objects.filter(market=market, state="issued").aggregate(sum=Sum("total_dong"))["sum"]
    paid = sum(payment for payment in _paid(market))
    receivable = LedgerEntry.objects.filter(account__kind=LedgerAccount.Kind.RECEIVABLE)
    assert -receivable.aggregate(sum=Sum("amount_millidong"))["sum"] == (issued - paid) * 1_000
    assert paid > 0


def _paid(market: Market) -> list[int]:
    return list(BankLine.objects.filter(site=market.site, state="matched").values_list("amount_dong", flat=True))


def test_the_earlier_month_is_closed_by_two_people_and_issued(market) -> None:
    close = close_of(market, APRIL)
    assert close.state == "issued"
    assert (close.requested_by.username, close.approved_by.username) == ("administrator", "second")
    assert close.requested_at < close.approved_at < market.clock_at
    numbers = Invoice.objects.filter(close=close, kind="invoice").order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, len(numbers) + 1))
    assert {line["state"] for line in close.checklist} == {"ok"}


def test_every_month_is_what_its_sources_say(market) -> None:
    for month in (APRIL, MAY, JUNE):
        assert list(verify_month(market, month).differences) == []


def test_the_last_month_waits_for_the_second_person_who_can_approve_it(market) -> None:
    close = close_of(market, MAY)
    assert (close.state, close.requested_by.username) == ("computed", "administrator")
    assert [check.code for check in checklist(close) if check.state == BLOCKING] == []
    with transaction.atomic():
        second = close_of(market, APRIL).approved_by
        approve_close(close=close, by=second, at=market.clock_at, accept=[check.code for check in checklist(close)])
        assert run_close(close.pk, market.clock_at).state == "issued"
        transaction.set_rollback(True)


def test_some_invoices_are_paid_one_in_part_and_a_transfer_is_nobodys(market) -> None:
    assert BankFile.objects.get().name == demo_month.BANK_FILE
    assert BankLine.objects.filter(state="unmatched").values_list("amount_dong", flat=True).get() == 12_345_000
    totals = dict(Invoice.objects.filter(kind="invoice", state="issued").values_list("reference", "total_dong"))
    lines = BankLine.objects.filter(state="matched").values_list("text", "amount_dong")
    shares = [amount / totals[text.split()[-1]] for text, amount in lines]
    assert sum(share == 1 for share in shares) > 5
    assert sum(0.4 < share < 0.6 for share in shares) == 1
    overdue = Invoice.objects.filter(kind="invoice", state="issued", due_on__lt=market.clock_at.date())
    assert overdue.count() > len(shares)


def test_a_doubt_was_decided(market) -> None:
    dispute = Dispute.objects.get()
    assert (dispute.state, dispute.opened_by.username, dispute.decided_by.username) == (
        "kept", "tenant", "administrator",
    )  # fmt: skip
    assert dispute.decided_at < close_of(market, APRIL).requested_at


def test_the_tenant_with_two_meters_has_an_invoice_for_each(market) -> None:
    papers = documents(market, participant__code="det-binh-minh")
    assert sorted(paper.metering_point for paper in papers) == ["det-binh-minh", "det-binh-minh.2"]
    for paper in papers:
        (register,) = paper.registers
        assert register.new_wh - register.old_wh == register.energy_wh > 0
        assert register.multiplier == 80


def test_documents_say_that_they_are_a_demo_and_render(market) -> None:
    assert "(demo)" in Issuer.objects.get(site=market.site).legal_name
    papers = documents(market)
    assert {paper.language for paper in papers} == {"en", "vi"}
    assert all("(demo)" in paper.seller.name and "(demo)" in paper.buyer.name for paper in papers)
    assert all(paper.payable for paper in papers)
    assert render_pdf(papers[0], None).startswith(b"%PDF")


def test_pdfs_lie_ready_and_invoices_are_handed_over(market) -> None:
    from django.conf import settings

    assert len(list(Path(settings.DOCUMENTS_FOLDER).rglob("*.pdf"))) == len(documents(market))
    assert list(Path(settings.EINVOICE_OUTBOX).rglob("*.xml"))


def test_every_member_has_its_papers_and_every_point_its_meter(market) -> None:
    assert BillingProfile.objects.filter(participant__admissions__market=market).count() == 24
    homes = BillingProfile.objects.filter(participant__kind="household")
    assert set(homes.values_list("vat_registered", "tax_code")) == {(False, "")}
    tenants = BillingProfile.objects.filter(participant__kind="tenant")
    assert all(tenants.values_list("vat_registered", flat=True))
    codes = list(tenants.values_list("tax_code", flat=True))
    assert len(set(codes)) == len(codes) and all(code.startswith("99") for code in codes)
    assert market.site.metering_points.filter(meters=None).count() == 0
    assert set(Meter.objects.values_list("multiplier", flat=True)) == {1, 40, 80}


def test_surplus_of_the_past_is_certified(market) -> None:
    assert Certificate.objects.filter(contract__in=past_contracts(market)).exists()


def test_nobody_runs_out_of_credit_in_three_months(market) -> None:
    for place in Admission.objects.filter(market=market).select_related("participant"):
        owed_for_two_days = -place.settled_millidong
        assert owed_for_two_days * 46 < place.credit_limit_millidong, place.participant.code


def test_a_filled_past_is_not_filled_again(market) -> None:
    before = Contract.objects.count(), Reading.objects.count(), Invoice.objects.count(), BankLine.objects.count()
    told: list[str] = []
    assert is_filled(market, SHORT) and fill(market, say=told.append, extent=SHORT)
    assert told == []
    after = Contract.objects.count(), Reading.objects.count(), Invoice.objects.count(), BankLine.objects.count()
    assert after == before


def test_the_terminal_is_told_what_can_be_looked_at(market, said) -> None:
    assert any(line.startswith("April 2026 is closed and issued") for line in said)
    assert "May 2026 is computed and waits: log in as second to approve it." in said
    assert said[-1].startswith("The past is complete")


def test_it_stops_when_it_is_told_to(market) -> None:
    told: list[str] = []
    assert not fill(market, say=told.append, stopping=lambda: True, extent=Extent(2, 1, 0))
    assert len(told) == 1
    assert past_contracts(market).count() == 112


def test_a_market_that_bills_nothing_has_no_past(market) -> None:
    shadow = Market(site=market.site, legal_basis=Market.LegalBasis.SHADOW)
    assert is_filled(shadow) and fill(shadow, say=lambda _: None)


def test_the_whole_past_begins_ten_days_before_the_last_month_but_one_ends(market) -> None:
    found = past(market)
    assert (found.days[0].on, found.days[-1].on) == (date(2026, 4, 21), date(2026, 6, 3))
    assert set(Meter.objects.values_list("installed_on", flat=True)) == {date(2026, 4, 21)}
