"""docs/algorithms/month.md does what it says: its tables are run through the month's domain."""

import re
from datetime import date
from pathlib import Path

from settlement.domain.document import LINE_KINDS
from settlement.domain.drafting import Draft, Issued, draft_of, tax_on
from settlement.domain.month import (
    POSTED,
    SOLD,
    VAT_CATEGORY,
    Amount,
    Figure,
    Key,
    Month,
    MonthRules,
    Stretch,
    TariffStretch,
    month_of,
)  # fmt: skip
from settlement.domain.per_meter import shares
from settlement.models import LedgerTransaction
from settlement.queries import closes
from tariffs.domain.windows import ALL_WEEK, MINUTES_A_DAY, TIER, Window

PAGE = (Path(__file__).parents[2] / "docs" / "algorithms" / "month.md").read_text(encoding="utf-8")
FIRST, LAST = date(2026, 6, 1), date(2026, 6, 30)
EIGHT = [Stretch(FIRST, LAST, 800)]
RULES = MonthRules(FIRST, LAST, {"electricity": EIGHT, "service": EIGHT}, [Stretch(FIRST, LAST, 0)], 0)
Row = dict[str, str]


def table(first: str) -> list[Row]:
    """The table whose head begins with this cell."""
    block = next(b for b in re.findall(r"(?:^\|.*\n?)+", PAGE, flags=re.MULTILINE) if b.startswith(f"| {first} |"))
    lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in block.strip().splitlines()]
    return [dict(zip(lines[0], cells, strict=True)) for cells in lines[2:]]


def number(cell: str) -> int:
    return int(cell.replace(",", "").replace("−", "-"))


def numbers(cell: str) -> list[int]:
    return [number(part) for part in cell.split()]


def test_the_kinds_of_lines() -> None:
    rows = table("line | ledger")
    assert [row["line"] for row in rows] == list(LINE_KINDS)
    beyond = {"tier_import": "tier", "capacity": "capacity", "platform_fee": "platform_fee",
              "platform_month": "platform_fee", "carried": ""}  # fmt: skip
    assert {row["line"]: row["ledger"] for row in rows} == {**POSTED, **beyond}
    assert {row["ledger"] for row in rows} - {""} <= set(LedgerTransaction.Category.values)
    taxed = {row["line"]: row["taxed as"] for row in rows if row["taxed as"] != "no"}
    assert taxed == VAT_CATEGORY


def figure(row: Row) -> Figure:
    sign = 1 if row["kind"] in SOLD else -1
    price = number(row["price"]) if row["price"] else 0
    on = FIRST.replace(day=number(row["figure: day"]))
    return Figure(on, row["kind"], price, sign * number(row["Wh"]), sign * number(row["milli-đồng"]))


def test_the_lines_of_the_shop() -> None:
    month = month_of(map(figure, table("figure: day")), RULES, (), taxed_seller=False)
    draft = draft_of(month, Issued(), {})
    assert [(line.key.kind, line.quantity, line.millidong, line.dong) for line in draft.lines] == [
        (row["line"], number(row["quantity"]), number(row["milli-đồng"]), number(row["đồng"]))
        for row in table("line | quantity")
    ]


def test_tiers_over_a_change_of_prices() -> None:
    rows = table("from | to")
    old, new = ([row for row in rows if row["from"] == day] for day in ("1", "11"))
    prices = [number(row["price"]) for row in old], [number(row["price"]) for row in new]
    stretches = (
        TariffStretch(FIRST, FIRST.replace(day=10), True, tier_rows([*prices[0], 2_380])),
        TariffStretch(FIRST.replace(day=11), LAST, True, tier_rows(prices[1])),
    )
    used = [Figure(FIRST, "grid_import", 2_380, -20_000, 0), Figure(LAST, "grid_import", 2_499, -80_000, 0)]
    draft = draft_of(month_of(used, RULES, stretches, taxed_seller=False), Issued(), {})
    assert [
        (key.since.day, key.until.day, key.tier_from_wh, key.tier_to_wh, key.price, line.quantity)
        for line in draft.lines
        for key in [line.key]
    ] == [
        tuple(number(row[name]) if row[name] else None
              for name in ("from", "to", "tier from", "tier to", "price", "Wh"))
        for row in rows
    ]  # fmt: skip


def tier_rows(prices: list[int]) -> tuple[Window, ...]:
    bounds = ((0, 50_000), (50_000, 100_000), (100_000, None))
    return tuple(
        Window(ALL_WEEK, 0, MINUTES_A_DAY, price, FIRST, None, TIER, "", low, high)
        for (low, high), price in zip(bounds, prices, strict=True)
    )


def test_the_tax() -> None:
    for row in table("net"):
        rate = None if row["rate"] == "no" else number(row["rate"])
        assert tax_on(number(row["net"]), rate) == number(row["VAT"]), row


def test_corrections() -> None:
    key = Key("local_bought", FIRST, LAST, "", None, None, None, 800)
    said, nothing = Issued(), {"tier": 0, "capacity": 0, "platform_fee": 0}
    for row in table("the month now, milli-đồng"):
        now = number(row["the month now, milli-đồng"])
        month = Month({key: Amount(1, now)} if now else {}, nothing, 0, 0)
        draft = draft_of(month, said, {})
        told = [draft.lines[0].dong, draft.vat_dong, draft.postings.get("rounding", 0)]
        assert told == [number(row[name]) for name in ("line, đồng", "VAT, đồng", "rounding, milli-đồng")], row
        add(said, draft)


def add(said: Issued, draft: Draft) -> None:
    for line in draft.lines:
        said.lines.setdefault(line.key, Amount()).add(line.quantity, line.millidong)
        said.dong[line.key] = said.dong.get(line.key, 0) + line.dong
    for vat in draft.vat:
        said.vat_dong[vat.vat_bp] = said.vat_dong.get(vat.vat_bp, 0) + vat.vat_dong


def test_shares_of_meters() -> None:
    for row in table("whole"):
        assert shares(number(row["whole"]), numbers(row["points took"])) == numbers(row["shares"]), row


def test_the_checklist_is_that_of_the_code() -> None:
    told = closes.__doc__ or ""
    codes = {line.split("|")[1].strip(): line.split("|") for line in told.splitlines() if line.startswith("| ")}
    codes.pop("check")
    states = {code: "blocking" if cells[2].strip() else "warning" for code, cells in codes.items()}
    assert {row["check"]: row["state"] for row in table("check")} == states
    written = Path(closes.__file__).read_text(encoding="utf-8")
    asked = set(re.findall(r'_(?:blocking|warning)\("(\w+)"', written)) | {"losses"}
    assert asked == set(states)
