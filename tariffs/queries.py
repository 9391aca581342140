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
from tariffs.domain.windows import NoPrice, Window, price_at
from tariffs.models import SiteTerms, TariffRow

NO_PRICE = np.iinfo(np.int64).min


class NoTerms(LookupError):
    """The site has no terms on that day."""

    code = "no_terms"


@dataclass(frozen=True, slots=True)
class Terms:
    """A site's terms on one day: prices in đồng/kWh, the dead-band, and the share of output the grid pays for."""

    valid_from: date
    surplus_price: int
    network_fee: int
    deadband_pct: int
    deadband_wh: int
    surplus_cap_pct: int | None
    source: str


def terms_at(site_id: int, start: datetime, zone: ZoneInfo | None = None) -> Terms:
    """The terms in force in the interval that begins at `start`; `zone` saves looking the site's up. Raises NoTerms."""
    on = start.astimezone(zone or _zone(site_id)).date()
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
        assigned = read_columns(cursor, _ASSIGNED, (site_id, local.date()), ("participant", "tariff"))
    prices = np.full(len(participant_ids), NO_PRICE, dtype=np.int64)
    tariffs = distinct(assigned["tariff"])
    if not len(tariffs) or not len(prices):
        return prices
    by_tariff = _price_by_tariff(tariffs.tolist(), local.date(), local.hour * 60 + local.minute)
    where = np.searchsorted(participant_ids, assigned["participant"]).clip(max=len(prices) - 1)
    wanted = participant_ids[where] == assigned["participant"]
    prices[where[wanted]] = by_tariff[np.searchsorted(tariffs, assigned["tariff"][wanted])]
    return prices


_ASSIGNED = """
    SELECT DISTINCT ON (participant_id) participant_id, tariff_id FROM tariffs_tariffassignment
    WHERE site_id = %s AND valid_from <= %s ORDER BY participant_id, valid_from DESC
"""


def windows_of(tariff_ids: Sequence[int]) -> dict[int, list[Window]]:
    """The rows of these tariffs."""
    fields = tuple(Window.__dataclass_fields__)
    windows: dict[int, list[Window]] = {tariff: [] for tariff in tariff_ids}
    for tariff, *row in TariffRow.objects.filter(tariff__in=tariff_ids).values_list("tariff_id", *fields):
        windows[tariff].append(Window(*row))
    return windows


def _price_by_tariff(tariff_ids: list[int], on: date, minute: int) -> IntArray:
    windows = windows_of(tariff_ids)
    return np.array([_price_or_none(windows[tariff], on, minute) for tariff in tariff_ids], dtype=np.int64)


def _price_or_none(rows: list[Window], on: date, minute: int) -> int:
    try:
        return price_at(rows, on, minute)
    except NoPrice:
        return NO_PRICE


def _zone(site_id: int) -> ZoneInfo:
    return ZoneInfo(Site.objects.values_list("timezone", flat=True).get(pk=site_id))
