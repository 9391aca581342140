"""Every read of the rulebook: always the rows in force at the start of the delivery interval, by the site's own clock.

Who has no price is left out, so that one missing assignment does not keep a whole market from being settled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection

from meters.columns import IntArray, distinct, read_columns
from meters.models import Site
from tariffs.domain.windows import Window
from tariffs.models import (
    CapacityPrice,
    EmissionFactor,
    NetworkFee,
    SiteTerms,
    TariffAssignment,
    TariffRow,
    VatRate,
)

NO_PRICE = np.iinfo(np.int64).min


class NoTerms(LookupError):
    """The site has no terms on that day."""

    code = "no_terms"


@dataclass(frozen=True, slots=True)
class Terms:
    """A site's terms on one day: prices and fees in đồng/kWh (`platform_fee_month` in đồng per participant and month),
    the dead-band, the share of output the grid pays for, the most a residential renter may bid, the band of losses."""

    valid_from: date
    surplus_price: int
    network_fee: int
    deadband_pct: int
    deadband_wh: int
    surplus_cap_pct: int | None
    source: str
    legal_from: date | None = None
    doubt: str = ""
    platform_fee_price: int = 0
    platform_fee_month: int = 0
    renter_cap_price: int | None = None
    loss_min_pct: int = 0
    loss_max_pct: int = 5


def terms_at(site_id: int, start: datetime, zone: ZoneInfo | None = None) -> Terms:
    """The terms in force in the interval that begins at `start`; `zone` saves looking the site's up. Raises NoTerms."""
    return terms_on(site_id, start.astimezone(zone or _zone(site_id)).date())


def terms_on(site_id: int, on: date) -> Terms:
    """The terms in force on a local day. Raises NoTerms."""
    found = SiteTerms.objects.filter(site_id=site_id, valid_from__lte=on).order_by("-valid_from")
    row = found.values_list(*Terms.__dataclass_fields__).first()
    if row is None:
        raise NoTerms(f"The site has no terms on {on.isoformat()}; set surplus price and network fee from that day on.")
    return Terms(*row)


def retail_prices(site_id: int, participant_ids: Sequence[int], start: datetime) -> dict[int, int]:
    """What the grid charges each participant in the interval from `start`, đồng/kWh; those without a price are left
    out. Two queries, however many participants."""
    ids = distinct(np.asarray(participant_ids, dtype=np.int64))
    prices = retail_price_array(site_id, ids, start)
    known = prices != NO_PRICE
    return dict(zip(ids[known].tolist(), prices[known].tolist(), strict=True))


def retail_price_array(
    site_id: int, participant_ids: IntArray, start: datetime, zone: ZoneInfo | None = None
) -> IntArray:
    """`retail_prices` for ascending ids (n) as an array (n); NO_PRICE where there is none."""
    local = start.astimezone(zone or _zone(site_id))
    with connection.cursor() as cursor:
        assigned = read_columns(cursor, _ASSIGNED, (site_id, local.date()), ("participant", "tariff", "month_wh"))
    prices = np.full(len(participant_ids), NO_PRICE, dtype=np.int64)
    tariffs = distinct(assigned["tariff"])
    if not len(tariffs) or not len(prices):
        return prices
    found = _prices(assigned["tariff"], assigned["month_wh"], local.date(), local.hour * 60 + local.minute)
    where = np.searchsorted(participant_ids, assigned["participant"]).clip(max=len(prices) - 1)
    wanted = participant_ids[where] == assigned["participant"]
    prices[where[wanted]] = found[wanted]
    return prices


_ASSIGNED = """
    SELECT DISTINCT ON (participant_id) participant_id, tariff_id, expected_month_wh FROM tariffs_tariffassignment
    WHERE site_id = %s AND valid_from <= %s ORDER BY participant_id, valid_from DESC
"""


def tariff_assignments(site_id: int) -> list[tuple[int, date, int, int]]:
    """Every assignment of a site: (participant, valid from, tariff, expected Wh a month), by date."""
    rows = TariffAssignment.objects.filter(site_id=site_id).order_by("valid_from", "participant_id")
    return list(rows.values_list("participant_id", "valid_from", "tariff_id", "expected_month_wh"))


def windows_of(tariff_ids: Sequence[int]) -> dict[int, list[Window]]:
    """The rows of these tariffs."""
    fields = tuple(Window.__dataclass_fields__)
    windows: dict[int, list[Window]] = {tariff: [] for tariff in tariff_ids}
    for tariff, *row in TariffRow.objects.filter(tariff__in=tariff_ids).values_list("tariff_id", *fields):
        windows[tariff].append(Window(*row))
    return windows


def _prices(tariffs: IntArray, month_wh: IntArray, on: date, minute: int) -> IntArray:
    """The price of each assignment (k), by its tariff and, where that has tiers, by its expected month."""
    prices = np.full(len(tariffs), NO_PRICE, dtype=np.int64)
    for tariff, rows in windows_of(distinct(tariffs).tolist()).items():
        now = [row for row in rows if row.from_minute <= minute < row.to_minute and row.holds_on(on)]
        if now:
            own = tariffs == tariff
            tiers = np.array(sorted((row.tier_from_wh, row.price) for row in now), dtype=np.int64)
            tier = np.searchsorted(tiers[:, 0], np.maximum(month_wh[own] - 1, 0), side="right") - 1
            prices[own] = tiers[tier, 1]
    return prices


@dataclass(frozen=True, slots=True)
class Factor:
    """What a kWh from the grid emits, in mg CO₂, measured for `year`, with where it is from."""

    year: int
    mg_per_kwh: int
    official: bool
    valid_from: date
    source: str
    doubt: str


def vat_rate(country: str, category: str, on: date) -> int | None:
    """The VAT in force on a day, in basis points (800 = 8 %); None where the rulebook names none."""
    rows = VatRate.objects.filter(country=country, category=category, valid_from__lte=on).order_by("-valid_from")
    row = rows.first()
    return row.rate_bp if row and (row.valid_to is None or on < row.valid_to) else None


def emission_factor(country: str, on: date, official_only: bool = True) -> Factor | None:
    """The grid's emission factor to use on a day: the latest, and unless told otherwise only an official one."""
    rows = EmissionFactor.objects.filter(country=country, valid_from__lte=on)
    rows = (rows.filter(official=True) if official_only else rows).order_by("-valid_from", "-official")
    fields = tuple(Factor.__dataclass_fields__)
    return next((Factor(*row) for row in rows.exclude(valid_to__lte=on).values_list(*fields)), None)


def capacity_price(tariff_id: int, on: date) -> int | None:
    """What a two-part tariff charges on a day for the month's peak, in đồng per kW and month; None where nothing."""
    rows = CapacityPrice.objects.filter(tariff_id=tariff_id, valid_from__lte=on).order_by("-valid_from")
    row = rows.first()
    return row.price_per_kw if row and (row.valid_to is None or on < row.valid_to) else None


def capacity_price_of(site_id: int, participant_id: int, on: date) -> int | None:
    """What the tariff that a participant is on at a site charges on a day for the month's peak, in đồng per kW and
    month; None where it charges by energy alone, or the participant has no tariff."""
    rows = TariffAssignment.objects.filter(site_id=site_id, participant_id=participant_id, valid_from__lte=on)
    tariff = rows.order_by("-valid_from").values_list("tariff_id", flat=True).first()
    return capacity_price(tariff, on) if tariff is not None else None


def zone_fees(site_id: int, on: date) -> dict[tuple[str, str], int]:
    """The network fee in đồng/kWh of each pair (seller's zone, buyer's zone) that has one of its own on a day."""
    rows = NetworkFee.objects.filter(site_id=site_id, valid_from__lte=on).order_by("valid_from")
    return {(seller, buyer): price for seller, buyer, price in rows.values_list("seller_zone", "buyer_zone", "price")}


def _zone(site_id: int) -> ZoneInfo:
    return ZoneInfo(Site.objects.values_list("timezone", flat=True).get(pk=site_id))
