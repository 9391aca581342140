"""docs/algorithms/certificates.md, run: who receives green energy, a row of corrections, a tenant's four hours."""

import re
from datetime import UTC, datetime
from pathlib import Path

from settlement.domain.carbon import HourEnergy, totals_of
from settlement.domain.certificates import Account, Deliveries, Due, Held, entitlements, reconcile

PAGE = (Path(__file__).parents[2] / "docs" / "algorithms" / "certificates.md").read_text(encoding="utf-8")
Row = dict[str, str]


def table(heading: str) -> list[Row]:
    """The first table after a heading, its rows by column."""
    text = PAGE.split(f"### Example: {heading}\n", 1)[1]
    lines = [line for line in text[text.index("\n|") + 1 :].split("\n\n", 1)[0].splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def wh(cell: str) -> int:
    return int(cell.replace(",", ""))


def test_a_morning_with_a_battery() -> None:
    rows = table("a morning with a battery")
    ids = {name: number for number, name in enumerate(["roof", "A", "B", "S", "T"])}
    pool = {ids[row["goes to"]]: wh(row["delivered"]) for row in rows if row["order"] == "pool"}
    trades = [(ids["roof"], ids[r["goes to"]], wh(r["delivered"])) for r in rows if r["order"].startswith("trade")]
    green = (sum(wh(row["PV"]) for row in rows), sum(wh(row["storage"]) for row in rows))
    assert green == (4_000, 2_000) and sum(wh(row["delivered"]) for row in rows) == 10_000
    dues = entitlements({ids["roof"]: green}, Deliveries(trades, {ids["roof"]: sum(pool.values())}, pool))
    for row in rows:
        for column, origin in (("PV", "pv"), ("storage", "storage")):
            given = [due.wh for due in dues[ids["roof"], origin] if due.holder == ids[row["goes to"]]]
            assert sum(given) == wh(row[column]), row
        assert wh(row["PV"]) + wh(row["storage"]) + wh(row["not green"]) == wh(row["delivered"])


def test_one_interval_through_its_corrections() -> None:
    roof, a, b = range(3)
    free = {roof: 0, a: 0, b: 0}
    used = {roof: 0, a: 0, b: 0}
    account = Account()
    for row in table("one interval through its corrections"):
        if row["step"].startswith("B retired"):
            free[b], used[b] = 0, used[b] + free[b]
        green = wh(row["green"])
        shares = (min(5_000, green), min(3_000, max(0, green - 5_000)), max(0, green - 8_000))
        dues = [Due(holder, part) for holder, part in zip((a, b, roof), shares, strict=True) if part]
        held = {holder: Held(used[holder], free[holder]) for holder in free}
        change = reconcile(dues, held, account, wh(row["elsewhere"]))
        for holder, part in change.voids.items():
            free[holder] -= part
        for holder, part in change.issues:
            free[holder] += part
        account = change.account
        found = [
            sum(change.voids.values()), sum(due.wh for due in change.issues), sum(free.values()) + sum(used.values()),
            account.withheld_wh, account.owed_wh,
        ]  # fmt: skip
        assert found == [wh(row[name]) for name in ("void", "issued", "certified", "withheld", "owed")], row


def test_four_hours_of_a_tenant() -> None:
    rows = table("four hours of a tenant")
    hours = [
        HourEnergy(
            start=datetime(2026, 10, 1, int(row["hour"][:2]), tzinfo=UTC), own_pv_wh=wh(row["own sun"]),
            own_storage_wh=0, local_pv_wh=wh(row["from neighbours"]), local_storage_wh=0, local_other_wh=0,
            grid_wh=wh(row["grid"]), certificate_wh=wh(row["certificates"]), retired_wh=0, factor_mg_per_kwh=659_200,
        )
        for row in rows
    ]  # fmt: skip
    for hour, row in zip(hours, rows, strict=True):
        found = (hour.consumption_wh, hour.matched_wh, hour.uncovered_wh)
        assert found == (wh(row["consumption"]), wh(row["matched"]), wh(row["not covered"]))
    totals = totals_of(hours)
    told = " ".join(PAGE.split("### Example: four hours of a tenant", 1)[1].split())
    pattern = r"Together (\S+) Wh, (\S+) Wh matched: (\S+) ppm\. Location-based (\S+) g, market-based (\S+) g\."
    figures = re.search(pattern, told)
    assert figures is not None
    assert [wh(figure) for figure in figures.groups()] == [
        totals.consumption_wh,
        totals.matched_wh,
        totals.matched_ppm,
        totals.location_based_g,
        totals.market_based_g,
    ]
