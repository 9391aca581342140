"""The forms by which rules are proposed: which fields each has, what holds now, and which rulebook rows come out.

A form changes one thing. The terms of a site are one row in the rulebook and three forms here (surplus, fees,
compensation): what a form does not ask stays as it is on the day from which the change holds. Example: a new surplus
price from 1 January carries the fees and the dead-band of that day along.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from portal.desk import Desk
from portal.office.rule_fields import Field, dated, plain
from portal.office.rule_tariffs import Tables, Values, country_of, hour_rows, hours, price_rows, prices
from tariffs.models import EmissionFactor, NetworkFee, RuleChange, SiteTerms, VatRate
from trading.models import Admission

MOST_WH = 10**9


@dataclass(frozen=True, slots=True)
class RuleForm:
    """One form: the kind of change it proposes, its words, its fields for a desk, and its rows of the rulebook."""

    kind: str
    title: str
    about: str
    fields: Callable[[Desk], list[Field]]
    rows: Callable[[Desk, Values], Tables]


def forms() -> dict[str, RuleForm]:
    """The forms by name, in the order in which they are offered."""
    kinds = RuleChange.Kind
    return {
        "surplus": RuleForm(
            kinds.TERMS, _("Surplus"), _("What the grid pays for energy that no neighbour took, and up to how much."),
            _surplus, _terms,
        ),
        "prices": RuleForm(
            kinds.TARIFF, _("Retail prices"), _("What the grid charges on one tariff, without VAT."), prices,
            price_rows,
        ),
        "hours": RuleForm(
            kinds.TARIFF, _("Time-of-use hours"),
            _("When peak and off-peak hours are, for all tariffs by time of use. The prices stay."), hours, hour_rows,
        ),
        "network": RuleForm(
            kinds.NETWORK_FEE, _("Network fee between zones"),
            _("What the wires cost from one zone of the site to another."),
            _network, _network_rows,
        ),
        "fees": RuleForm(
            kinds.TERMS, _("Fees and caps"),
            _("The usual network fee, what the platform takes, and the cap for renters."),
            _fees, _terms,
        ),
        "compensation": RuleForm(
            kinds.TERMS, _("Compensation"), _("By how much a delivery may differ before somebody pays for it."),
            _compensation, _terms,
        ),
        "vat": RuleForm(kinds.VAT, _("VAT"), _("Value-added tax on energy and on services."), _vat, _vat_rows),
        "emission": RuleForm(
            kinds.EMISSION_FACTOR, _("Emission factor"), _("How much CO₂ a kWh of the grid stands for."), _emission,
            _emission_rows,
        ),
    }  # fmt: skip


def common_fields(desk: Desk) -> list[Field]:
    """What every form asks: from when, by which source, and why."""
    tomorrow = desk.today + timedelta(days=1)
    hint = _("A day after today. What is settled by then stays as it is.")
    return [
        Field("effective_on", _("Holds from"), "day", hint=hint, value=_first_of_next_month(tomorrow).isoformat()),
        Field("legal_from", _("Law from"), "day", hint=_("If it is law since another day."), required=False),
        Field("source", _("Source"), "text", hint=_("Decision, law or letter by which it holds.")),
        Field("note", _("Why"), "text", hint=_("The second person reads it."), longest=500, required=False),
    ]


def _first_of_next_month(on: date) -> date:
    return on if on.day == 1 else (on.replace(day=1) + timedelta(days=32)).replace(day=1)


def tables_of(desk: Desk, form: RuleForm, values: Values) -> dict[str, Any]:
    """The piece of a rulebook that the filled-in form stands for. Raises FieldError, `Desk`'s own never."""
    return {
        "rulebook": {"name": str(values["note"] or form.title)[:200], "country": country_of(desk)},
        **form.rows(desk, values),
    }


# terms of the site

_TERM_NAMES = (
    "surplus_price", "surplus_cap_pct", "network_fee", "platform_fee_price", "platform_fee_month", "renter_cap_price",
    "deadband_pct", "deadband_wh", "loss_min_pct", "loss_max_pct",
)  # fmt: skip


def _terms_on(desk: Desk, on: date) -> SiteTerms | None:
    return SiteTerms.objects.filter(site=desk.market.site, valid_from__lte=on).order_by("-valid_from").first()


def _term(desk: Desk, name: str, label: str, **more: Any) -> Field:
    held = _terms_on(desk, desk.today)
    now = getattr(held, name) if held else None
    return Field(name, label, value="" if now is None else plain(now, more.get("decimals", 0)), **more)


def _surplus(desk: Desk) -> list[Field]:
    return [
        _term(desk, "surplus_price", _("Surplus price"), unit="₫/kWh", least=-100_000),
        _term(
            desk, "surplus_cap_pct", _("Paid up to"), unit="%", most=100, required=False,
            hint=_("Of a month's own output; empty: no limit."),
        ),
    ]  # fmt: skip


def _fees(desk: Desk) -> list[Field]:
    return [
        _term(
            desk, "network_fee", _("Network fee"), unit="₫/kWh",
            hint=_("Where no fee between two zones says otherwise."),
        ),
        _term(desk, "platform_fee_price", _("Platform fee"), unit="₫/kWh", required=False),
        _term(
            desk, "platform_fee_month", _("Platform fee a month"), unit=_("₫ a member"), most=100_000_000,
            required=False,
        ),
        _term(
            desk, "renter_cap_price", _("Renter's cap"), unit="₫/kWh", required=False,
            hint=_("What renters pay at most; empty: no cap."),
        ),
    ]  # fmt: skip


def _compensation(desk: Desk) -> list[Field]:
    return [
        _term(desk, "deadband_pct", _("Dead-band"), unit="%", most=100, hint=_("Of what was traded in the interval.")),
        _term(
            desk, "deadband_wh", _("Dead-band, at least"), kind="decimal", unit="kWh", decimals=3, most=MOST_WH,
            hint=_("So much is free even where the share is less."),
        ),
        _term(desk, "loss_min_pct", _("Losses of the wires, from"), unit="%", least=-100, most=100),
        _term(
            desk, "loss_max_pct", _("Losses of the wires, to"), unit="%", least=-100, most=100,
            hint=_("The losses that are plausible at this site."),
        ),
    ]  # fmt: skip


def _terms(desk: Desk, values: Values) -> Tables:
    held = _terms_on(desk, date.fromisoformat(values["effective_on"]))
    row = {name: getattr(held, name) for name in _TERM_NAMES} if held else {}
    row |= {name: values[name] for name in _TERM_NAMES if name in values}
    kept = {name: value for name, value in row.items() if value is not None}
    return {"terms": [{"site": desk.market.site.code, **kept, **dated(values)}]}


# network fees, VAT, emission factors


def _network(desk: Desk) -> list[Field]:
    zones = sorted(set(Admission.objects.filter(market__site=desk.market.site).values_list("zone", flat=True)))
    fees = NetworkFee.objects.filter(site=desk.market.site).order_by("-valid_from").first()
    choices = [(zone, zone) for zone in zones]
    return [
        Field("seller_zone", _("From zone"), "choice", choices=choices, value=fees.seller_zone if fees else ""),
        Field("buyer_zone", _("To zone"), "choice", choices=choices, value=fees.buyer_zone if fees else ""),
        Field("price", _("Fee"), unit="₫/kWh", value=str(fees.price) if fees else ""),
    ]


def _network_rows(desk: Desk, values: Values) -> Tables:
    pair = {name: values[name] for name in ("seller_zone", "buyer_zone", "price")}
    return {"network_fees": [{"site": desk.market.site.code, **pair, **dated(values)}]}


def _vat(desk: Desk) -> list[Field]:
    rates = VatRate.objects.filter(country=country_of(desk), valid_from__lte=desk.today).order_by("-valid_from")
    now = rates.filter(category=VatRate.Category.ELECTRICITY).first()
    categories = [(value, str(word)) for value, word in VatRate.Category.choices]
    return [
        Field("category", _("On"), "choice", choices=categories, value="electricity"),
        Field(
            "rate_bp", _("Rate"), "decimal", unit="%", decimals=2, most=10_000,
            value=plain(now.rate_bp, 2) if now else "",
        ),
    ]  # fmt: skip


def _vat_rows(desk: Desk, values: Values) -> Tables:
    return {"vat": [{"category": values["category"], "rate_bp": values["rate_bp"], **dated(values)}]}


def _emission(desk: Desk) -> list[Field]:
    held = EmissionFactor.objects.filter(country=country_of(desk), official=True).order_by("-valid_from").first()
    return [
        Field("year", _("Measured in the year"), least=1990, most=2200, value=str(held.year) if held else ""),
        Field(
            "mg_per_kwh", "CO₂", "decimal", unit="g/kWh", decimals=3, most=5_000_000,
            value=plain(held.mg_per_kwh, 3) if held else "",
        ),
        Field(
            "official", _("It was published by the state's office; only such a factor stands in reports."), "yes",
            value="yes",
        ),
    ]  # fmt: skip


def _emission_rows(desk: Desk, values: Values) -> Tables:
    row = {name: values[name] for name in ("year", "mg_per_kwh", "official")}
    return {"emission_factors": [{**row, **dated(values)}]}
