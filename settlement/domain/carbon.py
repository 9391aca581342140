"""A tenant's carbon figures: energy by source, the hourly matched share, and Scope 2 both ways. All exact integers.

**Consumption** of an hour is what came in over the boundary plus what the owner used of its own sun, directly or out of
its storage. A Wh that is bought to charge a storage counts when it is bought, so its losses are in, and it does not
count again when it comes out.

**Matched share** (24/7 carbon-free energy score): Σ min(consumption, green) / Σ consumption over the hours, in parts
per million, rounded down. Green is the owner's own, and the certificates of that same hour it holds or has retired;
surplus of one hour never covers another. Nothing is counted for the green part of the grid's own mix: it is published
for no hour in Việt Nam. Method: Google, '24/7 Carbon-Free Energy: Methodologies and Metrics' (2021).

**Scope 2** (GHG Protocol Scope 2 Guidance, 2015): location-based is everything imported times the grid's average
factor, whoever sold it, because neighbours share the same grid; own use behind the meter is no purchase. Market-based
counts what certificates of the same hour do not cover, times the residual mix, or the grid's average where, as in Việt
Nam, no residual mix is published (chapter 6.11: then this must be said).

Example: an hour with 10,000 Wh imported, 4,000 Wh of own sun used and certificates over 6,000 Wh, at 659,200 mg/kWh:
matched 10,000 of 14,000 Wh = 714,285 ppm; 6,592 g location-based; 4,000 Wh uncovered = 2,637 g market-based.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime

from units.numbers import rounded_half_up

PPM = 1_000_000
# Wh × mg/kWh is millionths of a gram.
UG_PER_GRAM = 1_000_000
METHOD = "wattbourse-carbon-1"


@dataclass(frozen=True, slots=True)
class HourEnergy:
    """One local hour of one participant, Wh. What was imported is local_pv + local_storage + local_other + grid.

    `local_pv_wh` and `local_storage_wh` came with certificates that are still good here; `certificate_wh` are all
    usable certificates of that hour, its own included, of which `retired_wh` are retired. `factor` is in mg/kWh.
    """

    start: datetime
    own_pv_wh: int
    own_storage_wh: int
    local_pv_wh: int
    local_storage_wh: int
    local_other_wh: int
    grid_wh: int
    certificate_wh: int
    retired_wh: int
    factor_mg_per_kwh: int

    @property
    def import_wh(self) -> int:
        """What came in over the boundary."""
        return self.local_pv_wh + self.local_storage_wh + self.local_other_wh + self.grid_wh

    @property
    def consumption_wh(self) -> int:
        """What was imported, and what was used of one's own sun."""
        return self.import_wh + self.own_pv_wh + self.own_storage_wh

    @property
    def green_wh(self) -> int:
        """Own sun and certificates of this hour."""
        return self.own_pv_wh + self.own_storage_wh + self.certificate_wh

    @property
    def matched_wh(self) -> int:
        """The part of the consumption that was green in this very hour."""
        return min(self.consumption_wh, self.green_wh)

    @property
    def uncovered_wh(self) -> int:
        """What was imported without a certificate of this hour."""
        return max(0, self.import_wh - self.certificate_wh)


SOURCES = ("own_pv_wh", "own_storage_wh", "local_pv_wh", "local_storage_wh", "local_other_wh", "grid_wh")


@dataclass(frozen=True, slots=True)
class CarbonTotals:
    """The figures of a period. Energies in Wh, emissions in whole grams CO₂e (each total rounded once, half up).

    `matched_ppm` is None where nothing was consumed.
    """

    hours: int
    own_pv_wh: int
    own_storage_wh: int
    local_pv_wh: int
    local_storage_wh: int
    local_other_wh: int
    grid_wh: int
    import_wh: int
    consumption_wh: int
    certificate_wh: int
    retired_wh: int
    matched_wh: int
    matched_ppm: int | None
    location_based_g: int
    market_based_g: int


_SUMS = tuple(field.name for field in fields(CarbonTotals) if field.name.endswith("_wh"))


def totals_of(hours: Iterable[HourEnergy]) -> CarbonTotals:
    """Everything added up."""
    hours = list(hours)
    sums = {name: sum(getattr(hour, name) for hour in hours) for name in _SUMS}
    location = sum(hour.import_wh * hour.factor_mg_per_kwh for hour in hours)
    market = sum(hour.uncovered_wh * hour.factor_mg_per_kwh for hour in hours)
    return CarbonTotals(
        hours=len(hours),
        **sums,
        matched_ppm=sums["matched_wh"] * PPM // sums["consumption_wh"] if sums["consumption_wh"] else None,
        location_based_g=rounded_half_up(location, UG_PER_GRAM),
        market_based_g=rounded_half_up(market, UG_PER_GRAM),
    )
