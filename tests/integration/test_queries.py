"""What is read of a market: books, contracts, prices, events, and who may see what."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from django.db import connection

from accounts.models import Membership, User
from tests.factories import NOON, make_market, make_participants, open_contracts
from trading import queries
from trading.domain.messages import BUY, SELL, Cancel, New
from trading.models import Contract, Market
from trading.operations import submit
from trading.queries.view import one_view

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def market():
    return make_market()


def take(market, *messages):
    return submit(market.pk, messages, by=None, at=NOON)


def test_a_book_has_its_best_levels_first_and_the_number_of_its_last_event(market) -> None:
    (party,) = make_participants(1)
    contract = open_contracts(market)[0]
    prices = (1_500, 1_400, 1_500, 1_300)
    take(market, *[New(party.pk, f"b{n}", contract.pk, BUY, 1_000, price) for n, price in enumerate(prices)])
    take(market, New(party.pk, "s", contract.pk, SELL, 700, 1_600))
    view = queries.book(contract.pk, market.pk, depth=2)
    assert view.bids == [(1_500, 2_000, 2), (1_400, 1_000, 1)]
    assert view.asks == [(1_600, 700, 1)]
    assert view.seq == queries.last_seq(market.pk)


def test_the_public_sees_the_clip_of_an_iceberg_and_the_auction_counts_all_of_it() -> None:
    market = make_market(call_ends_minutes=30)
    seller, buyer = make_participants(2)
    contract = next(c for c in open_contracts(market) if c.state == Contract.State.CALL)
    take(market, New(seller.pk, "ice", contract.pk, SELL, 5_000, 1_500, display_wh=500))
    take(market, New(buyer.pk, "b", contract.pk, BUY, 3_000, 1_600))
    assert queries.book(contract.pk, market.pk).asks == [(1_500, 500, 1)]
    row = queries.contract(market.pk, contract.pk)
    assert (row.state, row.indicative_price, row.indicative_wh) == ("CALL", 1_500, 3_000)
    assert (row.best_bid, row.best_ask) == (1_600, 1_500)


def test_a_contract_row_says_what_was_traded(market) -> None:
    seller, buyer = make_participants(2)
    contract = open_contracts(market)[0]
    take(
        market,
        New(seller.pk, "a", contract.pk, SELL, 1_000, 1_500),
        New(seller.pk, "b", contract.pk, SELL, 3_000, 1_700),
    )
    take(market, New(buyer.pk, "c", contract.pk, BUY, 4_000, 1_700))
    row = queries.contract(market.pk, contract.pk)
    assert (row.name, row.product, row.state) == ("12:30–13:00", "P30", "CONTINUOUS")
    assert (row.last_price, row.high_price, row.low_price) == (1_700, 1_700, 1_500)
    assert (row.volume_wh, row.vwap_price) == (4_000, 1_650)
    assert (row.best_bid, row.best_ask, row.indicative_price) == (None, None, None)
    assert queries.contract(market.pk, 999_999) is None


def test_a_halted_market_says_so_in_its_contracts_that_could_be_traded(market) -> None:
    Market.objects.filter(pk=market.pk).update(halted=True)
    states = {row.state for row in queries.contracts(market.pk, NOON, NOON + timedelta(hours=1))}
    assert "HALTED" in states and "CONTINUOUS" not in states


def test_the_prices_of_a_day_are_those_of_the_local_day(market) -> None:
    seller, buyer = make_participants(2)
    contract = open_contracts(market)[0]
    take(
        market, New(seller.pk, "a", contract.pk, SELL, 1_000, 1_500), New(buyer.pk, "b", contract.pk, BUY, 1_000, 1_500)
    )
    tz = queries.market_by_code("m").tz
    rows = queries.day_prices(market.pk, date(2026, 6, 1), tz)
    assert rows[0].name == "12:00–12:30" and rows == sorted(rows, key=lambda row: row.delivery_start)
    traded = next(row for row in rows if row.contract_id == contract.pk)
    assert (traded.vwap_price, traded.last_price, traded.volume_wh) == (1_500, 1_500, 1_000)
    assert all(row.vwap_price is None for row in rows if row is not traded)
    assert queries.day_prices(market.pk, date(2026, 6, 2), tz) == []


def test_public_events_name_nobody_and_own_events_only_oneself(market) -> None:
    mine, other = make_participants(2)
    contract = open_contracts(market)[0]
    start = queries.last_seq(market.pk)
    take(
        market,
        New(mine.pk, "mine", contract.pk, SELL, 1_000, 1_500),
        New(other.pk, "their-secret", contract.pk, BUY, 600, 1_500),
    )
    first, second = queries.public_events(market.pk, start)
    assert (first.seq, second.seq) == (start + 1, start + 2)
    assert first.book == [[contract.pk, SELL, 1_500, 1_000, 1]]
    assert second.book == [[contract.pk, SELL, 1_500, -600, 0]]
    (trade,) = second.trades
    assert (trade.price, trade.quantity_wh, trade.taker_side, trade.at) == (1_500, 600, BUY, NOON)
    public = msgspec.json.encode([first, second]).decode()
    assert "secret" not in public and "participant" not in public and "buyer" not in public
    own = queries.own_events(market.pk, [mine.pk], start)
    assert [[order["client_order_id"] for order in event.orders] for event in own] == [["mine"], ["mine"]]
    assert own[1].orders[0]["remaining_wh"] == 400 and own[1].orders[0]["status"] == "partially_filled"
    assert [event.seq for event in queries.events(market.pk, start + 1)] == [start + 2]


def test_own_orders_are_those_of_the_participants_asked_for(market) -> None:
    mine, other = make_participants(2)
    first, second = open_contracts(market)[:2]
    take(market, New(mine.pk, "a", first.pk, SELL, 1_000, 1_500), New(mine.pk, "b", second.pk, SELL, 1_000, 1_500))
    take(market, New(other.pk, "c", first.pk, SELL, 1_000, 1_500), Cancel(mine.pk, "a"))

    def names(own):
        return [order.client_order_id for order in own.orders]

    assert names(queries.own_orders(market.pk, [mine.pk])) == ["b"]
    assert names(queries.own_orders(market.pk, [mine.pk], open_only=False)) == ["b", "a"]
    assert names(queries.own_orders(market.pk, [mine.pk], open_only=False, contract_id=first.pk)) == ["a"]
    assert queries.own_orders(market.pk, []).orders == []


def test_a_snapshot_holds_every_open_contract_and_its_book(market) -> None:
    seller, buyer = make_participants(2)
    contract = open_contracts(market)[0]
    take(market, New(seller.pk, "a", contract.pk, SELL, 1_000, 1_500), New(buyer.pk, "b", contract.pk, BUY, 400, 1_500))
    view = queries.snapshot(market.pk)
    assert view.seq == queries.last_seq(market.pk)
    assert set(view.books) == {row.contract_id for row in view.contracts}
    assert view.books[contract.pk].asks == [(1_500, 600, 1)] and view.books[contract.pk].bids == []
    assert [trade.quantity_wh for trade in view.trades] == [400]
    assert queries.mirror(market.pk).levels == [(contract.pk, SELL, 1_500, 600, 1)]


def test_reads_of_one_view_see_one_moment_and_cannot_write(market) -> None:
    import threading

    (party,) = make_participants(1)
    contract = open_contracts(market)[0]

    def elsewhere() -> None:
        take(market, New(party.pk, "late", contract.pk, SELL, 1_000, 1_500))
        connection.close()

    with one_view():
        before = queries.last_seq(market.pk)
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        assert queries.last_seq(market.pk) == before
        assert queries.mirror(market.pk).levels == []
    assert queries.last_seq(market.pk) == before + 1


def test_a_user_lands_in_the_first_market_of_its_participants(market) -> None:
    second = make_market("second")
    (party,) = make_participants(1, market=second)
    member, guest = User.objects.create_user("member"), User.objects.create_user("guest")
    Membership.objects.create(user=member, participant=party, role=Membership.Role.VIEWER)
    assert queries.default_market(member.pk).code == "second"
    assert queries.default_market(guest.pk).code == "m"
    assert [own.id for own in queries.own_participants(second.pk, member.pk)] == [party.pk]
    assert queries.own_participants(market.pk, member.pk) == []
    assert queries.market_by_code("nowhere") is None
    assert [row.code for row in queries.markets()] == ["m", "second"]


def test_market_time_runs_at_its_rate_and_waits_for_its_start() -> None:
    wall = datetime(2026, 11, 21, 14, tzinfo=UTC)
    market = make_market("fast", clock_rate=60, clock_at=NOON, clock_started_at=wall)
    assert queries.market_now(market, wall + timedelta(seconds=30)) == NOON + timedelta(minutes=30)
    assert queries.market_now(market, wall - timedelta(seconds=30)) == NOON
    assert queries.market_now(make_market("wall"), wall) == wall
