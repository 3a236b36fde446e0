"""German is the language until somebody switches; what a person chose goes with the person."""

from django.test import Client

from tests.conftest import City, login

LOGIN = "/accounts/login/"


def test_a_stranger_is_greeted_in_german_whatever_the_browser_wishes(anonymous: Client, db: None) -> None:
    answer = anonymous.get(LOGIN, headers={"Accept-Language": "en"})

    assert answer.headers["Content-Language"] == "de"
    assert b'<html lang="de"' in answer.content


def test_a_browser_may_be_switched_before_login(anonymous: Client, db: None) -> None:
    anonymous.post("/account/display/", {"language": "en", "next": LOGIN})

    assert b'<html lang="en"' in anonymous.get(LOGIN).content


def test_the_person_s_language_wins_over_the_browser_s(city: City) -> None:
    client = Client()
    client.post("/account/display/", {"language": "en"})

    answer = login(client, city.coordinator_a).get("/account/")

    assert b'<html lang="de"' in answer.content


def test_switching_while_logged_in_is_remembered_with_the_person(alma: Client, city: City) -> None:
    alma.post("/account/display/", {"language": "en", "theme": "dark"})

    city.coordinator_a.refresh_from_db()
    assert (city.coordinator_a.language, city.coordinator_a.theme) == ("en", "dark")
    assert b'<html lang="en" data-theme="dark"' in alma.get("/account/").content


def test_the_way_back_never_leads_to_another_host(anonymous: Client, db: None) -> None:
    answer = anonymous.post("/account/display/", {"theme": "dark", "next": "https://elsewhere.example/"})

    assert answer.headers["Location"] == "/"


def test_values_that_are_not_on_offer_change_nothing(alma: Client, city: City) -> None:
    alma.post("/account/display/", {"language": "xx", "theme": "pink"})

    city.coordinator_a.refresh_from_db()
    assert (city.coordinator_a.language, city.coordinator_a.theme) == ("de", "auto")


def test_the_spacing_of_lists_stays_in_the_browser_and_outlives_a_login(city: City) -> None:
    client = Client()
    client.post("/account/display/", {"density": "compact"})

    assert b'data-density="compact"' in client.get(LOGIN).content
    assert b'data-density="compact"' in login(client, city.coordinator_a).get("/account/").content
    assert b"data-density" not in login(Client(), city.coordinator_a).get("/account/").content


def test_one_switch_leaves_the_others_alone(alma: Client, city: City) -> None:
    alma.post("/account/display/", {"theme": "dark", "density": "compact"})
    alma.post("/account/display/", {"density": "wide"})
    assert b'<html lang="de" data-theme="dark" data-density="compact">' in alma.get("/account/").content

    alma.post("/account/display/", {"density": "comfortable"})
    assert b'<html lang="de" data-theme="dark">' in alma.get("/account/").content
