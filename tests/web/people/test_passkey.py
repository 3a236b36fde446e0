"""A passkey is made and opens the door, in a real browser with a virtual authenticator, under the strict content policy."""

from urllib.parse import urljoin

import pytest
from allauth.mfa.models import Authenticator

from tests.conftest import PASSWORD, City
from tests.web.conftest import Visit

pytestmark = pytest.mark.browser

KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_passkey_is_added_and_logs_in(city: City, visit: Visit) -> None:
    city.coordinator_a.set_password(PASSWORD)
    city.coordinator_a.save()
    page = visit("/accounts/login/")
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})

    page.fill("[name=login]", city.coordinator_a.email)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Anmelden", exact=True).click()
    page.wait_for_load_state("networkidle")
    base = urljoin(page.url, "/")
    page.goto(f"{base}accounts/2fa/webauthn/add/")
    page.fill("[name=password]", PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/webauthn/add/")
    page.fill("[name=name]", "Mein Telefon")
    page.locator("[name=passwordless]").check()
    page.locator("#mfa_webauthn_add").click()
    page.wait_for_url(lambda url: "/webauthn/add/" not in url)

    assert Authenticator.objects.filter(user=city.coordinator_a, type=Authenticator.Type.WEBAUTHN).exists()

    page.context.clear_cookies()
    page.goto(f"{base}accounts/login/?next=/account/")
    page.locator("#passkey_login").click()
    page.wait_for_url(f"{base}account/")

    assert "Mein Konto" in page.title()
    assert not [said for said in visit.complaints if "Content Security Policy" in said]
