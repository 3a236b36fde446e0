"""Views that are kept, shared and begun with; counts above the list."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client

from fleet.people import services as people
from fleet.people.models import Grant
from fleet.people.rules import Role
from helpdesk.finding.models import SavedView
from helpdesk.tickets import services
from tests.conftest import City, bearer

Budget = Callable[[int], AbstractContextManager[object]]
LIST = "/views/tickets/"


def test_a_view_is_kept_and_opened(city: City, theo: Client) -> None:
    answer = theo.post(LIST, {"name": "Dringend", "query": "state=open&page=2&sort=-priority"})

    assert answer.headers["Location"] == "/tickets/?state=open&sort=-priority"
    assert "/tickets/?state=open&amp;sort=-priority" in theo.get(f"{LIST}?of=").content.decode()


def test_the_same_name_again_is_the_same_view(city: City, theo: Client) -> None:
    for query in ("state=open", "state=new"):
        theo.post(LIST, {"name": "Meine", "query": query})

    assert list(SavedView.objects.values_list("query", flat=True)) == ["state=new"]


def test_one_that_is_shared_is_seen_by_colleagues_alone(city: City, theo: Client, ada: Client, alma: Client) -> None:
    theo.post(LIST, {"name": "Für alle", "query": "q=x", "shared": "on"})
    theo.post(LIST, {"name": "Nur meins", "query": "q=y"})

    assert "Für alle" in ada.get(LIST).content.decode()
    assert "Nur meins" not in ada.get(LIST).content.decode()
    assert "Für alle" not in alma.get(LIST).content.decode()


def test_a_coordinator_keeps_their_own_but_shares_none(city: City, alma: Client) -> None:
    alma.post(LIST, {"name": "Meine", "query": "owner=mine", "shared": "on"})
    refused = Client().post(
        "/api/v1/views",
        {"list": "tickets", "name": "x", "shared": True},
        content_type="application/json",
        headers=bearer(city.coordinator_a),
    )

    assert SavedView.objects.get().shared_with_id is None
    assert refused.status_code == 403


def test_the_api_lists_them_in_pages(city: City, theo: Client, ada: Client) -> None:
    theo.post(LIST, {"name": "Für alle", "query": "q=x", "shared": "on"})
    for name in ("Alle", "Beamer"):
        ada.post(LIST, {"name": name, "query": "q=y"})
    headers = bearer(city.administrator)

    first = Client().get("/api/v1/views?page_size=2", headers=headers).json()
    rest = Client().get(first["next"], headers=headers).json()

    assert [(one["name"], one["shared"], one["own"]) for one in first["results"] + rest["results"]] == [
        ("Alle", False, True),
        ("Beamer", False, True),
        ("Für alle", True, False),
    ]
    assert rest["next"] is None


def test_only_the_owner_removes_a_view(city: City, theo: Client, ada: Client) -> None:
    theo.post(LIST, {"name": "Für alle", "query": "q=x", "shared": "on"})
    address = f"/views/{SavedView.objects.get().pk}/discard/"

    assert ada.post(address).status_code == 404
    assert theo.post(address).status_code == 302
    assert not SavedView.objects.exists()


def test_a_list_begins_with_the_chosen_view(city: City, theo: Client) -> None:
    theo.post(LIST, {"name": "Alle", "query": "state=all"})
    address = f"/views/{SavedView.objects.get().pk}/begin/"
    theo.post(address)

    assert theo.get("/tickets/").headers["Location"] == "/tickets/?state=all"
    assert theo.get("/tickets/?state=new").status_code == 200
    assert theo.get("/tickets/", headers={"Referer": "http://testserver/tickets/?state=all"}).status_code == 200
    theo.post(address)
    assert theo.get("/tickets/").status_code == 200


def test_no_list_begins_with_a_view_that_is_shared_no_more(city: City, theo: Client, ada: Client) -> None:
    theo.post(LIST, {"name": "Team", "query": "q=offen", "shared": "on"})
    ada.post(f"/views/{SavedView.objects.get().pk}/begin/")
    assert ada.get("/tickets/").headers["Location"] == "/tickets/?q=offen"

    theo.post(LIST, {"name": "Team", "query": "q=krank"})

    assert ada.get("/tickets/").status_code == 200


def test_no_list_begins_with_a_view_of_colleagues_of_old(city: City, theo: Client, ada: Client) -> None:
    ada.post(LIST, {"name": "Team", "query": "q=offen", "shared": "on"})
    theo.post(f"/views/{SavedView.objects.get().pk}/begin/")
    Grant.objects.filter(user=city.technician).delete()
    people.grant(user=city.technician, role=Role.COORDINATOR, scope_id=city.school_a.pk)

    assert theo.get("/tickets/").status_code == 200


def test_a_filter_with_too_many_parts_is_said_so_and_the_name_is_kept(theo: Client) -> None:
    answer = theo.post(LIST, {"name": "Zu lang", "query": "q=" + "x" * 300})

    assert answer.status_code == 422
    assert "Zu lang" in answer.content.decode()


@pytest.mark.parametrize(("path", "name"), [("/tickets/", "tickets"), ("/devices/", "devices"), ("/faults/", "faults")])
def test_each_list_asks_for_its_views(path: str, name: str, theo: Client) -> None:
    assert f'hx-get="/views/{name}/?of=q%3Dx"' in theo.get(f"{path}?q=x").content.decode()


def test_a_list_that_is_none_has_no_views(theo: Client) -> None:
    assert theo.get("/views/nothing/").status_code == 404


def test_counts_are_of_what_this_person_sees(
    city: City, theo: Client, alma: Client, django_assert_max_num_queries: Budget
) -> None:
    for site in (city.school_a, city.school_a, city.school_b):
        services.open_ticket(opening=services.Opening(site=site, subject="Beamer"))

    mine = Client().get("/api/v1/counts", headers=bearer(city.coordinator_a)).json()
    with django_assert_max_num_queries(6):
        page = theo.get(LIST, headers={"HX-Request": "true"}).content.decode()

    assert mine["total"] == 2
    assert mine["by"]["site"] == {str(city.school_a.pk): 2}
    assert "Neu: 3" in page
    assert "<html" not in page
