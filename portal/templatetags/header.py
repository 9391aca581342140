"""The bar on top of every page, for its template."""

from typing import Any

from django import template

from portal.header import Header, header_of

register = template.Library()


@register.simple_tag(takes_context=True)
def header(context: template.RequestContext) -> Header:
    """What the bar of this page shows."""
    wanted = ("request", "market", "markets")
    found: dict[str, Any] = {name: context.get(name) for name in wanted}
    return header_of(found["request"], found)
