"""Logging in: German pages of our own, no sign-up, and an end to guessing."""

import pytest
from django.test import Client

from fleet.people.models import User
from tests.conftest import PASSWORD, City

LOGIN = "/accounts/login/"
ALMA = "alma@musterstadt.example"


@pytest.fixture
def alma_with_password(city: City) -> User:
    city.coordinator_a.set_password(PASSWORD)
    city.coordinator_a.save()
    return city.coordinator_a


def test_the_right_password_leads_home(anonymous: Client, alma_with_password: User) -> None:
    answer = anonymous.post(LOGIN, {"login": ALMA.upper(), "password": PASSWORD})

    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert anonymous.get("/account/").status_code == 200


def test_a_wrong_password_says_so_in_german_and_keeps_the_address(anonymous: Client, alma_with_password: User) -> None:
    page = anonymous.post(LOGIN, {"login": ALMA, "password": "falsch geraten"}).content.decode()

    assert "E-Mail-Adresse oder Passwort stimmen nicht." in page
    assert f'value="{ALMA}"' in page


def test_guessing_ends_after_five_tries_even_with_the_right_password(anonymous: Client, alma_with_password: User) -> None:
    for _ in range(5):
        anonymous.post(LOGIN, {"login": ALMA, "password": "falsch geraten"})

    page = anonymous.post(LOGIN, {"login": ALMA, "password": PASSWORD})

    assert "Zu viele fehlgeschlagene Anmeldungen" in page.content.decode()
    assert anonymous.get("/account/").status_code == 302


def test_nobody_signs_up(anonymous: Client, db: None) -> None:
    anonymous.post("/accounts/signup/", {"email": "new@musterstadt.example", "password1": PASSWORD})

    assert not User.objects.filter(email="new@musterstadt.example").exists()


def test_pages_send_strangers_to_the_login_and_back(anonymous: Client, db: None) -> None:
    assert anonymous.get("/account/tokens/").headers["Location"] == f"{LOGIN}?next=/account/tokens/"


def test_a_fragment_whose_session_ended_reloads_the_page(anonymous: Client, db: None) -> None:
    answer = anonymous.get("/account/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["HX-Refresh"]) == (401, "true")


@pytest.mark.parametrize(
    "path",
    [
        LOGIN,
        "/accounts/password/reset/",
        "/accounts/password/change/",
        "/accounts/reauthenticate/",
        "/accounts/2fa/",
        "/accounts/2fa/totp/activate/",
        "/accounts/2fa/webauthn/add/",
    ],
)
def test_the_account_pages_say_sie(anonymous: Client, alma_with_password: User, path: str) -> None:
    if path not in {LOGIN, "/accounts/password/reset/"}:
        anonymous.post(LOGIN, {"login": ALMA, "password": PASSWORD})
        anonymous.post("/accounts/reauthenticate/", {"password": PASSWORD})

    page = anonymous.get(path)

    assert page.status_code == 200
    words = set(page.content.decode().replace(".", " ").replace(",", " ").split())
    assert not words & {"du", "Du", "dein", "deine", "Dein", "Deine", "dir", "dich"}
