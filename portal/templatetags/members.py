"""Figures of members' equipment: exact kW and kWh, as they were registered."""

from django import template

from members.domain.sheet.writing import kilo_text
from portal.templatetags.figures import NOTHING, reader

register = template.Library()


@register.filter
def kilo(amount: int | None) -> str:
    """W as kW, Wh as kWh, without rounding: 5,500 → `5.5`, in Vietnamese `5,5`."""
    if amount is None:
        return NOTHING
    text = kilo_text(amount)
    return text.replace(".", ",") if reader() == "vi" else text
