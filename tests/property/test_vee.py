"""Estimates in place of missing readings: a known total is kept to the Wh, and nothing is ever below zero."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from meters.domain.vee.checks import over_power, shifted, silent, spikes, stuck
from meters.domain.vee.estimates import (
    LINEAR,
    NOTHING,
    Roofs,
    Surroundings,
    by_method,
    like_others,
    mean_of,
    propose,
    straight_line,
    to_total,
    usable,
)

WH = st.integers(0, 10**9)
SHAPE = st.lists(WH, min_size=1, max_size=48)
PAIR = st.tuples(WH, WH)


@given(SHAPE, st.integers(0, 10**12))
def test_a_known_total_is_kept_to_the_wh(shape, total) -> None:
    made = to_total(shape, total)
    assert sum(made) == total and len(made) == len(shape) and min(made) >= 0


@given(SHAPE, st.integers(0, 10**12))
def test_scaling_keeps_the_shape(shape, total) -> None:
    """Who had more has no less, and nobody is more than a Wh away from its share."""
    made, whole = to_total(shape, total), sum(shape)
    if whole:
        for wh, weight in zip(made, shape, strict=True):
            assert weight * total // whole <= wh <= weight * total // whole + 1
    order = sorted(range(len(shape)), key=shape.__getitem__)
    assert all(made[a] <= made[b] + 1 for a, b in pairwise(order))


@given(SHAPE)
def test_its_own_sum_changes_nothing(shape) -> None:
    assert to_total(shape, sum(shape)) == shape


@given(WH, WH, st.integers(1, 48))
def test_a_straight_line_stays_between_its_ends_and_never_turns(before, after, count) -> None:
    line = straight_line(before, after, count)
    assert len(line) == count and all(min(before, after) <= wh <= max(before, after) for wh in line)
    steps = [b - a for a, b in zip([before, *line], [*line, after], strict=True)]
    assert all(step >= 0 for step in steps) or all(step <= 0 for step in steps)


@given(st.lists(st.lists(st.none() | PAIR, min_size=4, max_size=4), max_size=7))
def test_a_mean_lies_between_the_days_it_is_of(days) -> None:
    made = mean_of(days)
    known = [[day[place] for day in days if day[place] is not None] for place in range(4)]
    assert (made is None) == (not days or not all(known))
    for pair, found in zip(made or [], known, strict=False):
        for register in (0, 1):
            assert min(each[register] for each in found) <= pair[register] <= max(each[register] for each in found)


@given(st.lists(WH, min_size=1, max_size=48), WH, st.integers(1, 10**9))
def test_a_roof_gives_its_share_and_never_more(others, own, before) -> None:
    made = like_others(others, own, before)
    assert sum(made) * before <= sum(others) * own and all(wh >= 0 for wh in made)


@given(
    st.integers(1, 12), st.sampled_from([15, 30]), st.none() | PAIR, st.none() | PAIR,
    st.lists(st.lists(st.none() | PAIR, min_size=12, max_size=12), max_size=4),
    st.none() | st.builds(Roofs, st.lists(WH, min_size=12, max_size=12), WH, WH),
)  # fmt: skip
def test_a_proposal_is_whole_and_its_method_says_how_it_was_made(count, minutes, before, after, days, roofs) -> None:
    cut = [day[:count] for day in days]
    suns = roofs and Roofs(roofs.now_wh[:count], roofs.before_wh, roofs.own_before_wh)
    known = Surroundings(count, minutes, before, after, (), cut, suns)
    made = propose(known)
    assert len(made.import_wh) == len(made.export_wh) == count
    assert min(made.import_wh + made.export_wh) >= 0
    assert made.method == (usable(known) or [NOTHING])[0]
    if count * minutes > 120:
        assert by_method(known, LINEAR) is None


@given(st.lists(st.none() | WH, max_size=48), st.sampled_from([15, 30]))
def test_checks_point_at_known_values_alone(day, minutes) -> None:
    for place in spikes(day) + stuck(day, minutes):
        assert day[place] is not None


@given(WH, st.integers(0, 10**9), st.sampled_from([15, 30]))
def test_what_a_connection_carries_is_plausible_and_a_wh_more_is_not(extra, limit, minutes) -> None:
    most = limit * minutes // 60
    assert not over_power(most, limit, minutes) and over_power(most + 1 + extra, limit, minutes)
    assert not over_power(extra, None, minutes)


def test_the_examples_of_the_docstrings() -> None:
    assert straight_line(1_000, 1_400, 1) == [1_200]
    assert to_total([1_000, 3_000], 5_001) == [1_250, 3_751]
    assert spikes([2_000, 9_000, 2_000, 100]) == [1] and spikes([2_000, 5_000, 2_000, 100]) == []
    assert stuck([500] * 12 + [501] * 11, 30) == list(range(12))
    assert silent([0] * 48, [[5] + [0] * 47] * 3) and not silent([0] * 48, [[5], [5], [0]])


def test_a_clock_that_is_an_hour_late_is_found() -> None:
    usual = [0] * 12 + [place * 1_000 for place in (1, 3, 6, 9, 11, 12, 12, 11, 9, 6, 3, 1)] + [0] * 24
    assert shifted(usual, usual) == 0
    assert shifted([0, 0, *usual[:-2]], usual) == 2
    assert shifted([*usual[3:], 0, 0, 0], usual) == -3
    assert shifted([None, *usual[1:]], usual) == 0
    assert shifted([wh // 2 for wh in usual], usual) == 0  # a cloudy day is no wrong clock
