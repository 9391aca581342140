"""What is taken for what under another rulebook: tariffs by class and voltage, rows that begin later, one form."""

from dataclasses import replace
from datetime import date

import pytest

from settlement.domain.what_if import Taken, Usage, compare
from settlement.domain.what_if_rules import Customer, Rate, RuleSet, SiteTerms, under
from simulator.domain.under_rulebook import under_rulebook
from simulator.scene import load_scene
from tariffs.domain.canonical import digest
from tariffs.domain.compose import compose
from tariffs.domain.fields import RulebookRejected
from tariffs.domain.rulebook import Rulebook
from tariffs.domain.rulebook_file import parse
from tariffs.domain.variants import billing_from, brought_forward, pending_alone, pilot_for, tariff_for
from tariffs.shipped import reference
from tests.integration.test_backtest import EXAMPLE

OCTOBER, LAST = date(2026, 10, 1), date(2026, 10, 31)
VN = reference("vn")


def rules(code: str = "vn-production-22kv") -> RuleSet:
    head = next(head for head in VN.tariffs if head.code == code)
    return RuleSet(
        site="s", participant="p", rows={code: compose(VN, {}, {})[code]},
        customers={code: Customer(head.customer_class, head.voltage, head.kind)}, capacity={},
        vat={name: [Rate(date(2026, 1, 1), None, 800)] for name in ("electricity", "service")},
        terms=[SiteTerms(date(2026, 1, 1), 671, 50, 120, 0, 0)], fees=[], assigned=[(date(2026, 1, 1), code, 0)],
    )  # fmt: skip


def month(*taken: Taken) -> Usage:
    return Usage(OCTOBER, False, taken, (), (), ())


def test_the_example_of_the_page() -> None:
    usage = month(Taken(date(2026, 10, 6), 600, 0, 10_000, 0, 10_000, 0, 0, None))
    was = rules()
    found = compare(usage, was, was, under(was, pending_alone(VN, "decision-963-2026", OCTOBER)))
    assert (found.left.draft.net_dong, found.right.draft.net_dong) == (33_980, 18_330)
    assert (found.left.draft.total_dong, found.right.draft.total_dong) == (36_698, 19_796)
    assert found.difference_dong == -16_902


def test_another_cap_counts_output_and_payments_from_the_first_of_the_month() -> None:
    sun = [Taken(date(2026, 10, day), 600, day, 0, 8_000, 0, 8_000, 0, 10_000) for day in (1, 2, 3)]
    was = rules()
    file = parse({"rulebook": {"name": "x", "country": "VN"}, "surplus": [
        {"price": 700, "cap_pct": 20, "billed_from": "2026-10-01", "source": "s"}]})  # fmt: skip
    found = compare(month(*sun), was, was, under(was, file))
    rows = {row.kind: row for row in found.rows}
    assert rows["grid_export"].left.quantity == 24_000  # as the runs had it: nothing unpaid
    assert (rows["grid_export"].right.quantity, rows["grid_spill"].right.quantity) == (6_000, 18_000)
    assert rows["grid_export"].right.price == 700


def test_a_tariff_is_found_by_code_or_by_class_and_voltage() -> None:
    assert tariff_for(VN, "vn-residential", "", "") == "vn-residential"
    assert tariff_for(VN, "works", "production", "22_110kv") == "vn-production-22kv"
    for customer, code in ((("school", "administrative", "lt_6kv"), "ambiguous_tariff"),
                           (("works", "production", ""), "ambiguous_tariff"),
                           (("x", "", ""), "unmatched_tariff")):  # fmt: skip
        with pytest.raises(RulebookRejected) as refused:
            tariff_for(VN, *customer)
        assert refused.value.code == code


def test_the_pilot_is_that_of_the_voltage() -> None:
    assert pilot_for(VN, "ge_22kv") == pilot_for(VN, "22_110kv") == "vn-two-part-22kv"
    with pytest.raises(RulebookRejected, match="no two-part pilot"):
        pilot_for(VN, "")


def test_what_begins_later_is_brought_forward_unless_something_holds() -> None:
    found = brought_forward(VN, OCTOBER, LAST)
    assert found.vat == VN.vat  # 8 % holds in October, so 10 % stays in January
    january = replace(VN, vat=tuple(row for row in VN.vat if row.rate_bp == 1_000))
    assert {row.dated.valid_from for row in brought_forward(january, OCTOBER, LAST).vat} == {OCTOBER}


def test_waiting_windows_are_billed_from_the_day_asked() -> None:
    whole = billing_from(VN, "decision-963-2026", OCTOBER)
    assert whole.pending == () and whole.name.endswith("+ decision-963-2026")
    with pytest.raises(RulebookRejected, match="no windows nothing"):
        billing_from(VN, "nothing", OCTOBER)


def test_the_digest_does_not_count_the_order_of_rows() -> None:
    turned = replace(VN, prices=VN.prices[::-1], windows=VN.windows[::-1])
    assert digest(turned) == digest(VN)
    assert digest(replace(VN, name="Another")) != digest(VN)
    assert digest(Rulebook("x", "VN")) != digest(Rulebook("y", "VN"))


def test_a_scene_under_a_rulebook_has_its_prices_on_every_day() -> None:
    scene = load_scene(EXAMPLE)
    named = {"household": "vn-residential", "production": "vn-production-22kv"}
    found = under_rulebook(scene, VN, named)
    month_wh = int(scene.load_wh[scene.row_of["b2"]].sum()) * 30
    tier = next(t for t in _tiers() if t.has_tier_of(month_wh))
    assert set(found.scene.retail_price[scene.row_of["b2"]].tolist()) == {tier.price}
    assert set(found.scene.retail_price[scene.row_of["t1"]].tolist()) == {1_190, 1_833, 3_398}
    assert (found.scene.rules.surplus_price, found.scene.rules.surplus_cap_pct) == (671, 20)
    june = under_rulebook(replace(scene, days=30), VN, named)
    assert [(on, rules.surplus_cap_pct) for on, rules in june.rules_from] == [(date(2026, 6, 26), 50)]
    with pytest.raises(RulebookRejected, match="no prices of vn-residential on 2020-01-01"):
        under_rulebook(replace(scene, starts_on=date(2020, 1, 1)), VN, named)


def _tiers():
    return [row for row in compose(VN, {}, {})["vn-residential"] if row.is_valid(date(2026, 6, 1))]


def test_new_hours_alone_take_the_scenes_own_prices() -> None:
    scene = load_scene(EXAMPLE)
    found = under_rulebook(scene, pending_alone(VN, "decision-963-2026", scene.starts_on))
    monday = found.scene.retail_price[scene.row_of["t1"]].tolist()
    assert (monday[0], monday[20], monday[36], monday[47]) == (1_190, 1_833, 3_398, 1_833)  # 0:00 10:00 18:00 23:30
    assert set(found.scene.retail_price[scene.row_of["b2"]].tolist()) == {2_465}
