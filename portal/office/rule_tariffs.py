"""The two forms about tariffs: what one tariff charges, and when the hours of all tariffs by time of use are."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from portal.desk import Desk
from portal.office.rule_fields import Field, FieldError, FieldsWrong, Span, dated, rest_of_day, span_text
from portal.templatetags.figures import energy
from settlement.models import Issuer
from tariffs.models import Tariff, TariffAssignment, TariffRow

DEFAULT_COUNTRY = "VN"
MOST = 10**9
DAYS = (("work", "mon-sat"), ("sun", "sun"))
Values = Mapping[str, Any]
Tables = dict[str, list[dict[str, Any]]]


def country_of(desk: Desk) -> str:
    """The country whose rules the site follows."""
    issuer = Issuer.objects.filter(site=desk.market.site).first()
    return issuer.country if issuer else DEFAULT_COUNTRY


def tariff_of(desk: Desk) -> Tariff | None:
    """The tariff that the address names."""
    return Tariff.objects.filter(country=country_of(desk), code=desk.asked("tariff")).first()


def tariffs_of(desk: Desk) -> Iterable[Tariff]:
    """The tariffs to choose from: those that members of the site are on first."""
    rows = list(Tariff.objects.filter(country=country_of(desk)).order_by("customer_class", "voltage", "code"))
    used = set(TariffAssignment.objects.filter(site=desk.market.site).values_list("tariff", flat=True))
    return sorted(rows, key=lambda tariff: tariff.pk not in used)


def _rows_now(tariff: Tariff, on: date) -> list[TariffRow]:
    rows = tariff.rows.filter(valid_from__lte=on).order_by("tier_from_wh", "from_minute")
    return [row for row in rows if row.valid_to is None or row.valid_to > on]


def prices(desk: Desk) -> list[Field]:
    tariff = tariff_of(desk)
    if tariff is None:
        return []
    rows = _rows_now(tariff, desk.today)
    per_kwh: dict[str, Any] = {"unit": "₫/kWh", "least": -MOST}
    if tariff.kind == Tariff.Kind.TIERED:
        found = [
            Field(
                f"tier_{number}",
                _("From {energy} a month").format(energy=energy(row.tier_from_wh)),
                value=str(row.price),
                **per_kwh,
            )
            for number, row in enumerate(rows)
        ]
    else:
        names = ("flat",) if tariff.kind == Tariff.Kind.FLAT else ("normal", "peak", "offpeak")
        now = {row.period: str(row.price) for row in rows}
        found = [Field(name, str(TariffRow.Period(name).label), value=now.get(name, ""), **per_kwh) for name in names]
    power = tariff.capacity_prices.filter(valid_from__lte=desk.today).order_by("-valid_from").first()
    if power is not None:
        held = str(power.price_per_kw)
        found.append(Field("per_kw_month", _("Price for power"), unit=_("₫ a kW and month"), value=held, most=MOST))
    return found


def price_rows(desk: Desk, values: Values) -> Tables:
    tariff = tariff_of(desk)
    assert tariff is not None
    row: dict[str, Any] = {"tariff": tariff.code, **dated(values)}
    row |= {name: values[name] for name in ("flat", "normal", "peak", "offpeak", "per_kw_month") if name in values}
    if tariff.kind == Tariff.Kind.TIERED:
        row["tiers"] = [
            {"from_wh": held.tier_from_wh, "price": values[f"tier_{number}"]}
            | ({"to_wh": held.tier_to_wh} if held.tier_to_wh else {})
            for number, held in enumerate(_rows_now(tariff, desk.today))
        ]
    return {"prices": [row]}


def hours(desk: Desk) -> list[Field]:
    tariff = Tariff.objects.filter(country=country_of(desk), kind=Tariff.Kind.TOU, rows__period="peak").first()
    rows = _rows_now(tariff, desk.today) if tariff else []
    words = {"work": _("Monday to Saturday"), "sun": _("Sunday")}
    hint = _("Like 09:30-11:30, 17:00-20:00; empty: none.")
    return [
        Field(
            f"{period}_{days}", f"{TariffRow.Period(period).label}, {words[days]}", "hours", hint=hint, required=False,
            value=_now_text(rows, period, 0 if days == "work" else 6),
        )
        for days, _names in DAYS
        for period in ("peak", "offpeak")
    ]  # fmt: skip


def _now_text(rows: list[TariffRow], period: str, weekday: int) -> str:
    own = [row for row in rows if row.period == period and row.weekdays >> weekday & 1]
    return ", ".join(span_text((row.from_minute // 30, row.to_minute // 30)) for row in own)


def hour_rows(desk: Desk, values: Values) -> Tables:
    parts = []
    for days, names in DAYS:
        peak, offpeak = values[f"peak_{days}"], values[f"offpeak_{days}"]
        spans: dict[str, list[Span]] = {"peak": peak, "offpeak": offpeak, "normal": _normal(days, peak, offpeak)}
        texts = {period: [span_text(span) for span in sorted(found)] for period, found in spans.items() if found}
        parts.append({"days": names, **texts})
    return {"windows": [{"code": f"{desk.market.site.code}-{values['effective_on']}", "hours": parts, **dated(values)}]}


def _normal(days: str, peak: list[Span], offpeak: list[Span]) -> list[Span]:
    try:
        return rest_of_day(peak, offpeak)
    except FieldError as error:
        raise FieldsWrong({f"offpeak_{days}": str(error)}) from error
