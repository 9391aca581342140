"""One month over several metering points, for participants that want an invoice for each meter.

A participant is settled as one: what its meters take and give is added up before anything is matched. So its lines are
shared out afterwards: what was bought by what each point took in the month, what was sold by what each gave. Shares are
differences of ⌊whole × part so far ÷ all⌋, so they add up to the whole exactly; a month's fixed fee goes to the first
point. Where a line has one price, its energy is shared and the money is energy × price, as on any other document.

Example: 10,001 Wh over points that took 3,000 and 1,000: ⌊10,001 × 3/4⌋ = 7,500, then 10,001 − 7,500 = 2,501; at 3,001
đồng/kWh that is 22,507,500 and 7,505,501 milli-đồng.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate

from settlement.domain.month import SOLD, Amount, Key, Month

UNSPLIT = ("platform_month",)


def shares(whole: int, weights: Sequence[int]) -> list[int]:
    """`whole` shared out by `weights` (0 or more); where all are 0, to the first."""
    total = sum(weights)
    if not total:
        return [whole, *([0] * (len(weights) - 1))]
    reached = [whole * part // total for part in accumulate(weights)]
    return [after - before for before, after in zip([0, *reached[:-1]], reached, strict=True)]


def per_meter(month: Month, took_wh: Sequence[int], gave_wh: Sequence[int]) -> list[Month]:
    """The month of each metering point, in the order of `took_wh` and `gave_wh` (k): what each counted in Wh."""
    first = [1, *([0] * (len(took_wh) - 1))]
    lines: list[dict[Key, Amount]] = [{} for _ in took_wh]
    for key, amount in month.lines.items():
        weights = first if key.kind in UNSPLIT else gave_wh if key.kind in SOLD else took_wh
        for line, (quantity, millidong) in zip(lines, _parts(amount, weights), strict=True):
            if quantity or millidong:
                line[key] = Amount(quantity, millidong)
    beyond = _beyond(month.beyond_runs, lines, took_wh)
    only, cash = shares(month.grid_only_millidong, took_wh), shares(month.cash_millidong, took_wh)
    return [Month(*parts) for parts in zip(lines, beyond, only, cash, strict=True)]


def _parts(amount: Amount, weights: Sequence[int]) -> list[tuple[int, int]]:
    quantities = shares(amount.quantity, weights)
    if amount.quantity and amount.millidong % amount.quantity == 0:
        each = amount.millidong // amount.quantity
        return [(quantity, quantity * each) for quantity in quantities]
    return list(zip(quantities, shares(amount.millidong, weights), strict=True))


def _beyond(
    whole: Mapping[str, int], lines: Sequence[Mapping[Key, Amount]], took_wh: Sequence[int]
) -> list[dict[str, int]]:
    """Capacity and platform fee as their lines say; the tiers' difference by what each point took."""
    tier = shares(whole["tier"], took_wh)
    return [
        {
            "tier": part,
            "capacity": sum(amount.millidong for key, amount in line.items() if key.kind == "capacity"),
            "platform_fee": sum(amount.millidong for key, amount in line.items() if key.kind.startswith("platform")),
        }
        for part, line in zip(tier, lines, strict=True)
    ]
