"""A rehearsal tells what an order would come to, by the rules and limits of the market, and leaves no trace."""

import threading

import pytest
from django.db import connections

from tests.factories import NOON, give_panels, make_market, make_participants, open_contracts
from trading.domain.messages import BUY, FOK, SELL, Amend, New
from trading.models import Admission, Command, Order
from trading.operations import Room, UnknownMarket, rehearse, submit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def market():
    return make_market()


def take(market, *messages):
    replies = submit(market.pk, messages, by=None, at=NOON)
    assert not [reply for reply in replies if reply.rejected]


def test_it_tells_the_fills_and_writes_nothing(market) -> None:
    seller, buyer = make_participants(2)
    contract = open_contracts(market)[0].pk
    take(market, New(seller.pk, "a", contract, SELL, 20_000, 1_650), New(seller.pk, "b", contract, SELL, 12_000, 1_700))
    (found,) = rehearse(market.pk, [New(buyer.pk, "x", contract, BUY, 25_000, 1_700)], at=NOON)
    assert (found.result, found.status) == ("accepted", "filled")
    assert found.fills == ((1_650, 20_000), (1_700, 5_000))
    assert (found.filled_wh, found.value_millidong) == (25_000, 41_500_000)
    assert (Command.objects.filter(op="new").count(), Order.objects.count()) == (2, 2)
    (real,) = submit(market.pk, [New(buyer.pk, "x", contract, BUY, 25_000, 1_700)], by=None, at=NOON)
    assert tuple((fill.price, fill.quantity_wh) for fill in real.trades) == found.fills


def test_it_does_not_tell_what_an_iceberg_hides(market) -> None:
    seller, buyer = make_participants(2)
    contract = open_contracts(market)[0].pk
    take(market, New(seller.pk, "a", contract, SELL, 20_000, 1_650, display_wh=1_000))
    kill = New(buyer.pk, "x", contract, BUY, 5_000, 1_650, tif=FOK)
    plain, killed = rehearse(market.pk, [New(buyer.pk, "y", contract, BUY, 5_000, 1_650), kill], at=NOON)
    assert plain.fills == ((1_650, 1_000),) and plain.remaining_wh == 4_000
    assert (killed.status, killed.reason) == ("cancelled", "fok_killed")
    own = rehearse(market.pk, [Amend(seller.pk, "a", 19_000)], at=NOON)
    assert own[0].remaining_wh == 19_000


def test_refusals_carry_reason_and_bound(market) -> None:
    (party,) = make_participants(1)
    contract = open_contracts(market)[0].pk
    found = rehearse(market.pk, [New(party.pk, "x", contract, BUY, 150, 1_650)], at=NOON)
    assert (found[0].rejected, found[0].reason, found[0].bound) == (True, "invalid_quantity_lot", 100)
    with pytest.raises(UnknownMarket):
        rehearse(999_999, [New(party.pk, "x", contract, BUY, 100, 1_650)], at=NOON)


def test_rooms_say_what_is_left_before_and_after() -> None:
    market = make_market(limits_enforced=True)
    (party,) = make_participants(1, market=market)
    Admission.objects.update(credit_limit_millidong=100_000_000)
    give_panels(party, 20_000)
    contract = open_contracts(market)[0].pk
    messages = [New(party.pk, "b", contract, BUY, 10_000, 1_000), New(party.pk, "s", contract, SELL, 3_000, 2_000)]
    bought, sold = rehearse(market.pk, messages, at=NOON, rooms=True)
    assert (bought.before, bought.after) == (Room(100_000_000), Room(90_000_000))
    assert (sold.before, sold.after) == (Room(90_000_000, 11_000), Room(90_000_000, 8_000))


def test_a_rehearsal_does_not_wait_for_the_market(market) -> None:
    (party,) = make_participants(1)
    contract = open_contracts(market)[0].pk
    found = []

    def look() -> None:
        found.extend(rehearse(market.pk, [New(party.pk, "x", contract, BUY, 100, 1_650)], at=NOON))
        connections.close_all()

    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM trading_market WHERE id = %s FOR NO KEY UPDATE", (market.pk,))
        other = threading.Thread(target=look)
        other.start()
        other.join(timeout=20)
        assert [each.status for each in found] == ["open"]
