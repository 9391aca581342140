"""Limit ramps, forecasts, standing orders, the battery rule and market efficiency: planning without a database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meters.domain.storage import Battery
from meters.domain.storage.swap import SwapStation
from planning.domain.battery_rule import (
    Action,
    Slot,
    Store,
    act,
    dear_and_cheap,
    needs_wh,
    pays_to_store,
    plan,
    station_floor_pct,
)
from planning.domain.forecast import Energy, persistence, same_time_before
from planning.domain.orders import OpenOrder, Sizes, Wanted, client_order_id, messages
from planning.domain.ramp import STEPS, Band, buy_band, limit_price, line_price, sell_band, step_at
from simulator.domain.efficiency import Gains, Limit, gains
from trading.domain.messages import BUY, SELL, Amend, Cancel, New

HCM = ZoneInfo("Asia/Ho_Chi_Minh")
WIDE = Band(0, 9_999)
HOUR_MS = 3_600_000
prices = st.integers(-500, 9_999)


class TestRamp:
    def test_the_worked_example(self) -> None:
        closes = 48 * HOUR_MS
        assert (step_at(0, closes, 16 * HOUR_MS - 1), step_at(0, closes, 16 * HOUR_MS)) == (1, 2)
        assert line_price(2_250, 740, 2) == 1_646
        assert limit_price(SELL, 2_250, 740, 0, WIDE, 1) == 2_250
        assert limit_price(SELL, 2_250, 740, STEPS - 1, WIDE, 1) == 740
        assert limit_price(SELL, 2_250, 740, STEPS - 1, Band(760, 9_999), 1) == 760

    def test_there_is_no_step_outside_the_window(self) -> None:
        assert step_at(1_000, 2_000, 999) is None
        assert step_at(1_000, 2_000, 2_000) is None
        assert (step_at(1_000, 2_000, 1_000), step_at(1_000, 2_000, 1_999)) == (0, STEPS - 1)

    @given(far=prices, near=prices, side=st.sampled_from([BUY, SELL]), tick=st.sampled_from([1, 5, 10, 50]))
    def test_limits_move_one_way_and_stay_between_the_ends(self, far: int, near: int, side: int, tick: int) -> None:
        wide = Band(-100_000, 100_000)
        steps = [limit_price(side, far, near, step, wide, tick) for step in range(STEPS)]
        assert all(price is not None and price % tick == 0 for price in steps)
        assert steps == sorted(steps, reverse=near < far)
        low, high = min(far, near), max(far, near)
        assert all(low - tick < price < high + tick for price in steps)

    @given(far=prices, near=prices, step=st.integers(0, STEPS - 1), low=prices, high=prices, tick=st.integers(1, 60))
    def test_every_limit_is_on_the_tick_within_the_band(
        self, far: int, near: int, step: int, low: int, high: int, tick: int
    ) -> None:
        price = limit_price(SELL, far, near, step, Band(low, high), tick)
        if price is None:
            assert -(-low // tick) * tick > high // tick * tick
        else:
            assert price % tick == 0
            assert low <= price <= high

    def test_sellers_stay_above_what_the_grid_pays_and_buyers_below_what_it_charges(self) -> None:
        assert sell_band(WIDE, 671, 3_278) == Band(671, 3_278)
        assert buy_band(WIDE, 671, 1_190, 120) == Band(671, 1_070)
        assert limit_price(BUY, 760, 3_240, STEPS - 1, buy_band(WIDE, 671, 1_190, 120), 1) == 1_070
        assert limit_price(BUY, 760, 3_240, 0, buy_band(WIDE, 671, 700, 120), 1) is None


class TestForecast:
    tuesday = datetime(2026, 6, 9, 3, 0, tzinfo=UTC)  # 10:00 in Việt Nam

    def test_a_working_day_is_the_mean_of_the_last_three(self) -> None:
        days = same_time_before(self.tuesday, self.tuesday, 30, HCM)
        assert [day.astimezone(HCM).day for day in days] == [8, 5, 4, 7]
        loads = dict(zip(days, (1_000, 1_100, 900, 200), strict=True))
        history = {day: Energy(load, 0) for day, load in loads.items()}
        assert persistence(self.tuesday, days, history, HCM) == Energy(1_000, 0)

    def test_only_what_can_have_been_read_is_used(self) -> None:
        known_until = self.tuesday - timedelta(hours=48)
        days = same_time_before(self.tuesday, known_until, 30, HCM)
        assert all(day + timedelta(minutes=30) <= known_until for day in days)

    def test_a_first_weekend_takes_the_last_day_there_is(self) -> None:
        saturday = datetime(2026, 6, 6, 3, 0, tzinfo=UTC)
        friday = saturday - timedelta(days=1)
        days = same_time_before(saturday, saturday, 30, HCM)
        assert persistence(saturday, days, {friday: Energy(7, 3)}, HCM) == Energy(7, 3)

    def test_without_any_reading_there_is_no_forecast(self) -> None:
        days = same_time_before(self.tuesday, self.tuesday, 30, HCM)
        assert persistence(self.tuesday, days, {}, HCM) is None


class TestStandingOrders:
    sizes = Sizes(lot_wh=100, min_wh=100, max_wh=1_000_000)

    def test_a_first_order_has_an_id_that_follows_from_the_step(self) -> None:
        (message,) = messages(7, 31, 2, [Wanted(SELL, 1_250, 1_495)], [], self.sizes)
        assert message == New(7, "si-31-s-2", 31, SELL, 1_200, 1_495)
        assert client_order_id(31, BUY, 0) == "si-31-b-0"

    def test_the_worked_example_amends_to_a_total(self) -> None:
        order = OpenOrder("si-31-s-0", SELL, 1_750, 500, 1_500)
        (message,) = messages(7, 31, 3, [Wanted(SELL, 1_200, 1_495)], [order], self.sizes)
        assert message == Amend(7, "si-31-s-0", 1_700, 1_495)

    def test_what_is_right_is_left_alone(self) -> None:
        order = OpenOrder("si-31-s-0", SELL, 1_750, 0, 1_500)
        assert messages(7, 31, 1, [Wanted(SELL, 1_599, 1_750)], [order], self.sizes) == []

    def test_a_change_of_side_cancels_before_it_places(self) -> None:
        order = OpenOrder("si-31-s-0", SELL, 1_750, 0, 1_500)
        told = messages(7, 31, 4, [Wanted(SELL, 0, 1_495), Wanted(BUY, 800, 900)], [order], self.sizes)
        assert told == [Cancel(7, "si-31-s-0"), New(7, "si-31-b-4", 31, BUY, 800, 900)]

    @pytest.mark.parametrize("wanted", [Wanted(SELL, 99, 1_495), Wanted(SELL, 5_000, None)])
    def test_less_than_a_lot_or_no_sensible_price_cancels(self, wanted: Wanted) -> None:
        order = OpenOrder("si-31-s-0", SELL, 1_750, 0, 1_500)
        assert messages(7, 31, 4, [wanted], [order], self.sizes) == [Cancel(7, "si-31-s-0")]


BATTERY = Battery(capacity_wh=10_000, charge_w=5_000, discharge_w=5_000, reserve_pct=30)
STORE = Store(BATTERY, 30)
slots = st.builds(
    Slot,
    net_wh=st.integers(-3_000, 3_000),
    bought_wh=st.integers(0, 2_000),
    sold_wh=st.integers(0, 2_000),
    dear=st.booleans(),
    cheap=st.booleans(),
)


class TestBatteryRule:
    def test_own_surplus_is_stored_and_given_back_in_the_evening(self) -> None:
        assert act(STORE, 6_000, Slot(1_500), 0) == Action(1_500, 0)
        assert act(STORE, 6_000, Slot(-1_200), 0) == Action(0, 0)
        assert act(STORE, 6_000, Slot(-1_200, dear=True), 0) == Action(0, 1_200)

    def test_what_was_sold_comes_first_and_is_kept_for(self) -> None:
        assert act(STORE, 6_000, Slot(0, sold_wh=2_000), 0) == Action(0, 2_000)
        evening = [Slot(0, sold_wh=2_000)]
        need = needs_wh(STORE, evening)[0]
        assert act(STORE, 6_000, Slot(-1_200, dear=True), need) == Action(0, BATTERY.deliverable_wh(6_000 - need))

    def test_the_worked_example_of_an_offer(self) -> None:
        (planned,) = plan(STORE, 6_000, [Slot(-1_200, dear=True)], [True])
        assert planned.discharge_wh == 2_500
        assert planned.sell_wh == 1_300
        assert planned.buy_wh == 0

    def test_an_owner_that_lives_from_trade_bids_outside_the_dear_hours_only(self) -> None:
        store = Store(BATTERY, 30, stores=True)
        cheap, dear = plan(store, 3_000, [Slot(0), Slot(0, dear=True)], [True, True])
        assert (cheap.buy_wh, cheap.sell_wh) == (2_500, 0)
        assert dear.buy_wh == 0

    def test_bids_assume_that_earlier_bids_are_filled(self) -> None:
        store = Store(BATTERY, 30, stores=True)
        bids = [planned.buy_wh for planned in plan(store, 3_000, [Slot(0)] * 6, [True] * 6)]
        assert sum(BATTERY.stored_wh(bid) for bid in bids) <= 7_000
        assert bids[:2] == [2_500, 2_500]
        assert bids[-1] < 100  # less than a lot: rounding

    def test_offers_do_not_count_on_unfilled_bids(self) -> None:
        store = Store(BATTERY, 30, stores=True)
        _, dear = plan(store, 3_000, [Slot(0), Slot(0, dear=True)], [True, True])
        assert dear.sell_wh == 0

    def test_a_station_fills_up_when_it_is_cheapest(self) -> None:
        station = Store(BATTERY, 30, top_up=True)
        assert act(station, 3_000, Slot(-500, cheap=True), 0) == Action(2_500, 0)
        assert act(STORE, 3_000, Slot(-500, cheap=True), 0) == Action(0, 0)

    @given(st.lists(slots, min_size=1, max_size=12), st.integers(0, 10_000))
    def test_trading_never_takes_it_below_its_reserve_nor_above_its_capacity(
        self, course: list[Slot], soc_wh: int
    ) -> None:
        needs = needs_wh(STORE, course)
        for slot, need in zip(course, needs[1:], strict=True):
            action = act(STORE, soc_wh, slot, need)
            after = STORE.after(soc_wh, action)
            assert not (action.charge_wh and action.discharge_wh)
            assert action.charge_wh <= STORE.most_in_wh and action.discharge_wh <= STORE.most_out_wh
            assert after >= min(soc_wh, BATTERY.keep_wh)
            assert after <= BATTERY.capacity_wh
            soc_wh = after

    @given(st.lists(slots, min_size=1, max_size=10), st.integers(0, 10_000))
    def test_all_that_is_offered_can_be_delivered_when_it_is_taken(self, course: list[Slot], soc_wh: int) -> None:
        course = [slot._replace(sold_wh=0) for slot in course]
        planned = plan(STORE, soc_wh, course, [True] * len(course))
        sold = [slot._replace(sold_wh=offer.sell_wh) for slot, offer in zip(course, planned, strict=True)]
        needs = needs_wh(STORE, sold)
        for slot, need in zip(sold, needs[1:], strict=True):
            action = act(STORE, soc_wh, slot, need)
            assert action.discharge_wh >= slot.promised_wh
            soc_wh = STORE.after(soc_wh, action)

    def test_dear_hours_are_the_peak_or_the_evening(self) -> None:
        minutes = [9 * 60, 10 * 60, 18 * 60]
        assert dear_and_cheap([1_190, 3_398, 1_833], minutes) == ([False, True, False], [True, False, False])
        assert dear_and_cheap([2_465] * 3, minutes) == ([False, False, True], [False] * 3)

    def test_storing_must_pay_for_its_losses(self) -> None:
        assert pays_to_store(1_350, 1_500, 900_000)
        assert not pays_to_store(1_351, 1_500, 900_000)
        assert not pays_to_store(None, 1_500, 900_000)

    def test_the_worked_example_of_a_station(self) -> None:
        assert station_floor_pct(SwapStation(1_500, 10, 700), 40, [14]) == 48
        assert station_floor_pct(SwapStation(1_500, 10, 700), 40, []) == 100


class TestEfficiency:
    def test_the_worked_example(self) -> None:
        orders = [
            Limit(1, 2_000, 10_000, 10_000),
            Limit(1, 1_500, 10_000, 10_000),
            Limit(-1, 900, 10_000, 10_000),
            Limit(-1, 1_600, 10_000, 10_000),
        ]
        assert gains(orders) == Gains(10_000_000, 11_000_000)

    def test_one_side_alone_gains_nothing(self) -> None:
        assert gains([Limit(1, 2_000, 10, 0)]) == Gains(0, 0)
        assert gains([]) == Gains(0, 0)

    @given(
        st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=6),
        st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=6),
    )
    def test_the_optimum_is_that_of_single_watt_hours(
        self, bids: list[tuple[int, int]], asks: list[tuple[int, int]]
    ) -> None:
        orders = [Limit(1, *bid, 0) for bid in bids] + [Limit(-1, *ask, 0) for ask in asks]
        buyers = sorted((price for price, wh in bids for _ in range(wh)), reverse=True)
        sellers = sorted(price for price, wh in asks for _ in range(wh))
        pairs = zip(buyers, sellers, strict=False)
        assert gains(orders).optimum_millidong == sum(max(0, bid - ask) for bid, ask in pairs)
