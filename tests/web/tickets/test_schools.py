"""Narrowing the list to a school that is typed: suggestions while typing, and by its name alone without a script."""

from typing import Any

import pytest
from django.test import Client

from fleet.sites import services as sites
from fleet.sites.models import Site
from helpdesk.tickets import services
from helpdesk.tickets.models import Ticket
from tests.conftest import City, login
from tests.web.tickets.test_pages import numbers

pytestmark = pytest.mark.django_db


@pytest.fixture
def both(city: City) -> tuple[Ticket, Ticket]:
    a, b = (
        services.open_ticket(opening=services.Opening(site=site, subject="Drucker"))
        for site in (city.school_a, city.school_b)
    )
    return a, b


def test_a_typed_name_narrows_and_so_does_a_part_of_it(both: tuple[Ticket, Ticket], city: City, theo: Client) -> None:
    a, b = both

    assert numbers(theo, "?school=Schule+A") == [a.number]
    assert numbers(theo, "?school=schule+b") == [b.number]
    assert set(numbers(theo, "?school=schul")) == {a.number, b.number}
    assert numbers(theo, "?school=Gymnasium") == []
    assert set(numbers(theo, "?school=")) == {a.number, b.number}


def test_a_link_with_a_number_fills_the_name_in(both: tuple[Ticket, Ticket], city: City, theo: Client) -> None:
    a, b = both
    sites.create_site(
        authority=city.authority, details=sites.SiteDetails(Site.Kind.SCHOOL, "Schule A", "schule-a-2", city="Musterstadt")
    )

    page = theo.get(f"/tickets/?site={city.school_a.pk}").content.decode()

    assert 'value="Schule A"' in page
    assert (a.number in page, b.number in page) == (True, False)
    assert set(numbers(theo, "?site=999999999")) == {a.number, b.number}
    assert set(numbers(theo, "?site=x")) == {a.number, b.number}


def test_suggestions_are_few_and_ones_own(both: tuple[Ticket, Ticket], city: City, theo: Client, alma: Client) -> None:
    for number in range(12):
        details = sites.SiteDetails(Site.Kind.SCHOOL, f"Übungsschule {number} <b>", f"u-{number}", city="Musterstadt")
        sites.create_site(authority=city.authority, details=details)

    assert _values(theo.get("/sites/names/", {"school": "schule b"})) == ["Schule B"]
    assert _values(theo.get("/sites/names/", {"school": "übung"})) == []
    assert _values(alma.get("/sites/names/", {"school": "schule"})) == ["Schule A"]


def _values(answer: Any) -> list[str]:
    return [part.partition('"')[0] for part in answer.content.decode().split('value="')[1:]]


def test_who_has_one_school_is_not_asked(both: tuple[Ticket, Ticket], alma: Client, bruno: Client) -> None:
    page = alma.get("/tickets/").content.decode()

    assert 'name="school"' not in page
    assert numbers(bruno, "?school=Schule+A") == [both[1].number]


def test_the_page_is_no_larger_and_asks_no_more_for_a_thousand_schools(
    both: tuple[Ticket, Ticket], city: City, client: Client, django_assert_max_num_queries: Any
) -> None:
    client = login(client, city.administrator)
    few = len(client.get("/tickets/").content)
    for number in range(300):
        details = sites.SiteDetails(Site.Kind.SCHOOL, f"Schule {number}", f"s-{number}", city="Musterstadt")
        sites.create_site(authority=city.authority, details=details)

    with django_assert_max_num_queries(20):
        many = client.get("/tickets/")

    assert len(many.content) < few + 500
    assert len(_values(client.get("/sites/names/"))) == 10


def more_schools(city: City, many: int) -> list[Site]:
    return [
        sites.create_site(
            authority=city.authority,
            details=sites.SiteDetails(Site.Kind.SCHOOL, f"Grundschule {number}", f"gs-{number}", city="Musterstadt"),
        )
        for number in range(many)
    ]


@pytest.mark.parametrize("path", ["/report/", "/order/other/", "/order/ap-restart/", "/order/account-problem/"])
def test_who_has_many_schools_says_first_for_which_one(path: str, city: City, client: Client) -> None:
    client = login(client, city.administrator)
    more_schools(city, 30)

    asked = client.get(path).content.decode()
    narrowed = client.get(path, {"school": "schule a"}).content.decode()
    form = client.get(path, {"site": city.school_a.pk}).content.decode()

    assert "Ein Teil des Schulnamens" in asked
    assert asked.count('href="?site=') == 24
    assert "Es gibt weitere" in asked
    assert f'href="?site={city.school_a.pk}"' in narrowed
    assert narrowed.count('href="?site=') == 1
    assert "Keine Schule heißt so." in client.get(path, {"school": "Gymnasium"}).content.decode()
    assert 'name="token"' in form
    assert not any(name in form for name in ("Schule B", "SW-1-B", "AP-204-B"))


def test_an_order_for_the_chosen_school_arrives_there(city: City, client: Client) -> None:
    client = login(client, city.administrator)
    more_schools(city, 30)
    url = f"/order/other/?site={city.school_b.pk}"
    token = client.get(url).context["form"]["token"].value()

    empty = client.post(url, {"token": token, "note": "Bitte."})
    sent = client.post(url, {"token": token, "room": city.room_b.pk, "note": "Bitte."})

    assert (empty.status_code, sent.status_code) == (422, 302)
    assert "204" in empty.content.decode()
    assert Ticket.objects.get().site == city.school_b


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
@pytest.mark.django_db(transaction=True)
def test_names_appear_while_one_types(both: tuple[Ticket, Ticket], city: City, visit: Any) -> None:
    from playwright.sync_api import expect

    page = visit("/tickets/", city.technician)
    field = page.locator("input[name=school]")

    field.click()
    expect(page.locator("#id_school-names option")).to_have_count(2)
    field.type("schule b")
    expect(page.locator("#id_school-names option")).to_have_count(1)
    field.press("Enter")
    page.wait_for_url("**school=schule+b**")

    assert page.locator("tbody tr").count() == 1
    assert both[1].number in page.locator("tbody").inner_text()
    assert not visit.complaints
