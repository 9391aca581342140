"""A participant's month as the lines that it owes, exactly, from the figures that settlement found.

What a run charges inside an interval is final for everything but three things that only a whole month knows: the tiers
of a tiered tariff, the charge on the month's highest half hour, and the platform's fee. A line is known by its key:
what it is for, at which price, at which VAT, in which stretch of days. A change of price or VAT inside the month makes
two stretches, hence two lines; tiers shrink to the days of theirs (`tariffs.domain.tiers`).

Example: a shop on time of use takes 10,000 Wh at 3,152 and 4,000 Wh at 5,422 from the grid: two `grid_import` lines of
31,520,000 and 21,688,000 milli-đồng. A home on tiers takes 120,000 Wh that runs charged at 2,380; its lines are 50,000
at 1,984, 50,000 at 2,050 and 20,000 at 2,380, and the difference to what the runs charged is posted as `tier`.

Energy of figures has the ledger's sign (given +, taken −), as has their money (received +). Lines are in the sign of
documents: owed by the participant is positive; a quantity is positive in either direction.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from tariffs.domain.tiers import Tier, TierShare, TierSpan, split
from tariffs.domain.windows import TIER, Window

WH_PER_KWH = 1_000
SOLD = ("local_sold", "pool_sold", "grid_export", "grid_spill", "compensation_received")
# What is taxed like what. Compensation makes good a loss, and a carried amount has been taxed before.
VAT_CATEGORY = {
    "local_sold": "electricity",
    "local_bought": "electricity",
    "pool_sold": "electricity",
    "pool_bought": "electricity",
    "grid_export": "electricity",
    "grid_import": "electricity",
    "tier_import": "electricity",
    "capacity": "electricity",
    "network_fee": "electricity",
    "platform_fee": "service",
    "platform_month": "service",
}
# The kinds that runs have posted, each with its category in the ledger.
POSTED = {
    "local_sold": "local",
    "local_bought": "local",
    "pool_sold": "pool",
    "pool_bought": "pool",
    "grid_import": "grid_import",
    "grid_export": "grid_export",
    "grid_spill": "grid_export",
    "network_fee": "network_fee",
    "compensation_received": "compensation",
    "compensation_paid": "compensation",
}


class Figure(NamedTuple):
    """What a participant moved on a day. `pmax` has its W in `energy_wh`; `grid_only` is what the day would have come
    to on the grid alone, with all that the meters took (−) in `energy_wh` and, on tiers, the price it was reckoned at.
    """

    on: date
    kind: str
    price: int
    energy_wh: int
    amount_millidong: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days [since, until] (inclusive) with one value: a VAT rate in basis points, or a fee in đồng."""

    since: date
    until: date
    value: int | None


@dataclass(frozen=True, slots=True)
class TariffStretch:
    """Days [since, until] (inclusive) on one tariff whose rows do not change in between."""

    since: date
    until: date
    tiered: bool
    rows: tuple[Window, ...]
    capacity_price: int | None = None  # đồng per kW and month


@dataclass(frozen=True, slots=True)
class MonthRules:
    """What a month is billed by, days from `first` to `last` (inclusive). Stretches cover it without overlap."""

    first: date
    last: date
    vat: Mapping[str, Sequence[Stretch]]
    platform_price: Sequence[Stretch]
    platform_month: int


class Key(NamedTuple):
    """What makes two amounts the same line."""

    kind: str
    since: date
    until: date
    period: str
    tier_from_wh: int | None
    tier_to_wh: int | None
    price: int | None
    vat_bp: int | None


@dataclass(slots=True)
class Amount:
    """How much of a line: Wh (W of `capacity`, 1 for a month's charge) and milli-đồng owed."""

    quantity: int = 0
    millidong: int = 0

    def add(self, quantity: int, millidong: int) -> None:
        """More of the same."""
        self.quantity += quantity
        self.millidong += millidong


class MonthError(ValueError):
    """A month that cannot be billed as it stands; `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Month:
    """A participant's month: its lines, what it owes beside what runs have posted, and the grid alone to compare with.

    `beyond_runs` has the ledger categories `tier`, `capacity` and `platform_fee` in milli-đồng owed. `grid_only` is in
    milli-đồng received (mostly negative), tiers and capacity included, as the grid would have charged them on all that
    the meters took; `cash` likewise what the runs and those categories come to.
    """

    lines: dict[Key, Amount]
    beyond_runs: dict[str, int]
    grid_only_millidong: int
    cash_millidong: int


def empty_month() -> Month:
    """A month in which nothing was moved."""
    return Month({}, {"tier": 0, "capacity": 0, "platform_fee": 0}, 0, 0)


def month_of(
    figures: Iterable[Figure], rules: MonthRules, tariffs: Sequence[TariffStretch], *, taxed_seller: bool
) -> Month:
    """The month of one participant. `taxed_seller`: whether it adds VAT to what it sells.

    Raises MonthError (`no_vat_rate`) where the rulebook has no rate on a day that needs one.
    """
    builder = _Builder(rules, tariffs, taxed_seller)
    for figure in figures:
        builder.take(figure)
    return builder.month()


class _Builder:
    def __init__(self, rules: MonthRules, tariffs: Sequence[TariffStretch], taxed_seller: bool) -> None:
        self.rules, self.taxed_seller = rules, taxed_seller
        self.tariffs = [part for stretch in tariffs for part in _cut_at_vat(stretch, rules.vat["electricity"])]
        self.lines: dict[Key, Amount] = defaultdict(Amount)
        self.tiered_wh = [0] * len(self.tariffs)
        self.alone_wh = [0] * len(self.tariffs)
        self.tiered_posted = 0
        self.bought_wh: dict[Stretch, int] = defaultdict(int)
        self.pmax_w = 0
        self.grid_only = 0
        self.posted = 0
        self.any = False

    def take(self, figure: Figure) -> None:
        if figure.kind == "pmax":
            self.pmax_w = max(self.pmax_w, figure.energy_wh)
        elif figure.kind == "grid_only":
            self._take_grid_only(figure)
        else:
            self.any = True
            self.posted += figure.amount_millidong
            self._line(figure)

    def _take_grid_only(self, figure: Figure) -> None:
        """On tiers, runs reckoned at one tier's price; that part is taken out and left to `_alone`."""
        self.grid_only += figure.amount_millidong
        number = self._tier_number(figure.on)
        if number is not None:
            self.grid_only -= figure.energy_wh * figure.price
            self.alone_wh[number] -= figure.energy_wh

    def _line(self, figure: Figure) -> None:
        wh = figure.energy_wh if figure.kind in SOLD else -figure.energy_wh
        if figure.kind in ("local_bought", "pool_bought"):
            self.bought_wh[self._platform_stretch(figure.on)] += wh
        number = self._tariff_number(figure.on)
        if figure.kind == "grid_import" and number is not None and self.tariffs[number].tiered:
            self.tiered_wh[number] += wh
            self.tiered_posted -= figure.amount_millidong
            return
        self.lines[self._key(figure, number)].add(wh, -figure.amount_millidong)

    def _key(self, figure: Figure, number: int | None) -> Key:
        """Lines of the grid begin and end with the tariff's rows, all others with the VAT alone."""
        vat = self._vat(figure.kind, figure.on)
        since, until, period, price = vat.since, vat.until, "", figure.price or None
        if figure.kind == "grid_import" and number is not None:
            tariff = self.tariffs[number]
            since, until = max(since, tariff.since), min(until, tariff.until)
            period = _period(tariff.rows, figure.on, figure.price)
            price = figure.price
        return Key(figure.kind, since, until, period, None, None, price, vat.value)

    def _vat(self, kind: str, on: date) -> Stretch:
        """The rate of a kind on a day and the days around it that have the same; None: not subject to VAT."""
        category = VAT_CATEGORY.get(kind)
        if category is None or (kind in SOLD and not self.taxed_seller):
            return Stretch(self.rules.first, self.rules.last, None)
        found = _stretch(self.rules.vat[category], on)
        if found.value is None:
            raise MonthError(
                "no_vat_rate", f"The rulebook has no VAT rate for {category} on {on.isoformat()}; add one."
            )
        return found

    def _tariff_number(self, on: date) -> int | None:
        return next((n for n, stretch in enumerate(self.tariffs) if stretch.since <= on <= stretch.until), None)

    def _tier_number(self, on: date) -> int | None:
        number = self._tariff_number(on)
        return number if number is not None and self.tariffs[number].tiered else None

    def month(self) -> Month:
        beyond = {"tier": self._tiers(), "capacity": self._capacity(), "platform_fee": self._platform()}
        return Month(
            {key: amount for key, amount in self.lines.items() if amount.quantity or amount.millidong},
            beyond,
            self.grid_only - sum(share.amount_millidong for share in self._shares(self.alone_wh)) - beyond["capacity"],
            self.posted - sum(beyond.values()),
        )

    def _tiers(self) -> int:
        """Adds the tiers' lines; what they come to beyond what the runs charged."""
        owed = 0
        for share in self._shares(self.tiered_wh):
            until = share.end_on - timedelta(days=1)
            vat = self._vat("tier_import", share.first_on)
            key = Key(
                "tier_import", share.first_on, until, TIER, share.from_wh, share.to_wh, share.price, vat.value
            )  # fmt: skip
            self.lines[key].add(share.wh, share.amount_millidong)
            owed += share.amount_millidong
        return owed - self.tiered_posted

    def _shares(self, wh: Sequence[int]) -> list[TierShare]:
        """Over the tiers: the Wh of each stretch of `tariffs` (k), of which those without tiers do not count.

        Stretches without use count too, because the bounds of the others are what they leave of the month.
        """
        tiered = [number for number, stretch in enumerate(self.tariffs) if stretch.tiered]
        if not any(wh[number] for number in tiered):
            return []
        spans = [_span(self.tariffs[number]) for number in tiered]
        return split([wh[number] for number in tiered], spans, (self.rules.last - self.rules.first).days + 1)

    def _capacity(self) -> int:
        """The charge on the month's highest half hour, by the tariff at the month's end."""
        number = self._tariff_number(self.rules.last)
        price = self.tariffs[number].capacity_price if number is not None else None
        if price is None or not self.pmax_w:
            return 0
        vat = self._vat("capacity", self.rules.last)
        key = Key("capacity", self.rules.first, self.rules.last, "", None, None, price, vat.value)
        self.lines[key].add(self.pmax_w, self.pmax_w * price)
        return self.pmax_w * price

    def _platform_stretch(self, on: date) -> Stretch:
        """The days around this one with its fee and, where there is a fee, its VAT."""
        fee = _stretch(self.rules.platform_price, on)
        vat = self._vat("platform_fee", on) if fee.value else fee
        return Stretch(max(fee.since, vat.since), min(fee.until, vat.until), fee.value)

    def _platform(self) -> int:
        owed = 0
        for stretch, wh in self.bought_wh.items():
            if stretch.value and wh:
                vat = self._vat("platform_fee", stretch.since)
                key = Key("platform_fee", stretch.since, stretch.until, "", None, None, stretch.value, vat.value)
                self.lines[key].add(wh, wh * stretch.value)
                owed += wh * stretch.value
        if self.rules.platform_month and self.any:
            vat = self._vat("platform_month", self.rules.first)
            fee = self.rules.platform_month
            key = Key("platform_month", self.rules.first, self.rules.last, "", None, None, fee, vat.value)
            self.lines[key].add(1, fee * WH_PER_KWH)
            owed += fee * WH_PER_KWH
        return owed


def _cut_at_vat(stretch: TariffStretch, vat: Sequence[Stretch]) -> Iterable[TariffStretch]:
    """A stretch on tiers in as many parts as it has VAT rates; any other is charged by price and stays whole."""
    if not stretch.tiered:
        return [stretch]
    both = ((max(stretch.since, rate.since), min(stretch.until, rate.until)) for rate in vat)
    return [replace(stretch, since=since, until=until) for since, until in both if since <= until]


def _span(stretch: TariffStretch) -> TierSpan:
    tiers = sorted((Tier(row.tier_from_wh, row.tier_to_wh, row.price) for row in stretch.rows), key=_from_wh)
    return TierSpan(stretch.since, stretch.until + timedelta(days=1), tuple(tiers))


def _from_wh(tier: Tier) -> int:
    return tier.from_wh


def _stretch(stretches: Sequence[Stretch], on: date) -> Stretch:
    return next(stretch for stretch in stretches if stretch.since <= on <= stretch.until)


def _period(rows: Sequence[Window], on: date, price: int) -> str:
    """The name of the hours that had this price on this day."""
    return next((row.period for row in rows if row.price == price and row.holds_on(on)), "")
