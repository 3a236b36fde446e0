"""Who sees which entry, and which one is marked."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web import navigation
from fleet.web.navigation import Item
from tests.conftest import City


@pytest.fixture(autouse=True)
def only_ours() -> Iterator[None]:
    kept, groups = dict(navigation._items), dict(navigation._groups)
    navigation._items.clear()
    navigation._groups.clear()
    navigation.register(Item("Konto", "account", "user", None, order=20))
    navigation.register(Item("Token", "people:tokens", "key", Action.WORK_TICKETS, order=10))
    navigation.register(
        Item("Melden", "web:design", "lifebuoy", Action.REPORT_PROBLEM, order=30, unless=Action.WORK_TICKETS)
    )
    navigation.register(Item("Fehlt", "nowhere:page", "x-mark"))
    yield
    navigation._items.clear()
    navigation._items.update(kept)
    navigation._groups.clear()
    navigation._groups.update(groups)


def seen(user: User | AnonymousUser, path: str = "/account/") -> list[tuple[str, str]]:
    request = RequestFactory().get(path)
    request.user = user
    return [(entry.label, entry.current) for entry in navigation.entries(request)]


def test_everybody_sees_what_they_may_use(city: City) -> None:
    assert [label for label, _ in seen(city.technician)] == ["Token", "Konto"]
    assert [label for label, _ in seen(city.coordinator_a)] == ["Konto", "Melden"]


def test_nobody_sees_anything_before_login() -> None:
    assert seen(AnonymousUser()) == []


def test_the_longest_address_that_fits_is_the_place(city: City) -> None:
    assert seen(city.technician, "/account/tokens/3/revoke/") == [("Token", "true"), ("Konto", "")]
    assert seen(city.technician, "/account/") == [("Token", ""), ("Konto", "page")]


def test_a_group_leads_to_its_first_entry_and_shows_its_parts(city: City) -> None:
    navigation.register_group(navigation.Group("mine", "Meins", "user", order=5))
    navigation.register(Item("Konto", "account", "user", None, order=20, group="mine"))
    navigation.register(Item("Token", "people:tokens", "key", Action.WORK_TICKETS, order=10, group="mine"))
    request = RequestFactory().get("/account/tokens/")
    request.user = city.technician

    whole, *_others = navigation.entries(request)

    assert (whole.label, whole.url, whole.current) == ("Meins", "/account/tokens/", "true")
    assert [(part.label, part.current) for part in whole.parts] == [("Token", "page"), ("Konto", "")]
    assert seen(city.coordinator_a)[0] == ("Konto", "page"), "a group of one is that one"


def test_a_group_gathers_only_for_whom_it_is_meant(city: City) -> None:
    navigation.register_group(navigation.Group("mine", "Meins", "user", 5, Action.WORK_TICKETS))
    navigation.register(Item("Konto", "account", "user", None, order=20, group="mine"))
    navigation.register(Item("Stil", "web:design", "key", None, order=10, group="mine"))

    assert [label for label, _ in seen(city.technician)] == ["Meins", "Token"]
    assert [label for label, _ in seen(city.coordinator_a)] == ["Stil", "Konto"]
