"""Certificates against the slow and obvious: green never exceeds the panels, nobody receives what was not delivered,
and no history of corrections, retirements and debts certifies more than was metered."""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from meters.domain.storage import Battery, Origin, OriginLots
from settlement.domain import lineage
from settlement.domain.certificates import (
    Account,
    Deliveries,
    Due,
    Green,
    Held,
    Metered,
    entitlements,
    green_of,
    reconcile,
)

energies = st.integers(0, 20_000)
batteries = st.builds(
    Battery,
    capacity_wh=st.sampled_from([0, 5_000, 40_000]),
    charge_w=st.just(10_000),
    discharge_w=st.just(10_000),
    round_trip_ppm=st.sampled_from([1_000_000, 900_000, 640_000, 333_333]),
)
intervals = st.lists(st.builds(Metered, energies, energies, energies, energies, energies), min_size=1, max_size=12)


def live_through(battery: Battery, metered: list[Metered]) -> list[Green]:
    lots: lineage.Lots = ()
    greens = []
    for number, interval in enumerate(metered):
        greens.append(green_of(interval, battery, lots, str(number)))
        lots = greens[-1].stored.lots
    return greens


@given(batteries, intervals)
def test_each_wh_of_pv_is_counted_once(battery: Battery, metered: list[Metered]) -> None:
    greens = live_through(battery, metered)
    for green, seen in zip(greens, metered, strict=True):
        assert green.pv_exported_wh + green.pv_stored_wh + green.pv_own_wh == seen.pv_wh
        assert green.storage_exported_wh + green.storage_own_wh == green.stored.pv_wh <= seen.discharge_wh
        assert green.exported_wh == min(seen.export_wh, seen.pv_wh + green.stored.pv_wh)
        assert min(green.pv_own_wh, green.pv_stored_wh, green.storage_own_wh) >= 0
    used = sum(g.exported_wh + g.pv_own_wh + g.storage_own_wh for g in greens)
    assert used <= sum(seen.pv_wh for seen in metered)


@given(batteries, intervals)
def test_the_lineage_names_no_charge_twice(battery: Battery, metered: list[Metered]) -> None:
    greens = live_through(battery, metered)
    used: Counter[str] = Counter()
    for green in greens:
        assert sum(source.delivered_wh for source in green.stored.sources) == green.stored.pv_wh
        for source in green.stored.sources:
            assert source.lost_wh >= 0
            used[source.interval] += source.charged_wh
    for number, green in enumerate(greens):
        assert used[str(number)] <= green.pv_stored_wh


steps = st.lists(st.tuples(st.sampled_from([*Origin, None]), energies), max_size=15)


@given(batteries, steps)
def test_origins_are_those_of_the_storage_rules(battery: Battery, steps: list[tuple[Origin | None, int]]) -> None:
    """The same first-in-first-out as `meters.domain.storage.origin`, which forgets the intervals."""
    boundless = Battery(0, 0, 0, battery.round_trip_ppm)
    lots: lineage.Lots = ()
    known = OriginLots()
    for number, (origin, wh) in enumerate(steps):
        if origin is not None:
            lots = lineage.charge(lots, boundless, [(origin, wh)], str(number))
            known = known.charge(boundless, origin, wh)
        elif boundless.drawn_wh(wh) <= known.held_wh:
            out = lineage.discharge(lots, boundless, wh)
            known, parts = known.discharge(boundless, wh)
            lots = out.lots
            assert out.pv_wh == parts[Origin.PV]
        held: Counter[Origin] = Counter()
        for lot in lots:
            held[lot.origin] += lot.held_wh
        assert {key: held[key] for key in Origin} == known.by_origin()
    assert lineage.load(lineage.dump(lots)) == lots


@given(batteries, intervals)
def test_a_storage_holds_no_more_than_its_size(battery: Battery, metered: list[Metered]) -> None:
    for green in live_through(battery, metered):
        held = sum(lot.held_wh for lot in green.stored.lots)
        assert all(lot.held_wh > 0 for lot in green.stored.lots)
        assert not battery.capacity_wh or held <= battery.capacity_wh


people = st.integers(0, 4)


@st.composite
def markets(draw: st.DrawFn) -> tuple[dict[int, tuple[int, int]], Deliveries]:
    pairs = st.tuples(people, people).filter(lambda pair: pair[0] != pair[1])
    trades = [(a, b, wh) for (a, b), wh in draw(st.lists(st.tuples(pairs, st.integers(0, 900)), max_size=8))]
    sold = draw(st.dictionaries(people, st.integers(0, 500), max_size=4))
    bought = draw(st.dictionaries(people, st.integers(1, 500), max_size=4))
    total = min(sum(sold.values()), sum(bought.values()))
    sold, bought = _clipped(sold, total), _clipped(bought, total)
    exported = Counter(dict(sold))
    for seller, _, wh in trades:
        exported[seller] += wh
    green = {}
    for producer in draw(st.sets(people)):
        export = exported[producer] + draw(st.integers(0, 300))
        pv = draw(st.integers(0, export))
        green[producer] = (pv, draw(st.integers(0, export - pv)))
    return green, Deliveries(trades, sold, bought)


def _clipped(parts: dict[int, int], total: int) -> dict[int, int]:
    kept = {}
    for who, wh in parts.items():
        kept[who] = min(wh, total)
        total -= kept[who]
    return {who: wh for who, wh in kept.items() if wh}


@given(markets())
def test_green_goes_where_the_energy_went(market: tuple[dict[int, tuple[int, int]], Deliveries]) -> None:
    green, deliveries = market
    dues = entitlements(green, deliveries)
    for producer, parts in green.items():
        for origin, wh in zip(("pv", "storage"), parts, strict=True):
            assert sum(due.wh for due in dues[producer, origin]) == wh
    received: Counter[int] = Counter()
    for (producer, _), parts in dues.items():
        assert all(due.wh > 0 for due in parts)
        for due in parts:
            received[due.holder] += due.wh * (due.holder != producer)
    bought = Counter(dict(deliveries.pool_bought))
    for _, buyer, wh in deliveries.trades:
        bought[buyer] += wh
    assert all(received[who] <= bought[who] for who in received)
    for producer, (pv, storage) in green.items():
        first = [(buyer, wh) for seller, buyer, wh in deliveries.trades if seller == producer]
        order = [due.holder for origin in ("pv", "storage") for due in dues[producer, origin]]
        given_wh, expected = pv + storage, []
        for buyer, wh in first:
            expected += [buyer] * (min(given_wh, wh) > 0)
            given_wh -= min(given_wh, wh)
        assert _without_repeats(order)[: len(_without_repeats(expected))] == _without_repeats(expected)


def _without_repeats(values: list[int]) -> list[int]:
    return [value for at, value in enumerate(values) if not at or values[at - 1] != value]


@dataclass
class Book:
    """A naive account of one producer: per interval what each holder has free and used, and the three sums."""

    free: dict[tuple[int, int], int] = field(default_factory=dict)
    used: dict[tuple[int, int], int] = field(default_factory=dict)
    green: dict[int, int] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)

    def live(self, interval: int) -> int:
        return sum(wh for part in (self.free, self.used) for (at, _), wh in part.items() if at == interval)

    def held(self, interval: int) -> dict[int, Held]:
        holders = {holder for at, holder in [*self.free, *self.used] if at == interval}
        return {h: Held(self.used.get((interval, h), 0), self.free.get((interval, h), 0)) for h in holders}

    def apply(self, interval: int, dues: list[Due]) -> None:
        elsewhere = [at for at in self.accounts if at != interval]
        owed = sum(self.accounts[at].outstanding_wh for at in elsewhere)
        change = reconcile(dues, self.held(interval), self.accounts.get(interval, Account()), owed)
        for holder, wh in change.voids.items():
            self.free[interval, holder] -= wh
        for holder, wh in change.issues:
            self.free[interval, holder] = self.free.get((interval, holder), 0) + wh
        self.green[interval], self.accounts[interval] = sum(due.wh for due in dues), change.account
        self.repay(elsewhere, change.make_up_wh)

    def repay(self, elsewhere: list[int], wh: int) -> None:
        for at in elsewhere:
            account = self.accounts[at]
            part = min(wh, account.outstanding_wh)
            self.accounts[at] = Account(account.withheld_wh, account.owed_wh, account.repaid_wh + part)
            wh -= part
        assert wh == 0


dues_lists = st.lists(st.builds(Due, st.integers(0, 2), st.integers(1, 50)), max_size=4)
moves = st.lists(
    st.one_of(
        st.tuples(st.just("read"), st.integers(0, 2), dues_lists),
        st.tuples(st.just("use"), st.integers(0, 2), st.tuples(st.integers(0, 2), st.integers(1, 60))),
    ),
    max_size=25,
)


@settings(max_examples=300)
@given(moves)
def test_no_history_certifies_more_than_was_metered(moves: list) -> None:
    book = Book()
    for kind, interval, what in moves:
        if kind == "use":
            holder, wh = what
            part = min(wh, book.free.get((interval, holder), 0))
            if part:
                book.free[interval, holder] -= part
                book.used[interval, holder] = book.used.get((interval, holder), 0) + part
            continue
        before = dict(book.used)
        book.apply(interval, what)
        assert book.used == before and min(book.free.values(), default=0) >= 0
        account = book.accounts[interval]
        assert 0 <= account.repaid_wh <= account.owed_wh
        assert book.live(interval) + account.withheld_wh <= book.green[interval] + account.owed_wh
        again = reconcile(what, book.held(interval), account, 0)
        assert not again.voids and not again.issues, "the same again changes nothing"
        outstanding = sum(a.outstanding_wh for a in book.accounts.values())
        assert sum(map(book.live, book.green)) <= sum(book.green.values()) + outstanding
        assert sum(a.repaid_wh for a in book.accounts.values()) == sum(a.withheld_wh for a in book.accounts.values())
