"""Nothing is sent twice for nothing, nobody's change is overwritten, and what was sent once is done once."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from config.api import api
from helpdesk.tickets import services
from helpdesk.tickets.models import BulkJob, Macro, Ticket, TicketLink
from tests.conftest import City
from tests.web.tickets.test_api import Caller

pytestmark = pytest.mark.django_db
Sends = Callable[..., Any]


@pytest.fixture
def ticket(city: City) -> Ticket:
    opening = services.Opening(site=city.school_a, subject="Drucker", body="Klemmt.", requester=city.coordinator_a)
    return services.open_ticket(opening=opening)


@pytest.fixture
def theo(city: City) -> Sends:
    caller = Caller(city.technician)

    def send(method: str, path: str, body: Any = None, **headers: str) -> Any:
        said = caller.headers | headers
        url = f"/api/v1/tickets{path}"
        if method == "get":
            return Client().get(url, headers=said)
        return getattr(Client(), method)(url, {} if body is None else body, content_type="application/json", headers=said)

    return send


@pytest.mark.parametrize("path", ["/", "/{number}", "/{number}/articles", "/queues/"])
def test_what_is_unchanged_is_not_sent_again(path: str, ticket: Ticket, city: City, theo: Sends) -> None:
    path = path.format(number=ticket.number)
    first = theo("get", path)
    etag = first.headers["ETag"]

    again = theo("get", path, **{"If-None-Match": etag})
    services.reply(ticket=ticket, said=services.Reply(city.coordinator_a, "Noch etwas."))
    services.open_ticket(opening=services.Opening(site=city.school_a, subject="Neu"))
    later = theo("get", path, **{"If-None-Match": etag})

    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert "private" in first.headers["Cache-Control"]
    assert later.status_code == (304 if path == "/queues/" else 200)


def test_two_readers_have_validators_of_their_own(ticket: Ticket, city: City) -> None:
    services.reply(ticket=ticket, said=services.Reply(city.technician, "Geheim.", internal=True))

    tags = {
        Client().get(f"/api/v1/tickets/{ticket.number}", headers=Caller(user).headers).headers["ETag"]
        for user in (city.technician, city.coordinator_a)
    }

    assert len(tags) == 2


CHANGES: list[tuple[str, str, Any]] = [
    ("patch", "", {"priority": 4}),
    ("post", "/take", {}),
    ("post", "/transition", {"to": "open"}),
    ("post", "/articles", {"body": "Ja."}),
    ("post", "/tags", {"name": "Umbau"}),
    ("post", "/macros/{macro}", {}),
    ("post", "/merge", {"number": "{other}"}),
    ("post", "/links", {"number": "{other}"}),
    ("put", "/parent", {"number": "{other}"}),
    ("post", "/split", {"article_ids": ["{article}"], "subject": "Teil"}),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES, ids=str)
def test_every_change_heeds_what_was_read(
    method: str, path: str, body: dict[str, Any], ticket: Ticket, city: City, theo: Sends
) -> None:
    other = services.open_ticket(opening=services.Opening(site=city.school_a, subject="Anderes"))
    macro = Macro.objects.create(authority=city.authority, name_de="Gruß", body_de="Guten Tag.")
    article = ticket.articles.exclude(body="").get()
    known = {"{other}": other.number, "{article}": article.pk}
    sent = {name: [known.get(one, one) for one in value] if isinstance(value, list) else known.get(value, value)
            for name, value in body.items()}  # fmt: skip
    url = f"/{ticket.number}{path.format(macro=macro.pk)}"
    read = theo("get", f"/{ticket.number}").headers["ETag"]
    services.reply(ticket=ticket, said=services.Reply(city.coordinator_a, "Dazwischen."))

    stale = theo(method, url, sent, **{"If-Match": read})
    weak = theo(method, url, sent, **{"If-Match": f"W/{read}"})
    assert [stale.status_code, weak.status_code] == [412, 412]
    assert stale.headers["Content-Type"] == "application/problem+json"
    before = Ticket.objects.get(pk=ticket.pk).version

    fresh = theo(method, url, sent, **{"If-Match": f'"{before}", "9999"'})

    assert fresh.status_code in {200, 201}, fresh.content


@pytest.mark.parametrize(("method", "path", "body"), [CHANGES[0], CHANGES[2], CHANGES[8]], ids=str)
def test_what_overwrites_asks_what_was_read(method: str, path: str, body: Any, ticket: Ticket, theo: Sends) -> None:
    assert theo(method, f"/{ticket.number}{path}", body).status_code == 428


def test_each_thing_made_with_one_key_is_made_once(ticket: Ticket, city: City, theo: Sends) -> None:
    macro = Macro.objects.create(authority=city.authority, name_de="Gruß", body_de="Guten Tag.")
    article = ticket.articles.exclude(body="").get()
    wishes: list[tuple[str, Any]] = [
        ("/bulk/?state=new", {"do": "priority:4"}),
        (f"/{ticket.number}/macros/{macro.pk}", {}),
        (f"/{ticket.number}/split", {"article_ids": [article.pk], "subject": "Teil"}),
    ]

    for path, body in wishes:
        answers = [theo("post", path, body, **{"Idempotency-Key": "k"}) for _ in range(2)]
        assert answers[0].status_code == answers[1].status_code < 300, answers[1].content
        same = [answer.json().get("number", answer.json().get("id", "")) for answer in answers]
        assert same[0] == same[1]

    assert (BulkJob.objects.count(), Ticket.objects.count(), TicketLink.objects.count()) == (1, 2, 1)
    assert ticket.articles.filter(body="Guten Tag.").count() == 1
    other = theo("post", "/bulk/?state=open", {"do": "priority:4"}, **{"Idempotency-Key": "k"})
    assert other.status_code == 422, "another filter is another wish"


def test_what_was_done_is_not_judged_anew_when_the_answer_got_lost(ticket: Ticket, city: City, theo: Sends) -> None:
    """The first request changed the version that the second one names: it is the same request, so it is the same answer."""
    article = ticket.articles.exclude(body="").get()
    macro = Macro.objects.create(authority=city.authority, name_de="Gruß", body_de="Guten Tag.")
    wishes: list[tuple[str, Any]] = [
        ("articles", {"body": "Ja."}),
        (f"macros/{macro.pk}", {}),
        ("split", {"article_ids": [article.pk], "subject": "Teil"}),
    ]
    for path, body in wishes:
        read = theo("get", f"/{ticket.number}").headers["ETag"]
        sent = {"If-Match": read, "Idempotency-Key": path}

        first, again = (theo("post", f"/{ticket.number}/{path}", body, **sent) for _ in range(2))

        assert first.status_code == again.status_code < 300, again.content
        assert first.json()["number"] == again.json()["number"]
    assert ticket.articles.filter(body="Ja.").count() == 1


def test_a_closed_ticket_comes_back_once(ticket: Ticket, city: City) -> None:
    Ticket.objects.filter(pk=ticket.pk).update(state="closed")
    alma = Caller(city.coordinator_a)

    answers = [alma.post(f"/{ticket.number}/follow-up", {"body": "Wieder."}, **{"Idempotency-Key": "k"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["number"] == answers[1].json()["number"] != ticket.number


def test_every_body_of_tickets_has_an_example_that_fits() -> None:
    from helpdesk.tickets.schemas import wishes

    schemas = api.get_openapi_schema()["components"]["schemas"]
    bodies = [one for one in vars(wishes).values() if isinstance(one, type) and one.__module__ == wishes.__name__]

    for schema in bodies:
        (example,) = schemas[schema.__name__]["examples"]
        schema(**example)  # raises where it does not fit
    assert len(bodies) > 10
