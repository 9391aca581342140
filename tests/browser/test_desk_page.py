"""What a trader does at the desk, in a real browser over a real socket: by mouse, and by keyboard alone."""

import pytest
from playwright.sync_api import expect

from tests.factories import NOON, make_participants, open_contracts
from trading.domain.messages import BUY, SELL, CancelAll, New
from trading.operations import submit
from trading.queries import own_orders

SOON_MS = 15_000


def take(market, *messages):
    replies = submit(market.pk, messages, by=None, at=NOON)
    assert not [reply for reply in replies if reply.rejected]


def states(market, party) -> list[tuple[int, int, str]]:
    rows = own_orders(market.pk, [party.pk], open_only=False).orders
    return [(order.quantity_wh, order.price or 0, order.status) for order in rows]


@pytest.fixture
def people(market):
    return make_participants(2)


def test_an_order_is_placed_amended_and_cancelled_by_mouse(page, server, market, people, enter, faults) -> None:
    home, other = people
    take(market, New(other.pk, "a", open_contracts(market)[0].pk, SELL, 3_000, 1_650))
    enter()
    page.locator(".ladder .asks .level-price", has_text="1,650").click(timeout=SOON_MS)
    expect(page.get_by_label("Limit price")).to_have_value("1,650")
    expect(page.get_by_label("Quantity", exact=False).first).to_be_focused()
    page.locator("#t-kwh").fill("5")
    preview = page.locator("#t-wrong")
    expect(preview).to_contain_text("3.0 kWh · ⌀ ₫1,650/kWh", timeout=SOON_MS)
    expect(preview).to_contain_text("You pay at most")
    page.get_by_role("button", name="Place the order").click()
    expect(page.locator("#ticket-said")).to_contain_text("2.0 kWh wait in the book.", timeout=SOON_MS)

    row = page.locator("wb-orders tbody tr")
    expect(row).to_contain_text("partly filled", timeout=SOON_MS)
    expect(page.locator("wb-strip button[aria-pressed=true] .own")).to_contain_text("▲ 3.0 bought", timeout=SOON_MS)
    expect(page.locator(".ladder .bids .mine:visible")).to_have_text("2.0 yours")
    row.get_by_role("button", name="Change").click()
    page.get_by_label("New quantity left, kWh").fill("1.5")
    expect(page.locator(".hint-line")).to_have_text("Keeps its place in the queue.")
    page.get_by_label("New price, ₫/kWh").fill("1,600")
    expect(page.locator(".hint-line")).to_have_text("Loses its place in the queue.")
    page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("▲ 1,600", timeout=SOON_MS)
    row.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("You have no open orders.")).to_be_visible(timeout=SOON_MS)
    assert states(market, home) == [(4_500, 1_600, "cancelled")]
    assert faults == []


def test_an_order_is_placed_amended_and_cancelled_by_keyboard(page, server, market, people, enter, faults) -> None:
    home, _ = people
    enter()
    expect(page.locator("wb-strip button[aria-pressed=true]")).to_have_count(1, timeout=SOON_MS)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("b")
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    expect(page.locator("#t-kwh")).to_be_focused()
    page.keyboard.type("2")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#t-kwh")).to_have_value("2.1")
    page.keyboard.press("Tab")
    page.keyboard.type("1500")
    page.keyboard.press("Shift+ArrowUp")
    expect(page.locator("#t-price")).to_have_value("1,510")
    page.keyboard.press("Enter")
    expect(page.locator("#ticket-said")).to_contain_text("Taken: buy 2.1 kWh", timeout=SOON_MS)
    expect(page.locator("#t-kwh")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("wb-strip button[aria-pressed=true]")).to_be_focused()

    expect(page.locator("wb-orders tbody tr")).to_have_count(1, timeout=SOON_MS)
    page.keyboard.press("o")
    page.keyboard.press("Enter")
    expect(page.get_by_label("New price, ₫/kWh")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("wb-orders tbody tr")).to_contain_text("1,509", timeout=SOON_MS)
    page.keyboard.press("c")
    expect(page.get_by_role("dialog")).to_contain_text("Cancel every open order of yours for 12:30–13:00?")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("wb-orders .said")).to_have_text("1 order cancelled.", timeout=SOON_MS)
    expect(page.get_by_text("You have no open orders.")).to_be_visible(timeout=SOON_MS)
    assert states(market, home) == [(2_100, 1_509, "cancelled")]
    assert faults == []


def test_a_refusal_is_said_and_an_old_page_sends_nothing(page, server, market, people, enter) -> None:
    home, _ = people
    enter()
    page.locator("#t-kwh").fill("0.05")
    page.locator("#t-price").fill("1500")
    page.locator("#t-contract").evaluate("list => { list.value = '' }")  # as when its gate has closed
    page.locator("#t-price").press("Enter")
    expect(page.locator("#ticket-said")).to_contain_text("must be a whole multiple of 0.1 kWh", timeout=SOON_MS)
    expect(page.locator("#t-kwh")).to_have_attribute("aria-invalid", "true")
    page.locator("#t-kwh").fill("1")
    page.get_by_label("One click on a price places the order at once").check()
    page.get_by_role("button", name="Switch one click on").click()
    expect(page.locator("wb-market")).to_have_attribute("data-one-click", "")
    server.stop()
    expect(page.locator("#ticket-old")).to_contain_text("Orders wait until it is live again.", timeout=SOON_MS)
    expect(page.locator("wb-market")).not_to_have_attribute("data-one-click", "")
    page.locator("#t-price").press("Enter")
    expect(page.locator("#ticket-said")).to_contain_text("Orders wait until it is live again.")
    server.start()
    expect(page.locator("#live")).to_have_text("Live", timeout=2 * SOON_MS)
    assert states(market, home) == []
    take(market, New(people[1].pk, "a", open_contracts(market)[0].pk, SELL, 3_000, 1_650))
    page.locator(".ladder .asks .level-price", has_text="1,650").click(timeout=SOON_MS)
    expect(page.locator("#ticket-said")).to_contain_text("1.0 kWh traded at ₫1,650/kWh", timeout=SOON_MS)
    assert states(market, home) == [(1_000, 1_650, "filled")]


def test_what_trades_while_an_order_is_changed_counts_as_allowed(page, server, market, people, enter, faults) -> None:
    home, other = people
    contract = open_contracts(market)[0].pk
    take(market, New(home.pk, "a", contract, BUY, 3_000, 1_600))
    enter()
    row = page.locator("wb-orders tbody tr")
    row.get_by_role("button", name="Change").click(timeout=SOON_MS)
    take(market, New(other.pk, "b", contract, SELL, 1_000, 1_600))
    expect(row).to_contain_text("partly filled", timeout=SOON_MS)
    expect(page.get_by_label("New quantity left, kWh")).to_have_value("3")
    page.get_by_label("New price, ₫/kWh").fill("1,610")
    page.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("▲ 1,610", timeout=SOON_MS)
    assert states(market, home) == [(3_000, 1_610, "partially_filled")]

    row.get_by_role("button", name="Change").click()
    submit(market.pk, [CancelAll(home.pk)], by=None, at=NOON)
    expect(page.locator("wb-orders .said")).to_contain_text("ended while you were changing it", timeout=SOON_MS)
    assert faults == []


def test_the_second_half_of_a_double_click_does_nothing(page, server, market, people, enter, faults) -> None:
    home, _ = people
    enter()
    page.locator("#t-kwh").fill("2")
    page.locator("#t-price").fill("1500")
    place = page.locator("#place")
    place.click()
    expect(page.locator("#ticket-said")).to_contain_text("Taken: buy 2.0 kWh", timeout=SOON_MS)
    place.dispatch_event("click", {"detail": 2})
    page.locator("#t-price").press("Enter")
    expect(page.locator("#ticket-said")).to_contain_text("Taken: buy 2.0 kWh")
    row = page.locator("wb-orders tbody tr")
    expect(row).to_have_count(1, timeout=SOON_MS)
    row.get_by_role("button", name="Change").dblclick()
    back = row.get_by_role("button", name="Back")
    back.scroll_into_view_if_needed()
    at = back.bounding_box()
    page.mouse.dblclick(at["x"] + at["width"] - 3, at["y"] + at["height"] / 2)  # 'Cancel' comes to stand there
    expect(row.get_by_role("button", name="Change")).to_be_visible()
    expect(page.locator("wb-orders .said")).to_have_text("")
    expect(page.locator("#ticket-said")).to_contain_text("Taken: buy 2.0 kWh")
    assert states(market, home) == [(2_000, 1_500, "open")]
    assert faults == []
