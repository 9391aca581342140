"""Rulebook files of any shape: refused in sentences or read, never a crash; and what is read has the prices it says."""

import json
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tariffs.domain.compose import compose
from tariffs.domain.fields import RulebookRejected
from tariffs.domain.rulebook_file import parse, read
from tariffs.domain.tiers import Tier, TierSpan, split
from tariffs.domain.windows import check_rows, price_at
from tariffs.shipped import load

VN = json.loads(json.dumps(load("vn"), default=date.isoformat))
SINCE = date(2026, 1, 1)
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def understood(tables: dict[str, Any]) -> None:
    """Either rows that are tariffs, or sentences with a code and a place."""
    try:
        made = compose(parse(tables), {}, {})
    except RulebookRejected as refused:
        assert all(m.code and m.sentence and m.place for m in refused.mistakes)
    else:
        assert all(check_rows(rows) == [] for rows in made.values())


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, part in inner for path in paths(part, (*here, key)))]


PATHS = paths(VN)


@given(path=st.sampled_from(PATHS[1:]), value=junk, drop=st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_shipped_rulebook_with_one_thing_spoilt_is_understood_or_refused(path, value, drop) -> None:
    tables = json.loads(json.dumps(VN))
    *way, last = path
    place = tables
    for step in way:
        place = place[step]
    if drop:
        del place[last]
    else:
        place[last] = value
    understood(tables)


@given(st.dictionaries(st.sampled_from(["rulebook", *VN]), junk, max_size=5))
@settings(deadline=None)
def test_anything_at_all_is_understood_or_refused(tables) -> None:
    understood(tables)


@given(st.binary(max_size=200) | st.text(max_size=200), st.sampled_from(["toml", "json"]))
@settings(deadline=None)
def test_any_bytes_are_read_or_refused(text, form) -> None:
    try:
        assert isinstance(read(text, form), dict)
    except RulebookRejected as refused:
        assert refused.code in ("not_utf8", "not_toml", "not_json", "not_a_table")


cuts = st.lists(st.integers(1, 47), unique=True, max_size=6).map(sorted)


@given(cuts, st.lists(st.sampled_from(["normal", "peak", "offpeak"]), min_size=7, max_size=7), st.data())
@settings(deadline=None)
def test_every_half_hour_costs_what_its_period_does(cut, periods, data) -> None:
    """Windows of any cut, three price lists after each other: looked up minute by minute, against the file itself."""
    edges = [0, *cut, 48]
    hours: dict[str, Any] = {"days": "mon-sun"}
    for number, (first, last) in enumerate(pairwise(edges)):
        clock = [f"{slot // 2:02}:{slot % 2 * 30:02}" for slot in (first, last)]
        hours.setdefault(periods[number], []).append("-".join(clock))
    starts = sorted({SINCE + timedelta(days=days) for days in data.draw(st.sets(st.integers(0, 900), min_size=1))})
    lists = [data.draw(st.fixed_dictionaries(dict.fromkeys(("normal", "peak", "offpeak"), st.integers(-99, 9_999))))
             for _ in starts]  # fmt: skip
    ends = [{"last_day": (day - timedelta(days=1)).isoformat()} for day in starts[1:]] + [{}]
    tables = {
        "rulebook": {"name": "n", "country": "VN"},
        "tariffs": [{"code": "t", "name": "t", "kind": "tou"}],
        "windows": [{"code": "w", "source": "s", "billed_from": "2020-01-01", "hours": [hours]}],
        "prices": [
            {"tariff": "t", "source": "s", "billed_from": start.isoformat(), **end, **prices}
            for start, end, prices in zip(starts, ends, lists, strict=True)
        ],
    }
    rows = compose(parse(tables), {}, {})["t"]
    day = starts[0] + timedelta(days=data.draw(st.integers(0, 1_000)))
    slot = data.draw(st.integers(0, 47))
    piece = max(number for number, edge in enumerate(edges[:-1]) if edge <= slot)
    wanted = lists[max(number for number, start in enumerate(starts) if start <= day)][periods[piece]]
    assert price_at(rows, day, slot * 30 + data.draw(st.integers(0, 29))) == wanted


@given(
    st.integers(0, 10**9),
    st.lists(st.integers(1, 12), min_size=1, max_size=4),
    st.lists(st.integers(1, 10**6), unique=True, max_size=5).map(sorted),
)
def test_a_split_month_loses_nothing_and_fills_tiers_from_below(wh, days, bounds) -> None:
    edges = [0, *bounds, None]
    tiers = tuple(Tier(low or 0, high, number) for number, (low, high) in enumerate(pairwise(edges)))
    spans, first = [], SINCE
    for length in days:
        spans.append(TierSpan(first, first + timedelta(days=length), tiers))
        first += timedelta(days=length)
    shares = split(wh, spans)
    assert sum(share.wh for share in shares) == wh and all(share.wh > 0 for share in shares)
    for share in shares:
        assert share.to_wh is None or share.wh <= share.to_wh - share.from_wh
    if len(days) == 1:
        for share, tier in zip(shares, tiers, strict=False):
            assert share.wh == min(wh, tier.to_wh if tier.to_wh is not None else wh) - tier.from_wh
