"""Carbon figures by hand: what counts in which hour, and how emissions are rounded."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from settlement.domain.carbon import HourEnergy, totals_of

TEN = datetime(2026, 10, 1, 3, tzinfo=UTC)


def hour(number: int = 0, **wh: int) -> HourEnergy:
    names = (
        "own_pv_wh", "own_storage_wh", "local_pv_wh", "local_storage_wh", "local_other_wh", "grid_wh", "certificate_wh",
        "retired_wh", "factor_mg_per_kwh",
    )  # fmt: skip
    values = dict.fromkeys(names, 0) | {"factor_mg_per_kwh": 659_200} | wh
    return HourEnergy(start=TEN + timedelta(hours=number), **values)


def test_the_example_of_the_module() -> None:
    totals = totals_of([hour(own_pv_wh=4_000, local_pv_wh=6_000, grid_wh=4_000, certificate_wh=6_000)])
    assert (totals.matched_wh, totals.consumption_wh, totals.matched_ppm) == (10_000, 14_000, 714_285)
    assert (totals.location_based_g, totals.market_based_g) == (6_592, 2_637)


def test_surplus_of_one_hour_never_covers_another() -> None:
    noon, night = hour(0, own_pv_wh=1_000, certificate_wh=9_000), hour(1, grid_wh=1_000)
    totals = totals_of([noon, night])
    assert totals.matched_ppm == 500_000
    assert totals.market_based_g == totals.location_based_g == 659


def test_nothing_consumed_has_no_share() -> None:
    assert totals_of([]).matched_ppm is None
    assert totals_of([hour(certificate_wh=500)]).matched_ppm is None


def test_emissions_are_rounded_once_and_half_up() -> None:
    assert totals_of([hour(n, grid_wh=1, factor_mg_per_kwh=250_000) for n in range(2)]).location_based_g == 1
    assert totals_of([hour(grid_wh=1, factor_mg_per_kwh=499_999)]).location_based_g == 0


def test_each_hour_has_the_factor_of_its_own_day() -> None:
    totals = totals_of([hour(0, grid_wh=1_000, factor_mg_per_kwh=700_000), hour(1, grid_wh=1_000)])
    assert totals.location_based_g == 1_359


energies = st.integers(0, 50_000)
hours = st.lists(
    st.builds(
        hour, st.just(0), own_pv_wh=energies, own_storage_wh=energies, local_pv_wh=energies, local_storage_wh=energies,
        local_other_wh=energies, grid_wh=energies, certificate_wh=energies,
    ),
    max_size=20,
)  # fmt: skip


@given(hours)
def test_green_never_counts_for_more_than_was_consumed(values: list[HourEnergy]) -> None:
    totals = totals_of(values)
    assert 0 <= totals.matched_wh <= totals.consumption_wh
    assert totals.matched_ppm is None or 0 <= totals.matched_ppm <= 1_000_000
    assert 0 <= totals.market_based_g <= totals.location_based_g
    assert sum(v.green_wh == 0 and v.matched_wh > 0 for v in values) == 0
