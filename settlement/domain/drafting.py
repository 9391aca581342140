"""From a month's lines to a document: what is new since the last one, rounded, taxed, added up.

A document says what the month comes to less what earlier documents of that month have said. With nothing issued that
is the whole month; with something issued and readings corrected since, the differences: an adjustment. So a month that
is closed twice bills nothing twice. Rounding follows the same rule: a line's đồng are the rounded whole less the đồng
said before, so that original and adjustments together are what one document would have been.

Example: 12,345,678 milli-đồng were billed as 12,346 đồng; a correction makes them 12,400,499. The adjustment's line is
54,821 milli-đồng and 12,400 − 12,346 = 54 đồng. VAT at 8 %: round(992.0) − round(987.7) = 992 − 988 = 4 đồng.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from settlement.domain.document import LINE_KINDS, VatSum
from settlement.domain.month import Amount, Key, Month
from units.money import MILLIDONG_PER_DONG, round_to_minor
from units.numbers import rounded_half_up

WHOLE_BP = 10_000


@dataclass(slots=True)
class Issued:
    """What earlier documents of the same month and party have said, added up."""

    lines: dict[Key, Amount] = field(default_factory=dict)
    dong: dict[Key, int] = field(default_factory=dict)
    vat_dong: dict[int | None, int] = field(default_factory=dict)
    postings: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a draft. `carried_from` is the document whose small amount it takes up."""

    key: Key
    quantity: int
    millidong: int
    dong: int
    carried_from: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A document's figures. `postings` are milli-đồng owed by ledger category, beside what runs have posted."""

    lines: tuple[Line, ...]
    vat: tuple[VatSum, ...]
    net_dong: int
    vat_dong: int
    carried_dong: int
    postings: dict[str, int]

    @property
    def total_dong(self) -> int:
        """What the document comes to, VAT included."""
        return self.net_dong + self.vat_dong


def draft_of(month: Month, issued: Issued, carried: Mapping[Key, tuple[int, int]]) -> Draft:
    """The document that a month needs now. `carried`: lines for small amounts of earlier months, each with the document
    it comes from and its đồng. Without any lines there is nothing to say."""
    lines = _differences(month, issued)
    vat = _vat(month, issued)
    vat_dong = sum(rate.vat_dong for rate in vat)
    taken = [Line(key, 1, dong * MILLIDONG_PER_DONG, dong, source) for key, (source, dong) in carried.items()]
    net = sum(line.dong for line in lines)
    exact = sum(line.millidong for line in lines) + vat_dong * MILLIDONG_PER_DONG
    postings = {name: owed - issued.postings.get(name, 0) for name, owed in month.beyond_runs.items()}
    postings["vat"] = vat_dong * MILLIDONG_PER_DONG
    postings["rounding"] = (net + vat_dong) * MILLIDONG_PER_DONG - exact
    carried_dong = sum(line.dong for line in taken)
    if taken:
        vat = _with_carried(vat, carried_dong)
    return Draft(
        (*lines, *taken),
        tuple(vat),
        net + carried_dong,
        vat_dong,
        carried_dong,
        {name: owed for name, owed in postings.items() if owed},
    )


def _differences(month: Month, issued: Issued) -> list[Line]:
    nothing = Amount()
    lines = []
    for key in sorted({*month.lines, *issued.lines}, key=_order):
        now, before = month.lines.get(key, nothing), issued.lines.get(key, nothing)
        dong = round_to_minor(now.millidong) - issued.dong.get(key, 0)
        line = Line(key, now.quantity - before.quantity, now.millidong - before.millidong, dong)
        if line.quantity or line.millidong or line.dong:
            lines.append(line)
    return lines


def _order(key: Key) -> tuple[object, ...]:
    """Bought before fees, stretches by date, then by price; None comes first. No two keys are equal in it, so that the
    same lines always make the same document."""
    numbers = (key.tier_from_wh, key.price, key.vat_bp, key.tier_to_wh)
    told = ((value is not None, value or 0) for value in numbers)
    return (LINE_KINDS.index(key.kind), key.since, key.period, *told, key.until)


def _vat(month: Month, issued: Issued) -> list[VatSum]:
    """By rate: the tax on the month's whole net, rounded once, less what was charged before."""
    net: dict[int | None, int] = defaultdict(int)
    before: dict[int | None, int] = defaultdict(int)
    for key, amount in month.lines.items():
        net[key.vat_bp] += round_to_minor(amount.millidong)
    for key, dong in issued.dong.items():
        before[key.vat_bp] += dong
    rates = sorted({*net, *before}, key=lambda rate: -1 if rate is None else rate)
    sums = [
        VatSum(rate, net[rate] - before[rate], tax_on(net[rate], rate) - issued.vat_dong.get(rate, 0)) for rate in rates
    ]
    return [found for found in sums if found.net_dong or found.vat_dong]


def tax_on(net_dong: int, vat_bp: int | None) -> int:
    """VAT in whole đồng, half rounded away from zero; `vat_bp` in basis points, None: not taxed."""
    return rounded_half_up(net_dong * (vat_bp or 0), WHOLE_BP)


def _with_carried(vat: list[VatSum], carried_dong: int) -> list[VatSum]:
    untaxed = next((found.net_dong for found in vat if found.vat_bp is None), 0)
    taxed = [found for found in vat if found.vat_bp is not None]
    return [VatSum(None, untaxed + carried_dong, 0), *taxed]
