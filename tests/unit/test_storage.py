"""Storage: the rules one by one, and every table and example of docs/algorithms/storage.md."""

import re
from pathlib import Path

import pytest

from meters.domain.storage import (
    Battery,
    Commitment,
    Ev,
    Lot,
    Origin,
    OriginLots,
    StorageError,
    SwapStation,
    available_wh,
    ev_headroom,
    ev_shortfall,
    free_packs,
    headroom,
    headrooms,
    q95,
    shortfall,
    swap_available_wh,
    swap_headroom,
)
from meters.domain.storage.battery import Path as StoragePath

DOC = Path(__file__).parents[2] / "docs" / "algorithms" / "storage.md"
BATTERY = Battery(10_000, 5_000, 5_000, reserve_pct=30)
CAR = Ev(60_000, 7_000, 7_000, plugged_from=0, plugged_to=40, departure_index=6, target_wh=48_000, consent=True)
STATION = SwapStation(pack_wh=1_500, slots=4, slot_w=3_000)


def table(title: str) -> list[list[str]]:
    """The rows below the header of the table that follows `title` in the document."""
    section = DOC.read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def number(text: str) -> int:
    return int(re.sub(r"[^0-9]", "", text) or 0)


def sold(*wh: int) -> list[Commitment]:
    return [Commitment(discharge_wh=each) for each in wh]


class TestBattery:
    def test_efficiency_is_the_root_rounded_down(self):
        assert BATTERY.one_way_ppm == 948_683
        assert Battery(1, 1, 1, round_trip_ppm=1_000_000).one_way_ppm == 1_000_000
        assert Battery(1, 1, 1, round_trip_ppm=810_000).one_way_ppm == 900_000

    def test_keeps_the_larger_of_floor_and_reserve_rounded_up(self):
        assert Battery(10_000, 1, 1).keep_wh == 1_000
        assert BATTERY.keep_wh == 3_000
        assert Battery(10_001, 1, 1, floor_pct=10, reserve_pct=5).keep_wh == 1_001

    @pytest.mark.parametrize(
        "wrong",
        [
            {"capacity_wh": -1},
            {"charge_w": -1},
            {"discharge_w": -1},
            {"round_trip_ppm": 0},
            {"round_trip_ppm": 1_000_001},
            {"floor_pct": 101},
            {"reserve_pct": -1},
        ],
    )
    def test_impossible_ones_are_refused(self, wrong):
        with pytest.raises(StorageError) as refused:
            Battery(**{"capacity_wh": 1, "charge_w": 1, "discharge_w": 1} | wrong)
        assert refused.value.code == "impossible_battery"

    def test_rounding_never_overstates(self):
        assert BATTERY.stored_wh(1_000) == 948
        assert BATTERY.drawn_wh(1_000) == 1_055
        assert BATTERY.deliverable_wh(1_055) == 1_000
        assert BATTERY.deliverable_wh(1_054) == 999

    @pytest.mark.parametrize(
        ("soc_wh", "reserved_wh", "expected"),
        [(10_000, 0, 2_500), (5_000, 0, 1_897), (5_000, 1_000, 948), (3_000, 0, 0), (0, 0, 0), (3_000, 5_000, 0)],
    )
    def test_available(self, soc_wh, reserved_wh, expected):
        assert available_wh(BATTERY, soc_wh, reserved_wh, 30) == expected


class TestSchedule:
    def test_worked_table(self):
        rows = table("A battery over an afternoon")
        commitments = [Commitment(number(row[1]), number(row[2])) for row in rows]
        path = StoragePath(BATTERY, 30, BATTERY.keep_wh)
        assert path.forward(6_000, commitments)[1:] == [number(row[3]) for row in rows]
        assert headrooms(BATTERY, 6_000, commitments, 30) == [number(row[4]) for row in rows]
        assert shortfall(BATTERY, 6_000, commitments, 30) is None

    def test_docstring_example(self):
        assert headroom(BATTERY, 6_000, sold(0, 1_000), 0, 30) == 1_845

    def test_a_later_sale_is_protected(self):
        assert shortfall(BATTERY, 6_000, sold(1_845, 1_000), 30) is None
        assert shortfall(BATTERY, 6_000, sold(1_846, 1_000), 30) == 1

    def test_power_limit(self):
        assert shortfall(BATTERY, 10_000, sold(0, 2_501), 30) == 1
        assert headroom(BATTERY, 10_000, sold(2_000), 0, 30) == 500

    def test_charge_bought_in_between_helps_only_later_sales(self):
        commitments = [Commitment(), Commitment(charge_wh=2_000), Commitment(discharge_wh=2_500)]
        assert headrooms(BATTERY, 4_000, commitments, 30) == [247, 247, 0]
        assert shortfall(BATTERY, 4_000, [Commitment(0, 948), Commitment(2_000, 0), Commitment(0, 1_797)], 30) is None
        assert shortfall(BATTERY, 4_000, [Commitment(0, 949), *commitments[1:]], 30) == 0

    def test_charge_beyond_capacity_or_power_is_not_counted(self):
        full = [Commitment(charge_wh=2_500), Commitment(discharge_wh=2_500)]
        assert headroom(BATTERY, 9_999, full, 0, 30) == 2_500
        assert headroom(BATTERY, 9_999, [Commitment(2_500), *sold(2_500, 2_500)], 3, 30) == 1_639
        assert headroom(BATTERY, 3_000, [Commitment(charge_wh=100_000)], 1, 30) == BATTERY.deliverable_wh(2_371)

    def test_charge_beyond_power_does_not_free_an_earlier_sale(self):
        schedule = [Commitment(), Commitment(charge_wh=100_000), Commitment(discharge_wh=2_500)]
        assert headroom(BATTERY, 4_000, schedule, 0, 30) == 697
        assert shortfall(BATTERY, 4_000, [Commitment(0, 697), *schedule[1:]], 30) is None
        assert shortfall(BATTERY, 4_000, [Commitment(0, 698), *schedule[1:]], 30) == 2

    def test_broken_schedule_has_no_headroom_anywhere(self):
        assert headrooms(BATTERY, 4_000, sold(0, 2_000, 0), 30) == [0, 0, 0]
        assert headroom(BATTERY, 4_000, sold(0, 2_000), 5, 30) == 0

    def test_below_reserve_only_selling_breaks_a_promise(self):
        commitments = [Commitment(), Commitment(charge_wh=2_500), Commitment(discharge_wh=500)]
        assert shortfall(BATTERY, 2_000, commitments, 30) is None
        assert shortfall(BATTERY, 2_000, sold(1), 30) == 0

    def test_reserved_energy_is_out_of_reach(self):
        assert headroom(BATTERY, 6_000, [], 0, 30, reserved_wh=3_000) == 0
        assert headroom(BATTERY, 6_000, [], 0, 30, reserved_wh=2_000) == 948
        assert shortfall(BATTERY, 6_000, sold(949), 30, reserved_wh=2_000) == 0

    def test_interval_beyond_the_list(self):
        assert headroom(BATTERY, 6_000, sold(1_000), 10, 30) == 1_845

    def test_quarter_hour_has_half_the_power(self):
        assert headroom(BATTERY, 10_000, [], 0, 15) == 1_250


class TestEv:
    def test_worked_table(self):
        rows = table("A car that leaves at 07:00")
        assert [ev_headroom(CAR, 40_000, [], index, 30) for index in range(8)] == [number(row[2]) for row in rows]

    def test_what_it_may_sell_it_can(self):
        assert ev_shortfall(CAR, 40_000, sold(0, 0, 1_859), 30) is None
        assert ev_shortfall(CAR, 40_000, sold(0, 0, 1_860), 30) == CAR.departure_index

    def test_without_consent_or_plug_nothing(self):
        unwilling = Ev(60_000, 7_000, 7_000, 0, 40, 6, 48_000, consent=False)
        later = Ev(60_000, 7_000, 7_000, 2, 40, 6, 48_000, consent=True)
        assert ev_headroom(unwilling, 50_000, [], 0, 30) == 0
        assert ev_shortfall(unwilling, 50_000, sold(0, 1), 30) == 1
        assert [ev_headroom(later, 50_000, [], index, 30) > 0 for index in range(4)] == [False, False, True, True]
        assert ev_shortfall(later, 50_000, sold(0, 1), 30) == 1
        assert ev_headroom(later, 50_000, sold(1), 2, 30) == 0

    def test_gone_before_departure_means_no_charging(self):
        leaves_early = Ev(60_000, 7_000, 7_000, 0, 3, 6, 48_000, consent=True)
        assert [ev_headroom(leaves_early, 48_000, [], index, 30) for index in range(4)] == [3_500, 3_149, 0, 0]

    def test_never_below_thirty_per_cent(self):
        easy = Ev(60_000, 7_000, 7_000, 0, 40, 40, target_wh=0, consent=True)
        assert ev_headroom(easy, 19_000, [], 0, 30) == easy.battery.deliverable_wh(1_000)
        assert ev_headroom(easy, 18_000, [], 0, 30) == 0
        assert ev_shortfall(easy, 18_000, sold(0, 1), 30) == 1

    def test_unreachable_target_sells_nothing_but_breaks_nothing(self):
        assert ev_headroom(CAR, 20_000, [], 0, 30) == 0
        assert ev_shortfall(CAR, 20_000, sold(0, 0), 30) is None
        beyond = Ev(60_000, 7_000, 7_000, 0, 40, 30, target_wh=60_001, consent=True)
        assert ev_headroom(beyond, 60_000, [], 0, 30) == 0

    def test_target_already_missed_by_a_later_sale(self):
        full = Ev(60_000, 7_000, 7_000, 0, 3, 3, target_wh=60_000, consent=True, round_trip_ppm=1_000_000)
        schedule = [Commitment(), Commitment(charge_wh=3_500), Commitment(discharge_wh=2_000)]
        assert ev_shortfall(full, 59_000, schedule, 30) == 3
        assert ev_headroom(full, 59_000, schedule, 0, 30) == 0

    def test_only_charging_already_bought_counts_between_sales(self):
        easy = Ev(60_000, 7_000, 7_000, 0, 40, 40, target_wh=0, consent=True)
        assert ev_headroom(easy, 18_000, sold(0, 0, 0), 2, 30) == 0
        assert ev_headroom(easy, 18_000, [Commitment(1_000)], 2, 30) == easy.battery.deliverable_wh(948)


class TestSwapStation:
    def test_worked_example(self):
        free = free_packs(30, [8, 12, 9, 15, 11])
        assert free == 15
        assert STATION.held_by(free) == 17_076
        assert swap_available_wh(STATION, free, 30) == 6_000
        assert STATION.packs_for(6_000) == 6

    def test_nearest_rank(self):
        assert q95(range(1, 101)) == 95
        assert q95(range(1, 21)) == 19
        assert q95([7]) == 7
        with pytest.raises(StorageError) as refused:
            q95([])
        assert refused.value.code == "no_history"

    def test_riders_come_first(self):
        assert free_packs(10, [12]) == 0
        assert free_packs(10, []) == 0
        assert swap_available_wh(STATION, 0, 30) == 0

    def test_packs_limit_where_power_does_not(self):
        assert swap_available_wh(STATION, 1, 30) == 1_138

    def test_table(self):
        rows = table("A swap station over an evening")
        sales = [number(row[1]) for row in rows]
        assert [STATION.packs_for(wh) for wh in sales] == [number(row[2]) for row in rows]
        assert [swap_headroom(STATION, 9, sales, at, 30) for at in range(len(rows))] == [number(row[3]) for row in rows]

    def test_interval_beyond_the_list(self):
        assert swap_headroom(STATION, 2, [1_000], 5, 30) == 1_138
        assert swap_headroom(STATION, 1, [1_000], 5, 30) == 0

    @pytest.mark.parametrize(
        "wrong", [{"pack_wh": 0}, {"slots": -1}, {"slot_w": -1}, {"dod_pct": 0}, {"round_trip_ppm": 0}]
    )
    def test_impossible_ones_are_refused(self, wrong):
        with pytest.raises(StorageError) as refused:
            SwapStation(**{"pack_wh": 1, "slots": 1, "slot_w": 1} | wrong)
        assert refused.value.code == "impossible_station"


class TestOrigin:
    def test_worked_table(self):
        lots = OriginLots()
        for what, wh, held, green, other in table("Where it came from"):
            if what == "sell":
                lots, out = lots.discharge(BATTERY, number(wh))
                assert (out[Origin.PV], out[Origin.LOCAL] + out[Origin.GRID]) == (number(green), number(other))
            elif what == "found":
                lots = lots.reconcile(number(wh))
            else:
                lots = lots.charge(BATTERY, Origin(what), number(wh))
            assert " + ".join(f"{lot.wh} {lot.origin}" for lot in lots.lots) == held

    def test_oldest_first(self):
        lots = OriginLots((Lot(Origin.GRID, 100), Lot(Origin.PV, 100)))
        lossless = Battery(1_000, 1_000, 1_000, round_trip_ppm=1_000_000)
        left, out = lots.discharge(lossless, 100)
        assert out == {Origin.PV: 0, Origin.LOCAL: 0, Origin.GRID: 100}
        assert left.lots == (Lot(Origin.PV, 100),)

    def test_all_pv_is_all_green(self):
        _, out = OriginLots((Lot(Origin.PV, 5_000),)).discharge(BATTERY, 1_234)
        assert out[Origin.PV] == 1_234

    def test_not_more_than_there_is(self):
        with pytest.raises(StorageError) as refused:
            OriginLots((Lot(Origin.PV, 100),)).discharge(BATTERY, 100)
        assert refused.value.code == "not_enough_stored"

    def test_nothing_out_of_nothing(self):
        lots, out = OriginLots().discharge(BATTERY, 0)
        assert lots == OriginLots()
        assert sum(out.values()) == 0

    def test_measured_more_is_of_unknown_origin(self):
        assert OriginLots((Lot(Origin.PV, 100),)).reconcile(130).lots == (Lot(Origin.PV, 100), Lot(Origin.GRID, 30))

    def test_measured_less_is_missing_of_all(self):
        lots = OriginLots((Lot(Origin.PV, 100), Lot(Origin.GRID, 300)))
        assert lots.reconcile(200).lots == (Lot(Origin.PV, 50), Lot(Origin.GRID, 150))
        assert lots.reconcile(0).lots == ()
