"""The corners of clearing: nobody there, nothing traded, oneself as the other party, and input that must be refused."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from settlement.domain.clearing import Cash, ClearingError, ClearingInput, ClearingResult, clear
from settlement.domain.invariants import check

EMPTY: dict[str, Any] = {"import_wh": [], "export_wh": [], "retail_price": [], "surplus_price": 671}
NO_TRADES: dict[str, Any] = {"trade_seq": [], "seller_index": [], "buyer_index": [], "traded_wh": [], "price": []}


def one_trade(**changes: Any) -> ClearingInput:
    """Seller 0 exports 8,000 Wh, buyer 1 imports 10,000; 10,000 Wh were traded at 1,500."""
    given: dict[str, Any] = {
        "export_wh": [8_000, 0],
        "import_wh": [0, 10_000],
        "retail_price": [3_000, 3_000],
        "surplus_price": 671,
        "network_fee": 100,
        "trade_seq": [1],
        "seller_index": [0],
        "buyer_index": [1],
        "traded_wh": [10_000],
        "price": [1_500],
    }
    return ClearingInput(**(given | changes))


def cleared(inputs: ClearingInput) -> ClearingResult:
    result = clear(inputs)
    assert check(inputs, result) == []
    return result


@pytest.mark.parametrize("mode", ["fifo", "prorata"])
def test_nobody_there(mode: Any) -> None:
    result = cleared(ClearingInput(**EMPTY, **NO_TRADES, mode=mode, pool_ask=[], pool_bid=[]))
    assert (result.operator_millidong, result.network_millidong, result.pool.price) == (0, 0, None)
    assert result.cash_millidong.shape == (0,)


@pytest.mark.parametrize("mode", ["fifo", "prorata"])
def test_no_trades_everything_is_the_grids(mode: Any) -> None:
    result = cleared(one_trade(**NO_TRADES, mode=mode))
    assert result.cash_millidong.tolist() == [8_000 * 671, -10_000 * 3_000]
    assert result.operator_millidong == 10_000 * 3_000 - 8_000 * 671


def test_a_dead_meter_on_the_sellers_side_costs_the_buyer_what_the_grid_costs_more() -> None:
    result = cleared(one_trade(export_wh=[0, 0]))
    row = result.compensation
    assert (row.missed_wh.tolist(), row.charged_wh.tolist()) == ([10_000], [9_500])
    assert row.millidong.tolist() == [9_500 * (3_000 - 1_500 - 100)]


def test_both_meters_dead_nobody_lost_anything() -> None:
    result = cleared(one_trade(export_wh=[0, 0], import_wh=[0, 0]))
    assert not len(result.compensation.missed_wh)
    assert not result.cash_millidong.any()


def test_a_trade_of_nothing() -> None:
    result = cleared(one_trade(traded_wh=[0]))
    assert result.delivered_wh.tolist() == [0]
    assert not len(result.compensation.missed_wh)


@pytest.mark.parametrize("mode", ["fifo", "prorata"])
def test_a_trade_with_oneself_moves_energy_but_only_the_fee(mode: Any) -> None:
    both = one_trade(export_wh=[8_000, 0], import_wh=[5_000, 0], buyer_index=[0], mode=mode)
    result = cleared(both)
    assert (result.sold_wh.tolist(), result.bought_wh.tolist()) == ([5_000, 0], [5_000, 0])
    assert result.cash_millidong.tolist() == [-5_000 * 100 + 3_000 * 671, 0]


def test_a_price_above_retail_costs_the_buyer_nothing_when_it_fails() -> None:
    result = cleared(one_trade(price=[3_500]))
    assert (result.compensation.charged_wh.tolist(), result.compensation.millidong.tolist()) == ([1_500], [0])


def test_negative_prices_pay_the_buyer() -> None:
    result = cleared(one_trade(price=[-50], export_wh=[10_000, 0]))
    assert result.cash_millidong.tolist() == [-500_000, 500_000 - 1_000_000]


def test_force_majeure_pays_no_compensation_and_changes_nothing_else() -> None:
    normal, forced = cleared(one_trade()), cleared(one_trade(force_majeure=True))
    assert normal.compensation.millidong.sum() > 0
    assert not len(forced.compensation.missed_wh)
    assert forced.delivered_wh.tolist() == normal.delivered_wh.tolist()
    assert forced.operator_millidong == normal.operator_millidong


@pytest.mark.parametrize("who", [0, 1])
def test_an_estimated_reading_of_either_party_pays_no_compensation(who: int) -> None:
    result = cleared(one_trade(estimated=np.arange(2) == who))
    assert not len(result.compensation.missed_wh)


def test_an_estimated_seller_still_accounts_for_what_its_buyer_imports() -> None:
    """Buyer 2 is 4,000 Wh short: trade 1 of the estimated seller 0 explains them all, so seller 1 owes nothing."""
    short = one_trade(
        export_wh=[0, 0, 0], import_wh=[0, 0, 4_000], retail_price=[0, 0, 3_000], estimated=[True, False, False],
        trade_seq=[1, 2], seller_index=[0, 1], buyer_index=[2, 2], traded_wh=[4_000, 4_000], price=[1_500, 1_500],
    )  # fmt: skip
    assert not len(cleared(short).compensation.missed_wh)
    measured = cleared(replace(short, estimated=None)).compensation
    assert (measured.payer_index.tolist(), measured.missed_wh.tolist()) == ([0], [4_000])


def test_selling_and_buying_each_have_their_own_dead_band() -> None:
    """Participant 0 sold 20,000 Wh (dead-band 1,000) and bought 2,000 (dead-band 250), and did neither."""
    result = cleared(
        one_trade(
            export_wh=[0, 2_000, 0],
            import_wh=[0, 0, 20_000],
            retail_price=[0, 0, 3_000],
            trade_seq=[1, 2],
            seller_index=[0, 1],
            buyer_index=[2, 0],
            traded_wh=[20_000, 2_000],
            price=[1_500, 1_500],
        )
    )
    rows = result.compensation
    assert rows.payer_index.tolist() == [0, 0]
    assert rows.seller_short.tolist() == [True, False]
    assert rows.charged_wh.tolist() == [19_000, 1_750]


def test_prorata_gives_a_spare_watt_hour_to_the_earlier_trade() -> None:
    shared = one_trade(
        export_wh=[5, 0], trade_seq=[1, 2], seller_index=[0, 0], buyer_index=[1, 1], traded_wh=[3, 3], price=[1, 1],
        mode="prorata",
    )  # fmt: skip
    assert cleared(shared).delivered_wh.tolist() == [3, 2]


def test_prorata_slack_goes_on_in_execution_order() -> None:
    """Seller 0's 600 Wh are shared 300 : 300; buyer 1 takes only 100, so the other 200 go on to buyer 2."""
    shared = one_trade(
        export_wh=[600, 0, 0], import_wh=[0, 100, 900], retail_price=[0, 0, 0],
        trade_seq=[1, 2], seller_index=[0, 0], buyer_index=[1, 2], traded_wh=[900, 900], price=[1, 1], mode="prorata",
    )  # fmt: skip
    assert cleared(shared).delivered_wh.tolist() == [100, 500]


def test_prorata_with_products_beyond_64_bits() -> None:
    huge = one_trade(
        export_wh=[4 * 10**12, 0], import_wh=[0, 10**13], retail_price=[1, 1], surplus_price=1, network_fee=0,
        trade_seq=[1, 2], seller_index=[0, 0], buyer_index=[1, 1], traded_wh=[5 * 10**12, 10**12], price=[1, 1],
        mode="prorata",
    )  # fmt: skip
    assert cleared(huge).delivered_wh.tolist() == [3_333_333_333_333, 666_666_666_667]


def test_pool_takes_only_those_who_opted_in() -> None:
    offers = {"pool_ask": [900, 0], "pool_bid": [0, 2_000], **NO_TRADES}
    assert cleared(one_trade(**offers)).pool.wh.tolist() == [8_000]
    assert not len(cleared(one_trade(**offers, pool_ask_mask=[False, True])).pool.wh)
    assert not len(cleared(one_trade(**offers, pool_bid_mask=[True, False])).pool.wh)


def test_pool_limits_that_do_not_meet_do_not_trade() -> None:
    result = cleared(one_trade(**NO_TRADES, pool_ask=[2_001, 0], pool_bid=[0, 2_000]))
    assert (result.pool.price, result.pool.wh.sum()) == (None, 0)


def test_pool_ties_go_by_participant() -> None:
    tie = one_trade(
        **NO_TRADES, export_wh=[5, 5, 0, 0], import_wh=[0, 0, 4, 4], retail_price=[0, 0, 0, 0],
        pool_ask=[7, 7, 0, 0], pool_bid=[0, 0, 9, 9], pool_ask_mask=[True, True, False, False],
        pool_bid_mask=[False, False, True, True],
    )  # fmt: skip
    pool = cleared(tie).pool
    pairs = list(zip(pool.seller_index.tolist(), pool.buyer_index.tolist(), pool.wh.tolist(), strict=True))
    assert pairs == [(0, 2, 4), (0, 3, 1), (1, 3, 3)]
    assert pool.price == 8


def test_pool_never_pairs_a_participant_with_itself() -> None:
    alone = one_trade(**NO_TRADES, export_wh=[5, 0], import_wh=[5, 0], pool_ask=[1, 0], pool_bid=[9, 0])
    assert not len(cleared(alone).pool.wh)


def test_pool_stops_below_an_ask_already_matched() -> None:
    """0 asks 1 and bids 10, 2 asks 8, 1 bids 5: after 0 bought from 2 at 8 or more, no price suits 1 as well."""
    stopped = one_trade(
        **NO_TRADES, export_wh=[5, 0, 5], import_wh=[5, 5, 0], retail_price=[20, 20, 20],
        pool_ask=[1, 0, 8], pool_bid=[10, 5, 0], pool_ask_mask=[True, False, True], pool_bid_mask=[True, True, False],
    )  # fmt: skip
    pool = cleared(stopped).pool
    assert (pool.seller_index.tolist(), pool.buyer_index.tolist(), pool.price) == ([2], [0], 9)


def test_fees_by_trade_and_by_pair_of_zones() -> None:
    result = cleared(
        one_trade(
            traded_wh=[3_000],
            network_fee=[70],
            pool_network_fee=[[10, 40], [50, 20]],
            zone_index=[0, 1],
            pool_ask=[900, 0],
            pool_bid=[0, 2_000],
        )
    )
    assert result.network_millidong == 3_000 * 70 + 5_000 * 40


def test_surplus_price_and_cap_by_owner() -> None:
    result = cleared(one_trade(**NO_TRADES, surplus_price=[700, 0], surplus_cap_wh=[3_000, 0]))
    assert result.unpaid_spill_wh.tolist() == [5_000, 0]
    assert result.cash.grid_surplus.tolist() == [3_000 * 700, 0]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"export_wh": [-1, 0]}, "invalid_clearing_input", "export_wh"),
    ({"traded_wh": [-1]}, "invalid_clearing_input", "traded_wh"),
    ({"export_wh": [1.5, 0.0]}, "invalid_clearing_input", "export_wh"),
    ({"export_wh": [1]}, "invalid_clearing_input", "export_wh has shape"),
    ({"price": [10**30]}, "invalid_clearing_input", "price"),
    ({"price": [1, 2]}, "invalid_clearing_input", "price has shape"),
    ({"seller_index": [2]}, "invalid_clearing_input", "seller_index"),
    ({"buyer_index": [-1]}, "invalid_clearing_input", "buyer_index"),
    ({"mode": "lifo"}, "invalid_clearing_input", "lifo"),
    ({"deadband_pct": 101}, "invalid_clearing_input", "101 %"),
    ({"deadband_wh": -1}, "invalid_clearing_input", "-1 Wh"),
    ({"estimated": [0, 1]}, "invalid_clearing_input", "estimated"),
    ({"pool_network_fee": [[1, 2]]}, "invalid_clearing_input", "square matrix"),
    ({"pool_network_fee": [[1]], "zone_index": [0, 1]}, "invalid_clearing_input", "zone_index"),
    ({"network_fee": [1], "pool_ask": [1, 1], "pool_bid": [1, 1]}, "invalid_clearing_input", "pool_network_fee"),
    ({"import_wh": [0, 10**16], "retail_price": [0, 3_000]}, "clearing_overflow", "64-bit"),
    ({"deadband_wh": 2**62}, "clearing_overflow", "64-bit"),
    (
        {"trade_seq": [2, 2], "seller_index": [0, 0], "buyer_index": [1, 1], "traded_wh": [1, 1], "price": [1, 1]},
        "trades_out_of_order",
        "execution order",
    ),
]


@pytest.mark.parametrize(("changes", "code", "told"), REFUSED, ids=[told for _, _, told in REFUSED])
def test_refused_before_anything_is_computed(changes: dict[str, Any], code: str, told: str) -> None:
    with pytest.raises(ClearingError, match=told) as refused:
        one_trade(**changes)
    assert refused.value.code == code


def test_the_largest_interval_that_is_taken_is_exact() -> None:
    large = 7 * 10**13
    result = cleared(one_trade(import_wh=[0, 3 * large], export_wh=[large, 0], traded_wh=[large]))
    assert result.cash_millidong.tolist() == [large * 1_500, -large * 1_600 - 2 * large * 3_000]


def spoiled(result: ClearingResult, path: str) -> ClearingResult:
    """The result with 1 added to the first figure of one field ("cash.local_sale", "delivered_wh", …)."""
    outer, _, inner = path.partition(".")
    value = getattr(getattr(result, outer), inner) if inner else getattr(result, outer)
    more = value + 1 if isinstance(value, int) else value + (np.arange(len(value)) == 0)
    return replace(result, **{outer: replace(getattr(result, outer), **{inner: more}) if inner else more})


EVERY_FIGURE = [
    "delivered_wh", "sold_wh", "bought_wh", "grid_export_wh", "grid_import_wh", "unpaid_spill_wh", "cash_millidong",
    "operator_millidong", "network_millidong", "pool.wh", "pool.price", "compensation.missed_wh",
    "compensation.charged_wh", "compensation.millidong", *(f"cash.{field.name}" for field in fields(Cash)),
]  # fmt: skip


@pytest.mark.parametrize("figure", EVERY_FIGURE)
def test_the_check_notices_a_figure_that_is_off_by_one(figure: str) -> None:
    """Trade 1 is short by 10,000 of seller 0, the pool moves 1 kWh from 2 to 1 at the limit of both."""
    inputs = one_trade(
        export_wh=[8_000, 0, 1_000], import_wh=[0, 20_000, 0], retail_price=[3_000] * 3, traded_wh=[18_000],
        pool_ask=[0, 0, 2_000], pool_bid=[0, 2_000, 0], pool_ask_mask=[False, False, True],
        pool_bid_mask=[False, True, False],
    )  # fmt: skip
    result = cleared(inputs)
    if figure == "compensation.missed_wh":
        result = replace(result, compensation=replace(result.compensation, missed_wh=np.array([10_000])))
        assert check(inputs, result) == []
    assert check(inputs, spoiled(result, figure)) != []


def test_the_check_says_where_and_how_far_off() -> None:
    inputs = one_trade()
    (violation, *_) = check(inputs, spoiled(cleared(inputs), "grid_export_wh"))
    assert (violation.code, violation.index, violation.off_by) == ("export_split", 0, 1)


def test_the_check_refuses_compensation_in_force_majeure() -> None:
    inputs = one_trade()
    result = cleared(inputs)
    codes = {violation.code for violation in check(replace(inputs, force_majeure=True), result)}
    assert codes == {"compensation_exempt"}


def test_the_check_refuses_a_delivery_that_stopped_early() -> None:
    inputs = one_trade()
    idle = clear(replace(inputs, traded_wh=np.array([0])))
    assert "not_maximal" in {violation.code for violation in check(inputs, idle)}
