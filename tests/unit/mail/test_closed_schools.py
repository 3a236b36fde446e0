"""What a school that has closed still gets by mail: what answers its tickets is kept there, and nothing begins."""

from unittest.mock import Mock

import pytest
from django.utils import timezone

from fleet.sites import services as sites
from fleet.sites.models import Site
from helpdesk.mail.models import Mailbox
from helpdesk.mail.services import settling
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City
from tests.unit.mail.conftest import Post
from tests.unit.mail.test_receiving import STRANGER, answer_to, state
from tests.unit.mail.test_receiving import ticket as ticket  # noqa: PLC0414  (a fixture)

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed(city: City, mailbox: Mailbox) -> Site:
    """Nothing hangs on it any more but a mailbox; its slug is the first one of the list of schools."""
    details = sites.SiteDetails(Site.Kind.SCHOOL, "Altschule", "altschule")
    site = sites.create_site(authority=city.authority, details=details)
    sites.close_site(site=site, at=timezone.now(), by=city.administrator)
    Mailbox.objects.filter(pk=mailbox.pk).update(site=site)
    mailbox.refresh_from_db()
    return site


@pytest.fixture
def over(city: City, ticket: Ticket) -> Ticket:
    """Its school has closed since it was solved."""
    tickets.transition(ticket=ticket, to=Ticket.State.RESOLVED, actor=city.technician)
    Site.objects.filter(pk=city.school_a.pk).update(closed_at=timezone.now())
    return ticket


@pytest.mark.parametrize("to", ["it@musterstadt.example", "it+altschule@musterstadt.example"])
def test_no_mail_opens_a_ticket_there(post: Post, closed: Site, to: str) -> None:
    result = post(sender=STRANGER, to=to)

    assert Ticket.objects.get(pk=result.ticket).site != closed


def test_without_an_open_school_it_is_set_aside(city: City, post: Post) -> None:
    Site.objects.update(closed_at=timezone.now())

    assert post(sender=STRANGER).outcome == "quarantined"
    assert not Ticket.objects.exists()


@pytest.mark.parametrize("state_there", [Ticket.State.RESOLVED, Ticket.State.CLOSED])
def test_an_answer_is_kept_there_and_moves_nothing(city: City, post: Post, over: Ticket, state_there: Ticket.State) -> None:
    Ticket.objects.filter(pk=over.pk).update(state=state_there)

    result = post("Danke", headers=answer_to(over))

    assert (result.outcome, result.ticket, state(over)) == ("appended", over.pk, state_there)
    assert Article.objects.get(pk=result.article).author == city.coordinator_a
    assert Ticket.objects.count() == 1


def test_a_mail_goes_elsewhere_whose_school_closes_this_moment(
    city: City, post: Post, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    Site.objects.exclude(pk=city.school_a.pk).update(closed_at=timezone.now())
    monkeypatch.setattr(settling, "site_of", Mock(side_effect=[city.school_b, city.school_a]))

    result = post(sender=STRANGER)

    assert (result.outcome, Ticket.objects.get().site) == ("new", city.school_a)
