"""What a person does on the market page, in a real browser on a real server."""

from playwright.sync_api import expect

from tests.factories import NOON, make_participants, open_contracts
from trading.domain.messages import BUY, SELL, Cancel, New
from trading.operations import submit

SOON_MS = 15_000


def take(market, *messages):
    replies = submit(market.pk, messages, by=None, at=NOON)
    assert not [reply for reply in replies if reply.rejected]


def test_a_stranger_logs_in_and_sees_the_market_and_an_order_arrive(page, server, market, enter, faults) -> None:
    home, other = make_participants(2)
    contract = open_contracts(market)[0]
    enter()
    expect(page.get_by_role("heading", level=1)).to_have_text("m")
    expect(page.locator("#book-title")).to_have_text("Order book 12:30–13:00")
    expect(page.locator("#gate")).to_contain_text("Trading for 12:30–13:00 ends in")
    expect(page.get_by_text("Nobody offers energy now")).to_be_visible()
    expect(page.get_by_text("No trades yet.")).to_be_visible()

    take(market, New(home.pk, "mine", contract.pk, SELL, 20_000, 1_650))
    best = page.locator(".ladder .asks .level").last
    expect(best).to_contain_text("1,650", timeout=SOON_MS)
    expect(best).to_contain_text("20.0")
    expect(best.get_by_text("yours")).to_be_visible()

    take(market, New(other.pk, "theirs", contract.pk, BUY, 5_000, 1_700))
    expect(best).to_contain_text("15.0", timeout=SOON_MS)
    expect(page.locator("wb-trades tbody tr")).to_have_count(1)
    expect(page.locator("wb-trades tbody tr")).to_contain_text("▲ 1,650")
    expect(page.locator("wb-strip button[aria-pressed=true]")).to_contain_text("₫1,650", timeout=SOON_MS)
    expect(page.locator(".middle-row")).to_contain_text("Last 1,650")

    take(market, Cancel(home.pk, "mine"))
    expect(page.get_by_text("Nobody offers energy now")).to_be_visible(timeout=SOON_MS)
    assert faults == []


def test_a_wrong_password_is_said_and_the_page_asks_again(page, server, market) -> None:
    page.goto(f"{server.address}/")
    page.get_by_label("User name").fill("an")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")


def test_a_lost_connection_is_said_and_what_was_missed_is_there_after_it(page, server, market, enter) -> None:
    home, _ = make_participants(2)
    contract = open_contracts(market)[0]
    take(market, New(home.pk, "before", contract.pk, SELL, 20_000, 1_650))
    enter()
    expect(page.locator(".ladder .asks .level").last).to_contain_text("1,650", timeout=SOON_MS)
    server.stop()
    expect(page.locator("#live")).to_have_attribute("data-state", "reconnecting", timeout=SOON_MS)
    expect(page.locator("#live")).to_contain_text("Stale since 12:0", timeout=SOON_MS)
    expect(page.locator(".card.book")).not_to_have_css("opacity", "1")

    take(market, New(home.pk, "meanwhile", contract.pk, SELL, 3_000, 1_600))
    server.start()
    expect(page.locator("#live")).to_have_text("Live", timeout=2 * SOON_MS)
    expect(page.locator(".ladder .asks .level").last).to_contain_text("1,600", timeout=SOON_MS)
    expect(page.locator(".card.book")).to_have_css("opacity", "1")


def test_the_language_changes_with_its_numbers_and_stays(page, server, market, enter, faults) -> None:
    home, _ = make_participants(2)
    take(market, New(home.pk, "a", open_contracts(market)[0].pk, SELL, 20_500, 1_650))
    enter()
    page.locator(".menu > summary").click()
    page.get_by_title("Tiếng Việt").click()
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    expect(page.locator("#live")).to_have_text("Trực tiếp", timeout=SOON_MS)
    expect(page.locator("#book-title")).to_have_text("Sổ lệnh 12:30–13:00")
    best = page.locator(".ladder .asks .level").last
    expect(best).to_contain_text("1.650", timeout=SOON_MS)
    expect(best).to_contain_text("20,5")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "vi")
    assert faults == []


def test_intervals_are_chosen_with_the_keyboard(page, server, market, enter) -> None:
    enter()
    chosen = page.locator("wb-strip button[aria-pressed=true]")
    expect(chosen).to_contain_text("12:30–13:00", timeout=SOON_MS)
    chosen.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#book-title")).to_have_text("Order book 13:00–13:30")
    expect(page.locator("wb-strip button", has_text="13:00–13:30")).to_be_focused()


def test_a_phone_shows_everything_without_scrolling_sideways(page, server, market, enter) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    enter()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator("wb-energy")).to_be_visible()


def test_the_colours_can_be_chosen_and_stay(page, server, market, enter) -> None:
    page.emulate_media(color_scheme="light")
    enter()
    page.locator(".menu > summary").click()
    button = page.locator("#theme")
    button.click()
    button.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_an_unknown_address_is_a_page_too(page, server, market, enter) -> None:
    enter()
    answer = page.goto(f"{server.address}/nothing/here")
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing at this address")
    page.get_by_role("link", name="To my first page").click()
    expect(page.locator("#live")).to_have_text("Live", timeout=SOON_MS)


def test_logging_out_closes_the_door(page, server, market, enter) -> None:
    enter()
    page.locator(".menu > summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    page.goto(f"{server.address}/markets/m/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
