"""Beside a table that is taken in: a school closes after it and ends its roles; everybody else goes on."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from django.db import connection, transaction
from django.utils import timezone

from fleet.people.models import Grant
from fleet.sites import services as sites
from fleet.sites.models import Authority, Site
from fleet.sites.services.people_table import take_in_people
from fleet.sites.services.place_table import take_in_places
from helpdesk.tickets import services as tickets
from tests.conftest import City

TABLE = "name;email;role;school\nKim;kim@musterstadt.example;auditor;Schule C\n"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one write at a time")
@pytest.mark.django_db(transaction=True)
def test_a_school_that_closes_meanwhile_waits(city: City) -> None:
    school = sites.create_site(authority=city.authority, details=sites.SiteDetails(Site.Kind.SCHOOL, "Schule C", "c"))

    def close() -> bool:
        try:
            return sites.close_site(site=school, at=timezone.now(), by=city.administrator)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            take_in_people(authority=city.authority, data=TABLE.encode())
            closing = pool.submit(close)
            wait([closing], timeout=2)
        assert closing.result(timeout=30)

    given = Grant.objects.get(scope=school.pk)
    assert not given.holds(timezone.now())


def people_of(authority: Authority) -> None:
    take_in_people(authority=authority, data=TABLE.replace("Schule C", "Schule A").encode())


def places_of(authority: Authority) -> None:
    take_in_places(authority=authority, data=b"school;kind\nSchule D;school\n")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one write at a time")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("take_in", [people_of, places_of])
def test_nobody_else_waits_for_a_table(city: City, take_in: Callable[[Authority], None]) -> None:
    def ask() -> str:
        try:
            return tickets.open_ticket(opening=tickets.Opening(city.school_b, "WLAN", requester=city.coordinator_b)).number
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        take_in(city.authority)
        assert pool.submit(ask).result(timeout=10)
