"""A rulebook as one value: prices, time-of-use windows, taxes, fees and factors of a country or a site.

Every row has the day from which it is billed, the day from which it is law where that differs, a source, and its doubt
in plain words. Windows stand apart from prices, because a law may change the one and not the other; `compose` joins
them. A set of windows that is law but not billed yet has no `dated`; it is kept as pending and prices nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tariffs.domain.hours import Hours

TOU_PERIODS = ("normal", "peak", "offpeak")


@dataclass(frozen=True, slots=True)
class Dated:
    """From when to when a row holds, and how sure it is. `valid_to` is exclusive."""

    valid_from: date
    valid_to: date | None
    legal_from: date | None
    source: str
    doubt: str


@dataclass(frozen=True, slots=True)
class WindowSet:
    """Time-of-use windows; `dated` None while they are law but not billed."""

    code: str
    hours: tuple[Hours, ...]
    legal_from: date | None
    dated: Dated | None
    source: str
    doubt: str


@dataclass(frozen=True, slots=True)
class TariffHead:
    """What a tariff is, without its prices."""

    code: str
    name: str
    customer_class: str
    voltage: str
    kind: str
    pilot: bool
    note: str


@dataclass(frozen=True, slots=True)
class TierPrice:
    """The Wh [from_wh, to_wh) of a month, đồng/kWh."""

    from_wh: int
    to_wh: int | None
    price: int


@dataclass(frozen=True, slots=True)
class Prices:
    """What a tariff costs for some dates: đồng/kWh by period (`flat`, or normal, peak and offpeak) or by tier, and đồng
    per kW and month where it is of two parts."""

    tariff: str
    by_period: Mapping[str, int]
    tiers: tuple[TierPrice, ...]
    per_kw_month: int | None
    dated: Dated


@dataclass(frozen=True, slots=True)
class Vat:
    """A rate in basis points (800 = 8 %)."""

    category: str
    rate_bp: int
    dated: Dated


@dataclass(frozen=True, slots=True)
class Factor:
    """What a kWh from the grid emitted in `year`, mg CO₂."""

    year: int
    mg_per_kwh: int
    official: bool
    dated: Dated


@dataclass(frozen=True, slots=True)
class Surplus:
    """What the grid pays for surplus in the whole country, đồng/kWh, up to a share of a month's output."""

    price: int
    cap_pct: int | None
    dated: Dated


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The most that surplus may be paid in a region, hundredths of a đồng per kWh. To look at: nothing computes it."""

    region: str
    price_hundredths: int
    dated: Dated


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a site: the arguments of `tariffs.operations.set_terms` beside its dates."""

    site: str
    values: Mapping[str, int | None]
    dated: Dated


@dataclass(frozen=True, slots=True)
class Fee:
    """What the wires of a site cost from one zone to another, đồng/kWh."""

    site: str
    seller_zone: str
    buyer_zone: str
    price: int
    dated: Dated


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who is on which tariff at a site, and what month it is expected to use."""

    site: str
    participant: str
    tariff: str
    expected_month_wh: int
    dated: Dated


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All that a file says."""

    name: str
    country: str
    windows: tuple[WindowSet, ...] = ()
    tariffs: tuple[TariffHead, ...] = ()
    prices: tuple[Prices, ...] = ()
    vat: tuple[Vat, ...] = ()
    emission_factors: tuple[Factor, ...] = ()
    surplus: tuple[Surplus, ...] = ()
    surplus_ceilings: tuple[Ceiling, ...] = ()
    terms: tuple[Terms, ...] = ()
    network_fees: tuple[Fee, ...] = ()
    assignments: tuple[Assignment, ...] = ()

    @property
    def pending(self) -> tuple[WindowSet, ...]:
        """Windows that are law but not billed."""
        return tuple(windows for windows in self.windows if windows.dated is None)
