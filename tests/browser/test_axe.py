"""Every page of the site under axe-core, in both languages and themes, for each kind of person, wide and on a phone.

The one a page was made for sees it in English and Vietnamese, light and dark; what others see of it is made of the same
parts. In the dark only the rules that look at colours are asked again: no other rule knows the theme. Phones are tried
in Vietnamese, whose words are the longer ones; there every word is then made 40 % longer, and nothing may stand out at
the side, nor a table of cards scroll. What is folded away is opened first. axe comes from `node_modules` (`./run test`
fetches it); no user's browser gets it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.test import RequestFactory
from django.utils import translation

from accounts.operations.invitations import invite
from portal import views
from tests.office_world import Office, make_office
from tests.site_pages import ADMINISTRATOR, AUDITOR, MEMBER, STRANGER, WAITING, Page, find_pages, sign_in

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
WIDE, PHONE = {"width": 1440, "height": 1000}, {"width": 390, "height": 844}
OPEN = "document.querySelectorAll('main details').forEach(each => { each.open = true; })"
SETTLED = """async () => {
  await document.fonts.ready;
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
RUN = """async rules => {
  const found = await axe.run(document, { resultTypes: ["violations"], ...(rules ? { runOnly: rules } : {}) });
  return found.violations.flatMap(each => each.nodes.map(
    node => `${each.id} (${each.impact}) at ${node.target.join(" ")}: ${node.html.slice(0, 160)}`));
}"""
LENGTHEN = r"""() => {
  const longer = text => text.replace(/\p{L}{2,}/gu, word => word + word.slice(0, Math.ceil(word.length * 0.4)));
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    if (!texts.currentNode.parentElement.closest("script, style, .mono"))
      texts.currentNode.data = longer(texts.currentNode.data);
  }
}"""
STANDS_OUT = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.body.querySelectorAll("*")].filter(
    each => each.getBoundingClientRect().right > width + 1 && !each.closest(".wide, .scroller, .strip"));
  return [`${document.documentElement.scrollWidth} px instead of ${width}: ` +
    wide.slice(-3).map(each => each.outerHTML.slice(0, 120)).join(" | ")];
}"""
# On a phone a table whose rows are cards must not scroll sideways.
SIDEWAYS = """() => innerWidth > 560 ? [] : [...document.querySelectorAll(".wide:has(> .stacked)")]
  .filter(each => each.scrollWidth > each.clientWidth)
  .map(each => `sideways ${each.scrollWidth} px instead of ${each.clientWidth}: ${each.textContent.slice(0, 80)}`)"""
MOST_TRIES = 25  # one name has 20 at once
COLOURS = """[getComputedStyle(document.body).color,
  getComputedStyle(document.querySelector(".card")).backgroundColor]"""
Found = list[str]


@pytest.fixture(autouse=True)
def password_alone(monkeypatch) -> None:
    """The second step of administrators is tried with the sign-in, not here; the market has its wall."""
    monkeypatch.setenv("WATTBOURSE_STAFF_SECOND_STEP", "0")
    monkeypatch.setenv("WATTBOURSE_WALLS", "w")


@pytest.fixture
def office(transactional_db) -> Office:
    return make_office()


@pytest.fixture
def tabs(browser, server, office) -> Iterator[dict[str, Any]]:
    """A tab for each kind of person, signed in."""
    assert AXE.exists(), "axe-core is not there; './run test' fetches it."
    options = {"viewport": WIDE, "reduced_motion": "reduce", "bypass_csp": True, "service_workers": "block"}
    contexts = sign_in(browser, server.address, office, **options)
    for context in contexts.values():
        context.add_init_script(path=AXE)
    yield {who: context.new_page() for who, context in contexts.items()}
    for context in contexts.values():
        context.close()


def look(tab, theme: str, rules: list[str] | None = None) -> Found:
    """What axe says about the page that the tab shows."""
    tab.emulate_media(color_scheme=theme, reduced_motion="reduce")
    tab.evaluate(OPEN)
    tab.evaluate(SETTLED)
    return [f"{theme}, {tab.viewport_size['width']} px: {each}" for each in tab.evaluate(RUN, rules)]


def look_in_both(tab) -> Found:
    return look(tab, "light") + look(tab, "dark", COLOUR_RULES)


def visit(tab, address: str, language: str) -> None:
    speak(tab, language)
    tab.goto(address)
    if tab.locator("#live").count():
        tab.wait_for_selector("#live[data-state=live]")
    assert tab.locator("html").get_attribute("lang") == language, address


def speak(tab, language: str) -> None:
    tab.context.add_cookies([{"name": "django_language", "value": language, "domain": "localhost", "path": "/"}])


def tour(tab, page: Page) -> Found:
    """One page as the person it was made for meets it."""
    visit(tab, page.address, "en")
    found = [f"en, {each}" for each in look_in_both(tab)]
    visit(tab, page.address, "vi")
    found += [f"vi, {each}" for each in look_in_both(tab)]
    tab.set_viewport_size(PHONE)
    found += [f"vi, {each}" for each in look(tab, "light")]
    tab.evaluate(LENGTHEN)
    for size in (PHONE, WIDE):
        tab.set_viewport_size(size)
        tab.evaluate(SETTLED)
        found += [f"long words, {each}" for each in tab.evaluate(STANDS_OUT) + tab.evaluate(SIDEWAYS)]
    return found


@pytest.mark.timeout(1_800)  # a minute for every ten pages, on two busy cores
@pytest.mark.parametrize("half", [pytest.param(half, marks=pytest.mark.xdist_group(f"tour {half}")) for half in (0, 1)])
def test_no_page_has_a_violation_and_long_words_fit(tabs, office, half) -> None:
    pages, unknown = find_pages(office, {who: tab.context for who, tab in tabs.items()})
    assert unknown == [], "Addresses that nobody could open: fill them in tests/site_pages.py."
    found = []
    for page in pages[half::2]:
        first = page.people[0]
        found += [f"{page.name}, {first}, {each}" for each in tour(tabs[first], page)]
    assert not found, "\n" + "\n".join(found)
    assert {who for page in pages for who in page.people} >= {STRANGER, MEMBER, ADMINISTRATOR, AUDITOR, WAITING}


def nothing_there(tab) -> None:
    assert tab.goto("/nothing/here").status == 404


def not_yours(tab) -> None:
    assert tab.goto("/office/w/").status == 403


def old_form(tab) -> None:
    tab.goto("/account/")
    tab.context.clear_cookies(name="csrftoken")
    tab.locator(".menu > summary").click()
    with tab.expect_response("**/language/") as answer:
        tab.get_by_title("Tiếng Việt").click()
    assert answer.value.status == 403


def bad_request(tab) -> None:
    answered_by(tab, views.bad_request(RequestFactory().get("/"), ValueError()), 400)


def broken(tab) -> None:
    answered_by(tab, views.server_error(RequestFactory().get("/")), 500)


def answered_by(tab, answer, status: int) -> None:
    """Nothing in the house fails on demand: the page that a failure would bring is put in its place."""
    tab.route("**/broken/", lambda route: route.fulfill(status=status, body=answer.content, content_type="text/html"))
    assert tab.goto("/broken/").status == status
    tab.unroute("**/broken/")


def too_often(tab) -> None:
    tab.context.clear_cookies(name="sessionid")
    tab.goto("/login/")
    assert 429 in (try_to_enter(tab) for _ in range(MOST_TRIES))


def try_to_enter(tab) -> int:
    tab.locator("#id_username").fill("nobody")
    tab.locator("#id_password").fill("wrong")
    with tab.expect_navigation() as answer:
        tab.locator("main button.primary").click()
    return answer.value.status


@pytest.mark.parametrize("language", ["en", "vi"])
def test_pages_about_errors_look_like_the_others(tabs, language) -> None:
    tab = tabs[MEMBER]
    found, seen = [], []
    speak(tab, language)
    for way in (nothing_there, not_yours, old_form, bad_request, broken, too_often):
        with translation.override(language):
            way(tab)
        tab.wait_for_selector("h1")
        seen.append(tab.locator("h1").inner_text())
        assert tab.locator("html").get_attribute("lang") == language, way
        assert tab.locator(".brand").count() == 1, way
        found += [f"{way.__name__}, {each}" for each in look_in_both(tab)]
        tab.set_viewport_size(PHONE)
        tab.evaluate(LENGTHEN)
        found += [f"{way.__name__}, long words, {each}" for each in tab.evaluate(STANDS_OUT)]
        tab.set_viewport_size(WIDE)
    assert not found, "\n" + "\n".join(found)
    assert len(set(seen)) == len(seen), seen


def rule_that_is_none(tab) -> None:
    tab.goto("/office/w/rulebook/propose/compensation/")
    tab.locator("#rule-deadband_wh").fill("x")
    send(tab, 422, ".rules .act")


def invitation_with_two_passwords(tab) -> None:
    for name, text in (("username", "moi"), ("password", "a long password"), ("again", "another password")):
        tab.locator(f"#id_{name}").fill(text)
    send(tab, 200, "button.primary")


def letter_for_a_password(tab) -> None:
    tab.goto("/login/forgotten/")
    tab.locator("#id_named").fill("nobody")
    send(tab, 200, "button.primary")


def old_link_for_a_password(tab) -> None:
    assert tab.goto("/login/forgotten/an-old-one/").status == 410


def another_password(tab) -> None:
    tab.goto("/account/confirm/?next=/account/")
    tab.locator("#id_password").fill("not this one")
    send(tab, 200, "button.primary")


def recovery_codes(tab) -> None:
    tab.goto("/account/")
    send(tab, 200, "form[action$='/codes/'] button")


def opened_menu(tab) -> None:
    tab.goto("/home/w/roof/")
    tab.set_viewport_size(PHONE)
    tab.locator(".menu > summary").click()


def send(tab, status: int, button: str) -> None:
    """Sends a form whatever the browser thinks of it."""
    tab.evaluate("document.querySelectorAll('main form').forEach(each => { each.noValidate = true; })")
    with tab.expect_navigation() as answer:
        tab.locator(f"main {button}").click()
    assert answer.value.status == status


def test_answers_to_forms_look_like_the_pages(tabs, office) -> None:
    totp.TOTP.activate(office.owner, totp.generate_totp_secret())
    secret = invite(by=office.owner, email="a@example.vn", role="viewer", participant=office.world.people["roof"],
                    days=7, at=datetime.now(UTC))[1]  # fmt: skip
    found = []
    for who, way in (
        (ADMINISTRATOR, rule_that_is_none), (STRANGER, invitation_with_two_passwords),
        (STRANGER, letter_for_a_password), (STRANGER, old_link_for_a_password), (MEMBER, another_password),
        (MEMBER, recovery_codes), (MEMBER, opened_menu),
    ):  # fmt: skip
        speak(tabs[who], "vi")
        if way is invitation_with_two_passwords:
            tabs[who].goto(f"/invited/{secret}/")
        way(tabs[who])
        found += [f"{way.__name__}, {each}" for each in look_in_both(tabs[who])]
        tabs[who].set_viewport_size(PHONE)
        tabs[who].evaluate(LENGTHEN)
        found += [f"{way.__name__}, long words, {each}" for each in tabs[who].evaluate(STANDS_OUT)]
        tabs[who].set_viewport_size(WIDE)
    assert not found, "\n" + "\n".join(found)


def test_a_bill_on_paper_has_its_figures_and_none_of_the_buttons(tabs, office) -> None:
    tab = tabs[MEMBER]
    tab.set_viewport_size({"width": 690, "height": 1000})  # A4 between its margins
    visit(tab, f"/bills/w/roof/documents/{office.invoice('roof').pk}/", "vi")
    tab.emulate_media(media="print", color_scheme="dark")
    tab.evaluate(SETTLED)
    assert tab.evaluate(STANDS_OUT) == []
    assert [each for each in tab.locator("button, nav, .button, td > a").all() if each.is_visible()] == []
    assert tab.locator("table.totals").is_visible()
    cut = "[...document.querySelectorAll('.wide')].filter(each => each.scrollWidth > each.clientWidth + 1).length"
    assert tab.evaluate(cut) == 0
    assert tab.evaluate(COLOURS) == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
