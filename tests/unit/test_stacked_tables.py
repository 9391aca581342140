"""What the tag for tables writes: the name of each column with its cells, roles, and dashes marked."""

from django.template import Context, Template

TABLE = """{% load tables %}{% stacked %}<div class="wide"><table class="table">
<thead><tr><th scope="col"><span class="hidden">Choose</span></th><th scope="col">Interval</th>
<th scope="col" class="num">Net &amp; "VAT"</th><th scope="col">State</th></tr></thead>
<tbody><tr><td><input type="radio"></td><th scope="row">11:30</th><td class="num">12</td><td>–</td></tr></tbody>
<tfoot><tr><th scope="row" colspan="2">All</th><td>{{ sum }}</td><td></td></tr></tfoot></table></div>{% endstacked %}"""


def shown(text: str = TABLE, **values: str) -> str:
    return Template(text).render(Context(values))


def test_each_cell_has_the_name_of_its_column_and_each_part_its_role() -> None:
    page = shown()
    assert '<table class="table stacked" role="table">' in page
    assert '<td class="num" role="cell" data-label="Net &amp; &quot;VAT&quot;">12</td>' in page
    assert '<th scope="row" role="rowheader" data-label="Interval">11:30</th>' in page
    assert '<th scope="col" role="columnheader">Interval</th>' in page
    assert page.count('role="rowgroup"') == 3 and page.count('role="row"') == 3


def test_a_column_whose_head_only_screen_readers_see_has_no_name() -> None:
    assert '<td role="cell"><input type="radio"></td>' in shown()


def test_a_dash_is_marked_and_a_wide_cell_counts_for_its_columns() -> None:
    page = shown(sum="24")
    assert '<td data-blank role="cell" data-label="State">–</td>' in page
    assert '<th scope="row" colspan="2" role="rowheader">All</th><td role="cell" data-label="Net' in page


def test_what_is_shown_stays_escaped() -> None:
    assert "&lt;b&gt;" in shown(sum="<b>")


def test_a_table_without_heads_gets_roles_alone() -> None:
    page = shown(
        '{% load tables %}{% stacked %}<table class="table"><tbody><tr><td>1</td></tr></tbody></table>{% endstacked %}'
    )
    assert page == (
        '<table class="table stacked" role="table"><tbody role="rowgroup"><tr role="row">'
        '<td role="cell">1</td></tr></tbody></table>'
    )
