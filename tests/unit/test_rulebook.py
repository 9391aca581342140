"""The rulebook file as pure data: what is read, what is refused and where, and the shipped table of Việt Nam."""

import csv
import json
from datetime import date
from itertools import pairwise

import pytest

from tariffs.domain.compose import compose, joined
from tariffs.domain.fields import RulebookRejected
from tariffs.domain.rulebook_file import parse, read
from tariffs.domain.tiers import Tier, TierSpan, TiersRejected, split
from tariffs.domain.windows import Window, check_rows, price_at
from tariffs.shipped import load, reference
from tests.shared import shared_path

HEAD = {"rulebook": {"name": "Test", "country": "VN"}}
SINCE = "2026-01-01"
DATED = {"billed_from": SINCE, "source": "a test"}
HOURS = [{"days": "mon-sun", "peak": ["10:00-12:00"], "normal": ["00:00-10:00", "12:00-24:00"]}]


def price(code: str, on: date, minute: int, month_wh: int = 0) -> int:
    rows = compose(reference("vn"), {}, {})[code]
    return price_at(rows, on, minute, month_wh)


@pytest.mark.parametrize(
    ("code", "on", "minute", "wanted"),
    [
        ("vn-production-22kv", date(2026, 6, 2), 600, 3_398),
        ("vn-production-22kv", date(2026, 6, 7), 600, 1_833),  # Sunday has no peak
        ("vn-production-22kv", date(2026, 6, 2), 1_320, 1_190),
        ("vn-production-22kv", date(2025, 5, 9), 600, 3_242),
        ("vn-production-22kv", date(2025, 5, 10), 600, 3_398),
        ("vn-production-22kv", date(2026, 6, 2), 1_080, 3_398),  # 963/QĐ-BCT is not billed: 18:00 is peak, 21:00 is not
        ("vn-production-22kv", date(2026, 6, 2), 1_260, 1_833),
        ("vn-hospital-school-lv", date(2026, 6, 2), 0, 2_072),
    ],
)
def test_the_shipped_prices_hold_on_their_days(code: str, on: date, minute: int, wanted: int) -> None:
    assert price(code, on, minute) == wanted


@pytest.mark.parametrize(
    ("month_wh", "wanted"),
    [(0, 1_984), (50_000, 1_984), (50_001, 2_050), (300_000, 2_998), (300_001, 3_350), (10**9, 3_460)],
)
def test_the_last_expected_kwh_decides_the_tier(month_wh: int, wanted: int) -> None:
    assert price("vn-residential", date(2026, 6, 2), 600, month_wh) == wanted


def test_every_row_names_its_source_and_its_doubt() -> None:
    book = reference("vn")
    rows = [*book.prices, *book.vat, *book.surplus, *book.emission_factors, *book.surplus_ceilings]
    assert all(row.dated.source and row.dated.doubt for row in rows)
    assert [windows.code for windows in book.pending] == ["decision-963-2026"]
    assert all(head.pilot == head.code.startswith("vn-two-part-") for head in book.tariffs)


def test_the_shipped_table_is_that_of_the_decisions() -> None:
    """Every price of the shared table by tariff, day and period; and nothing beside it."""
    with shared_path("data/vn_tariff/evn_tariff_rates.csv").open(encoding="utf-8", newline="") as file:
        facts = list(csv.DictReader(file))
    wanted = sorted(
        (row["effective_from"], row["period"], row["tier_from_kwh"] or "-", int(row["price_vnd_per_kwh_ex_vat"]))
        for row in facts
    )
    book = reference("vn")
    pilots = {head.code for head in book.tariffs if head.pilot}
    found = []
    for row in book.prices:
        since = row.dated.valid_from.isoformat()
        if row.tariff not in pilots:
            found += [(since, period, "-", value) for period, value in row.by_period.items()]
            found += [(since, "flat", str(tier.from_wh // 1_000), tier.price) for tier in row.tiers]
    assert len(wanted) == 82 and sorted(found) == wanted


def test_each_price_stands_at_its_class_and_voltage() -> None:
    with shared_path("data/vn_tariff/evn_tariff_rates.csv").open(encoding="utf-8", newline="") as file:
        facts = list(csv.DictReader(file))
    book = reference("vn")
    heads = {head.code: head for head in book.tariffs}
    for row in facts:
        own = [
            block
            for block in book.prices
            if (heads[block.tariff].customer_class, heads[block.tariff].voltage)
            == (row["customer_class"], row["voltage"])
            and block.dated.valid_from.isoformat() == row["effective_from"]
        ]
        prices = [value for block in own for name, value in block.by_period.items() if name == row["period"]]
        prices += [tier.price for block in own for tier in block.tiers]
        assert int(row["price_vnd_per_kwh_ex_vat"]) in prices, row


def test_the_two_decisions_stand_in_one_ratio() -> None:
    """Both are shares of the average price, so a price of the one scaled to the other is off by rounding alone."""
    facts = json.loads(shared_path("data/vn_tariff/tariff_ratio_check.json").read_text(encoding="utf-8"))
    book = reference("vn")
    old, new = (
        {row.tariff: row for row in book.prices if row.dated.valid_from == since}
        for since in (date(2024, 10, 11), date(2025, 5, 10))
    )
    pairs = [
        (old[code].by_period[period], new[code].by_period[period]) for code in old for period in old[code].by_period
    ]
    pairs += [(a.price, b.price) for a, b in zip(old["vn-residential"].tiers, new["vn-residential"].tiers, strict=True)]
    assert sorted(pairs) == sorted((fact["p2699"], fact["p1279"]) for fact in facts)
    assert all(abs(a * 2_204.0655 / 2_103.1159 - b) < 1 for a, b in pairs)


def test_levies_are_those_of_the_shared_facts() -> None:
    book = reference("vn")
    vat = json.loads(shared_path("data/vn_tariff/vat_electricity.json").read_text(encoding="utf-8"))
    own = {row.dated.valid_from.isoformat(): row.rate_bp for row in book.vat if row.category == "electricity"}
    assert own == {row["from"]: round(row["rate"] * 10_000) for row in vat}
    factors = json.loads(shared_path("data/vn_tariff/grid_emission_factor.json").read_text(encoding="utf-8"))
    known = {row["year"]: round(row["t_per_mwh"] * 1_000_000) for row in factors if row["t_per_mwh"]}
    assert {row.year: row.mg_per_kwh for row in book.emission_factors} == known | {2019: 845_800}
    assert [row.year for row in book.emission_factors if not row.official] == [2024, 2025]
    other = json.loads(shared_path("data/vn_tariff/other_parameters.json").read_text(encoding="utf-8"))
    pilots = other["two_part_tariff_pilot"]["rows"]
    found = [row for row in book.prices if row.per_kw_month is not None]
    assert [(row.per_kw_month, row.by_period["peak"]) for row in found] == [
        (row["cp_vnd_per_kw_month"], row["peak"]) for row in pilots
    ]
    assert [(row.price, row.cap_pct) for row in book.surplus] == [(671, 20), (671, 50)]


def mistakes(**sections) -> list[tuple[str, str]]:
    with pytest.raises(RulebookRejected) as refused:
        book = parse({**HEAD, **sections})
        compose(book, {}, {})
    assert refused.value.code == refused.value.mistakes[0].code
    return [(mistake.code, mistake.place) for mistake in refused.value.mistakes]


FLAT = {"tariffs": [{"code": "t", "name": "T", "kind": "flat"}]}
TOU = {"tariffs": [{"code": "t", "name": "T", "kind": "tou"}]}
TIERED = {"tariffs": [{"code": "t", "name": "T", "kind": "tiered"}]}
WINDOWS = {"windows": [{"code": "w", "hours": HOURS, **DATED}]}
PEAKS = {"tariff": "t", "normal": 1, "peak": 2, "offpeak": 3, **DATED}


@pytest.mark.parametrize(
    ("sections", "code", "place"),
    [
        (FLAT | {"prices": [{"tariff": "t", "flat": 12.5, **DATED}]}, "not_whole", "prices[0].flat"),
        (FLAT | {"prices": [{"tariff": "t", "flat": True, **DATED}]}, "not_whole", "prices[0].flat"),
        (FLAT | {"prices": [{"tariff": "t", "flat": "12", **DATED}]}, "not_whole", "prices[0].flat"),
        (FLAT | {"prices": [{"tariff": "t", "flat": 10**12, **DATED}]}, "out_of_range", "prices[0].flat"),
        (FLAT | {"prices": [{"tariff": "t", "flat": 1, "source": "x"}]}, "field_missing", "prices[0].billed_from"),
        (FLAT | {"prices": [{"tariff": "t", "flat": 1, "billed_from": SINCE}]}, "field_missing", "prices[0].source"),
        (FLAT | {"prices": [{"tariff": "t", "flat": 1, **DATED, "billed_from": "1.1.26"}]}, "bad_date",
         "prices[0].billed_from"),
        (FLAT | {"prices": [{"tariff": "t", "flat": 1, **DATED, "last_day": "2025-12-31"}]}, "validity_backwards",
         "prices[0].last_day"),
        (FLAT | {"prices": [{"tariff": "t", "flat": 1, "pice": 2, **DATED}]}, "unknown_field", "prices[0].pice"),
        (FLAT | {"prices": [{"tariff": "u", "flat": 1, **DATED}]}, "unknown_tariff", "prices[0].tariff"),
        (FLAT | {"prices": [{"tariff": "t", "peak": 1, **DATED}]}, "wrong_periods", "prices[0]"),
        (FLAT | {"prices": [{"tariff": "t", "flat": 1, **DATED}] * 2}, "said_twice", "prices"),
        (TOU | {"prices": [PEAKS]}, "no_windows", "tariff t"),
        (TOU | WINDOWS | {"prices": [{"tariff": "t", "peak": 1, **DATED}]}, "wrong_periods", "prices[0]"),
        (TOU | {"prices": [PEAKS], "windows": [{"code": "w", **DATED, "hours": [
            {"days": "mon-sun", "peak": ["10:00-12:00"], "normal": ["00:00-10:00"]}]}]}, "tariff_gap", "tariff t"),
        (TOU | {"prices": [PEAKS], "windows": [{"code": "w", **DATED, "hours": [
            {"days": "mon-sun", "peak": ["10:15-12:00"]}]}]}, "bad_hours", "windows[0].hours[0].peak"),
        ({"windows": [{"code": "w", "hours": [{"days": "mondays", "peak": []}], **DATED}]}, "bad_weekdays",
         "windows[0].hours[0].days"),
        ({"windows": [{"code": "w", "hours": HOURS, "source": "x"}]}, "field_missing", "windows[0].legal_from"),
        (TIERED | {"prices": [{"tariff": "t", "tiers": [{"from_wh": 0, "to_wh": 5, "price": 1}], **DATED}]}, "tier_gap",
         "tariff t"),
        (TIERED | {"prices": [{"tariff": "t", "tiers": [{"from_wh": 9, "price": 1}], **DATED}]}, "tier_gap",
         "tariff t"),
        ({"vat": [{"category": "electricity", "rate_bp": 20_000, **DATED}]}, "out_of_range", "vat[0].rate_bp"),
        ({"vat": [{"category": "beer", "rate_bp": 1, **DATED}]}, "unknown_word", "vat[0].category"),
        ({"vat": {"category": "none"}}, "not_a_list", "vat"),
        ({"vat": [1]}, "not_a_table", "vat[0]"),
        ({"terms": [{"site": "s", "surplus_price": 1, "network_fee": -1, **DATED}]}, "out_of_range",
         "terms[0].network_fee"),
        ({"terms": [{"site": "s", "surplus_price": 1, "network_fee": 1, **DATED, "last_day": "2026-12-31"}]},
         "no_last_day", "terms[0].last_day"),
        ({"tarifs": []}, "unknown_field", "tarifs"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(sections: dict, code: str, place: str) -> None:
    assert (code, place) in mistakes(**sections)


def test_all_mistakes_come_at_once() -> None:
    found = mistakes(
        vat=[{"category": "beer", "rate_bp": -1, **DATED}], surplus=[{"price": "x", **DATED}], tariffs=[{"code": "ü"}]
    )
    assert {code for code, _ in found} == {
        "unknown_word", "out_of_range", "not_whole", "bad_code", "field_missing",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "form", "code"),
    [
        (b"\xff\xfe", "toml", "not_utf8"),
        ("= 1", "toml", "not_toml"),
        ("{", "json", "not_json"),
        ('{"a": 1, "a": 2}', "json", "not_json"),
        ("[" * 100_000, "json", "not_json"),
        ("[1]", "json", "not_a_table"),
        ("a = " + "[" * 100_000, "toml", "not_toml"),
    ],
)
def test_what_is_no_file_of_its_kind_is_refused(text: str | bytes, form: str, code: str) -> None:
    with pytest.raises(RulebookRejected) as refused:
        read(text, form)
    assert refused.value.code == code


def test_toml_and_json_say_the_same() -> None:
    tables = load("vn")
    as_json = read(json.dumps(tables, default=date.isoformat), "json")
    assert parse(as_json) == parse(tables)


def test_new_prices_take_the_windows_that_a_tariff_has() -> None:
    held = compose(reference("vn"), {}, {})
    code = "vn-production-22kv"
    new = parse(HEAD | {"prices": [PEAKS | {"tariff": code, "billed_from": "2027-01-01", "source": "next"}]})
    rows = joined(held[code], compose(new, held, {code: "tou"})[code])
    assert check_rows(rows) == []
    assert [price_at(rows, day, 600) for day in (date(2026, 12, 31), date(2027, 1, 4))] == [3_398, 2]


def test_new_windows_take_the_prices_that_tariffs_have() -> None:
    """The day when 963/QĐ-BCT is billed: peak moves to the evening, and prices stay."""
    held = compose(reference("vn"), {}, {})
    held |= {
        "ended": [Window(127, 0, 1_440, 1, date(2026, 1, 1), date(2026, 2, 1), "peak")],
        "one-price": [Window(127, 0, 1_440, 1, date(2026, 1, 1))],
    }
    tables = load("vn")
    pending = next(row for row in tables["windows"] if row["code"] == "decision-963-2026")
    new = parse(HEAD | {"windows": [{**pending, "billed_from": "2027-01-01"}]})
    kinds = {head.code: head.kind for head in reference("vn").tariffs}
    made = compose(new, held, kinds | {"ended": "tou", "one-price": "tou"})
    assert set(made) == {code for code, kind in kinds.items() if kind == "tou"}
    rows = joined(held["vn-production-22kv"], made["vn-production-22kv"])
    assert check_rows(rows) == []
    monday = date(2027, 1, 4)
    assert [price_at(rows, monday, minute) for minute in (0, 600, 1_080, 1_380)] == [1_190, 1_833, 3_398, 1_833]
    assert price_at(rows, date(2026, 12, 28), 600) == 3_398


TIERS = ((0, 50_000, 10), (50_000, 100_000, 20), (100_000, None, 30))


def span(first: date, end: date, step: int = 0) -> TierSpan:
    return TierSpan(first, end, tuple(Tier(low, high, price + step) for low, high, price in TIERS))


def test_a_month_is_split_over_its_tiers_and_dates() -> None:
    """The example of the algorithm's page."""
    spans = [span(date(2026, 6, 1), date(2026, 6, 11)), span(date(2026, 6, 11), date(2026, 7, 1), 1)]
    assert [(share.wh, share.price, share.to_wh) for share in split(160_000, spans)] == [
        (16_666, 10, 16_666), (16_667, 20, 33_333), (20_000, 30, None),
        (33_334, 11, 33_334), (33_333, 21, 66_667), (40_000, 31, None),
    ]  # fmt: skip
    metered = split([0, 160_000], spans)
    assert [(share.wh, share.price) for share in metered] == [(33_334, 11), (33_333, 21), (93_333, 31)]


def test_a_part_of_a_month_has_a_part_of_the_tiers() -> None:
    shares = split(50_000, [span(date(2026, 6, 16), date(2026, 7, 1))], month_days=30)
    assert [(share.wh, share.price) for share in shares] == [(25_000, 10), (25_000, 20)]
    assert sum(share.amount_millidong for share in shares) == 750_000


@pytest.mark.parametrize(
    ("wh", "spans", "code"),
    [
        (1, [], "tiers_of_no_days"),
        (1, [span(date(2026, 6, 1), date(2026, 6, 1))], "tiers_of_no_days"),
        (-1, [span(date(2026, 6, 1), date(2026, 7, 1))], "use_below_zero"),
        ([1, 2], [span(date(2026, 6, 1), date(2026, 7, 1))], "use_per_span"),
        (1, [TierSpan(date(2026, 6, 1), date(2026, 7, 1), (Tier(0, 5, 1),))], "tiers_out_of_order"),
        (1, [TierSpan(date(2026, 6, 1), date(2026, 7, 1), (Tier(5, None, 1),))], "tiers_out_of_order"),
    ],
)
def test_what_cannot_be_split_is_said(wh: int, spans: list[TierSpan], code: str) -> None:
    with pytest.raises(TiersRejected) as refused:
        split(wh, spans)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"period": "flat", "tier_from_wh": 5}, "tier_of_no_tier"),
        ({"period": "tier", "weekdays": 1}, "tier_not_all_week"),
        ({"period": "tier", "tier_from_wh": 9, "tier_to_wh": 9}, "tier_backwards"),
        ({"period": "tier", "tier_to_wh": 9}, "tier_gap"),
        ({"period": "tier", "tier_from_wh": 9}, "tier_gap"),
    ],
)
def test_rows_of_tiers_are_checked(changes: dict, code: str) -> None:
    whole = {"weekdays": 127, "from_minute": 0, "to_minute": 1_440, "price": 1, "valid_from": date(2026, 1, 1)}
    assert [problem.code for problem in check_rows([Window(**whole | changes)])] == [code]


def test_tiers_neither_overlap_nor_mix_with_hours() -> None:
    day = date(2026, 1, 1)
    low = Window(127, 0, 1_440, 1, day, period="tier", tier_to_wh=10)
    high = Window(127, 0, 1_440, 1, day, period="tier", tier_from_wh=9)
    flat = Window(127, 0, 1_440, 1, day)
    assert [problem.code for problem in check_rows([low, high])] == ["tier_overlap"]
    assert [problem.code for problem in check_rows([low, flat])] == ["tiers_and_windows"]


def test_prices_of_the_shipped_table_have_no_hole_in_time() -> None:
    book = reference("vn")
    for code in ("vn-production-22kv", "vn-residential"):
        days = [(row.dated.valid_from, row.dated.valid_to) for row in book.prices if row.tariff == code]
        assert all(first[1] == then[0] for first, then in pairwise(sorted(days))) or len(days) < 2
