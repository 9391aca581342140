"""docs/algorithms/rulebook.md does what it says: its tables of tiers are run, and digests stay what they are."""

import re
from datetime import date
from pathlib import Path

import numpy as np

from settlement.domain.interval import Interval
from tariffs.domain.compose import compose
from tariffs.domain.tiers import Tier, TierSpan, split
from tariffs.domain.windows import price_at
from tariffs.shipped import reference

PAGE = (Path(__file__).parents[2] / "docs/algorithms/rulebook.md").read_text(encoding="utf-8")


def table(first_heading: str) -> list[list[str]]:
    """The rows of the table that begins with this column."""
    lines = PAGE[PAGE.index(f"| {first_heading} |") :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_expected_month_decides_the_tier_as_the_page_says() -> None:
    rows = compose(reference("vn"), {}, {})["vn-residential"]
    months = {"0 to 50 kWh": 50_000, "100 kWh": 100_000, "100.001 kWh": 100_001, "300 kWh": 300_000}
    for month, price in table("expected month"):
        expected = months.get(month, 400_001)
        assert price_at(rows, date(2026, 6, 2), 0, expected) == int(price.replace(",", "")), month


def test_a_month_is_split_as_the_page_says() -> None:
    def tiers(more: int) -> tuple[Tier, ...]:
        return Tier(0, 50_000, 10 + more), Tier(50_000, 100_000, 20 + more), Tier(100_000, None, 30 + more)

    days = [date(2026, 6, 1), date(2026, 6, 11), date(2026, 7, 1)]
    spans = [TierSpan(days[0], days[1], tiers(0)), TierSpan(days[1], days[2], tiers(1))]
    told = [[int(re.sub(r"\D", "", cell) or 0) for cell in row[1:]] for row in table("days")]
    found = [[share.to_wh or 0, share.wh, share.price, share.amount_millidong] for share in split(160_000, spans)]
    assert found == told


def test_an_interval_without_fees_by_zone_has_the_digest_it_always_had() -> None:
    """The figure was made before an interval could have zones: past runs must still be found unaltered."""

    def wh(*values: int) -> np.ndarray:
        return np.array(values, dtype=np.int64)

    values = {
        "contract_id": 7, "mode": "fifo", "surplus_price": 671, "network_fee": 120, "deadband_pct": 5,
        "deadband_wh": 250, "force_majeure": False, "participant_ids": wh(1, 2), "import_wh": wh(0, 900),
        "export_wh": wh(1_000, 0), "estimated": np.array([False, True]), "retail_price": wh(1_833, 3_398),
        "pool_ask": np.ma.masked_equal(wh(700, -1), -1), "pool_bid": np.ma.masked_equal(wh(-1, 2_600), -1),
        "surplus_cap_wh": np.ma.masked_all(2, dtype=np.int64), "trade_no": wh(5), "seller_id": wh(1),
        "buyer_id": wh(2), "traded_wh": wh(800), "price": wh(1_700),
    }  # fmt: skip
    assert Interval(**values).digest() == "5bc9e936b1832694fae8759c3eb1a67c9f562d179e0658542b65d6c06d9ff125"
    zones = {"zone_index": wh(0, 1), "zone_fees": np.array([[60, 200], [120, 120]])}
    assert Interval(**values, **zones).digest() != Interval(**values).digest()
    assert Interval(**values, **zones).trade_fees().tolist() == [200]
