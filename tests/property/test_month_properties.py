"""A month's bill against the slow and obvious: nothing is lost between runs, lines, documents, meters and the ledger,
whatever prices, VAT and tariffs do inside the month, and however often it is corrected."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from settlement.domain.drafting import Draft, Issued, draft_of, tax_on
from settlement.domain.month import (
    SOLD,
    VAT_CATEGORY,
    Amount,
    Figure,
    Month,
    MonthRules,
    Stretch,
    TariffStretch,
    month_of,
)
from settlement.domain.per_meter import per_meter, shares
from tariffs.domain.windows import ALL_WEEK, MINUTES_A_DAY, TIER, Window
from units.money import MILLIDONG_PER_DONG, round_to_minor

FIRST, LAST = date(2026, 6, 1), date(2026, 6, 30)
DAYS = [FIRST + timedelta(days=day) for day in range(30)]
LONG_AGO = date(2020, 1, 1)
HUGE_WH = 10**12

days = st.sampled_from(DAYS)
prices = st.one_of(st.integers(-500, 6_000), st.sampled_from([0, 1, 10**9, -(10**9)]))
energies = st.one_of(st.integers(1, 500_000), st.just(HUGE_WH))


def stretched(values: st.SearchStrategy[int]) -> st.SearchStrategy[list[Stretch]]:
    """The month in one to three stretches, neighbours with different values."""

    def cut(starts: set[date], found: list[int]) -> list[Stretch]:
        begins = sorted({FIRST, *starts})
        ends = [*(start - timedelta(days=1) for start in begins[1:]), LAST]
        made: list[Stretch] = []
        for since, until, value in zip(begins, ends, found, strict=False):
            if made and made[-1].value == value:
                made[-1] = Stretch(made[-1].since, until, value)
            else:
                made.append(Stretch(since, until, value))
        return made

    return st.builds(cut, st.sets(days, max_size=2), st.lists(values, min_size=3, max_size=3))


rules = st.builds(
    MonthRules,
    first=st.just(FIRST),
    last=st.just(LAST),
    vat=st.fixed_dictionaries(
        {name: stretched(st.sampled_from([0, 500, 800, 1_000])) for name in ("electricity", "service")}
    ),
    platform_price=stretched(st.integers(0, 40)),
    platform_month=st.sampled_from([0, 20_000]),
)


def tier_rows(bounds: list[int], found: list[int]) -> tuple[Window, ...]:
    edges = [0, *sorted(bounds)]
    ends = [*edges[1:], None]
    return tuple(
        Window(ALL_WEEK, 0, MINUTES_A_DAY, price, LONG_AGO, None, TIER, "", low, high)
        for low, high, price in zip(edges, ends, found, strict=False)
    )


def hour_rows(found: list[int]) -> tuple[Window, ...]:
    hours = ((0, 360, "offpeak"), (360, 1_080, "normal"), (1_080, 1_440, "peak"))
    return tuple(
        Window(ALL_WEEK, start, end, price, LONG_AGO, None, period)
        for (start, end, period), price in zip(hours, found, strict=True)
    )


@dataclass(frozen=True)
class Tariff:
    tiered: bool
    rows: tuple[Window, ...]
    capacity_price: int | None


bounds = st.lists(st.integers(1, 400_000), min_size=1, max_size=3, unique=True)
tariff = st.one_of(
    st.builds(
        lambda edges, found: Tariff(True, tier_rows(edges, found), None),
        bounds,
        st.lists(st.integers(0, 6_000), min_size=4, max_size=4, unique=True),
    ),
    st.builds(
        lambda found, power: Tariff(False, hour_rows(found), power),
        st.lists(st.integers(0, 6_000), min_size=3, max_size=3),
        st.one_of(st.none(), st.integers(1, 300_000)),
    ),
)


def placed(starts: set[date], found: list[Tariff], from_the_first: bool) -> tuple[TariffStretch, ...]:
    begins = sorted({FIRST, *starts} if from_the_first else starts or {FIRST})
    ends = [*(start - timedelta(days=1) for start in begins[1:]), LAST]
    return tuple(
        TariffStretch(since, until, one.tiered, one.rows, one.capacity_price)
        for since, until, one in zip(begins, ends, found, strict=False)
    )


tariffs = st.builds(
    placed, st.sets(days, max_size=2), st.lists(tariff, min_size=3, max_size=3), st.booleans()
)  # fmt: skip
moved = st.builds(
    lambda on, kind, price, wh: Figure(on, kind, price, *((wh, wh * price) if kind in SOLD else (-wh, -wh * price))),
    days,
    st.sampled_from(["grid_import", "grid_export", "network_fee", "local_bought", "local_sold"]),
    prices,
    energies,
)
mixed = st.builds(
    lambda on, kind, wh, amount: Figure(on, kind, 0, wh if kind in SOLD else -wh, amount),
    days,
    st.sampled_from(
        ["local_sold", "local_bought", "pool_sold", "pool_bought", "compensation_received", "compensation_paid"]
    ),
    energies,
    st.integers(-(10**13), 10**13),
)
peak = st.builds(lambda on, watt: Figure(on, "pmax", 0, watt, 0), days, st.integers(1, 10**7))
figures = st.lists(st.one_of(moved, mixed, peak), max_size=25)


def posted(found: list[Figure]) -> list[Figure]:
    return [figure for figure in found if figure.kind not in ("pmax", "grid_only")]


def wh_of(figure: Figure) -> int:
    return figure.energy_wh if figure.kind in SOLD else -figure.energy_wh


def rate(of: MonthRules, kind: str, on: date, taxed_seller: bool) -> int | None:
    category = VAT_CATEGORY.get(kind)
    if category is None or (kind in SOLD and not taxed_seller):
        return None
    return next(stretch.value for stretch in of.vat[category] if stretch.since <= on <= stretch.until)


@given(figures, rules, tariffs, st.booleans())
def test_lines_are_what_runs_posted_and_what_only_the_month_knows(found, given_rules, on_tariffs, taxed) -> None:
    month = month_of(found, given_rules, on_tariffs, taxed_seller=taxed)
    exact = sum(amount.millidong for amount in month.lines.values())
    assert exact == -sum(f.amount_millidong for f in posted(found)) + sum(month.beyond_runs.values())
    assert exact == -month.cash_millidong


@given(figures, rules, tariffs, st.booleans())
def test_every_wh_is_on_a_line_of_its_kind(found, given_rules, on_tariffs, taxed) -> None:
    month = month_of(found, given_rules, on_tariffs, taxed_seller=taxed)
    seen: dict[str, int] = defaultdict(int)
    for key, amount in month.lines.items():
        if key.kind not in ("capacity", "platform_fee", "platform_month"):
            seen["grid_import" if key.kind == "tier_import" else key.kind] += amount.quantity
    expected: dict[str, int] = defaultdict(int)
    for figure in posted(found):
        expected[figure.kind] += wh_of(figure)
    assert {k: v for k, v in seen.items() if v} == {k: v for k, v in expected.items() if v}


@given(figures, rules, tariffs, st.booleans())
def test_vat_is_that_of_the_day_of_delivery(found, given_rules, on_tariffs, taxed) -> None:
    """By kind and rate, in Wh: the tiers' Wh and the fee's too, however the rates change inside the month."""
    month = month_of(found, given_rules, on_tariffs, taxed_seller=taxed)
    seen: dict[tuple[str, int | None], int] = defaultdict(int)
    for key, amount in month.lines.items():
        if key.kind not in ("capacity", "platform_month"):
            seen["grid_import" if key.kind == "tier_import" else key.kind, key.vat_bp] += amount.quantity
    expected: dict[tuple[str, int | None], int] = defaultdict(int)
    for figure in posted(found):
        expected[figure.kind, rate(given_rules, figure.kind, figure.on, taxed)] += wh_of(figure)
        fee = next(s.value for s in given_rules.platform_price if s.since <= figure.on <= s.until)
        if figure.kind in ("local_bought", "pool_bought") and fee:
            expected["platform_fee", rate(given_rules, "platform_fee", figure.on, taxed)] += wh_of(figure)
    assert {k: v for k, v in seen.items() if v} == {k: v for k, v in expected.items() if v}


@given(figures, rules, tariffs, st.booleans())
def test_a_line_lies_in_stretches_of_one_rate_and_one_tariff(found, given_rules, on_tariffs, taxed) -> None:
    for key in month_of(found, given_rules, on_tariffs, taxed_seller=taxed).lines:
        assert FIRST <= key.since <= key.until <= LAST
        if key.kind not in ("capacity", "platform_month"):
            assert rate(given_rules, key.kind, key.since, taxed) == key.vat_bp
            assert rate(given_rules, key.kind, key.until, taxed) == key.vat_bp


@given(st.lists(moved, max_size=20), rules, st.lists(st.integers(0, 6_000), min_size=4, max_size=4, unique=True),
       bounds, st.sets(days, max_size=2))  # fmt: skip
def test_no_tier_grows_or_shrinks_by_a_change_inside_the_month(found, given_rules, first, edges, starts) -> None:
    """However the month is cut by prices and VAT, the parts of a tier add up to the tier."""
    new = [price + 1 for price in first]
    assume(not set(new) & set(first))
    one, two = Tariff(True, tier_rows(edges, first), None), Tariff(True, tier_rows(edges, new), None)
    use = [Figure(on, "grid_import", 0, -HUGE_WH, 0) for on in DAYS]
    month = month_of([*found, *use], given_rules, placed(starts, [one, two, one], True), taxed_seller=False)
    whole = {price: high - low for price, low, high in zip(first, [0, *sorted(edges)], sorted(edges), strict=False)}
    filled: dict[int, int] = defaultdict(int)
    for key, amount in month.lines.items():
        if key.kind == "tier_import":
            filled[key.price if key.price in first else key.price - 1] += amount.quantity
    assert {price: filled[price] for price in whole} == whole


def said(drafts: list[Draft]) -> Issued:
    """What these documents have said together, as the operations add it up from their rows."""
    found = Issued()
    for draft in drafts:
        for name, owed in draft.postings.items():
            found.postings[name] = found.postings.get(name, 0) + owed
        for vat in draft.vat:
            found.vat_dong[vat.vat_bp] = found.vat_dong.get(vat.vat_bp, 0) + vat.vat_dong
        for line in draft.lines:
            if line.key.kind != "carried":
                found.lines.setdefault(line.key, Amount()).add(line.quantity, line.millidong)
                found.dong[line.key] = found.dong.get(line.key, 0) + line.dong
    return found


def check_draft(draft: Draft) -> None:
    assert draft.total_dong == sum(line.dong for line in draft.lines) + sum(vat.vat_dong for vat in draft.vat)
    by_rate: dict[int | None, int] = defaultdict(int)
    for line in draft.lines:
        by_rate[line.key.vat_bp] += line.dong
    assert {k: v for k, v in by_rate.items() if v} == {v.vat_bp: v.net_dong for v in draft.vat if v.net_dong}


@given(figures, rules, tariffs, st.booleans())
def test_a_document_closes_the_ledger_to_zero(found, given_rules, on_tariffs, taxed) -> None:
    month = month_of(found, given_rules, on_tariffs, taxed_seller=taxed)
    draft = draft_of(month, Issued(), {})
    check_draft(draft)
    account = sum(f.amount_millidong for f in posted(found)) - sum(draft.postings.values())
    assert account + draft.total_dong * MILLIDONG_PER_DONG == 0
    assert abs(draft.postings.get("rounding", 0)) <= 500 * len(draft.lines)


@given(st.lists(figures, min_size=1, max_size=4), rules, st.lists(tariffs, min_size=4, max_size=4), st.booleans())
def test_original_and_adjustments_are_what_one_document_would_have_been(versions, given_rules, on, taxed) -> None:
    """Readings, and even tariffs, may change between any two of them."""
    drafts: list[Draft] = []
    for found, on_tariffs in zip(versions, on, strict=False):
        month = month_of(found, given_rules, on_tariffs, taxed_seller=taxed)
        drafts.append(draft_of(month, said(drafts), {}))
        check_draft(drafts[-1])
    one, together = draft_of(month, Issued(), {}), said(drafts)
    assert {k: v for k, v in together.dong.items() if v} == {line.key: line.dong for line in one.lines if line.dong}
    left = {k: (v.quantity, v.millidong) for k, v in together.lines.items() if v.quantity or v.millidong}
    assert left == {line.key: (line.quantity, line.millidong) for line in one.lines}
    taxes = {v.vat_bp: v.vat_dong for v in one.vat if v.vat_dong}
    assert {k: v for k, v in together.vat_dong.items() if v} == taxes
    assert {k: v for k, v in together.postings.items() if v} == one.postings
    assert not draft_of(month, together, {}).lines
    assert not draft_of(month, together, {}).vat


@given(figures, rules, tariffs, st.booleans(), st.data())
def test_meters_add_up_to_the_whole(found, given_rules, on_tariffs, taxed, data) -> None:
    month = month_of(found, given_rules, on_tariffs, taxed_seller=taxed)
    count = data.draw(st.integers(1, 4))
    took, gave = (data.draw(st.lists(st.integers(0, HUGE_WH), min_size=count, max_size=count)) for _ in range(2))
    parts = per_meter(month, took, gave)
    for key, amount in month.lines.items():
        own = [part.lines[key] for part in parts if key in part.lines]
        assert sum(one.quantity for one in own) == amount.quantity
        assert sum(one.millidong for one in own) == amount.millidong
        if amount.quantity and amount.millidong % amount.quantity == 0:
            assert all(one.millidong == one.quantity * (amount.millidong // amount.quantity) for one in own)
    for name, owed in month.beyond_runs.items():
        assert sum(part.beyond_runs[name] for part in parts) == owed
    assert sum(part.cash_millidong for part in parts) == month.cash_millidong
    assert sum(part.grid_only_millidong for part in parts) == month.grid_only_millidong
    drafts = [draft_of(part, Issued(), {}) for part in parts]
    for draft in drafts:
        check_draft(draft)
    account = sum(f.amount_millidong for f in posted(found)) - sum(sum(d.postings.values()) for d in drafts)
    assert account + sum(draft.total_dong for draft in drafts) * MILLIDONG_PER_DONG == 0


@given(st.integers(-HUGE_WH, HUGE_WH), st.lists(st.integers(0, 10**9), min_size=1, max_size=6))
def test_shares_add_up_and_have_the_whole_s_sign(whole, weights) -> None:
    parts = shares(whole, weights)
    assert sum(parts) == whole
    assert all(part * whole >= 0 for part in parts)
    assert all(not part for part, weight in zip(parts, weights, strict=True) if sum(weights) and not weight)


def test_what_earlier_days_left_can_break_a_share_of_a_negative_whole() -> None:
    assert shares(-1, [1, 1]) == [-1, 0]
    assert shares(1, [1, 1]) == [0, 1]


@given(figures, rules, tariffs, st.booleans(), st.randoms())
def test_the_order_in_which_figures_come_changes_nothing(found, given_rules, on_tariffs, taxed, rng) -> None:
    draft = draft_of(month_of(found, given_rules, on_tariffs, taxed_seller=taxed), Issued(), {})
    mixed_up = list(found)
    rng.shuffle(mixed_up)
    assert draft == draft_of(month_of(mixed_up, given_rules, on_tariffs, taxed_seller=taxed), Issued(), {})


@given(st.lists(st.tuples(days, st.integers(1, 300_000), st.integers(0, 6_000)), min_size=1, max_size=20),
       rules, tariffs, st.integers(0, 10**6))  # fmt: skip
def test_who_takes_all_from_the_grid_saves_nothing(use, given_rules, on_tariffs, watt) -> None:
    """Tiers and the charge on the peak are on both sides; only the platform's fee is on one."""
    found = [Figure(DAYS[0], "pmax", 0, watt, 0)]
    for on, wh, price in use:
        tiered = any(stretch.tiered for stretch in on_tariffs)
        found.append(Figure(on, "grid_import", price, -wh, -wh * price))
        found.append(Figure(on, "grid_only", price if tiered else 0, -wh, -wh * price))
    month = month_of(found, given_rules, on_tariffs, taxed_seller=False)
    assert month.cash_millidong - month.grid_only_millidong == -month.beyond_runs["platform_fee"]


@given(st.integers(-(10**15), 10**15), st.sampled_from([0, 500, 800, 1_000]))
def test_tax_is_half_a_dong_at_most_from_the_exact_one(net, bp) -> None:
    assert abs(tax_on(net, bp) * 10_000 - net * bp) <= 5_000
    assert tax_on(-net, bp) == -tax_on(net, bp)
    assert round_to_minor(-net) == -round_to_minor(net)


def test_a_month_without_anything_makes_no_document() -> None:
    flat = [Stretch(FIRST, LAST, 800)]
    given_rules = MonthRules(FIRST, LAST, {"electricity": flat, "service": flat}, [Stretch(FIRST, LAST, 15)], 20_000)
    month = month_of([], given_rules, (), taxed_seller=False)
    assert month == Month({}, {"tier": 0, "capacity": 0, "platform_fee": 0}, 0, 0)
    assert draft_of(month, Issued(), {}).lines == ()
