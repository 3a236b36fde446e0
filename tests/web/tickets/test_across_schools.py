"""Tickets of two schools brought together: what is refused, what central staff may do, what each school sees then."""

from typing import Any

import pytest
from django.test import Client

from fleet.events.services import deliver
from fleet.people.models import User
from helpdesk.tickets import services
from helpdesk.tickets.models import Ticket
from tests.conftest import City, bearer, login

pytestmark = pytest.mark.django_db
STAFF = ["technician", "administrator"]
WORDS_OF = {"a": "Worte aus Schule A", "b": "Worte aus Schule B"}
SUBJECT_OF = {"a": "Betreff aus Schule A", "b": "Betreff aus Schule B"}


@pytest.fixture
def both(city: City) -> dict[str, Ticket]:
    people = {"a": (city.school_a, city.coordinator_a), "b": (city.school_b, city.coordinator_b)}
    return {
        letter: services.open_ticket(
            opening=services.Opening(site=site, subject=SUBJECT_OF[letter], body=WORDS_OF[letter], requester=requester)
        )
        for letter, (site, requester) in people.items()
    }


def act(user: User, path: str, body: dict[str, Any], method: str = "post") -> Any:
    headers = bearer(user) | {"If-Match": "*"}
    return getattr(Client(), method)(f"/api/v1/tickets/{path}", body, content_type="application/json", headers=headers)


def all_layers(user: User, *tickets: Ticket) -> str:
    """All that this person can read of tickets, on pages, in searches and over the API."""
    client, headers = login(Client(), user), bearer(user)
    pages = ["/", "/tickets/?state=all", "/search/?q=Schule", "/search/?q=Worte", "/search/?q=Betreff"]
    pages += [f"/tickets/{ticket.number}/" for ticket in tickets] + [
        f"/tickets/{ticket.number}/story/" for ticket in tickets
    ]
    calls = ["/tickets/", "/search?q=Worte", "/search?q=Betreff"]
    calls += [
        f"/tickets/{ticket.number}{more}" for ticket in tickets for more in ("", "/articles", "/attachments", "/links")
    ]
    answers = [client.get(path, follow=True) for path in pages]
    answers += [Client().get(f"/api/v1{path}", headers=headers) for path in calls]
    return "\n".join(answer.content.decode() for answer in answers)


def sees_nothing_of_the_other(city: City, both: dict[str, Ticket]) -> bool:
    for own, other, user in (("a", "b", city.coordinator_a), ("b", "a", city.coordinator_b)):
        read = all_layers(user, *both.values())
        assert SUBJECT_OF[own] in read
        assert WORDS_OF[other] not in read
        assert SUBJECT_OF[other] not in read
    return True


@pytest.mark.parametrize("who", STAFF)
def test_they_never_become_one(who: str, city: City, both: dict[str, Ticket]) -> None:
    user = getattr(city, who)

    by_api = act(user, f"{both['a'].number}/merge", {"number": both["b"].number})
    by_page = login(Client(), user).post(
        f"/tickets/{both['b'].number}/relate/", {"act": "merge", "number": both["a"].number}, follow=True
    )

    assert (by_api.status_code, by_api.json()["detail"]) == (
        409,
        "Nur Tickets derselben Schule werden eins; nutzen Sie sonst eine größere Störung.",
    )
    assert "Nur Tickets derselben Schule werden eins" in by_page.content.decode()
    assert not Ticket.objects.filter(merged_into__isnull=False).exists()
    assert sees_nothing_of_the_other(city, both)


@pytest.mark.parametrize("who", STAFF)
def test_staff_of_both_links_them_and_each_school_sees_its_own(who: str, city: City, both: dict[str, Ticket]) -> None:
    assert act(getattr(city, who), f"{both['a'].number}/links", {"number": both["b"].number}).status_code == 200

    assert both["b"].number in all_layers(getattr(city, who), both["a"])
    assert sees_nothing_of_the_other(city, both)
    for user, other in ((city.coordinator_a, "b"), (city.coordinator_b, "a")):
        assert both[other].number not in all_layers(user, *both.values())


@pytest.mark.parametrize("who", STAFF)
def test_a_larger_incident_speaks_to_its_cases_and_not_the_other_way(who: str, city: City, both: dict[str, Ticket]) -> None:
    user, case, incident = getattr(city, who), both["a"], both["b"]
    assert act(user, f"{case.number}/parent", {"number": incident.number}, "put").status_code == 200
    services.reply(ticket=incident, said=services.Reply(city.coordinator_b, "Bei uns in B brennt es."))
    services.reply(ticket=case, said=services.Reply(city.coordinator_a, "Bei uns in A auch."))
    services.reply(ticket=incident, said=services.Reply(user, "Nur unter uns.", internal=True))
    services.reply(ticket=incident, said=services.Reply(user, "Wir sind dran."))
    deliver()

    school_a, school_b = (all_layers(one, case, incident) for one in (city.coordinator_a, city.coordinator_b))

    assert "Wir sind dran." in school_a
    assert "Wir sind dran." in school_b
    assert "Bei uns in B brennt es." not in school_a
    assert "Bei uns in A auch." not in school_b
    assert "Nur unter uns." not in school_a + school_b
    assert sees_nothing_of_the_other(city, both)
    read = Client().get(f"/api/v1/tickets/{case.number}", headers=bearer(city.coordinator_a)).json()
    assert read["parent"] is None


def test_who_works_at_one_school_brings_nothing_of_the_other_to_it(city: City, both: dict[str, Ticket]) -> None:
    city.technician.grants.filter(scope=city.school_b.pk).delete()
    theo = User.objects.get(pk=city.technician.pk)

    answers = [
        act(theo, f"{both['a'].number}/{path}", {"number": both["b"].number}, method)
        for path, method in (("merge", "post"), ("links", "post"), ("parent", "put"))
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422]
    assert {answer.json()["errors"][0]["message"] for answer in answers} == {"Es gibt kein Ticket mit dieser Nummer."}


@pytest.mark.parametrize("path", ["merge", "links", "split"])
def test_schools_bring_nothing_together(path: str, city: City, both: dict[str, Ticket]) -> None:
    body = {"number": both["b"].number, "article_ids": [1], "subject": "Teil"}

    assert act(city.coordinator_a, f"{both['a'].number}/{path}", body).status_code == 403
    assert act(city.coordinator_a, f"{both['b'].number}/{path}", body).status_code == 404


def test_a_part_stays_at_its_school_with_its_files_and_later_words(city: City, both: dict[str, Ticket]) -> None:
    ticket = both["a"]
    article = services.reply(ticket=ticket, said=services.Reply(city.coordinator_a, "Auch der Beamer."))

    fresh = act(city.technician, f"{ticket.number}/split", {"article_ids": [article.pk], "subject": "Beamer"}).json()
    taken = act(city.technician, f"{both['b'].number}/split", {"article_ids": [article.pk], "subject": "Beamer"})

    assert fresh["site_id"] == city.school_a.pk
    assert taken.status_code == 409, "what another ticket has is not split off this one"
    assert "Auch der Beamer." in all_layers(city.coordinator_a, Ticket.objects.get(number=fresh["number"]))
    assert sees_nothing_of_the_other(city, both)


def test_what_is_written_to_the_one_that_went_on_is_read_where_it_goes_on(city: City, both: dict[str, Ticket]) -> None:
    old = both["a"]
    new = services.open_ticket(
        opening=services.Opening(site=city.school_a, subject="Dasselbe", body="Zweite Meldung", requester=city.technician)
    )
    act(city.technician, f"{old.number}/merge", {"number": new.number})

    said = act(city.coordinator_a, f"{old.number}/articles", {"body": "Noch etwas."})

    assert (said.status_code, said.json()["number"]) == (201, new.number)
    page = login(Client(), city.coordinator_a).get(f"/tickets/{old.number}/", follow=True)
    assert page.redirect_chain[-1][0] == f"/tickets/{new.number}/"
    assert all(words in page.content.decode() for words in (WORDS_OF["a"], "Zweite Meldung", "Noch etwas."))
