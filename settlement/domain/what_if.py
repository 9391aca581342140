"""What a participant's own month would come to under another rulebook.

What it metered and what it traded with its neighbours stay as they were, at their prices; so does compensation. What it
took from the grid and gave to it is priced anew, interval by interval, as are network fees, the charge on the month's
highest half hour, platform fees and VAT. The figures then go through `month_of` and `draft_of`, as those of the close
do: under the rules in force the lines are those of the invoice, to the đồng.

Example: 10,000 Wh at 10:00 on a weekday cost 3,398 in the old peak hours and 1,833 where peak is in the evening: two
grid lines beside each other, peak 10 kWh → 0, normal 0 → 10 kWh, 15,650 đồng less, before VAT.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from settlement.domain.document import LINE_KINDS, VatSum
from settlement.domain.drafting import Draft, Issued, Line, draft_of
from settlement.domain.month import Figure, Month, month_of
from settlement.domain.tariff_days import is_tiered
from settlement.domain.what_if_rules import RuleSet
from tariffs.domain.windows import NoPrice, price_at

HALF_HOURS = 48
MINUTES = 30


class Taken(NamedTuple):
    """One settled interval of a participant: its local day and minute, which half hour of all time it lies in, and
    Wh. `output_wh`: what its generation sub-meters gave, None without one."""

    on: date
    minute: int
    half_hour: int
    import_wh: int
    export_wh: int
    grid_import_wh: int
    grid_export_wh: int
    unpaid_spill_wh: int
    output_wh: int | None


class Wires(NamedTuple):
    """Energy that came over the site's wires on a day, and what that cost (milli-đồng, as it was). Zones None: it came
    from the pool, where nobody knows whose it was."""

    on: date
    seller_zone: str | None
    buyer_zone: str | None
    wh: int
    millidong: int


@dataclass(frozen=True, slots=True)
class Usage:
    """A participant's month as it was. `kept` are the figures that no rulebook changes: local trade, pool,
    compensation. `fees` are the network fees as they were posted."""

    month: date
    taxed_seller: bool
    taken: tuple[Taken, ...]
    kept: tuple[Figure, ...]
    fees: tuple[Figure, ...]
    wires: tuple[Wires, ...]


@dataclass(frozen=True, slots=True)
class Bill:
    """The month under one rulebook. `draft` is the document it would be; `by_half_hour` what its grid energy costs in
    each half hour of the day, over all days, milli-đồng without VAT."""

    tariffs: tuple[str, ...]
    unmatched: tuple[str, ...]
    draft: Draft
    by_half_hour: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One side of a row: Wh (W of `capacity`), đồng; price and VAT None where there is not just one, or none."""

    quantity: int
    price: int | None
    dong: int
    vat_bp: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """The same kind, period and tier on both sides; a side is None where it has nothing of it."""

    kind: str
    period: str
    tier_from_wh: int | None
    tier_to_wh: int | None
    left: Part | None
    right: Part | None

    @property
    def difference_dong(self) -> int:
        """How much more the right side is, before VAT."""
        return (self.right.dong if self.right else 0) - (self.left.dong if self.left else 0)


@dataclass(frozen=True, slots=True)
class VatRow:
    """The VAT of one rate on both sides, đồng."""

    vat_bp: int
    left_dong: int
    right_dong: int

    @property
    def difference_dong(self) -> int:
        """How much more the right side is."""
        return self.right_dong - self.left_dong


@dataclass(frozen=True, slots=True)
class Comparison:
    """A month under two rulebooks. `grid_wh_by_half_hour`: what was taken from the grid in each half hour of the day,
    over all days."""

    month: date
    intervals: int
    left: Bill
    right: Bill
    rows: tuple[Row, ...]
    vat: tuple[VatRow, ...]
    grid_wh_by_half_hour: tuple[int, ...]

    @property
    def difference_dong(self) -> int:
        """How much more the participant owes on the right, VAT included."""
        return self.right.draft.total_dong - self.left.draft.total_dong

    @property
    def reasons(self) -> tuple[Row, ...]:
        """The rows that differ, the largest difference first."""
        differing = (row for row in self.rows if row.difference_dong)
        return tuple(sorted(differing, key=lambda row: -abs(row.difference_dong)))


def compare(usage: Usage, was: RuleSet, left: RuleSet, right: RuleSet) -> Comparison:
    """The month under the rules `left` and `right`; `was` are those it was settled by. Raises MonthError."""
    bills = bill(usage, was, left), bill(usage, was, right)
    by_half_hour = [0] * HALF_HOURS
    for taken in usage.taken:
        by_half_hour[taken.minute // MINUTES] += taken.grid_import_wh
    return Comparison(
        usage.month,
        len(usage.taken),
        *bills,
        _rows(*(each.draft.lines for each in bills)),
        _vat(*(each.draft.vat for each in bills)),
        tuple(by_half_hour),
    )


def bill(usage: Usage, was: RuleSet, rules: RuleSet) -> Bill:
    """The month under some rules, as a document of its own. Raises MonthError."""
    figures = [*usage.kept, *_grid(usage, was, rules), *_fees(usage, was, rules), *_pmax(usage)]
    stretches = rules.tariff_stretches(usage.month)
    month = month_of(figures, rules.month_rules(usage.month), stretches, taxed_seller=usage.taxed_seller)
    tariffs = [found[0] for taken in usage.taken if (found := rules.tariff_on(taken.on))]
    draft = draft_of(month, Issued(), {})
    return Bill(tuple(dict.fromkeys(tariffs)), rules.unmatched, draft, _by_half_hour(usage, rules, month))


def _grid(usage: Usage, was: RuleSet, rules: RuleSet) -> Iterator[Figure]:
    """What went to and came from the grid, at the prices of these rules: as the close of a month takes its figures."""
    spill = _spill(usage, was, rules)
    for taken, unpaid in zip(usage.taken, spill, strict=True):
        retail = _retail(rules, taken)
        terms = rules.terms_on(taken.on)
        surplus = terms.surplus_price if terms else 0
        paid = taken.grid_export_wh - unpaid
        if taken.grid_import_wh:
            yield Figure(taken.on, "grid_import", retail, -taken.grid_import_wh, -taken.grid_import_wh * retail)
        if paid:
            yield Figure(taken.on, "grid_export", surplus, paid, paid * surplus)
        if unpaid:
            yield Figure(taken.on, "grid_spill", 0, unpaid, 0)
        alone = taken.export_wh * surplus - taken.import_wh * retail
        yield Figure(taken.on, "grid_only", retail if _on_tiers(rules, taken) else 0, -taken.import_wh, alone)


def _retail(rules: RuleSet, taken: Taken) -> int:
    """The retail price of an interval; 0 where there is none, as a run takes it."""
    tariff = rules.tariff_on(taken.on)
    if tariff is None:
        return 0
    code, expected_wh = tariff
    try:
        return price_at(rules.rows.get(code, ()), taken.on, taken.minute, expected_wh)
    except NoPrice:
        return 0


def _on_tiers(rules: RuleSet, taken: Taken) -> bool:
    tariff = rules.tariff_on(taken.on)
    return tariff is not None and is_tiered([row for row in rules.rows.get(tariff[0], ()) if row.is_valid(taken.on)])


def _spill(usage: Usage, was: RuleSet, rules: RuleSet) -> list[int]:
    """Surplus that the grid does not pay for. As it was, unless the share of output that it pays for is another: then
    from the first of the month on, each interval by the output and the payments up to it."""
    days = {taken.on for taken in usage.taken}
    if all(_cap(rules, on) == _cap(was, on) for on in days):
        return [taken.unpaid_spill_wh for taken in usage.taken]
    made = paid = 0
    found = []
    for taken in usage.taken:
        made += taken.output_wh or 0
        cap = _cap(rules, taken.on)
        most = taken.grid_export_wh if cap is None or taken.output_wh is None else max(made * cap // 100 - paid, 0)
        paid += min(taken.grid_export_wh, most)
        found.append(taken.grid_export_wh - min(taken.grid_export_wh, most))
    return found


def _cap(rules: RuleSet, on: date) -> int | None:
    terms = rules.terms_on(on)
    return terms.surplus_cap_pct if terms else None


def _fees(usage: Usage, was: RuleSet, rules: RuleSet) -> Iterator[Figure]:
    """Network fees: as they were posted on days whose fees are the same, anew on the others. What came from the pool
    costs as much more as the fee between zones without one of their own does."""
    days = {figure.on for figure in usage.fees} | {wires.on for wires in usage.wires}
    other = {on for on in days if _wire_prices(rules, on) != _wire_prices(was, on)}
    yield from (figure for figure in usage.fees if figure.on not in other)
    for wires in usage.wires:
        if wires.on not in other:
            continue
        base, by_pair = _wire_prices(rules, wires.on)
        if wires.seller_zone is None or wires.buyer_zone is None:
            more = base - _wire_prices(was, wires.on)[0]
            yield Figure(wires.on, "network_fee", 0, -wires.wh, -(wires.millidong + wires.wh * more))
        else:
            price = by_pair.get((wires.seller_zone, wires.buyer_zone), base)
            yield Figure(wires.on, "network_fee", price, -wires.wh, -wires.wh * price)


def _wire_prices(rules: RuleSet, on: date) -> tuple[int, dict[tuple[str, str], int]]:
    terms = rules.terms_on(on)
    return (terms.network_fee if terms else 0), rules.fees_on(on)


def _pmax(usage: Usage) -> Iterator[Figure]:
    """The month's highest half hour, W; it costs something only where the tariff has a price for power."""
    half_hours: dict[int, int] = defaultdict(int)
    for taken in usage.taken:
        half_hours[taken.half_hour] += taken.import_wh
    if half_hours and max(half_hours.values()):
        yield Figure(usage.taken[-1].on, "pmax", 0, max(half_hours.values()) * 2, 0)


def _by_half_hour(usage: Usage, rules: RuleSet, month: Month) -> tuple[int, ...]:
    """The cost of grid energy by half hour of the day; the tiers of a month spread evenly over what it took on tiers,
    rounded down."""
    tiers = [amount for key, amount in month.lines.items() if key.kind == "tier_import"]
    tier_wh, tier_cost = sum(amount.quantity for amount in tiers), sum(amount.millidong for amount in tiers)
    found = [0] * HALF_HOURS
    for taken in usage.taken:
        spread = tier_wh and _on_tiers(rules, taken)
        price_wh = (
            taken.grid_import_wh * tier_cost // tier_wh if spread else taken.grid_import_wh * _retail(rules, taken)
        )
        found[taken.minute // MINUTES] += price_wh
    return tuple(found)


_RowKey = tuple[str, str, int | None, int | None]


def _rows(left: Sequence[Line], right: Sequence[Line]) -> tuple[Row, ...]:
    sides = _by_row(left), _by_row(right)
    keys = sorted(sides[0].keys() | sides[1].keys(), key=_order)
    return tuple(Row(*key, _part(sides[0].get(key)), _part(sides[1].get(key))) for key in keys)


def _by_row(lines: Sequence[Line]) -> Mapping[_RowKey, list[Line]]:
    found: dict[_RowKey, list[Line]] = defaultdict(list)
    for line in lines:
        key = line.key
        found[key.kind, key.period, key.tier_from_wh, key.tier_to_wh].append(line)
    return found


def _order(key: _RowKey) -> tuple[object, ...]:
    kind, period, first, last = key
    return LINE_KINDS.index(kind), period, first or 0, last is None, last or 0


def _part(lines: list[Line] | None) -> Part | None:
    if not lines:
        return None
    prices, rates = {line.key.price for line in lines}, {line.key.vat_bp for line in lines}
    return Part(
        sum(line.quantity for line in lines),
        prices.pop() if len(prices) == 1 else None,
        sum(line.dong for line in lines),
        rates.pop() if len(rates) == 1 else None,
    )


def _vat(left: Sequence[VatSum], right: Sequence[VatSum]) -> tuple[VatRow, ...]:
    sides = [{found.vat_bp: found.vat_dong for found in side if found.vat_bp is not None} for side in (left, right)]
    return tuple(
        VatRow(rate, sides[0].get(rate, 0), sides[1].get(rate, 0)) for rate in sorted(sides[0].keys() | sides[1].keys())
    )
