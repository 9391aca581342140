"""What the pages of the trading desk show in their own way: exact quantities, prices, an order in words."""

from typing import Any

from django import template
from django.utils.translation import gettext as _

from portal.templatetags.figures import NOTHING, millidong, reader
from portal.trade.numbers import typed_kwh
from portal.trade.preview import Preview
from portal.trade.words import exact_kwh, price_text, what

register = template.Library()


@register.filter
def exact(wh: int | None) -> str:
    """kWh as exactly as it is: `12.5 kWh`, `0.25 kWh`."""
    return NOTHING if wh is None else exact_kwh(int(wh))


@register.filter
def exact_bare(wh: int) -> str:
    """The same without the unit, where the column's head names it."""
    return exact_kwh(int(wh)).removesuffix(" kWh")


@register.filter
def exact_net(wh: int) -> str:
    """A position: bought less sold, with its sign."""
    sign = "+" if wh > 0 else "−" if wh < 0 else ""
    return sign + exact_kwh(abs(int(wh)))


@register.filter
def typed(wh: int) -> str:
    """kWh as one types it into a field."""
    return typed_kwh(int(wh), reader())


@register.filter
def price(value: int | None) -> str:
    """`₫1,650/kWh`."""
    return NOTHING if value is None else price_text(int(value))


@register.filter
def millidong_size(amount: int) -> str:
    """Milli-đồng as whole đồng without sign, where a word says which way they run."""
    return millidong(abs(amount))


@register.simple_tag
def asked(preview: Preview) -> str:
    """The order as it was understood: `Buy 12.5 kWh for 12:30–13:00 at ₫1,650/kWh`."""
    wish = preview.wish
    if wish is None or preview.contract is None:
        return ""
    said = what(wish.side, wish.quantity_wh, preview.contract.name, wish.price)
    return _("As read: {order}").format(order=said)


@register.simple_tag(takes_context=True)
def with_query(context: dict[str, Any], **changes: Any) -> str:
    """This page's query with some of it changed; an empty value leaves it out."""
    query = context["request"].GET.copy()
    for name, value in changes.items():
        query.pop(name, None)
        if value not in ("", None):
            query[name] = str(value)
    return str(query.urlencode())
