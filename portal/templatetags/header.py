"""The bar on top of every page, for its template."""

from typing import Any

from django import template
from django.template import TemplateDoesNotExist
from django.template.loader import get_template

from portal.header import Header, header_of

register = template.Library()


@register.simple_tag(takes_context=True)
def header(context: template.RequestContext) -> Header:
    """What the bar of this page shows."""
    found: dict[str, Any] = context.flatten()
    return header_of(found.get("request"), found)


@register.simple_tag(takes_context=True)
def bell(context: template.RequestContext) -> str:
    """The bell of notices, where that part of the house is there."""
    try:
        part = get_template("portal/_bell.html")
    except TemplateDoesNotExist:
        return ""
    return part.template.render(context)
