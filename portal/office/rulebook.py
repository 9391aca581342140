"""The rulebook: what holds now and where it is from; changes, proposed by one person and decided by another."""

import re
from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from portal.desk import REFUSED, Desk, office
from portal.office.rule_forms import forms
from portal.office.rule_tariffs import DEFAULT_COUNTRY
from portal.refusals import REFUSALS, sentences
from settlement.models import Issuer
from tariffs.domain.rulebook_file import read
from tariffs.models import CapacityPrice, EmissionFactor, NetworkFee, RuleChange, SiteTerms, Tariff, TariffRow, VatRate
from tariffs.operations import approve_change, impact, propose_change, reject_change, withdraw_change

WEEKDAYS = 7
VOLTAGE = re.compile(r"(lt|ge|\d+)_(\d+)kv")


@office("rulebook")
def rulebook(desk: Desk) -> HttpResponse:
    """The rules of a day: today's unless another is asked for, those of later days after them."""
    on = desk.asked_day("on") or desk.today
    issuer = Issuer.objects.filter(site=desk.market.site).first()
    country = issuer.country if issuer else DEFAULT_COUNTRY
    tariffs = desk.page_of(_tariffs(desk, country), 30)
    for each in tariffs:
        _name_class(each)
    context: dict[str, Any] = {
        "on": on,
        "country": country,
        "terms": SiteTerms.objects.filter(site=desk.market.site).order_by("-valid_from"),
        "fees": NetworkFee.objects.filter(site=desk.market.site).order_by("seller_zone", "buyer_zone", "-valid_from"),
        "vat": VatRate.objects.filter(country=country).order_by("category", "-valid_from"),
        "factors": EmissionFactor.objects.filter(country=country).order_by("-valid_from", "-official"),
        "tariffs": tariffs,
        "query": desk.request.GET,
        "waiting": RuleChange.objects.filter(state=RuleChange.State.PROPOSED).count(),
    }
    return desk.show("office/rulebook.html", **context)


def class_words() -> dict[str, str]:
    """What a class of customers is called; the rulebook's own word where it has another one."""
    return {
        "production": _("Production"),
        "administrative": _("Public offices, schools, hospitals"),
        "business": _("Business"),
        "residential": _("Households"),
        "industrial_park_wholesale": _("Industrial park, wholesale"),
        "commercial_complex_wholesale": _("Commercial complex, wholesale"),
        "residential_wholesale": _("Households, wholesale"),
        "rural_wholesale": _("Rural, wholesale"),
        "ev_charging": _("Charging of cars"),
        "other": _("Other"),
    }


def voltage_text(code: str) -> str:
    """`lt_6kv` is under 6 kV, `6_22kv` from 6 to 22 kV, `ge_110kv` 110 kV or more; anything else is its own text."""
    found = VOLTAGE.fullmatch(code)
    if not found:
        return code
    low, high = found.groups()
    return f"< {high} kV" if low == "lt" else f"≥ {high} kV" if low == "ge" else f"{low}–{high} kV"


def _name_class(tariff: Any) -> None:
    tariff.class_text = class_words().get(tariff.customer_class, tariff.customer_class)
    tariff.voltage_text = voltage_text(tariff.voltage)


def _tariffs(desk: Desk, country: str) -> Any:
    rows = Tariff.objects.filter(country=country).order_by("customer_class", "voltage", "code")
    if text := desk.asked("q"):
        rows = rows.filter(name__icontains=text) | rows.filter(code__icontains=text)
    return rows


@office("rulebook")
def tariff(desk: Desk, tariff_code: str) -> HttpResponse:
    """One tariff: every row it ever had, the newest first."""
    found = Tariff.objects.filter(code=tariff_code).first()
    if found is None:
        raise Http404
    rows = desk.page_of(found.rows.order_by("-valid_from", "tier_from_wh", "-weekdays", "from_minute"), 100)
    for row in rows:
        row.days_text = _days(row.weekdays)
    power = CapacityPrice.objects.filter(tariff=found).order_by("-valid_from")
    _name_class(found)
    return desk.show("office/tariff.html", tariff=found, rows=rows, power=power)


def _days(mask: int) -> str:
    names = [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")]
    chosen = [place for place in range(WEEKDAYS) if mask >> place & 1]
    if len(chosen) == WEEKDAYS:
        return _("every day")
    if chosen and chosen == list(range(chosen[0], chosen[-1] + 1)) and len(chosen) > 1:
        return f"{names[chosen[0]]}–{names[chosen[-1]]}"
    return ", ".join(names[place] for place in chosen)


@office("rulebook")
def proposals(desk: Desk) -> HttpResponse:
    """Changes that wait and those that are decided; POST proposes one."""
    if desk.request.method != "POST":
        return _proposals(desk)
    try:
        payload = read(desk.text("payload"), "json" if desk.text("payload").startswith("{") else "toml")
        made = propose_change(
            by=desk.user,
            kind=desk.text("kind"),
            payload=payload,
            effective_on=desk.on("effective_on"),
            note=desk.text("note"),
            source=desk.text("source")[:200],
            at=desk.now,
        )
    except REFUSALS as error:
        return _proposals(desk, REFUSED, refusals=sentences(error))
    return desk.done(_("Proposed. Somebody else decides; below is whom it touches."), "proposal", made.pk)


def _proposals(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    rows = RuleChange.objects.select_related("proposed_by", "decided_by")
    context: dict[str, Any] = {
        "waiting_ones": rows.filter(state=RuleChange.State.PROPOSED).order_by("effective_on"),
        "decided": desk.page_of(rows.exclude(state=RuleChange.State.PROPOSED)),
        "kinds": RuleChange.Kind.choices,
        "forms": forms(),
    }
    return desk.show("office/proposals.html", status, **context | more)


@office("rulebook")
def proposal(desk: Desk, pk: int) -> HttpResponse:
    """One change with whom it touches, worked out anew while it waits; POST decides it."""
    held = RuleChange.objects.select_related("proposed_by", "decided_by").filter(pk=pk).first()
    if held is None:
        raise Http404
    if desk.request.method != "POST":
        return _proposal(desk, held)
    try:
        said = _decide(desk, held)
    except REFUSALS as error:
        return _proposal(desk, held, REFUSED, refusals=sentences(error))
    return desk.done(said, "proposal", pk)


def _decide(desk: Desk, held: RuleChange) -> str:
    verdict, note = desk.text("verdict"), desk.text("note")
    if verdict == "approve":
        desk.confirmed()
        approve_change(change=held, by=desk.user, at=desk.now, note=note)
        return _("Approved. The rules hold from their day on.")
    if verdict == "withdraw":
        withdraw_change(change=held, by=desk.user, at=desk.now, note=note)
        return _("Taken back.")
    reject_change(change=held, by=desk.user, at=desk.now, note=note)
    return _("Rejected. Nothing changes.")


def _proposal(desk: Desk, held: RuleChange, status: int = 200, **more: Any) -> HttpResponse:
    told, trouble = held.impact, []
    if held.state == RuleChange.State.PROPOSED:
        try:
            told = impact(held, desk.now)
        except REFUSALS as error:
            trouble = sentences(error)
    context: dict[str, Any] = {
        "change": held,
        "impact": told,
        "trouble": trouble,
        "own": held.proposed_by_id == desk.user.pk,
        **impact_words(),
    }
    return desk.show("office/proposal.html", status, **context | more)


def impact_words() -> dict[str, Any]:
    """The words in which an impact is told."""
    return {"periods": dict(TariffRow.Period.choices), "term_names": term_names()}


def term_names() -> dict[str, str]:
    """What the terms of a site are called."""
    return {
        "surplus_price": _("Surplus price, ₫/kWh"),
        "surplus_cap_pct": _("Surplus paid up to, % of output"),
        "network_fee": _("Network fee, ₫/kWh"),
        "platform_fee_price": _("Platform fee, ₫/kWh"),
        "platform_fee_month": _("Platform fee, ₫ a month"),
        "renter_cap_price": _("Renter's cap, ₫/kWh"),
        "deadband_pct": _("Dead-band, %"),
        "deadband_wh": _("Dead-band, Wh"),
        "loss_min_pct": _("Losses, least %"),
        "loss_max_pct": _("Losses, most %"),
    }
