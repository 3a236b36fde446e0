"""Where I am logged in: my own sessions only, and an end to all but this one."""

import pytest
from django.test import Client

from tests.conftest import PASSWORD, City

PAGE = "/account/sessions/"
LAPTOP = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5) Version/18.5 Mobile/15E148 Safari/604.1"


def logged_in(name: str, user_agent: str) -> Client:
    client = Client(headers={"user-agent": user_agent})
    client.post("/accounts/login/", {"login": f"{name}@musterstadt.example", "password": PASSWORD})
    return client


@pytest.fixture
def laptop(city: City) -> Client:
    """Alma's."""
    for user in (city.coordinator_a, city.coordinator_b):
        user.set_password(PASSWORD)
        user.save()
    return logged_in("alma", LAPTOP)


@pytest.fixture
def phone(laptop: Client) -> Client:
    """Alma's too."""
    return logged_in("alma", PHONE)


@pytest.mark.usefixtures("phone")
def test_my_logins_are_listed_with_browser_and_address(laptop: Client) -> None:
    page = laptop.get(PAGE).content.decode()

    assert "Firefox, Windows" in page
    assert "Safari, iPhone" in page
    assert "127.0.0.1" in page
    assert page.count("dieser Browser") == 1
    assert "Anderswo abmelden" in page


def test_signing_out_elsewhere_ends_all_but_this(laptop: Client, phone: Client) -> None:
    page = laptop.post(PAGE, follow=True).content.decode()

    assert "1 Anmeldung anderswo ist beendet." in page
    assert "Safari, iPhone" not in page
    assert "Anderswo abmelden" not in page
    assert phone.get(PAGE).status_code == 302
    assert laptop.get(PAGE).status_code == 200


def test_another_persons_logins_are_neither_shown_nor_ended(laptop: Client) -> None:
    bruno = logged_in("bruno", PHONE)

    assert "Safari, iPhone" not in laptop.get(PAGE).content.decode()
    laptop.post(PAGE)

    assert bruno.get(PAGE).status_code == 200


def test_what_is_over_is_not_listed(laptop: Client, phone: Client) -> None:
    phone.post("/accounts/logout/")

    page = laptop.get(PAGE).content.decode()
    assert "Safari, iPhone" not in page
    assert "Sie sind nirgendwo sonst angemeldet." in page


def test_a_forgotten_address_of_allauth_leads_here(laptop: Client) -> None:
    assert laptop.get("/accounts/sessions/").headers["Location"] == PAGE


def test_nothing_of_the_page_is_inline(laptop: Client, phone: Client) -> None:
    answer = laptop.get(PAGE)

    assert "style=" not in answer.content.decode()
    assert "onclick=" not in answer.content.decode()
    assert "unsafe-inline" not in answer["Content-Security-Policy"]
