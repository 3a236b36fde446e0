"""A school that closes while something begins there: whoever comes first is heard by the other (PostgreSQL)."""

import pytest
from django.db import connection, transaction
from django.utils import timezone

from fleet.sites import services as sites
from fleet.sites.models import Site
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Ticket
from tests.conftest import City
from tests.integration.sites.conftest import Meanwhile

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one write at a time"),
]


@pytest.fixture
def school(city: City) -> Site:
    """Nothing hangs on it."""
    return sites.create_site(authority=city.authority, details=sites.SiteDetails(Site.Kind.SCHOOL, "Altschule", "alt"))


def close(school: Site, city: City) -> bool:
    return sites.close_site(site=school, at=timezone.now(), by=city.administrator)


def ask(school: Site, city: City) -> Ticket:
    return tickets.open_ticket(opening=tickets.Opening(school, "WLAN", requester=city.administrator))


def test_no_ticket_opens_at_a_school_that_closes_first(city: City, school: Site, meanwhile: Meanwhile) -> None:
    with transaction.atomic():
        close(school, city)
        asked = meanwhile(lambda: ask(school, city))

    with pytest.raises(sites.ClosedSiteError):
        asked.result(timeout=30)
    assert not Ticket.objects.exists()


def test_no_school_closes_over_a_ticket_that_opens_first(city: City, school: Site, meanwhile: Meanwhile) -> None:
    with transaction.atomic():
        ask(school, city)
        closed = meanwhile(lambda: close(school, city))

    with pytest.raises(sites.InUseError):
        closed.result(timeout=30)
    school.refresh_from_db()
    assert school.closed_at is None


def test_those_who_ask_do_not_wait_for_each_other(city: City, meanwhile: Meanwhile) -> None:
    with transaction.atomic():
        sites.hold_open(site_id=city.school_a.pk)
        asked = meanwhile(lambda: ask(city.school_a, city))

        assert asked.done()
