"""The account page: who I am, what I may do, how pages look to me."""

from typing import Any

from django.test import Client

from tests.conftest import City

PAGE = "/account/"
FORM = {"name": "Alma A.", "language": "en", "plain_language": "on", "theme": "dark", "density": "compact"}


def test_settings_are_kept(alma: Client, city: City) -> None:
    alma.post(PAGE, FORM)

    user = city.coordinator_a
    user.refresh_from_db()
    assert (user.name, user.language, user.plain_language, user.theme) == ("Alma A.", "en", True, "dark")
    assert '<html lang="en" data-theme="dark" data-density="compact">' in alma.get(PAGE).content.decode()


def test_the_answer_speaks_the_language_that_was_just_chosen(alma: Client) -> None:
    page = alma.post(PAGE, FORM, follow=True).content.decode()

    assert "Your settings are saved." in page
    assert '<html lang="en"' in page


def test_a_refused_form_keeps_what_was_typed_and_changes_nothing(alma: Client, city: City) -> None:
    answer = alma.post(PAGE, FORM | {"language": "xx"})

    city.coordinator_a.refresh_from_db()
    assert answer.status_code == 422
    assert 'value="Alma A."' in answer.content.decode()
    assert city.coordinator_a.name == "Alma"


def test_nobody_gives_themselves_another_address_or_role(alma: Client, city: City) -> None:
    alma.post(PAGE, FORM | {"email": "ada@elsewhere.example", "is_superuser": "on", "is_staff": "on"})

    user = city.coordinator_a
    user.refresh_from_db()
    assert (user.email, user.is_superuser, user.is_staff) == ("alma@musterstadt.example", False, False)
    assert alma.get("/accounts/email/").headers["Location"] == PAGE


def test_roles_are_shown_with_their_place(theo: Client) -> None:
    page = theo.get(PAGE).content.decode()

    assert "Technik" in page
    assert "Schule A" in page
    assert "Schule B" in page


def test_the_page_costs_a_fixed_number_of_queries(alma: Client, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(6):
        alma.get(PAGE)


def test_a_name_is_one_line_that_reads_as_it_is(alma: Client, city: City) -> None:
    alma.post(PAGE, FORM | {"name": "Al\u202ema\u200b\r\n\u2066A.\u2069  B."})
    city.coordinator_a.refresh_from_db()
    assert city.coordinator_a.name == "Alma A. B."
    assert alma.post(PAGE, FORM | {"name": "\u202e\u200b"}).status_code == 422
