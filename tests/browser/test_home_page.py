"""What a member does at home, in a real browser on a real server: the switch, its limits, the battery, live figures."""

from playwright.sync_api import expect

from meters.models import Device
from planning.models import StandingInstruction
from tests.factories import NOON, make_participants, make_site, open_contracts
from trading.domain.messages import BUY, SELL, New
from trading.operations import submit

SOON_MS = 15_000


def give_battery(participant) -> None:
    Device.objects.create(
        site=make_site(), participant=participant, name="battery", kind="battery", capacity_wh=10_000, soc_wh=5_000
    )


def log_in(page, server) -> None:
    page.goto(f"{server.address}/")
    page.get_by_label("User name").fill("an")
    page.get_by_label("Password").fill("a long password")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_selector("wb-home")


def test_a_member_comes_home_sets_limits_switches_on_and_off_and_keeps_a_reserve(page, server, market, faults) -> None:
    home, other = make_participants(2)
    give_battery(home)
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, server)
    expect(page.get_by_role("heading", level=1)).to_have_text("p0")
    expect(page.locator("#live")).to_have_text("Live", timeout=SOON_MS)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

    page.get_by_text("Change the limits").click()
    page.get_by_label("At first I ask for").fill("2250")
    page.get_by_label("At last I take").fill("740")
    page.get_by_role("button", name="Keep these limits").click()
    expect(page.get_by_role("status").filter(has_text="Your limits are kept.")).to_be_visible()

    toggle = page.get_by_role("switch", name="Sell my surplus")
    expect(toggle).to_have_attribute("aria-checked", "false")
    toggle.click()
    expect(toggle).to_have_attribute("aria-checked", "true")
    assert StandingInstruction.objects.get().active
    toggle.focus()
    page.keyboard.press("Enter")
    expect(toggle).to_have_attribute("aria-checked", "false")
    assert not StandingInstruction.objects.get().active

    slider = page.get_by_label("Keep in the battery")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#reserve-shown")).to_have_text("15 %")
    page.get_by_role("button", name="Keep it so").click()
    expect(page.get_by_role("status").filter(has_text="The battery keeps 15 % for you.")).to_be_visible()
    assert Device.objects.get().reserve_pct == 15

    expect(page.locator("#live")).to_have_text("Live", timeout=SOON_MS)
    contract = open_contracts(market)[0]
    trade = [New(home.pk, "a", contract.pk, SELL, 1_000, 1_640), New(other.pk, "b", contract.pk, BUY, 1_000, 1_640)]
    submit(market.pk, trade, by=None, at=NOON)
    expect(page.locator("#market-price")).to_contain_text("₫1,640/kWh", timeout=SOON_MS)
    expect(page.locator("#orders")).to_contain_text("1.0 kWh sold", timeout=SOON_MS)
    assert faults == []


def test_the_switch_works_without_scripts_and_a_lost_connection_greys_the_figures(
    browser, page, server, market
) -> None:
    home, _ = make_participants(2)
    StandingInstruction.objects.create(
        market=market, participant=home, active=False, sell_far_price=2_250, sell_near_price=740
    )
    plain = browser.new_context(java_script_enabled=False).new_page()
    plain.goto(f"{server.address}/")
    plain.get_by_label("User name").fill("an")
    plain.get_by_label("Password").fill("a long password")
    plain.get_by_role("button", name="Log in").click()
    plain.get_by_role("switch", name="Sell my surplus").click()
    expect(plain.get_by_role("switch", name="Sell my surplus")).to_have_attribute("aria-checked", "true")
    plain.context.close()

    log_in(page, server)
    expect(page.locator("#live")).to_have_text("Live", timeout=SOON_MS)
    server.stop()
    expect(page.locator("#live")).to_contain_text("Stale since 12:0", timeout=SOON_MS)
    expect(page.locator(".card.now")).not_to_have_css("opacity", "1")
