"""Candles of a contract: hand-computed buckets, in order of execution, on the clock of the site, never outdated."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.settlement_world import TUESDAY_TEN, World, make_world
from trading.models import Contract, Trade
from trading.queries import candles

pytestmark = pytest.mark.django_db

EIGHT = TUESDAY_TEN - timedelta(hours=2)  # 08:00 in Hồ Chí Minh City


@pytest.fixture
def world() -> World:
    world = make_world()
    world.add("roof")
    world.add("shop")
    return world


def deal(world: World, contract: Contract, at: datetime, wh: int, price: int) -> None:
    world.trade_no += 1
    number = world.trade_no
    Trade.objects.create(
        market=world.market, trade_no=number, seq=number, contract=contract, price=price, quantity_wh=wh, at=at,
        buyer=world.people["shop"], seller=world.people["roof"], buy_seq=number, sell_seq=number, taker_side=1,
    )  # fmt: skip


def minute(number: int, second: int = 0) -> datetime:
    return EIGHT + timedelta(minutes=number, seconds=second)


def three_trades(world: World) -> Contract:
    contract = world.contract()
    for at, wh, price in ((minute(1), 1_000, 1_650), (minute(4, 59), 500, 1_700), (minute(5), 2_000, 1_620)):
        deal(world, contract, at, wh, price)
    return contract


def test_buckets_have_open_high_low_close_volume_and_count(world: World) -> None:
    contract = three_trades(world)
    found = candles(contract.pk, 5)
    assert [tuple(candle) for candle in found.candles] == [
        (minute(0), 1_650, 1_700, 1_650, 1_700, 1_500, 2),
        (minute(5), 1_620, 1_620, 1_620, 1_620, 2_000, 1),
    ]
    # (1,000 × 1,650 + 500 × 1,700 + 2,000 × 1,620) / 3,500 = 1,640 exactly
    assert (found.vwap_price, found.volume_wh, found.last_trade_no) == (1_640, 3_500, 3)


@pytest.mark.parametrize(
    ("minutes", "opened"),
    [(1, [1, 4, 5]), (5, [0, 5]), (15, [0]), (30, [0]), (60, [0])],
)
def test_every_length_of_buckets(world: World, minutes: int, opened: list[int]) -> None:
    contract = three_trades(world)
    assert [candle.opened_at for candle in candles(contract.pk, minutes).candles] == [minute(n) for n in opened]


def test_open_and_close_follow_the_order_of_execution_within_a_moment(world: World) -> None:
    contract = world.contract()
    for price in (1_700, 1_500, 1_600):
        deal(world, contract, minute(0), 100, price)
    (only,) = candles(contract.pk, 1).candles
    assert only[1:5] == (1_700, 1_700, 1_500, 1_600)


def test_a_price_below_zero_is_a_price(world: World) -> None:
    contract = world.contract()
    deal(world, contract, minute(0), 100, -50)
    deal(world, contract, minute(0), 300, 10)
    found = candles(contract.pk, 15)
    assert found.candles[0][1:5] == (-50, 10, -50, 10)
    assert found.vwap_price == -5


def test_other_contracts_do_not_count_and_an_untraded_one_is_empty(world: World) -> None:
    contract, other = three_trades(world), world.contract(TUESDAY_TEN + timedelta(hours=1))
    assert candles(other.pk, 15).candles == ()
    assert candles(other.pk, 15).last_trade_no is None
    deal(world, other, minute(2), 100, 9_000)
    assert candles(contract.pk, 60).candles[0].high_price == 1_700


def test_what_is_traded_next_is_there_at_once(world: World) -> None:
    contract = three_trades(world)
    candles(contract.pk, 15)
    deal(world, contract, minute(16), 700, 1_690)
    again = candles(contract.pk, 15)
    assert (len(again.candles), again.last_trade_no, again.candles[-1].close_price) == (2, 4, 1_690)


def test_asking_again_does_not_add_the_trades_up_again(world: World, django_assert_num_queries) -> None:
    contract = three_trades(world)
    candles(contract.pk, 15)
    with django_assert_num_queries(2):
        assert len(candles(contract.pk, 15).candles) == 1


def test_only_the_last_buckets_where_there_are_more(world: World) -> None:
    contract = three_trades(world)
    found = candles(contract.pk, 1, limit=2)
    assert [candle.opened_at for candle in found.candles] == [minute(4), minute(5)]
    assert (found.vwap_price, found.volume_wh) == (1_640, 3_500)


def test_half_hours_begin_on_the_half_hours_of_the_sites_clock(world: World) -> None:
    world.site.timezone = "Asia/Kathmandu"  # UTC+5:45
    world.site.save()
    contract = world.contract()
    deal(world, contract, datetime(2026, 6, 2, 1, 20, tzinfo=UTC), 100, 1_500)  # 07:05 there
    (only,) = candles(contract.pk, 30).candles
    assert only.opened_at == datetime(2026, 6, 2, 1, 15, tzinfo=UTC)  # 07:00 there


def test_a_length_that_does_not_exist_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="not 7"):
        candles(world.contract().pk, 7)
