"""Putting a rulebook into force: each row through the operation that sets it, all of them or none.

What is said already is left alone, so that the same rulebook can be loaded again. What would be done is found out by
doing it and taking it back: a preview can then never differ from the act.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from accounts.models import Participant, User
from meters.models import Site
from tariffs.domain.compose import compose, joined
from tariffs.domain.fields import Mistake, RulebookRejected
from tariffs.domain.rulebook import Dated, Rulebook
from tariffs.domain.windows import Window
from tariffs.models import EmissionFactor, NetworkFee, SiteTerms, Tariff, TariffAssignment, VatRate
from tariffs.operations.rules import (
    assign_tariff,
    replace_rows,
    set_capacity_price,
    set_emission_factor,
    set_network_fee,
    set_terms,
    set_vat_rate,
)
from tariffs.queries import windows_of


@dataclass(frozen=True, slots=True)
class Applied:
    """One thing that a rulebook changes, and from which day. `alters`: something else held then; else it is new."""

    what: str
    from_on: date
    alters: bool


def apply_rulebook(*, rulebook: Rulebook, by: User | None, at: datetime, dry_run: bool = False) -> list[Applied]:
    """Put a rulebook into force; what that changes. Raises RulebookRejected, TariffRejected, RulesSettled, and changes
    nothing then, nor in a dry run."""
    with transaction.atomic():
        changes = [
            *_tariffs(rulebook, by, at),
            *_levies(rulebook, by, at),
            *_sites(rulebook, by, at),
        ]
        if dry_run:
            transaction.set_rollback(True)
    return changes


def _tariffs(rulebook: Rulebook, by: User | None, at: datetime) -> Iterator[Applied]:
    known = {tariff.code: tariff for tariff in Tariff.objects.filter(country=rulebook.country)}
    rows = windows_of([tariff.pk for tariff in known.values()])
    held = {code: rows[tariff.pk] for code, tariff in known.items()}
    made = compose(rulebook, held, {code: tariff.kind for code, tariff in known.items()})
    for head in rulebook.tariffs:
        values: dict[str, Any] = {name: getattr(head, name) for name in _HEAD}
        known[head.code] = Tariff.objects.update_or_create(
            code=head.code, defaults={**values, "country": rulebook.country}
        )[0]
    for code, new in made.items():
        yield from _rows(known[code], held.get(code, []), new, by, at)
    for prices in rulebook.prices:
        if prices.per_kw_month is not None:
            yield from _capacity(known[prices.tariff], prices.per_kw_month, prices.dated, by, at)


_HEAD = ("name", "customer_class", "voltage", "kind", "pilot", "note")


def _rows(tariff: Tariff, before: list[Window], new: list[Window], by: User | None, at: datetime) -> Iterator[Applied]:
    now = joined(before, new)
    if sorted(map(_key, before)) != sorted(map(_key, now)):
        replace_rows(tariff=tariff, rows=now, by=by, at=at)
        first = first_difference(before, now) or min(row.valid_from for row in new)
        yield Applied(f"prices of {tariff.name} ({tariff.code})", first, alters=bool(before))


def first_difference(before: Sequence[Window], now: Sequence[Window]) -> date | None:
    """The first day on which the two sets of rows charge something else; None where they never do."""
    olds, news = ({_price_key(row): row for row in rows} for rows in (before, now))
    days = [rows[key].valid_from for rows, other in ((olds, news), (news, olds)) for key in rows.keys() - other.keys()]
    for key in olds.keys() & news.keys():
        ends = {olds[key].valid_to, news[key].valid_to}
        days += [min(end for end in ends if end is not None)] if len(ends) > 1 else []
    return min(days, default=None)


def _key(row: Window) -> tuple[Any, ...]:
    return (*_price_key(row), str(row.valid_to), row.source, str(row.legal_from), row.doubt)


def _price_key(row: Window) -> tuple[Any, ...]:
    return (
        row.valid_from, row.weekdays, row.from_minute, row.to_minute, row.period, row.price, row.tier_from_wh,
        str(row.tier_to_wh),
    )  # fmt: skip


def _capacity(tariff: Tariff, price: int, dated: Dated, by: User | None, at: datetime) -> Iterator[Applied]:
    rows = tariff.capacity_prices
    changes = _changes(rows, dated, {"price_per_kw": price})
    if changes:
        set_capacity_price(tariff=tariff, price_per_kw=price, **_dates(dated), by=by, at=at)
        yield Applied(f"price for power of {tariff.name} ({tariff.code})", dated.valid_from, changes == "alters")


def _levies(rulebook: Rulebook, by: User | None, at: datetime) -> Iterator[Applied]:
    for vat in rulebook.vat:
        rates = VatRate.objects.filter(country=rulebook.country, category=vat.category)
        if changes := _changes(rates, vat.dated, {"rate_bp": vat.rate_bp}):
            set_vat_rate(
                country=rulebook.country, category=vat.category, rate_bp=vat.rate_bp, **_dates(vat.dated), by=by, at=at
            )
            yield Applied(f"VAT on {vat.category}", vat.dated.valid_from, changes == "alters")
    for factor in rulebook.emission_factors:
        factors = EmissionFactor.objects.filter(country=rulebook.country, official=factor.official)
        values: dict[str, Any] = {"year": factor.year, "mg_per_kwh": factor.mg_per_kwh}
        if changes := _changes(factors, factor.dated, values):
            set_emission_factor(
                country=rulebook.country, official=factor.official, **values, **_dates(factor.dated), by=by, at=at
            )
            yield Applied(f"emission factor of {factor.year}", factor.dated.valid_from, changes == "alters")


def _sites(rulebook: Rulebook, by: User | None, at: datetime) -> Iterator[Applied]:
    codes = [terms.site for terms in rulebook.terms] + [fee.site for fee in rulebook.network_fees]
    sites = _found(Site, "terms", "site", codes)
    for terms in rulebook.terms:
        site = sites[terms.site]
        if changes := _changes(SiteTerms.objects.filter(site=site), terms.dated, terms.values, ends=False):
            values: dict[str, Any] = {**terms.values, **_dates(terms.dated, ends=False)}
            set_terms(site=site, **values, by=by, at=at)
            yield Applied(f"terms of {site.code}", terms.dated.valid_from, changes == "alters")
    for fee in rulebook.network_fees:
        site = sites[fee.site]
        pair: dict[str, Any] = {"seller_zone": fee.seller_zone, "buyer_zone": fee.buyer_zone}
        rows = NetworkFee.objects.filter(site=site, **pair)
        if _changes(rows, fee.dated, {"price": fee.price}, ends=False):
            set_network_fee(site=site, **pair, price=fee.price, **_dates(fee.dated, ends=False), by=by, at=at)
            told = f"network fee from {fee.seller_zone} to {fee.buyer_zone} at {site.code}"
            # Where no fee of the pair held, the terms' fee did.
            yield Applied(told, fee.dated.valid_from, alters=True)
    yield from _assignments(rulebook, by, at)


def _assignments(rulebook: Rulebook, by: User | None, at: datetime) -> Iterator[Applied]:
    rows = rulebook.assignments
    sites = _found(Site, "assignments", "site", [row.site for row in rows])
    people = _found(Participant, "assignments", "participant", [row.participant for row in rows])
    tariffs = _found(Tariff, "assignments", "tariff", [row.tariff for row in rows])
    for row in rows:
        site, person, tariff = sites[row.site], people[row.participant], tariffs[row.tariff]
        held = TariffAssignment.objects.filter(site=site, participant=person)
        values = {"tariff": tariff, "expected_month_wh": row.expected_month_wh}
        if changes := _said(held, row.dated.valid_from, values):
            assign_tariff(
                site=site, participant=person, tariff=tariff, valid_from=row.dated.valid_from,
                expected_month_wh=row.expected_month_wh, by=by, at=at,
            )  # fmt: skip
            yield Applied(f"tariff of {person.code} at {site.code}", row.dated.valid_from, changes == "alters")


def _found(model: Any, section: str, field: str, codes: Sequence[str]) -> dict[str, Any]:
    found = {row.code: row for row in model.objects.filter(code__in=set(codes))}
    missing = sorted(set(codes) - set(found))
    if missing:
        told = f"There is no {field} {missing[0]} here; give the code of one that there is."
        raise RulebookRejected([Mistake(f"unknown_{field}", f"{section}.{field}", told)])
    return found


def _dates(dated: Dated, ends: bool = True) -> dict[str, Any]:
    known: dict[str, Any] = {
        "valid_from": dated.valid_from, "legal_from": dated.legal_from, "source": dated.source, "doubt": dated.doubt,
    }  # fmt: skip
    return known | {"valid_to": dated.valid_to} if ends else known


def _changes(rows: Any, dated: Dated, values: Mapping[str, Any], ends: bool = True) -> str:
    """ "" where the rows say so already, "new" where nothing held on that day, "alters" where something did."""
    told = _dates(dated, ends)
    return _said(rows, told.pop("valid_from"), {**values, **told})


def _said(rows: Any, since: date, values: Mapping[str, Any]) -> str:
    same = rows.filter(valid_from=since).first()
    if same is not None:
        return "" if all(getattr(same, name) == value for name, value in values.items()) else "alters"
    earlier = rows.filter(valid_from__lt=since).order_by("-valid_from").first()
    end = getattr(earlier, "valid_to", None) if earlier else None
    return "new" if earlier is None or (end is not None and end <= since) else "alters"
