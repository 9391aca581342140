"""Figures of members' equipment: exact kW and kWh, as they were registered."""

from django import template

from portal.templatetags.figures import NOTHING, reader
from units.numbers import grouped

register = template.Library()


@register.filter
def kilo(amount: int | None) -> str:
    """W as kW, Wh as kWh, without rounding: 5,500 → `5.5`, 1,204,500 → `1,204.5`, in Vietnamese `1.204,5`."""
    if amount is None:
        return NOTHING
    decimals = next((places for places in range(3) if amount % 10 ** (3 - places) == 0), 3)
    return grouped(amount // 10 ** (3 - decimals), reader(), decimals=decimals)
