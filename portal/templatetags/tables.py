"""Tables that a phone shows as cards: one for each row, with every figure under the name of its column.

Between `{% stacked %}` and `{% endstacked %}` each cell is told the words of its column's head (`data-label`), which
the style sheet shows above the figure on a narrow screen. There a row is no longer laid out as a row, and a browser may
then forget that it is one: the roles say it again, so that a screen reader still reads a table. A column whose head
only screen readers see (a box to choose, a button) names itself and gets no label. A cell with nothing but a dash is
marked, since a card leaves out what there is not.

Example: under `<th>Energy</th>` the cell `<td class="num">12 kWh</td>` becomes
`<td class="num" role="cell" data-label="Energy">12 kWh</td>`.
"""

import re

from django import template
from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe

from portal.templatetags.figures import NOTHING

register = template.Library()

_HEAD = re.compile(r"<thead\b.*?</thead>", re.DOTALL)
_HEAD_CELL = re.compile(r"<th\b([^>]*)>(.*?)</th>", re.DOTALL)
_UNSEEN = re.compile(r'<span class="hidden">.*?</span>', re.DOTALL)
_TABLE = re.compile(r'<table class="([^"]*)"(.*?)</table>', re.DOTALL)
_TAG = re.compile(r"<(thead|tbody|tfoot|tr|th|td)\b([^>]*)>")
_BLANK = re.compile(rf"<td\b([^>]*)>\s*{NOTHING}\s*</td>")
_SPAN = re.compile(r'colspan="(\d+)"')
_GROUPS = ("thead", "tbody", "tfoot")


@register.tag("stacked")
def stacked(parser: template.base.Parser, _token: template.base.Token) -> template.Node:
    """The tables within become cards on a phone."""
    nodes = parser.parse(("endstacked",))
    parser.delete_first_token()
    return _Stacked(nodes)


class _Stacked(template.Node):
    def __init__(self, nodes: template.NodeList) -> None:
        self.nodelist = nodes

    def render(self, context: template.Context) -> SafeString:
        return mark_safe(_TABLE.sub(_labelled, self.nodelist.render(context)))


def _labelled(table: re.Match[str]) -> str:
    heads = _heads(table[0])
    marked = _BLANK.sub(rf"<td\1 data-blank>{NOTHING}</td>", table[2])
    body = _TAG.sub(_Walk(heads).told, marked)
    return f'<table class="{table[1]} stacked" role="table"{body}</table>'


def _heads(table: str) -> list[str]:
    """What stands above each column, as text for an attribute; empty where only screen readers are told."""
    head = _HEAD.search(table)
    cells = _HEAD_CELL.findall(head[0]) if head else []
    return [" ".join(strip_tags(_UNSEEN.sub("", inner)).split()).replace('"', "&quot;") for _, inner in cells]


class _Walk:
    """Goes through the tags of one table, and knows in which column it is."""

    def __init__(self, heads: list[str]) -> None:
        self.heads, self.column, self.in_head = heads, 0, False

    def told(self, tag: re.Match[str]) -> str:
        """The tag with its role, and in the body with its label."""
        name, rest = tag[1], tag[2]
        if name in _GROUPS:
            self.in_head = name == "thead"
            return f'<{name}{rest} role="rowgroup">'
        if name == "tr":
            self.column = 0
            return f'<tr{rest} role="row">'
        return f"<{name}{rest} {self._cell(name, rest)}>"

    def _cell(self, name: str, rest: str) -> str:
        if self.in_head:
            return 'role="columnheader"'
        span = _SPAN.search(rest)
        label = self.heads[self.column] if self.column < len(self.heads) and not span else ""
        self.column += int(span[1]) if span else 1
        role = 'role="rowheader"' if name == "th" else 'role="cell"'
        return f'{role} data-label="{label}"' if label else role
