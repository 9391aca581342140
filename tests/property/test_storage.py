"""Storage against the slow and obvious: step-by-step simulation, and brute force over every possible sale."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from meters.domain.storage import (
    Battery,
    Commitment,
    Ev,
    Origin,
    OriginLots,
    SwapStation,
    available_wh,
    ev_headroom,
    ev_shortfall,
    headroom,
    headrooms,
    shortfall,
    swap_headroom,
)

MINUTES = 30
small = st.integers(0, 40)
efficiencies = st.sampled_from([1_000_000, 250_000, 640_000, 810_000, 900_000, 999_999, 1])
batteries = st.builds(
    Battery,
    capacity_wh=st.integers(20, 60),
    charge_w=st.integers(0, 40),
    discharge_w=st.integers(0, 80),
    round_trip_ppm=efficiencies,
    floor_pct=st.sampled_from([0, 10, 33]),
    reserve_pct=st.sampled_from([0, 20, 50]),
)
schedules = st.lists(
    st.builds(Commitment, st.one_of(st.just(0), small), st.one_of(st.just(0), st.integers(0, 12))), max_size=6
)
large_batteries = st.builds(
    Battery,
    capacity_wh=st.integers(0, 3_000_000),
    charge_w=st.integers(0, 2_000_000),
    discharge_w=st.integers(0, 2_000_000),
    round_trip_ppm=st.integers(1, 1_000_000),
    floor_pct=st.integers(0, 100),
    reserve_pct=st.integers(0, 100),
)
large_schedules = st.lists(
    st.builds(Commitment, st.integers(0, 500_000), st.one_of(st.just(0), st.integers(0, 200_000))), max_size=40
)


def plus(schedule: list[Commitment], index: int, wh: int) -> list[Commitment]:
    padded = [*schedule, *[Commitment()] * (index + 1 - len(schedule))]
    padded[index] = Commitment(padded[index].charge_wh, padded[index].discharge_wh + wh)
    return padded


def accepted(schedule: list[Commitment], broken) -> list[Commitment]:
    """The schedule without the sales that would break what was sold before them in the list."""
    taken: list[Commitment] = []
    for charge, discharge in schedule:
        taken.append(Commitment(charge, discharge))
        if broken(taken) is not None:
            taken[-1] = Commitment(charge, 0)
    return taken


def largest(accepts, top: int) -> int:
    """The largest sale up to `top` that is accepted, all smaller ones being accepted too; 0 where none is."""
    sale = 0
    while sale < top and accepts(sale + 1):
        sale += 1
    assert not any(accepts(more) for more in range(sale + 1, top + 1))
    return sale


@settings(max_examples=400)
@given(batteries, small, schedules, st.integers(0, 7), st.sampled_from([0, 0, 5]))
def test_headroom_is_the_brute_force_maximum(battery, soc, schedule, index, reserved):
    schedule = accepted(schedule, lambda taken: shortfall(battery, soc, taken, MINUTES, reserved))
    top = battery.capacity_wh + battery.discharge_w
    found = headroom(battery, soc, schedule, index, MINUTES, reserved)
    assert found == largest(
        lambda wh: shortfall(battery, soc, plus(schedule, index, wh), MINUTES, reserved) is None, top
    )
    if index < len(schedule):
        assert headrooms(battery, soc, schedule, MINUTES, reserved)[index] == found


@given(large_batteries, st.integers(0, 3_000_000), large_schedules, st.integers(0, 45))
def test_headroom_is_exact_on_real_sizes(battery, soc, schedule, index):
    if shortfall(battery, soc, schedule, MINUTES) is not None:
        assert headroom(battery, soc, schedule, index, MINUTES) == 0
    schedule = accepted(schedule, lambda taken: shortfall(battery, soc, taken, MINUTES))
    found = headroom(battery, soc, schedule, index, MINUTES)
    assert shortfall(battery, soc, plus(schedule, index, found), MINUTES) is None
    assert shortfall(battery, soc, plus(schedule, index, found + 1), MINUTES) is not None


@given(large_batteries, st.integers(0, 3_000_000), large_schedules)
def test_an_accepted_schedule_never_sinks_below_the_reserve_by_selling(battery, soc, schedule):
    """Simulated without rounding; within an interval the charge moves in a line, so its two ends bound it."""
    soc = min(soc, battery.capacity_wh)
    schedule = accepted(schedule, lambda taken: shortfall(battery, soc, taken, MINUTES))
    held = soc
    power_wh = battery.charge_w * MINUTES / 60
    for charge, discharge in schedule:
        assert discharge * 60 <= battery.discharge_w * MINUTES
        before = held
        held += min(charge, power_wh) * battery.one_way_ppm / 1_000_000
        held = min(held, battery.capacity_wh) - discharge * 1_000_000 / battery.one_way_ppm
        if discharge:
            assert min(before, held) >= min(before, battery.keep_wh) - 1e-3
            assert held >= battery.keep_wh - 1e-3


@given(large_batteries, st.integers(0, 3_000_000), large_schedules, st.integers(0, 45), st.integers(0, 200_000))
def test_headroom_is_monotone(battery, soc, schedule, index, wh):
    found = headroom(battery, soc, schedule, index, MINUTES)
    assert headroom(battery, soc + wh, schedule, index, MINUTES) >= found
    assert headroom(battery, soc, schedule, index, MINUTES, reserved_wh=wh) <= found
    assert headroom(battery, soc, plus(schedule, index, wh), index, MINUTES) == max(0, found - wh)
    other = (index + 3) % 46
    assert headroom(battery, soc, plus(schedule, other, wh), index, MINUTES) <= found
    assert found <= available_wh(battery, battery.capacity_wh + soc, 0, MINUTES)


@given(large_batteries, st.integers(0, 3_000_000), st.integers(0, 500_000))
def test_a_lone_sale_is_what_is_available(battery, soc, reserved):
    soc = min(soc, battery.capacity_wh)
    assert headroom(battery, soc, [], 0, MINUTES, reserved) == available_wh(battery, soc, reserved, MINUTES)


@given(large_batteries, st.integers(0, 3_000_000))
def test_drawing_and_delivering_undo_each_other(battery, wh):
    assert battery.deliverable_wh(battery.drawn_wh(wh)) >= wh
    assert battery.drawn_wh(battery.deliverable_wh(wh)) <= wh
    assert battery.drawn_wh(battery.deliverable_wh(wh) + 1) > wh


cars = st.builds(
    Ev,
    capacity_wh=st.integers(40, 60),
    charge_w=st.integers(0, 40),
    discharge_w=st.integers(0, 80),
    plugged_from=st.integers(0, 1),
    plugged_to=st.integers(4, 8),
    departure_index=st.integers(4, 8),
    target_wh=st.integers(0, 45),
    consent=st.sampled_from([True, True, True, False]),
    min_pct=st.sampled_from([0, 30]),
    round_trip_ppm=efficiencies,
)
car_schedules = st.lists(st.builds(Commitment, st.integers(0, 20), st.sampled_from([0, 0, 0, 1, 4])), max_size=5)
charges = st.integers(0, 60)


@settings(max_examples=400)
@given(cars, charges, car_schedules, st.integers(0, 8))
def test_car_sells_the_brute_force_maximum(car, soc, schedule, index):
    if ev_shortfall(car, soc, schedule, MINUTES) is not None:
        assert ev_headroom(car, soc, schedule, index, MINUTES) == 0
    schedule = accepted(schedule, lambda taken: ev_shortfall(car, soc, taken, MINUTES))
    found = ev_headroom(car, soc, schedule, index, MINUTES)

    def accepts(wh: int) -> bool:
        return ev_shortfall(car, soc, plus(schedule, index, wh), MINUTES) is None

    assert found == largest(accepts, car.capacity_wh + car.discharge_w)


@given(cars.filter(lambda car: car.consent), charges, car_schedules, st.integers(1, 3))
def test_car_that_sold_still_reaches_its_target_at_full_power(car, soc, schedule, index):
    schedule = accepted(schedule, lambda taken: ev_shortfall(car, soc, taken, MINUTES))
    schedule = plus(schedule, index, ev_headroom(car, soc, schedule, index, MINUTES))
    sales = [at for at, commitment in enumerate(schedule) if commitment.discharge_wh]
    if not sales:
        return
    battery, last_sale, held = car.battery, sales[-1], soc
    for at in range(car.departure_index):
        charge, discharge = schedule[at] if at < len(schedule) else Commitment()
        there = car.plugged_from <= at < car.plugged_to
        assert there or not discharge
        full_power = car.charge_w * MINUTES // 60
        charge = (full_power if at > last_sale else min(charge, full_power)) if there else 0
        held = min(battery.capacity_wh, held + battery.stored_wh(charge)) - battery.drawn_wh(discharge)
        assert not discharge or held * 100 >= car.capacity_wh * car.min_pct
    assert held >= car.target_wh


@settings(max_examples=400)
@given(
    st.builds(
        SwapStation, st.integers(1, 30), st.integers(0, 4), st.integers(0, 40), st.integers(1, 100), efficiencies
    ),
    st.integers(0, 8),
    st.lists(st.integers(0, 30), max_size=4),
    st.integers(0, 5),
)
def test_station_sells_the_brute_force_maximum(station, free, sold, index):
    def accepts(wh: int) -> bool:
        sales = [*sold, *[0] * (index + 1 - len(sold))]
        sales[index] += wh
        opened = 0
        for sale in sales:
            packs = 0
            while station.held_by(packs) < sale:
                packs += 1
            opened += packs
        return opened <= free and sales[index] * 60 <= station.slots * station.slot_w * MINUTES

    assume(station.held_by(1) > 0)
    assert swap_headroom(station, free, sold, index, MINUTES) == largest(accepts, 90)


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(Origin), st.integers(0, 5_000)),
        st.tuples(st.just("sell"), st.integers(0, 5_000)),
        st.tuples(st.just("found"), st.integers(0, 9_000)),
    ),
    max_size=30,
)


@given(steps, efficiencies)
def test_origin_keeps_every_sum_and_never_overstates_green(steps, round_trip_ppm):
    battery = Battery(10**6, 10**6, 10**6, round_trip_ppm=round_trip_ppm)
    lots, green_in, green_out = OriginLots(), 0, 0
    for what, wh in steps:
        before = lots.held_wh
        if what == "found":
            lots = lots.reconcile(wh)
            assert lots.held_wh == wh
        elif what != "sell":
            lots = lots.charge(battery, what, wh)
            green_in += wh if what is Origin.PV else 0
            assert lots.held_wh == before + battery.stored_wh(wh)
        elif battery.drawn_wh(wh) <= before:
            lots, out = lots.discharge(battery, wh)
            green_out += out[Origin.PV]
            assert sum(out.values()) == wh
            assert min(out.values()) >= 0
            assert lots.held_wh == before - battery.drawn_wh(wh)
        assert all(lot.wh > 0 for lot in lots.lots)
        assert sum(lots.by_origin().values()) == lots.held_wh
        assert (green_out + battery.deliverable_wh(lots.by_origin()[Origin.PV])) * 10**6 <= green_in * round_trip_ppm
