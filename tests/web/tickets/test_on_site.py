"""A technician's day on the road."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from fleet.monitoring.models import Alert, Health
from fleet.sites import services as sites
from helpdesk.tickets import services
from helpdesk.tickets.models import Ticket
from tests.conftest import City
from tests.web.monitoring.test_pages import silence

pytestmark = pytest.mark.django_db
ADDRESS = "/tickets/on-site/"


def taken(city: City, subject: str, **more: Any) -> Ticket:
    fields: dict[str, Any] = {"site": city.school_a, "requester": city.coordinator_a, "body": "Seit heute."} | more
    ticket = services.open_ticket(opening=services.Opening(subject=subject, **fields))
    Ticket.objects.filter(pk=ticket.pk).update(owner=city.technician)
    return ticket


def page(client: Client) -> str:
    return client.get(ADDRESS).content.decode()


def order_of(client: Client, *words: str) -> list[str]:
    return re.findall("|".join(re.escape(word) for word in words), page(client))


def test_by_school_building_and_floor_the_most_urgent_school_first(city: City, theo: Client) -> None:
    cellar = sites.create_room(building=city.building_a, details=sites.RoomDetails("K01", "Keller", floor=-1))
    taken(city, "Irgendwo")
    taken(city, "Im Zweiten", room=city.room_a)
    taken(city, "Im Keller", room=cellar)
    urgent = taken(city, "Eilt sehr", site=city.school_b, room=city.room_b, requester=city.coordinator_b)
    Ticket.objects.filter(pk=urgent.pk).update(priority=Ticket.Priority.URGENT)

    assert order_of(theo, "Eilt sehr", "Im Keller", "Im Zweiten", "Irgendwo") == [
        "Eilt sehr", "Im Keller", "Im Zweiten", "Irgendwo",
    ]  # fmt: skip


def test_what_to_take_along_is_counted_over_the_whole_way(city: City, theo: Client) -> None:
    silence(city.access_point_a)
    silence(city.access_point_b)
    taken(city, "WLAN weg", devices=[city.access_point_a])
    taken(city, "WLAN weg", site=city.school_b, devices=[city.access_point_b], requester=city.coordinator_b)
    printer = city.printer_a
    Health.objects.filter(pk=printer.pk).update(reading={"supplies": [{"name": "Black <b>", "kind": "toner", "percent": 1}]})
    silence(printer)
    Alert.objects.filter(device=printer).update(kind="supply_percent")
    taken(city, "Druckt blass", devices=[printer])

    said = page(theo)

    assert "2 × Muster W6, als Ersatz" in said
    assert "1 × Black &lt;b&gt; für Muster P2" in said


def test_neither_what_waits_for_others_nor_what_is_somebody_elses_or_over(city: City, theo: Client) -> None:
    for state in set(Ticket.State) - {Ticket.State.NEW, Ticket.State.OPEN}:
        ticket = taken(city, f"Im Zustand {state}")
        Ticket.objects.filter(pk=ticket.pk).update(state=state)
    Ticket.objects.filter(pk=taken(city, "Im Zustand fremd").pk).update(owner=city.administrator)

    said = page(theo)

    assert "Im Zustand" not in said
    assert "Heute führt Sie nichts hinaus." in said


def test_only_for_those_who_work_on_tickets(alma: Client, client: Client) -> None:
    assert alma.get(ADDRESS).status_code == 404
    assert client.get(ADDRESS).status_code == 302


def test_a_long_day_takes_no_more_queries(
    city: City, theo: Client, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(12):
        taken(city, f"Nummer {number}", devices=[city.access_point_a, city.printer_a], room=city.room_a)
    with django_assert_max_num_queries(15) as asked:
        page(theo)
    many = len(asked)
    Ticket.objects.exclude(subject="Nummer 0").delete()
    with django_assert_max_num_queries(15) as asked:
        page(theo)
    assert len(asked) == many
