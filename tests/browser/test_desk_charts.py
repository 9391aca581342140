"""The charts of the desk in a real browser: candles grow with the live trades, and the arrow keys read them out."""

from playwright.sync_api import expect

from tests.factories import NOON, make_participants, open_contracts
from trading.domain.messages import BUY, SELL, New
from trading.operations import submit

SOON_MS = 15_000


def deal(market, contract, number: int, price: int) -> None:
    """1 kWh from the second member to the first."""
    home, other = make_participants(2)
    sell = New(other.pk, f"s{number}", contract.pk, SELL, 1_000, price)
    replies = submit(market.pk, [sell, New(home.pk, f"b{number}", contract.pk, BUY, 1_000, price)], by=None, at=NOON)
    assert not [reply for reply in replies if reply.rejected]


def test_candles_grow_live_and_are_read_by_the_keys(page, server, market, enter, faults) -> None:
    contract = open_contracts(market)[0]
    deal(market, contract, 1, 1_500)
    enter()
    chart = page.locator("wb-candles .chart")
    expect(page.locator("#candles-title")).to_have_text("Trades of 12:30–13:00")
    expect(page.locator("wb-candles.drawn canvas")).to_be_visible(timeout=SOON_MS)
    chart.focus()
    page.keyboard.press("End")
    readout = page.locator("#candle-readout")
    expect(readout).to_have_attribute("aria-live", "polite")
    said = "12:00: first 1,500, highest {high}, lowest 1,500, last {high} · {kwh} kWh, {n} trades"
    expect(readout).to_have_text(said.format(high="1,500", kwh="1.0", n=1), timeout=SOON_MS)

    deal(market, contract, 2, 1_700)
    table = page.locator("wb-candles ~ details")
    table.locator("summary").click()
    expect(page.locator("#candle-rows tr")).to_contain_text("1,700", timeout=SOON_MS)
    chart.focus()
    page.keyboard.press("Home")
    expect(readout).to_have_text(said.format(high="1,700", kwh="2.0", n=2))
    page.keyboard.press("Escape")
    expect(readout).to_have_text("")

    page.get_by_role("button", name="1 min", exact=True).click()
    expect(page.locator("#candle-rows tr")).to_have_count(1)
    day = page.locator("wb-day-chart .chart")
    day.focus()
    page.keyboard.press("End")
    expect(page.locator("#readout")).not_to_have_text("")
    assert faults == []
