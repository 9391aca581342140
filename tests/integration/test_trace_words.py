"""'Why this amount': every line of a document is told down to readings and rules, and its parts add up exactly."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Participant
from settlement.domain.explain import Node
from settlement.models import Invoice, InvoiceLine, LedgerEntry
from settlement.operations import resettle
from settlement.queries.why import MOST_INTERVALS, explain_entry, explain_line
from tests.billing_world import JULY_TENTH, bill, close_month, interval, make_billing_world
from tests.settlement_world import HALF_HOUR, TUESDAY_TEN, World
from trading.models import Order

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = make_billing_world()
    world.add("roof", retail=2_000, ask=900)
    world.add("shop", retail=3_398, bid=2_600)
    for code in ("roof", "shop"):
        bill(world, code)
        Participant.objects.filter(code=code).update(name=f"Nhà {code}")
    trades = [("roof", "shop", 8_000, 1_701), ("roof", "shop", 1_000, 1_650)]
    interval(world, TUESDAY_TEN, {"roof": (0, 6_001), "shop": (10_003, 0)}, trades)
    interval(world, TUESDAY_TEN + HALF_HOUR, {"roof": (0, 2_000), "shop": (5_000, 0)}, [("roof", "shop", 1_000, 1_500)])
    interval(world, TUESDAY_TEN + timedelta(days=3), {"roof": (1_000, 0), "shop": (2_007, 0)})
    close_month(world)
    return world


def lines() -> list[InvoiceLine]:
    return list(InvoiceLine.objects.order_by("invoice_id", "position"))


def nodes(root: Node, kind: str) -> list[Node]:
    return [root] * (root.kind == kind) + [found for child in root.children for found in nodes(child, kind)]


def all_text(root: Node) -> str:
    return "\n".join([root.sentence, *(all_text(child) for child in root.children)])


def test_days_and_what_is_beyond_them_add_up_to_each_line(world: World) -> None:
    assert {line.kind for line in lines()} >= {
        "local_bought",
        "pool_bought",
        "grid_import",
        "network_fee",
        "local_sold",
    }
    for line in lines():
        root = explain_line(line.invoice_id, line.position)
        parts = [child.amount_millidong for child in root.children if child.kind in ("day", "beyond")]
        assert sum(parts) == line.amount_millidong == root.amount_millidong
        assert not [child for child in root.children if child.kind == "beyond"]
        assert sum(child.energy_wh for child in root.children if child.kind == "day") == line.quantity
        assert (
            sum(child.amount_millidong for child in root.children if child.kind == "interval") == line.amount_millidong
        )


def test_every_interval_tells_entry_run_reading_and_rules(world: World) -> None:
    for line in lines():
        for told in nodes(explain_line(line.invoice_id, line.position), "interval"):
            kinds = {child.kind for child in told.children}
            assert {"entry", "run", "reading"} <= kinds and kinds & {"terms", "tariff"}, (line.kind, kinds)


def test_entries_of_an_interval_come_to_its_share_of_the_category(world: World) -> None:
    line = InvoiceLine.objects.get(kind="local_bought")
    for told in nodes(explain_line(line.invoice_id, line.position), "interval"):
        assert -sum(child.amount_millidong for child in told.children if child.kind == "entry") == told.amount_millidong
        assert sum(child.amount_millidong for child in told.children if child.kind == "trade") == told.amount_millidong


def test_others_have_no_names_for_a_participant_and_have_for_an_auditor(world: World) -> None:
    line = InvoiceLine.objects.get(kind="local_bought")
    mine = all_text(explain_line(line.invoice_id, line.position))
    assert "You bought 8.0 kWh from a neighbour at ₫1,701/kWh in trade 1" in mine and "roof" not in mine
    theirs = all_text(explain_line(line.invoice_id, line.position, names=True))
    assert "Nhà shop bought 8.0 kWh from Nhà roof at ₫1,701/kWh in trade 1" in theirs
    everything = [explain_line(line.invoice_id, line.position) for line in lines()]
    for root, line in zip(everything, lines(), strict=True):
        own = line.invoice.participant.code
        assert ({"shop": "Nhà roof", "roof": "Nhà shop"})[own] not in all_text(root)


def test_in_vietnamese(world: World) -> None:
    line = InvoiceLine.objects.get(kind="local_bought")
    told = all_text(explain_line(line.invoice_id, line.position, language="vi"))
    assert "1.701 ₫/kWh" in told and "một hàng xóm" in told and "8,0 kWh" in told


def test_a_fraction_of_a_dong_is_told(world: World) -> None:
    line = InvoiceLine.objects.get(kind="local_bought")
    assert f"{line.amount_millidong:,}"[-4:].replace(",", ".") in explain_line(line.invoice_id, line.position).sentence


def test_the_order_and_its_line_of_the_log(world: World) -> None:
    shop = world.people["shop"]
    first = Order.objects.create(
        market=world.market, seq=1, contract_id=world.market.contracts.earliest("delivery_start").pk, participant=shop,
        client_order_id="mine-1", side=1, price=1_701, tif="GTC", quantity_wh=8_000, filled_wh=8_000, remaining_wh=0,
        stp="cancel_taker", status=2, action="full_fill", priority=1, last_seq=1, note="forecast need",
        created_at=TUESDAY_TEN, updated_at=TUESDAY_TEN,
    )  # fmt: skip
    line = InvoiceLine.objects.get(kind="local_bought")
    (order,) = nodes(explain_line(line.invoice_id, line.position), "order")
    assert order.key == str(first.seq) and "“mine-1”: buy 8.0 kWh at ₫1,701/kWh or less, line 1 of" in order.sentence
    assert order.sentence.endswith("forecast need")


def test_an_adjustment_tells_the_difference(world: World) -> None:
    contract = world.market.contracts.earliest("delivery_start")
    world.read({"shop": (12_003, 0)})
    resettle(contract_id=contract.pk, at=JULY_TENTH)
    close_month(world, at=JULY_TENTH + timedelta(days=1))
    adjustment = Invoice.objects.get(relation="adjustment", participant=world.people["shop"])
    for line in adjustment.lines.all():
        root = explain_line(adjustment.pk, line.position)
        assert sum(child.amount_millidong for child in root.children if child.kind == "day") == line.amount_millidong
        used = [child for told in nodes(root, "interval") for child in told.children if child.kind == "reading"]
        assert [child.sentence.endswith("Used.") for child in used] == [False, True]
    original = Invoice.objects.get(relation="original", participant=world.people["shop"])
    grid = original.lines.get(kind="grid_import", since=original.lines.first().since)
    root = explain_line(original.pk, grid.position)  # the invoice is told as it was made
    assert sum(child.amount_millidong for child in root.children if child.kind == "day") == grid.amount_millidong


def test_only_the_newest_intervals_are_told_and_the_rest_counted() -> None:
    world = make_billing_world()
    world.add("shop", retail=3_398)
    bill(world, "shop")
    for number in range(MOST_INTERVALS + 3):
        interval(world, TUESDAY_TEN + number * HALF_HOUR, {"shop": (1_000 + number, 0)})
    close_month(world)
    line = InvoiceLine.objects.get(kind="grid_import")
    root = explain_line(line.invoice_id, line.position)
    assert (len(nodes(root, "interval")), root.more) == (MOST_INTERVALS, 3)
    assert sum(child.amount_millidong for child in root.children if child.kind == "day") == line.amount_millidong
    assert len(nodes(root, "day")) == 2


def test_what_holds_in_many_intervals_is_asked_for_once(world: World) -> None:
    line = InvoiceLine.objects.get(kind="grid_import", invoice__participant__code="shop")
    with CaptureQueriesContext(connection) as asked:
        told = nodes(explain_line(line.invoice_id, line.position), "interval")
    assert len(told) == 3
    for table in ("meters_meteringpoint", "tariffs_tariffassignment", "tariffs_tariffrow", "settlement_settlementrun"):
        questions = [each["sql"] for each in asked if f'FROM "{table}"' in each["sql"]]
        assert len(questions) == 1, (table, questions)


def test_an_entry_alone(world: World) -> None:
    entries = LedgerEntry.objects.filter(account__kind="participant", transaction__run__isnull=False)
    for entry in entries:
        root = explain_entry(transaction_id=entry.transaction_id, account_id=entry.account_id)
        assert root.amount_millidong == entry.amount_millidong
        assert {"run", "reading"} <= {child.kind for child in root.children}
    operator = LedgerEntry.objects.filter(account__kind="operator").first()
    with pytest.raises(LedgerEntry.DoesNotExist):
        explain_entry(transaction_id=operator.transaction_id, account_id=operator.account_id)
