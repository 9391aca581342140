"""All that decides one participant's bill, as values: what is in force, and what another rulebook would make of it.

A rulebook is laid over what is in force as it would be put into force: its rows hold from their days on, what it does
not speak of stays. Two things are wider here. A country's surplus price holds where the rulebook has no terms for the
site, and who is on a tariff that the rulebook does not have is taken to its tariff of the same class and voltage
(`tariffs.domain.variants`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import NamedTuple

from settlement.domain.month import VAT_CATEGORY, MonthRules, TariffStretch
from settlement.domain.tariff_days import cut_at_changes, days_of, stretches, tariff_days
from tariffs.domain.compose import compose, joined
from tariffs.domain.fields import RulebookRejected
from tariffs.domain.rulebook import Rulebook
from tariffs.domain.variants import tariff_for
from tariffs.domain.windows import Window


class Rate(NamedTuple):
    """A number from a day on, to another (exclusive) or until the next one."""

    valid_from: date
    valid_to: date | None
    value: int


class SiteTerms(NamedTuple):
    """What a site pays and charges beside retail, đồng/kWh (đồng a month: `platform_month`), until the next terms."""

    valid_from: date
    surplus_price: int
    surplus_cap_pct: int | None
    network_fee: int
    platform_price: int
    platform_month: int


class ZoneFee(NamedTuple):
    """What the wires cost from one zone to another from a day on, đồng/kWh."""

    valid_from: date
    seller_zone: str
    buyer_zone: str
    price: int


@dataclass(frozen=True, slots=True)
class Customer:
    """A tariff by its class of customer, its voltage and its kind (`flat`, `tou`, `tiered`)."""

    customer_class: str
    voltage: str
    kind: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What holds for one participant at one site. `assigned` is (from when, tariff, expected Wh of a month), by date;
    `unmatched`: its tariffs that the rulebook laid over has nothing for."""

    site: str
    participant: str
    rows: Mapping[str, Sequence[Window]]
    customers: Mapping[str, Customer]
    capacity: Mapping[str, Sequence[Rate]]
    vat: Mapping[str, Sequence[Rate]]
    terms: Sequence[SiteTerms]
    fees: Sequence[ZoneFee]
    assigned: Sequence[tuple[date, str, int]]
    unmatched: tuple[str, ...] = ()

    def terms_on(self, on: date) -> SiteTerms | None:
        """The terms of a day; None before the first."""
        return max((row for row in self.terms if row.valid_from <= on), default=None, key=_since)

    def tariff_on(self, on: date) -> tuple[str, int] | None:
        """Tariff and expected Wh of a month on a day; None before the first."""
        found = [(code, expected) for since, code, expected in self.assigned if since <= on]
        return found[-1] if found else None

    def fees_on(self, on: date) -> dict[tuple[str, str], int]:
        """The fee of each pair of zones that has one of its own on a day."""
        rows = sorted((row for row in self.fees if row.valid_from <= on), key=_since)
        return {(row.seller_zone, row.buyer_zone): row.price for row in rows}

    def month_rules(self, month: date) -> MonthRules:
        """VAT and platform fees as the close of a month takes them."""
        days = days_of(month)
        first = self.terms_on(month)
        categories = sorted(set(VAT_CATEGORY.values()))
        return MonthRules(
            days[0],
            days[-1],
            {name: stretches(days, partial(rate_on, self.vat.get(name, ()))) for name in categories},
            stretches(days, lambda on: found.platform_price if (found := self.terms_on(on)) else 0),
            first.platform_month if first else 0,
        )

    def tariff_stretches(self, month: date) -> tuple[TariffStretch, ...]:
        """The tariff of each day as the close of a month takes it."""
        days = days_of(month)
        assigned = [(since, code) for since, code, _ in self.assigned if since <= days[-1]]
        power = {code: rate_on(self.capacity.get(code, ()), days[-1]) for _, code in assigned}

        def cut(code: str, since: date, until: date) -> Iterable[TariffStretch]:
            return cut_at_changes(self.rows.get(code, ()), since, until, power[code])

        return tariff_days(assigned, days[0], days[-1], cut)


def rate_on(rates: Sequence[Rate], on: date) -> int | None:
    """The latest rate that has begun, unless it has ended."""
    row = max((rate for rate in rates if rate.valid_from <= on), default=None, key=_since)
    return row.value if row and (row.valid_to is None or on < row.valid_to) else None


def under(rules: RuleSet, rulebook: Rulebook) -> RuleSet:
    """The rules with a rulebook laid over them. Raises RulebookRejected where its prices make no tariff."""
    kinds = {code: customer.kind for code, customer in rules.customers.items()}
    made = compose(rulebook, {code: list(rows) for code, rows in rules.rows.items()}, kinds)
    customers = {h.code: Customer(h.customer_class, h.voltage, h.kind) for h in rulebook.tariffs}
    laid = replace(
        rules,
        rows={**rules.rows, **{code: joined(rules.rows.get(code, ()), rows) for code, rows in made.items()}},
        customers={**rules.customers, **customers},
        capacity=_capacity(rules, rulebook),
        vat=_vat(rules, rulebook),
        terms=_terms(rules, rulebook),
        fees=_fees(rules, rulebook),
    )
    return _assigned(laid, rulebook, made)


def _capacity(rules: RuleSet, rulebook: Rulebook) -> dict[str, Sequence[Rate]]:
    found = dict(rules.capacity)
    for prices in rulebook.prices:
        if prices.per_kw_month is not None:
            rate = Rate(prices.dated.valid_from, prices.dated.valid_to, prices.per_kw_month)
            found[prices.tariff] = _with(found.get(prices.tariff, ()), rate)
    return found


def _vat(rules: RuleSet, rulebook: Rulebook) -> dict[str, Sequence[Rate]]:
    found = dict(rules.vat)
    for vat in rulebook.vat:
        rate = Rate(vat.dated.valid_from, vat.dated.valid_to, vat.rate_bp)
        found[vat.category] = _with(found.get(vat.category, ()), rate)
    return found


def _with(rates: Sequence[Rate], new: Rate) -> list[Rate]:
    return [*(rate for rate in rates if rate.valid_from != new.valid_from), new]


def _terms(rules: RuleSet, rulebook: Rulebook) -> list[SiteTerms]:
    own = {row.dated.valid_from: row.values for row in rulebook.terms if row.site == rules.site}
    found = {row.valid_from: row for row in rules.terms}
    for since, values in own.items():
        cap = values.get("surplus_cap_pct")
        named = [values.get(name) or 0 for name in ("network_fee", "platform_fee_price", "platform_fee_month")]
        found[since] = SiteTerms(since, values.get("surplus_price") or 0, cap, *named)
    if not own:
        for surplus in sorted(rulebook.surplus, key=lambda row: row.dated.valid_from):
            _set_surplus(found, surplus.dated.valid_from, surplus.dated.valid_to, surplus.price, surplus.cap_pct)
    return list(found.values())


def _set_surplus(found: dict[date, SiteTerms], since: date, end: date | None, price: int, cap: int | None) -> None:
    """The country's surplus in all terms of these days, which begin on the first of them."""
    for on in (since, end):
        if on is not None and on not in found:
            before = max((row for row in found.values() if row.valid_from < on), default=None, key=_since)
            if before is not None:
                found[on] = before._replace(valid_from=on)
    for on, row in found.items():
        if since <= on and (end is None or on < end):
            found[on] = row._replace(surplus_price=price, surplus_cap_pct=cap)


def _fees(rules: RuleSet, rulebook: Rulebook) -> list[ZoneFee]:
    new = [
        ZoneFee(row.dated.valid_from, row.seller_zone, row.buyer_zone, row.price)
        for row in rulebook.network_fees
        if row.site == rules.site
    ]
    said = {row[:3] for row in new}
    return [*(row for row in rules.fees if row[:3] not in said), *new]


def _assigned(rules: RuleSet, rulebook: Rulebook, made: Mapping[str, Sequence[Window]]) -> RuleSet:
    """Who the rulebook puts on a tariff is on it; else on its tariff for the same customer."""
    named = {
        row.dated.valid_from: (row.dated.valid_from, row.tariff, row.expected_month_wh)
        for row in rulebook.assignments
        if (row.site, row.participant) == (rules.site, rules.participant)
    }
    if named:
        kept = [row for row in rules.assigned if row[0] not in named and row[0] <= min(named)]
        return replace(rules, assigned=sorted([*kept, *named.values()]))
    if not rulebook.prices:
        return rules
    unmatched: list[str] = []
    found = [(since, _taken_to(rules, rulebook, made, code, unmatched), wh) for since, code, wh in rules.assigned]
    return replace(rules, assigned=found, unmatched=tuple(dict.fromkeys(unmatched)))


def _taken_to(
    rules: RuleSet, rulebook: Rulebook, made: Mapping[str, Sequence[Window]], code: str, unmatched: list[str]
) -> str:
    customer = rules.customers[code]
    if code in made:
        return code
    try:
        return tariff_for(rulebook, code, customer.customer_class, customer.voltage)
    except RulebookRejected:
        unmatched.append(code)
        return code


def _since(row: Rate | SiteTerms | ZoneFee) -> date:
    return row.valid_from
