"""A school that closes while a table of people is taken in closes after it, and ends the roles that the table gave."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from django.db import connection, transaction
from django.utils import timezone

from fleet.people.models import Grant
from fleet.sites import services as sites
from fleet.sites.models import Site
from fleet.sites.services.people_table import take_in_people
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
