"""Figures of a home and of the wall: power, prices with their unit, money whose direction a word says."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.utils.translation import gettext as _

from portal.templatetags.figures import NOTHING, millidong, reader
from units.money import format_price
from units.numbers import grouped, rounded_half_up

register = template.Library()


@register.filter
def kilowatts(watts: int | None) -> str:
    """W as kW with one decimal, none from 100 kW on."""
    if watts is None:
        return NOTHING
    tenths = rounded_half_up(watts, 100)
    if abs(tenths) < 1_000:
        return f"{grouped(tenths, reader(), decimals=1)} kW"
    return f"{grouped(rounded_half_up(watts, 1_000), reader())} kW"


@register.filter
def kw_field(watts: int | None) -> str:
    """W as kW for a field of a form, exactly: 62,500 → `62.5`, in Vietnamese `62,5`; empty without any."""
    if watts is None or watts == "":
        return ""
    whole, rest = divmod(int(watts), 1_000)
    mark = "," if reader() == "vi" else "."
    return f"{whole}{mark}{rest:03}".rstrip("0").rstrip(mark)


@register.filter
def per_kwh(price: int | None) -> str:
    """A price with its unit: `₫1,640/kWh`."""
    return NOTHING if price is None else format_price(price, reader())


@register.filter
def percent(share: int) -> str:
    """Whole per cent: `20 %`."""
    return f"{share} %"


@register.filter
def millidong_size(amount: int) -> str:
    """Milli-đồng as whole đồng without sign, where a word says which way they run."""
    return millidong(abs(amount))


@register.filter
def millidong_balance(amount: int) -> str:
    """What it came to, in words: `₫12,000 to pay`, `₫3,000 earned`."""
    words = _("{money} to pay") if amount < 0 else _("{money} earned")
    return words.format(money=millidong(abs(amount)))


@register.simple_tag(takes_context=True)
def kept_price(context: dict[str, Any], name: str, value: int | None) -> str:
    """What a field shows: what was just sent, else what is set."""
    given = context["given"].get(name)
    if given is not None:
        return str(given)
    return "" if value in (None, "") else str(value)


@register.filter
def in_zone(at: datetime, timezone: str) -> str:
    """The time of day in a zone named as by IANA: `11:25`."""
    return f"{at.astimezone(ZoneInfo(timezone)):%H:%M}"
