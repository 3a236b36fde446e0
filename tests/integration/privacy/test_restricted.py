"""Tickets for security people only: an administrator who is none sees nothing of them here either, and all of it goes."""

import json
from datetime import datetime

import pytest
from django.test import Client
from django.utils import timezone

from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from helpdesk.mail.models import OutgoingMail
from helpdesk.privacy.services import exporting, keeping, looking
from helpdesk.tickets import services
from helpdesk.tickets.models import Article, Attachment, Ticket
from helpdesk.tickets.services import queues
from tests.conftest import City, bearer, login
from tests.integration.privacy.conftest import close_old


@pytest.fixture
def restricted(city: City) -> Ticket:
    """Alma reported it, Sven looks after it; with a file, a mail, an internal note, events and a case of it."""
    queue = queues.of_security(authority=city.authority)
    reported = services.Opening(
        site=city.school_a, subject="Verdacht GEHEIM", body="GEHEIMTEXT", requester=city.coordinator_a, queue=queue
    )
    made = services.open_ticket(opening=reported)
    for author, internal in ((city.coordinator_a, False), (city.security, True)):
        said = services.Contribution(author=author, body="GEHEIM", internal=internal)
        services.add_article(ticket=made, contribution=said)
    article = Article.objects.filter(author=city.coordinator_a).latest("pk")
    Attachment.objects.create(article=article, name="GEHEIM.png", size=1, digest="0" * 64, file="attachments/00/0")
    OutgoingMail.objects.create(article=article, recipient=city.coordinator_a, message_id="<GEHEIM@x>", state="sent")
    Ticket.objects.filter(pk=made.pk).update(owner=city.security)
    made.watchers.add(city.coordinator_a)
    return made


def exported(person: User, by: User) -> str:
    export = exporting.ask(person=person, by=by)
    assert exporting.work() == 1
    export.refresh_from_db()
    with export.data.open("rb") as data:
        return data.read().decode()


@pytest.mark.parametrize("whose", ["coordinator_a", "security"])
def test_an_administrators_export_holds_nothing_of_them(city: City, restricted: Ticket, whose: str) -> None:
    text = exported(getattr(city, whose), city.administrator)

    assert "GEHEIM" not in text
    assert restricted.number not in text
    assert f'"subject_type": "tickets.ticket", "subject_id": {restricted.pk}' not in text
    assert "nicht sehen darf, ist weggelassen" in text


def test_the_persons_own_and_that_of_an_administrator_for_security_hold_them(city: City, restricted: Ticket) -> None:
    people.grant(user=city.stranger, role=Role.ADMINISTRATOR, scope_id=city.authority.pk)
    people.grant(user=city.stranger, role=Role.SECURITY, scope_id=city.authority.pk)

    for by in (city.coordinator_a, city.stranger):
        text = exported(city.coordinator_a, by)
        for said in ("Verdacht GEHEIM", "GEHEIM.png", "<GEHEIM@x>", f'"subject_id": {restricted.pk}'):
            assert said in text, (by, said)


@pytest.mark.parametrize("by", ["administrator", "coordinator_a", "security"])
def test_only_security_people_read_the_number_of_an_incident_that_has_become_restricted(city: City, by: str) -> None:
    case, above, into = (
        services.open_ticket(opening=services.Opening(city.school_a, subject, body="b", requester=requester))
        for subject, requester in (("Fall", city.coordinator_a), ("GEHEIM", None), ("GEHEIM", None))
    )
    services.set_parent(ticket=case, parent=above, by=city.coordinator_a)
    services.link(ticket=case, other=above, by=city.coordinator_a)
    for notice in ("split-off", "merged-into"):
        said = services.Contribution(author=city.technician, notice=notice, details=naming(into))
        services.add_article(ticket=case, contribution=said)
    Ticket.objects.filter(pk=case.pk).update(merged_into=into)
    reader = getattr(city, by)
    if by == "security":
        people.grant(user=reader, role=Role.ADMINISTRATOR, scope_id=city.authority.pk)
    queue = queues.of_security(authority=city.authority)

    Ticket.objects.filter(pk__in=[above.pk, into.pk]).update(queue=queue)
    text = exported(city.coordinator_a, reader)

    assert case.number in text
    for hidden in (above.number, into.number, "GEHEIM"):
        assert (hidden in text) is (by == "security"), hidden


def naming(ticket: Ticket) -> dict[str, str]:
    return {"number": ticket.number, "subject": ticket.subject}


def test_the_page_counts_none_of_them_and_says_so(city: City, restricted: Ticket) -> None:
    seen = {one.title: one.count for one in looking.touched(city.coordinator_a, city.administrator)}
    own = {one.title: one.count for one in looking.touched(city.coordinator_a, city.coordinator_a)}

    page = login(Client(), city.administrator).get(f"/privacy/people/{city.coordinator_a.pk}/").content.decode()

    assert sum(own.values()) >= 6
    assert set(seen) == {"Rollen"}
    assert "die Sie nicht sehen dürfen, ist weggelassen" in page


def test_the_dry_run_shows_none_of_them_and_the_night_deletes_them(city: City, restricted: Ticket) -> None:
    long_ago = datetime(2019, 1, 1, tzinfo=timezone.get_default_timezone())
    Ticket.objects.filter(pk=restricted.pk).update(state="closed", state_since=long_ago)
    close_old(city, 1)

    said = Client().get(f"/api/v1/privacy/due/{city.authority.pk}", headers=bearer(city.administrator)).json()
    page = login(Client(), city.administrator).get(f"/privacy/today/?authority={city.authority.pk}").content.decode()

    assert "GEHEIM" not in json.dumps(said) + page
    assert {one["kind"]: one["count"] for one in said}["tickets"] == 1
    assert "die Sie nicht sehen dürfen, steht hier nicht" in page
    keeping.switch(authority=city.authority, on=True, by=city.administrator)
    keeping.work(now=timezone.localtime().replace(hour=3))
    assert not Ticket.objects.exists()
