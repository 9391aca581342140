"""A month from the terminal: computed, approved by somebody else, its papers made and handed over."""

import csv
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from settlement import tasks
from settlement.models import Invoice, MonthClose
from tests.billing_world import JULY_TENTH, bill, interval, make_billing_world, person
from tests.settlement_world import TUESDAY_TEN

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, tmp_path):
    settings.DOCUMENTS_FOLDER, settings.EINVOICE_OUTBOX = tmp_path / "pdf", tmp_path / "xml"
    world = make_billing_world()
    world.market.clock_at = world.market.clock_started_at = JULY_TENTH
    world.market.save()
    for code in ("roof", "shop"):
        world.add(code, retail=3_000)
        bill(world, code)
    interval(world, TUESDAY_TEN, {"roof": (0, 6_000), "shop": (10_000, 0)}, [("roof", "shop", 5_000, 1_700)])
    person("lan"), person("minh")
    return world


def run(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, "--market", "w", "--month", "2026-06", *arguments, stdout=out)
    return out.getvalue()


def test_a_month_is_computed_shown_approved_and_issued(world):
    shown = run("close_month", "--by", "lan")
    assert "Waits for approval, 2 documents" in shown and "Checklist" in shown
    with pytest.raises(CommandError, match="second_person_needed"):
        run("close_month", "--by", "lan", "--approve")
    assert "Issued, 2 documents" in run("close_month", "--by", "minh", "--approve")


def test_a_discarded_close_can_be_computed_again(world):
    run("close_month", "--by", "lan")
    run("close_month", "--by", "lan", "--discard")
    assert not Invoice.objects.exists()
    assert "Waits for approval" in run("close_month", "--by", "lan")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--month", "2026-13"), "write it like"),
        (("--market", "nowhere"), "no market"),
        (("--by", "nobody"), "no user"),
        (("--approve", "--by", "minh"), "Nothing is computed"),
        (("--discard",), "No close"),
    ],
)
def test_what_is_wrong_is_said(world, arguments, told):
    with pytest.raises(CommandError, match=told):
        run("close_month", *arguments)


def test_papers_are_made_once_and_tables_add_up(world, tmp_path):
    run("close_month", "--by", "lan")
    run("close_month", "--by", "minh", "--approve")
    assert "2 PDFs made, 0 were there" in run("documents", "--tables", str(tmp_path / "tables"))
    assert "0 PDFs made, 2 were there" in run("documents")
    assert len(list((tmp_path / "xml" / "w").glob("*.xml"))) == 2
    with (tmp_path / "tables" / "w-2026-06-documents.csv").open(encoding="utf-8-sig") as stream:
        assert len(list(csv.reader(stream))) == 3


def test_papers_need_an_issued_month(world):
    with pytest.raises(CommandError, match="close the month first"):
        run("documents")


def test_the_worker_carries_closes_on_and_makes_the_papers(world, monkeypatch, tmp_path):
    monkeypatch.setattr(tasks.deliver_month, "delay", tasks.deliver_month)
    from settlement.operations.month import approve_close, start_close

    close = start_close(market=world.market, month=TUESDAY_TEN.date().replace(day=1), by=person("lan"), at=JULY_TENTH)
    tasks.close_months()
    approve_close(close=close, by=person("minh"), at=JULY_TENTH)
    tasks.close_months()
    assert MonthClose.objects.get().state == "issued"
    assert len(list((tmp_path / "pdf").rglob("*.pdf"))) == 2
