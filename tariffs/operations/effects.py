"""Whom a change of rules touches, and what it would have cost them: shown before anybody approves it.

The change is put into force, looked at, and taken back. The effect takes a participant's own readings of the last 30
days, each at the price that its hour of the week has on the change's first days: import at retail before and after,
export at the surplus price before and after, and the platform's monthly fee. What the participant trades with
neighbours is not in it: the figure is that of the grid alone.

Example: 100,000 Wh imported at peak, where the peak rises from 3,398 to 3,500: 10,200 đồng a month more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import Participant
from meters.models import Site
from meters.queries import HalfHourUse, use_by_half_hour
from tariffs.domain.rulebook import Rulebook
from tariffs.domain.tiers import Tier, TierSpan, split
from tariffs.domain.windows import TIER, NoPrice, Window, price_at
from tariffs.models import Tariff
from tariffs.operations.apply import Applied, apply_rulebook
from tariffs.queries import NoTerms, Terms, tariff_assignments, terms_on, windows_of, zone_fees

DAYS = 30
PER_DONG = 1_000


@dataclass(frozen=True, slots=True)
class _Rules:
    """What one site's participants pay on a day: (tariff, expected Wh) of each, rows of each tariff, terms, fees."""

    tariff: dict[int, tuple[int, int]]
    rows: dict[int, list[Window]]
    terms: Terms | None
    fees: dict[tuple[str, str], int]

    def of(self, participant: int, on: date) -> list[Window]:
        """The rows that a participant pays by from a day on."""
        known = self.tariff.get(participant)
        return [] if known is None else [r for r in self.rows[known[0]] if r.valid_to is None or r.valid_to > on]


def impact_of(rulebook: Rulebook, on: date, at: datetime) -> dict[str, Any]:
    """What a rulebook would change and whom it touches from the day `on`, as JSON. Raises as `apply_rulebook` does."""
    before = {site.pk: _rules(site, on) for site in Site.objects.all()}
    with transaction.atomic():
        applied = apply_rulebook(rulebook=rulebook, by=None, at=at)
        after = {site.pk: _rules(site, on) for site in Site.objects.all()}
        transaction.set_rollback(True)
    sites = [_site(site, before[site.pk], after[site.pk], on, at) for site in Site.objects.order_by("code")]
    touched = [site for site in sites if site["participants"] or site["terms"] or site["network_fees"]]
    people = [person for site in touched for person in site["participants"]]
    return {
        "changes": [_told(one) for one in applied],
        "sites": touched,
        "participants": len(people),
        "effect_dong": sum(person["effect_dong"] for person in people),
        "days": DAYS,
    }


def _told(one: Applied) -> dict[str, Any]:
    return {"what": one.what, "from": one.from_on.isoformat(), "alters": one.alters}


def _rules(site: Site, on: date) -> _Rules:
    assigned: dict[int, tuple[int, int]] = {}
    for participant, since, tariff, expected in tariff_assignments(site.pk):
        if since <= on:
            assigned[participant] = tariff, expected
    try:
        terms = terms_on(site.pk, on)
    except NoTerms:
        terms = None
    rows = windows_of(sorted({tariff for tariff, _ in assigned.values()}))
    return _Rules(assigned, rows, terms, zone_fees(site.pk, on))


def _site(site: Site, before: _Rules, after: _Rules, on: date, at: datetime) -> dict[str, Any]:
    terms = _terms_changed(before.terms, after.terms)
    everybody = before.tariff.keys() | after.tariff.keys()
    other = {one for one in everybody if _prices(before, one, on) != _prices(after, one, on)}
    money = {"surplus_price", "platform_fee_month"} & terms.keys()
    return {
        "site": site.code,
        "terms": terms,
        "network_fees": _fees_changed(before.fees, after.fees),
        "participants": _people(site, before, after, everybody if money else other, on, at),
    }


def _prices(rules: _Rules, participant: int, on: date) -> Any:
    """All that decides what a participant pays from a day on; where rows came from and how sure they are does not."""
    rows = rules.of(participant, on)
    expected = rules.tariff.get(participant, (0, 0))[1] if any(row.period == TIER for row in rows) else 0
    return expected, sorted(
        (r.weekdays, r.from_minute, r.to_minute, r.price, max(r.valid_from, on), str(r.valid_to), r.tier_from_wh)
        for r in rows
    )


def _terms_changed(before: Terms | None, after: Terms | None) -> dict[str, list[Any]]:
    names = [name for name in Terms.__dataclass_fields__ if name not in ("valid_from", "legal_from", "source", "doubt")]
    pairs = {name: [getattr(before, name, None), getattr(after, name, None)] for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _fees_changed(before: Mapping[tuple[str, str], int], after: Mapping[tuple[str, str], int]) -> list[dict[str, Any]]:
    return [
        {"seller_zone": pair[0], "buyer_zone": pair[1], "before": before.get(pair), "after": after.get(pair)}
        for pair in sorted(before.keys() | after.keys())
        if before.get(pair) != after.get(pair)
    ]


def _people(
    site: Site, before: _Rules, after: _Rules, touched: Iterable[int], on: date, at: datetime
) -> list[dict[str, Any]]:
    ids = sorted(touched)
    zone = ZoneInfo(site.timezone)
    use = use_by_half_hour(site.pk, ids, at - timedelta(days=DAYS), at, zone) if ids else {}
    names = dict(Participant.objects.filter(pk__in=ids).values_list("pk", "name"))
    codes = dict(Tariff.objects.filter(pk__in=before.rows.keys() | after.rows.keys()).values_list("pk", "code"))
    return [
        {
            "id": one,
            "name": names[one],
            "tariff": [codes.get(rules.tariff.get(one, (0, 0))[0]) for rules in (before, after)],
            "prices": _by_period(before.of(one, on), after.of(one, on), on),
            "effect_dong": _cost(after, one, on, use.get(one, [])) - _cost(before, one, on, use.get(one, [])),
            "import_wh": sum(part.import_wh for part in use.get(one, [])),
            "export_wh": sum(part.export_wh for part in use.get(one, [])),
        }
        for one in ids
    ]


def _by_period(before: list[Window], after: list[Window], on: date) -> dict[str, list[int | None]]:
    """The price of each period, or tier, before and after, where both are in force on the day."""
    olds, news = ({_name(row): row.price for row in rows if row.is_valid(on)} for rows in (before, after))
    return {name: [olds.get(name), news.get(name)] for name in sorted(olds.keys() | news.keys())}


def _name(row: Window) -> str:
    return f"tier from {row.tier_from_wh // 1_000} kWh" if row.period == TIER else row.period


def _cost(rules: _Rules, participant: int, on: date, use: list[HalfHourUse]) -> int:
    """What the month's readings cost at the grid under these rules, đồng rounded down."""
    rows = rules.of(participant, on)
    terms = rules.terms
    surplus = sum(part.export_wh for part in use) * (terms.surplus_price if terms else 0)
    fee = terms.platform_fee_month if terms else 0
    return (_imported(rows, on, use) - surplus) // PER_DONG + fee


def _imported(rows: list[Window], on: date, use: list[HalfHourUse]) -> int:
    """Import of the month at retail, milli-đồng; what has no price costs nothing."""
    tiers = [row for row in rows if row.period == TIER and row.is_valid(on)]
    if tiers:
        ordered = sorted(tiers, key=lambda row: row.tier_from_wh)
        bounds = tuple(Tier(row.tier_from_wh, row.tier_to_wh, row.price) for row in ordered)
        shares = split(sum(part.import_wh for part in use), [TierSpan(on, on + timedelta(days=DAYS), bounds)])
        return sum(share.amount_millidong for share in shares)
    return sum(part.import_wh * _price(rows, on, part) for part in use)


def _price(rows: list[Window], on: date, part: HalfHourUse) -> int:
    """The price on the first day from `on` that is the same day of the week."""
    day = on + timedelta(days=(part.weekday - on.weekday()) % 7)
    try:
        return price_at(rows, day, part.minute)
    except NoPrice:
        return 0
