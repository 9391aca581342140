"""Clearing over random intervals: its laws, and the same answer as a second implementation written from the prose.

`naive` below shares no code and no structure with the exchange: dictionaries, fractions, and a search over all pairs
where the exchange sorts once. Both take an interval in the form of `replay_clearing`, so its reading is tested too.
"""

import json
from collections import defaultdict
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.domain.clearing import ClearingInput, ClearingResult, clear
from settlement.domain.delivery import apportion
from settlement.domain.invariants import check, figures
from settlement.domain.replay import replay, replay_interval

Interval = dict[str, Any]
any_speed = settings(deadline=None)  # a busy machine is no failure
WHO = ["a", "b", "c", "d", "e"]

people = st.sampled_from(WHO)
energy = st.one_of(st.just(0), st.integers(1, 6), st.integers(0, 60_000))
price = st.integers(-300, 3_000)
limit = st.one_of(st.integers(-4, 4), st.none(), price)
trade = st.tuples(people, people, energy, price)


def by_person(pair: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, list[Any]]]:
    """Two figures for everybody (where most things happen), or for some only."""
    row = st.lists(pair, min_size=2, max_size=2)
    return st.one_of(st.fixed_dictionaries(dict.fromkeys(WHO, row)), st.dictionaries(people, row))


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    """Any interval: parties without a meter, trades with oneself, zero energy, prices of either sign."""
    trades = draw(st.lists(trade, max_size=8))
    return {
        "meters": draw(by_person(energy)),
        "trades": [[3 * position + 1, *each] for position, each in enumerate(trades)],
        "retail": {who: draw(price) for who in WHO},
        "surplus_price": draw(price),
        "network_fee": draw(st.integers(0, 300)),
        "deadband_pct": draw(st.sampled_from([0, 5, 100])),
        "deadband_wh": draw(st.sampled_from([0, 2, 250])),
        "mode": draw(st.sampled_from(["fifo", "prorata"])),
        "pool": draw(st.none() | by_person(limit)),
        "force_majeure": draw(st.sampled_from([False, False, False, True])),
        "surplus_cap_wh": draw(st.none() | st.dictionaries(people, energy)),
    }


def some_estimated(interval: Interval, chosen: set[str]) -> Interval:
    parties = {who for row in interval["trades"] for who in row[1:3]} | set(interval["meters"])
    return interval | {"estimated": sorted(chosen & parties)}


def naive(case: Interval) -> dict[str, Any]:
    """Clear an interval by the book."""
    trades = case["trades"]
    who = sorted(set(case["meters"]) | {row[1] for row in trades} | {row[2] for row in trades})
    unsold = {p: case["meters"].get(p, [0, 0])[1] for p in who}
    unmet = {p: case["meters"].get(p, [0, 0])[0] for p in who}
    delivered = {row[0]: 0 for row in trades}
    if case["mode"] == "prorata":
        delivered = naive_prorata(trades, unsold, unmet)
    for seq, seller, buyer, _, _ in trades:
        unsold[seller] -= delivered[seq]
        unmet[buyer] -= delivered[seq]
    for seq, seller, buyer, wh, _ in trades:
        while delivered[seq] < wh and unsold[seller] and unmet[buyer]:
            step = min(wh - delivered[seq], unsold[seller], unmet[buyer])
            delivered[seq] += step
            unsold[seller] -= step
            unmet[buyer] -= step
    matches, pool_price = naive_pool(case["pool"] or {}, unsold, unmet)
    rows = [] if case["force_majeure"] else naive_compensation(case, delivered, unsold, unmet)
    return naive_answer(case, who, delivered, matches, pool_price, unsold, unmet, rows)


def naive_prorata(trades: list[list[Any]], export: dict[str, int], imported: dict[str, int]) -> dict[int, int]:
    def share(energy: int, claims: dict[int, int]) -> dict[int, int]:
        total = sum(claims.values())
        if total <= energy:
            return dict(claims)
        exact = {seq: Fraction(energy * claim, total) for seq, claim in claims.items()}
        given = {seq: floor(part) for seq, part in exact.items()}
        by_fraction = sorted(exact, key=lambda seq: (given[seq] - exact[seq], seq))
        for seq in by_fraction[: energy - sum(given.values())]:
            given[seq] += 1
        return given

    offered: dict[int, int] = {}
    for seller in {row[1] for row in trades}:
        offered |= share(export[seller], {row[0]: row[3] for row in trades if row[1] == seller})
    taken: dict[int, int] = {}
    for buyer in {row[2] for row in trades}:
        taken |= share(imported[buyer], {row[0]: offered[row[0]] for row in trades if row[2] == buyer})
    return taken


def naive_pool(
    limits: dict[str, list[Any]], unsold: dict[str, int], unmet: dict[str, int]
) -> tuple[list[tuple[str, str, int]], int | None]:
    asks = {p: both[0] for p, both in limits.items() if both[0] is not None and p in unsold}
    bids = {p: both[1] for p, both in limits.items() if both[1] is not None and p in unmet}
    matches: list[tuple[str, str, int]] = []
    dearest, price = None, None
    while True:
        pairs = [
            (-bids[b], b, asks[a], a)
            for a in asks
            for b in bids
            if a != b and unsold[a] and unmet[b] and asks[a] <= bids[b] and (dearest is None or dearest <= bids[b])
        ]
        if not pairs:
            return matches, price
        _, buyer, _, seller = min(pairs)
        wh = min(unsold[seller], unmet[buyer])
        unsold[seller] -= wh
        unmet[buyer] -= wh
        matches.append((seller, buyer, wh))
        dearest = asks[seller] if dearest is None else max(dearest, asks[seller])
        price = max(dearest, floor(Fraction(asks[seller] + bids[buyer], 2)))


def naive_compensation(
    case: Interval, delivered: dict[int, int], to_grid: dict[str, int], from_grid: dict[str, int]
) -> list[list[Any]]:
    to_grid, from_grid = dict(to_grid), dict(from_grid)
    rows: list[list[Any]] = []
    of_party: dict[tuple[str, str], list[list[Any]]] = defaultdict(list)
    for seq, seller, buyer, wh, price in case["trades"]:
        missing = wh - delivered[seq]
        if not missing:
            continue
        if from_grid[buyer]:
            lost, payer, payee, side = min(missing, from_grid[buyer]), seller, buyer, "sold"
            from_grid[buyer] -= lost
            rate = case["retail"][buyer] - price - case["network_fee"]
        elif to_grid[seller]:
            lost, payer, payee, side = min(missing, to_grid[seller]), buyer, seller, "bought"
            to_grid[seller] -= lost
            rate = price - case["surplus_price"]
        else:
            continue
        if not {seller, buyer} & set(case.get("estimated", [])):
            rows.append([seq, payer, lost, lost, max(0, rate), payee])
            of_party[payer, side].append(rows[-1])
    for (payer, side), own in of_party.items():
        column = 1 if side == "sold" else 2
        contracted = sum(row[3] for row in case["trades"] if row[column] == payer)
        band = max(floor(Fraction(case["deadband_pct"], 100) * contracted), case["deadband_wh"])
        for row in reversed(own):
            row[3], band = max(0, row[2] - band), max(0, band - row[2])
    return rows


def naive_answer(
    case: Interval,
    who: list[str],
    delivered: dict[int, int],
    matches: list[tuple[str, str, int]],
    pool_price: int | None,
    to_grid: dict[str, int],
    from_grid: dict[str, int],
    rows: list[list[Any]],
) -> dict[str, Any]:
    local = [(s, b, delivered[seq], price) for seq, s, b, _, price in case["trades"]]
    local += [(s, b, wh, pool_price) for s, b, wh in matches]
    sold, bought = dict.fromkeys(who, 0), dict.fromkeys(who, 0)
    cash: dict[str, int] = dict.fromkeys([*who, "_operator", "_network"], 0)

    def pay(payer: str, payee: str, amount: int) -> None:
        cash[payer] -= amount
        cash[payee] += amount

    for seller, buyer, wh, price in local:
        sold[seller] += wh
        bought[buyer] += wh
        pay(buyer, seller, wh * (price or 0))
        pay(buyer, "_network", wh * case["network_fee"])
    caps = case["surplus_cap_wh"] or {}
    for p in who:
        pay(p, "_operator", from_grid[p] * case["retail"][p])
        pay("_operator", p, min(to_grid[p], caps.get(p, to_grid[p])) * case["surplus_price"])
    for _, payer, _, charged, rate, payee in rows:
        pay(payer, payee, charged * rate)
    answer = {
        "delivered": {str(seq): wh for seq, wh in delivered.items()},
        "pool": {"wh": sum(wh for _, _, wh in matches), "price": pool_price},
        "sold": sold,
        "bought": bought,
        "grid_export": to_grid,
        "grid_import": from_grid,
        "compensation": [[seq, payer, lost, charged, charged * rate] for seq, payer, lost, charged, rate, _ in rows],
        "cash_millidong": cash,
    }
    if case["surplus_cap_wh"] is not None:
        answer["unpaid_spill"] = {p: max(0, to_grid[p] - caps.get(p, to_grid[p])) for p in who}
    return answer


@any_speed
@given(intervals(), st.sets(people, max_size=2))
def test_the_exchange_and_the_book_agree(interval: Interval, estimated: set[str]) -> None:
    case = some_estimated(interval, estimated)
    assert replay_interval(case) == naive(case)


@any_speed
@given(intervals())
def test_no_trade_keeps_an_unmet_seller_and_an_unmet_buyer(interval: Interval) -> None:
    answer = replay_interval(interval | {"pool": None})
    for seq, seller, buyer, wh, _ in interval["trades"]:
        short = answer["delivered"][str(seq)] < wh
        assert not (short and answer["grid_export"][seller] and answer["grid_import"][buyer])


@any_speed
@given(intervals())
def test_energy_and_money_are_conserved(interval: Interval) -> None:
    answer = replay_interval(interval)
    for who, (imported, exported) in interval["meters"].items():
        assert exported == answer["sold"][who] + answer["grid_export"][who]
        assert imported == answer["bought"][who] + answer["grid_import"][who]
    assert sum(answer["sold"].values()) == sum(answer["bought"].values())
    assert sum(answer["cash_millidong"].values()) == 0


@any_speed
@given(intervals(), st.sets(people, min_size=1, max_size=2))
def test_an_estimate_never_makes_anybody_pay_more(interval: Interval, estimated: set[str]) -> None:
    measured = replay_interval(interval)["compensation"]
    guessed = replay_interval(some_estimated(interval, estimated))["compensation"]
    charged = {(seq, payer): wh for seq, payer, _, wh, _ in measured}
    parties = {seq: {seller, buyer} for seq, seller, buyer, _, _ in interval["trades"]}
    for seq, payer, _, wh, _ in guessed:
        assert wh <= charged[seq, payer]
        assert not parties[seq] & estimated


@any_speed
@given(st.lists(st.integers(0, 50), max_size=12), st.integers(0, 300))
def test_shares_are_within_a_watt_hour_of_exact(claims: list[int], available: int) -> None:
    shares = apportion(np.array(claims, dtype=np.int64), np.zeros(len(claims), dtype=np.int64), np.array([available]))
    total = sum(claims)
    assert shares.sum() == min(total, available)
    for claim, share in zip(claims, shares.tolist(), strict=True):
        exact = Fraction(claim * min(total, available), max(total, 1))
        assert 0 <= share <= claim
        assert abs(share - exact) < 1
    for earlier, later in zip(range(len(claims)), range(1, len(claims)), strict=False):
        assert claims[earlier] < claims[later] or shares[earlier] >= shares[later]


@any_speed
@given(intervals())
def test_a_recorded_line_is_answered_by_one_line(interval: Interval) -> None:
    line = json.dumps(interval, ensure_ascii=False)
    answers = list(replay([line, "", line.encode()], "intervals.jsonl"))
    assert [answer.ok for answer in answers] == [True, True]
    assert [json.loads(answer.text) for answer in answers] == [replay_interval(interval)] * 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ["meters", "trades", "retail", "surplus_price", "network_fee", "mode", "pool", "estimated", "surplus_cap_wh"]


@any_speed
@given(intervals(), st.dictionaries(st.sampled_from(FIELDS), json_values, min_size=1))
def test_whatever_a_field_holds_the_line_is_answered(interval: Interval, nonsense: dict[str, Any]) -> None:
    (answer,) = replay([json.dumps(interval | nonsense)], "intervals.jsonl")
    told = json.loads(answer.text)
    answer.text.encode()
    assert ("error" in told) != answer.ok
    assert answer.ok or told["error"]["message"].startswith("intervals.jsonl line 1: ")


@any_speed
@given(st.binary(max_size=60).filter(lambda raw: raw.strip()))
def test_whatever_bytes_come_the_line_is_answered(raw: bytes) -> None:
    (answer,) = replay([raw], "intervals.jsonl")
    assert not answer.ok
    assert json.loads(answer.text)["error"]["line"] == 1


@st.composite
def inputs(draw: st.DrawFn) -> ClearingInput:
    """Arrays with what a replay line cannot carry: fees per trade and per pair of zones, surplus prices by owner."""
    n, m = draw(st.integers(1, 5)), draw(st.integers(0, 8))

    def column(values: st.SearchStrategy[int], size: int) -> np.ndarray:
        return np.array(draw(st.lists(values, min_size=size, max_size=size)), dtype=np.int64)

    def flags(size: int) -> np.ndarray:
        return np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)), dtype=bool)

    return ClearingInput(
        import_wh=column(energy, n),
        export_wh=column(energy, n),
        retail_price=column(price, n),
        surplus_price=column(price, n),
        surplus_cap_wh=column(energy, n),
        trade_seq=np.arange(m),
        seller_index=column(st.integers(0, n - 1), m),
        buyer_index=column(st.integers(0, n - 1), m),
        traded_wh=column(energy, m),
        price=column(price, m),
        network_fee=column(st.integers(0, 300), m),
        pool_network_fee=np.array([[10, 70], [90, 20]]),
        zone_index=column(st.integers(0, 1), n),
        pool_ask=column(price, n),
        pool_bid=column(price, n),
        pool_ask_mask=flags(n),
        pool_bid_mask=flags(n),
        estimated=flags(n),
        mode=draw(st.sampled_from(["fifo", "prorata"])),
    )


@any_speed
@given(inputs())
def test_every_law_holds_with_fees_by_distance(given_input: ClearingInput) -> None:
    result = clear(given_input)
    assert check(given_input, result) == []
    assert figures(given_input, result)["cash_sum_millidong"] == 0
    assert result.network_millidong == fees_by_hand(given_input, result)


def fees_by_hand(given_input: ClearingInput, result: ClearingResult) -> int:
    zone, matrix = given_input.zone_index.tolist(), [[10, 70], [90, 20]]
    pool = zip(
        result.pool.seller_index.tolist(), result.pool.buyer_index.tolist(), result.pool.wh.tolist(), strict=True
    )
    trades = zip(result.delivered_wh.tolist(), given_input.network_fee.tolist(), strict=True)
    return sum(wh * fee for wh, fee in trades) + sum(wh * matrix[zone[s]][zone[b]] for s, b, wh in pool)


@any_speed
@given(inputs())
def test_clearing_is_repeatable_and_leaves_its_input_alone(given_input: ClearingInput) -> None:
    before = {name: np.copy(value) for name, value in vars(given_input).items() if isinstance(value, np.ndarray)}
    first, second = clear(given_input), clear(given_input)
    assert (first.cash_millidong == second.cash_millidong).all()
    for name, value in before.items():
        assert (getattr(given_input, name) == value).all(), name
