"""Passkeys in a real browser: made on the account page, used to log in, made instead of a password by an invited one.

The authenticator is Chromium's virtual one, which holds resident keys and verifies its user.
"""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from accounts.models import Membership, User
from accounts.operations.invitations import invite


@pytest.fixture
def authenticator(page):
    """A virtual device with a fingerprint reader that always agrees."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
        "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_is_made_and_opens_the_door(page, server, market, enter, authenticator, faults) -> None:
    enter()
    page.goto(f"{server.address}/account/")
    page.get_by_label("Name of the new passkey").fill("Fingerprint")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("status")).to_contain_text("Your passkey is ready")
    page.locator(".menu > summary").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(lambda url: "/login/" not in url)  # the door, whose home is behind it
    page.goto(f"{server.address}/account/")
    expect(page.get_by_text("Fingerprint").first).to_be_visible()
    assert faults == []


def test_an_invited_person_joins_with_a_passkey_and_no_password(page, server, market, authenticator, faults) -> None:
    owner = User.objects.get(username="an")
    house = Membership.objects.get(user=owner).participant
    _, secret = invite(by=owner, email="moi@example.vn", role="viewer", participant=house, days=7, at=datetime.now(UTC))
    page.goto(f"{server.address}/invited/{secret}/")
    page.get_by_label("Choose a user name").fill("moi")
    page.get_by_role("button", name="Join with a passkey").click()
    page.wait_for_url(f"{server.address}/account/")
    expect(page.get_by_text("Viewer")).to_be_visible()
    made = User.objects.get(username="moi")
    assert not made.has_usable_password() and made.memberships.get().participant == house
    page.get_by_role("button", name="Remove", exact=False).first.click()
    expect(page.get_by_role("alert").first).to_contain_text("only way in")
    assert faults == []
