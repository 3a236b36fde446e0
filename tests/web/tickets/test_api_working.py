"""What those who work on tickets do over the API beside answering: macros, tags, links, watching, presence, many at once."""

from typing import Any

import pytest
from django.test import Client

from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from helpdesk.tickets import services
from helpdesk.tickets.models import Macro, Queue, Rating, Tag, Ticket
from helpdesk.tickets.services import bulk
from tests.conftest import City, bearer

pytestmark = pytest.mark.django_db


def opened(city: City, subject: str = "Drucker", **more: Any) -> Ticket:
    fields = {"site": city.school_a, "requester": city.coordinator_a, "body": "Seit heute."} | more
    return services.open_ticket(opening=services.Opening(subject=subject, **fields))


@pytest.fixture
def ticket(city: City) -> Ticket:
    return opened(city)


def ask(user: User, method: str, path: str, body: Any = None, **headers: str) -> Any:
    send = getattr(Client(), method)
    more: dict[str, Any] = {} if method == "get" else {"data": body or {}, "content_type": "application/json"}
    return send(f"/api/v1/tickets{path}", headers=bearer(user) | headers, **more)


def test_a_canned_reply_is_read_filled_and_said_with_what_goes_with_it(ticket: Ticket, city: City) -> None:
    queue = Queue.objects.create(authority=city.authority, slug="netz", name_de="Netz")
    tag = Tag.objects.create(authority=city.authority, name="Umbau")
    macro = Macro.objects.create(
        authority=city.authority, name_de="Fertig", body_de="{{ number }} ist fertig.", to="resolved", queue=queue, tag=tag
    )
    path = f"/{ticket.number}/macros/{macro.pk}"

    listed = ask(city.technician, "get", "/macros/").json()["results"]
    filled = ask(city.technician, "get", path).json()["text"]
    said = ask(city.technician, "post", path).json()

    assert [(one["id"], one["to"], one["queue_id"], one["tag_id"]) for one in listed] == [
        (macro.pk, "resolved", queue.pk, tag.pk)
    ]
    assert filled == f"{ticket.number} ist fertig."
    assert (said["state"], said["queue_id"], said["tags"]) == ("resolved", queue.pk, ["Umbau"])
    assert filled in [article["body"] for article in said["articles"]]
    assert ask(city.coordinator_a, "get", "/macros/").json()["results"] == []
    Ticket.objects.filter(pk=ticket.pk).update(state="closed")
    assert ask(city.technician, "post", path).status_code == 409


def test_tags_are_found_added_and_taken_away(ticket: Ticket, city: City) -> None:
    opened(city, "Ohne")
    ask(city.technician, "post", f"/{ticket.number}/tags", {"name": "Umbau"})
    (tag,) = ask(city.technician, "get", "/tags/").json()["results"]

    found = ask(city.technician, "get", "/?tag=umbau").json()["results"]
    hidden = ask(city.coordinator_a, "get", "/?tag=umbau").json()["results"]

    assert ([row["number"] for row in found], hidden) == ([ticket.number], [])
    assert ask(city.technician, "delete", f"/{ticket.number}/tags/{tag['id']}").status_code == 204
    assert ask(city.technician, "delete", f"/{ticket.number}/tags/{tag['id']}").status_code == 404
    assert not ticket.tags.exists()


def test_links_are_listed_and_taken_away(ticket: Ticket, city: City) -> None:
    other = opened(city, "Anderes")
    ask(city.technician, "post", f"/{ticket.number}/links", {"number": other.number})

    (row,) = ask(city.technician, "get", f"/{other.number}/links").json()

    assert (row["number"], row["kind"], row["from_here"]) == (ticket.number, "related", False)
    assert ask(city.technician, "delete", f"/{other.number}/links/{row['id']}").status_code == 204
    assert ask(city.technician, "get", f"/{ticket.number}/links").json() == []


def test_who_watches_is_called_or_chooses_to(ticket: Ticket, city: City) -> None:
    path = f"/{ticket.number}"
    assert ask(city.technician, "put", f"{path}/watch").status_code == 204
    ask(city.technician, "post", f"{path}/articles", {"body": "@Ada: siehe da.", "internal": True, "minutes": 15})

    detail = ask(city.administrator, "get", path).json()

    assert [one["name"] for one in detail["watchers"]] == ["Ada", "Theo"]
    assert detail["minutes_spent"] == 15
    assert [one["number"] for one in ask(city.administrator, "get", "/?watched=true").json()["results"]] == [ticket.number]
    assert [one["name"] for one in ask(city.technician, "get", f"{path}/workers").json()["results"]] == [
        "Ada",
        "Sven",
        "Theo",
    ]
    ask(city.technician, "delete", f"{path}/watch")
    assert [one["name"] for one in ask(city.technician, "get", f"{path}/watchers").json()["results"]] == ["Ada"]
    school = ask(city.coordinator_a, "get", path).json()
    assert (school["watchers"], school["minutes_spent"], school["articles"][0]["minutes"]) == ([], None, None)


def test_two_at_one_ticket_hear_of_each_other(ticket: Ticket, city: City) -> None:
    path = f"/{ticket.number}/presence"
    assert ask(city.technician, "put", path, {"typing": True}).json() == []

    (seen,) = ask(city.administrator, "put", path).json()
    ask(city.technician, "delete", path)

    assert (seen["name"], seen["typing"]) == ("Theo", True)
    assert ask(city.administrator, "get", path).json() == []


def test_time_and_states_are_for_those_who_work_on_it(ticket: Ticket, city: City) -> None:
    path = f"/{ticket.number}/articles"

    assert ask(city.coordinator_a, "post", path, {"body": "x", "minutes": 5}).status_code == 403
    assert ask(city.coordinator_a, "post", path, {"body": "x", "to": "resolved"}).status_code == 403
    assert ask(city.technician, "post", path, {"body": "Fertig.", "to": "resolved"}).json()["state"] == "resolved"
    assert ask(city.technician, "post", path, {"body": "x", "to": "new"}).status_code == 409


def test_a_strangers_mail_is_shown_with_sender_and_mark(ticket: Ticket, city: City) -> None:
    ticket.articles.update(author=None, sender="Wer <wer@fremd.example>", verified=False, quoted="> alt")

    (article,) = ask(city.technician, "get", f"/{ticket.number}/articles").json()["results"]

    assert (article["author"], article["sender"], article["verified"]) == (None, "Wer <wer@fremd.example>", False)
    assert article["quoted"] == "> alt"


def test_articles_come_in_pages(ticket: Ticket, city: City, django_assert_max_num_queries: Any) -> None:
    for number in range(5):
        services.reply(ticket=ticket, said=services.Reply(city.technician, f"Satz {number}", internal=number == 2))

    def bodies(user: User) -> list[str]:
        path, found = f"/{ticket.number}/articles?page_size=2", []
        while path:
            page = ask(user, "get", path.removeprefix("http://testserver/api/v1/tickets")).json()
            found += [row["body"] for row in page["results"]]
            path = page["next"] or ""
        return found

    assert bodies(city.technician) == ["Seit heute.", *(f"Satz {number}" for number in range(5))]
    assert bodies(city.coordinator_a) == ["Seit heute.", "Satz 0", "Satz 1", "Satz 3", "Satz 4"]
    with django_assert_max_num_queries(9):
        ask(city.technician, "get", f"/{ticket.number}/articles")


def test_a_bulk_job_tells_how_far_it_is_and_what_became_of_each(ticket: Ticket, city: City) -> None:
    nora = city.stranger
    people.grant(user=nora, role=Role.TECHNICIAN, scope_id=city.school_a.pk)
    people.grant(user=nora, role=Role.COORDINATOR, scope_id=city.school_b.pk)
    far = opened(city, "Anderswo", site=city.school_b, requester=None)
    job = ask(nora, "post", "/bulk/?finished=false", {"do": "priority:4"}).json()
    path = f"/bulk/{job['id']}"
    assert (job["total"], job["left"]) == (2, 2)
    while bulk.go_on(job_id=job["id"]):
        pass

    rows = {row["number"]: (row["state"], row["why"]) for row in ask(nora, "get", f"{path}/rows").json()["results"]}

    assert ask(nora, "get", path).json() | {"created_at": 0, "ended_at": 0} == {
        "id": job["id"], "act": "priority", "value": "4", "state": "done", "total": 2, "done": 1, "failed": 1, "left": 0,
        "created_at": 0, "ended_at": 0,
    }  # fmt: skip
    assert rows[ticket.number] == ("done", "")
    assert rows[far.number] == ("refused", "Ihre Rolle umfasst dieses Ticket nicht.")
    assert len(ask(nora, "get", f"{path}/rows?state=refused").json()["results"]) == 1
    assert ask(city.technician, "get", path).status_code == 404
    assert ask(city.technician, "post", f"{path}/stop").status_code == 404


def test_a_bulk_job_is_stopped(ticket: Ticket, city: City) -> None:
    job = ask(city.technician, "post", "/bulk/", {"do": "take:"}).json()

    stopped = ask(city.technician, "post", f"/bulk/{job['id']}/stop").json()

    assert (stopped["state"], stopped["done"], stopped["left"]) == ("stopped", 0, 0)


def test_whoever_asked_says_how_it_went(ticket: Ticket, city: City) -> None:
    path = f"/{ticket.number}/rating"
    assert ask(city.coordinator_a, "put", path, {"grade": 1}).status_code == 409
    Ticket.objects.filter(pk=ticket.pk).update(state="resolved")

    assert ask(city.technician, "put", path, {"grade": 1}).status_code == 403
    assert ask(city.coordinator_a, "put", path, {"grade": 7}).status_code == 422
    assert ask(city.coordinator_a, "put", path, {"grade": 2, "comment": "Na ja."}).status_code == 204
    assert Rating.objects.get().comment == "Na ja."
