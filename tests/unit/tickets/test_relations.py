"""Tickets that become one or two, hang together, or are cases of one incident; and whom a text calls."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from fleet.events.services import deliver
from fleet.people import services as people
from fleet.people.rules import Role
from helpdesk.tickets import services
from helpdesk.tickets.models import Agreement, Article, Queue, Ticket
from helpdesk.tickets.rules.mentions import mentioned
from helpdesk.tickets.services import queues, sla
from tests.conftest import City, login

pytestmark = pytest.mark.django_db
Opens = Callable[..., Ticket]


@pytest.fixture
def opens(city: City) -> Opens:
    def make(subject: str = "Drucker", **more: Any) -> Ticket:
        fields: dict[str, Any] = {"site": city.school_a, "body": f"Zu: {subject}", "requester": city.coordinator_a} | more
        return services.open_ticket(opening=services.Opening(subject=subject, **fields))

    return make


def test_what_is_said_after_a_merge_reaches_the_target(opens: Opens, city: City) -> None:
    old, new = opens("Alt"), opens("Neu", requester=city.technician)

    services.merge(source=old, into=new, by=city.technician)
    article = services.add_article(ticket=old, contribution=services.Contribution(city.coordinator_a, "Noch etwas."))
    services.reply(ticket=old, said=services.Reply(city.coordinator_a, "Und das."))

    bodies = list(new.articles.exclude(body="").values_list("body", flat=True))
    assert bodies == ["Zu: Alt", "Zu: Neu", "Noch etwas.", "Und das."]
    assert article.ticket == new
    old.refresh_from_db()
    assert (old.state, old.merged_into) == (Ticket.State.CLOSED, new)
    assert city.coordinator_a in new.watchers.all()
    assert services.find_by_reference(f"AW: [{old.number}] Alt") == new


def test_the_other_way_round_is_refused_and_changes_nothing(opens: Opens, city: City) -> None:
    a, b = opens("A"), opens("B")
    services.merge(source=a, into=b, by=city.technician)

    with pytest.raises(services.RelationError) as error:
        services.merge(source=b, into=a, by=city.technician)

    assert error.value.key == "already-merged"
    b.refresh_from_db()
    assert (b.merged_into, b.state) == (None, Ticket.State.NEW)


def test_what_must_not_become_one(opens: Opens, city: City) -> None:
    restricted = Queue.objects.create(authority=city.authority, slug="sicherheit", name_de="Sicherheit", restricted=True)
    ticket = opens()
    cases = {
        "itself": ticket,
        "another-school": opens(site=city.school_b),
        "restricted": opens(queue=restricted),
    }

    for key, into in cases.items():
        with pytest.raises(services.RelationError) as error:
            services.merge(source=ticket, into=into, by=city.technician)
        assert error.value.key == key


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Re: [F2026-000001] Drucker", True),
        ("f2026-000001", True),
        ("XF2026-000001", False),
        ("F2026-0000019", False),
        ("", False),
    ],
)
def test_a_number_in_a_text(text: str, *, found: bool, opens: Opens) -> None:
    ticket = opens()
    Ticket.objects.filter(pk=ticket.pk).update(number="F2026-000001")

    assert (services.find_by_reference(text) == ticket) is found


def test_split_takes_the_chosen_words_along(opens: Opens, city: City) -> None:
    ticket = opens()
    other = services.reply(ticket=ticket, said=services.Reply(city.coordinator_a, "Übrigens: auch der Beamer."))

    fresh = services.split(ticket=ticket, part=services.Part([other.pk], "Beamer"), by=city.technician)

    assert list(fresh.articles.exclude(body="").values_list("body", flat=True)) == ["Übrigens: auch der Beamer."]
    assert (fresh.requester, fresh.links.get().target) == (city.coordinator_a, ticket)
    with pytest.raises(services.RelationError):
        services.split(ticket=ticket, part=services.Part([other.pk], "Noch einmal"), by=city.technician)


def test_clocks_of_a_part_run_from_when_it_was_said(opens: Opens, city: City) -> None:
    Agreement.objects.create(authority=city.authority, name_de="Alles", hours="always", first_response_min=60)
    ticket = opens()
    said = [services.reply(ticket=ticket, said=services.Reply(city.coordinator_a, text)) for text in ("Beamer.", "Noch.")]
    begin = timezone.now() - timedelta(hours=5)
    Article.objects.filter(pk=said[0].pk).update(created_at=begin)

    fresh = services.split(ticket=ticket, part=services.Part([one.pk for one in said], "Beamer"), by=city.technician)

    sla.reckon_due()
    fresh.refresh_from_db()
    assert (fresh.created_at, fresh.response_due_at) == (begin, begin + timedelta(hours=1))
    assert fresh.answered_at is None


def test_a_public_update_of_an_incident_reaches_every_case_once(opens: Opens, city: City) -> None:
    parent, cases = opens("Großstörung", site=city.school_b, requester=None), [opens("Eins"), opens("Zwei")]
    for case in cases:
        services.set_parent(ticket=case, parent=parent, by=city.technician)

    services.reply(ticket=parent, said=services.Reply(city.technician, "Geheim.", internal=True))
    services.reply(ticket=parent, said=services.Reply(city.technician, "Wir sind dran."))
    deliver()
    deliver()

    for case in cases:
        arrived = case.articles.filter(notice="from-parent")
        assert [(one.body, one.author, one.answers) for one in arrived] == [("Wir sind dran.", city.technician, True)]
        assert case.articles.filter(notice="child-attached").count() == 1


@pytest.mark.parametrize("site", ["school_a", "school_b"])
def test_what_is_said_in_a_restricted_incident_stays_among_restricted_cases(opens: Opens, city: City, site: str) -> None:
    parent, usual, secret = opens("Großstörung", requester=None), opens("Eins", site=getattr(city, site)), opens("Zwei")
    for case in (usual, secret):
        services.set_parent(ticket=case, parent=parent, by=city.technician)
    queue = queues.of_security(authority=city.authority)
    Ticket.objects.filter(pk__in=[parent.pk, secret.pk]).update(queue=queue)

    services.reply(ticket=parent, said=services.Reply(city.security, "Daten sind abgeflossen."))
    deliver()

    told = Article.objects.filter(body="Daten sind abgeflossen.", notice="from-parent")
    assert [one.ticket for one in told] == [secret]


def test_whoever_reported_an_incident_speaks_for_it_too(opens: Opens, city: City) -> None:
    parent, case = opens("Großstörung", site=city.school_b, requester=city.technician), opens("Eins")
    services.set_parent(ticket=case, parent=parent, by=city.technician)

    services.reply(ticket=parent, said=services.Reply(city.technician, "Der Anbieter arbeitet daran."))
    services.reply(ticket=parent, said=services.Reply(city.technician, "Unter uns.", internal=True))
    services.reply(ticket=parent, said=services.Reply(city.coordinator_b, "Hier geht auch nichts."))
    deliver()

    arrived = case.articles.filter(notice="from-parent")
    assert [(one.body, one.answers) for one in arrived] == [("Der Anbieter arbeitet daran.", True)]
    assert not parent.articles.filter(answers=True).exists(), "an answer to oneself stops no clock"


def test_an_incident_is_no_case_of_another(opens: Opens, city: City) -> None:
    top, middle, case = opens("A"), opens("B"), opens("C")
    services.set_parent(ticket=case, parent=middle, by=city.technician)

    for ticket, parent, key in [
        (middle, top, "has-children"),
        (top, case, "parent-is-a-child"),
        (top, top, "itself"),
    ]:
        with pytest.raises(services.RelationError) as error:
            services.set_parent(ticket=ticket, parent=parent, by=city.technician)
        assert error.value.key == key


def test_restricted_queues_are_for_security_people(opens: Opens, city: City) -> None:
    queue = Queue.objects.create(authority=city.authority, slug="sicherheit", name_de="Sicherheit", restricted=True)
    ticket, usual = opens("Phishing", queue=queue), opens("Drucker")
    seeing = {
        person.name: set(Ticket.objects.visible_to(person))
        for person in (city.security, city.administrator, city.technician, city.coordinator_a)
    }

    assert seeing == {"Sven": {ticket, usual}, "Ada": {usual}, "Theo": {usual}, "Alma": {usual}}
    assert not Ticket.objects.where(city.technician, [Role.TECHNICIAN]).filter(pk=ticket.pk).exists()
    assert login(Client(), city.administrator).get(f"/tickets/{ticket.number}/").status_code == 404
    assert login(Client(), city.security).get(f"/tickets/{ticket.number}/").status_code == 200


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("@Franka bitte ansehen", {1}),
        ("bitte @franka muster!", {1}),
        ("@Theo Eins", {2}),
        ("@Theo", set()),
        ("mail@franka.example", set()),
        ("@Frankana", set()),
        ("Franka", set()),
    ],
)
def test_whom_a_text_calls(text: str, called: set[int]) -> None:
    assert mentioned(text, {1: "Franka Muster", 2: "Theo Eins", 3: "Theo Zwei", 4: ""}) == called


def test_a_colleague_who_is_called_watches_and_is_told(opens: Opens, city: City) -> None:
    ticket = opens()
    people.grant(user=city.stranger, role=Role.TECHNICIAN, scope_id=city.school_b.pk)

    article = services.reply(ticket=ticket, said=services.Reply(city.technician, "@Ada, @Nora: siehe da.", internal=True))

    assert list(ticket.watchers.all()) == [city.administrator]
    assert services.listeners(article) == [city.administrator]
    services.reply(ticket=ticket, said=services.Reply(city.coordinator_a, "@Theo bitte"))
    assert list(ticket.watchers.all()) == [city.administrator]
