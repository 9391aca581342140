"""Walls between roles, and the way from one participant to another, in a real browser on a real server."""

from django.urls import reverse
from playwright.sync_api import expect

from accounts.models import Membership, User
from tests.factories import make_participants, open_contracts
from trading.models import Order

PASSWORD = "a long password"
ONE_ROW_PX = 64


def person(name: str, *seats, **more) -> User:
    user = User.objects.create_user(name, password=PASSWORD, **more)
    for participant, role in seats:
        Membership.objects.create(user=user, participant=participant, role=role)
    return user


def tab_of(browser, server, name: str, **options):
    """A tab of a browser of its own, signed in."""
    tab = browser.new_context(base_url=server.address, **options).new_page()
    tab.goto("/login/?next=/account/")
    tab.get_by_label("User name").fill(name)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Log in").click()
    expect(tab.locator("h1")).to_contain_text("My login")
    return tab


def forge(tab, address: str, **form: str) -> int:
    """The status of a form that no page offered, sent with everything that a page would send along."""
    token = next(cookie["value"] for cookie in tab.context.cookies() if cookie["name"] == "csrftoken")
    headers = {"Referer": tab.url}
    return tab.request.post(address, form=form | {"csrfmiddlewaretoken": token}, headers=headers).status


def test_role_walls(browser, server, market) -> None:
    home, other = make_participants(2)
    person("viewer", (home, "viewer"))
    person("auditor", is_auditor=True)
    person("neighbour", (other, "owner"))
    contract = open_contracts(market)[0]
    order = {"contract": str(contract.pk), "side": "sell", "for": home.code, "kwh": "1", "price": "1600"}
    place = reverse("portal:place", args=("m",))

    viewer = tab_of(browser, server, "viewer")
    viewer.goto("/markets/m/")
    expect(viewer.locator("#live")).to_have_attribute("data-state", "live")
    expect(viewer.locator("#place")).to_have_count(0)
    viewer.goto(f"/home/m/{home.code}/")
    expect(viewer.get_by_role("switch", name="Sell my surplus")).to_be_disabled()
    assert forge(viewer, place, **order) == 403
    assert forge(viewer, f"/home/m/{home.code}/switch/", on="yes") == 403

    auditor = tab_of(browser, server, "auditor")
    for address in ("/office/m/", "/office/m/audit/", "/office/m/rulebook/", f"/bills/m/{home.code}/", "/members/"):
        assert auditor.goto(address).status == 200, address
        expect(auditor.locator("main button.act.danger")).to_have_count(0)
    assert forge(auditor, place, **order) == 403
    assert forge(auditor, f"/home/m/{home.code}/switch/", on="yes") == 403

    neighbour = tab_of(browser, server, "neighbour")
    for address in (f"/home/m/{home.code}/", f"/bills/m/{home.code}/"):
        assert neighbour.goto(address).status == 404, address
        expect(neighbour.get_by_role("link", name="To my first page")).to_be_visible()
    assert neighbour.goto("/office/m/").status == 403
    assert forge(neighbour, f"/home/m/{home.code}/switch/", on="yes") == 404
    assert neighbour.request.get(f"/api/v1/orders?participant={home.code}").status == 404
    assert not Order.objects.exists()
    for tab in (viewer, auditor, neighbour):
        tab.context.close()


def test_one_row_on_a_phone_and_from_one_participant_to_another(browser, server, market) -> None:
    home, other = make_participants(2)
    person("both", (home, "owner"), (other, "owner"))
    phone = {"viewport": {"width": 390, "height": 844}}
    tab = tab_of(browser, server, "both", **phone)
    tab.goto(f"/bills/m/{home.code}/green/")
    assert tab.locator(".bar").bounding_box()["height"] <= ONE_ROW_PX
    tab.locator(".chooser > summary").click()
    tab.locator(".chooser").get_by_role("link", name=other.name).click()
    expect(tab).to_have_url(f"{server.address}/bills/m/{other.code}/green/")
    tab.locator(".menu > summary").click()
    expect(tab.get_by_role("button", name="Log out")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("button", name="Log out")).to_be_hidden()
    expect(tab.locator(".menu > summary")).to_be_focused()
    tab.context.close()

    plain = tab_of(browser, server, "both", java_script_enabled=False, **phone)
    plain.goto(f"/home/m/{home.code}/")
    plain.locator(".menu > summary").click()
    plain.locator(".menu").get_by_role("link", name=other.name).click()
    expect(plain).to_have_url(f"{server.address}/home/m/{other.code}/")
    plain.locator(".menu > summary").click()
    plain.get_by_role("button", name="Log out").click()
    expect(plain.locator("h1")).to_have_text("Log in")
    plain.context.close()
