"""What somebody types while the ticket is merged, closed or sent twice: it is said where the matter goes on, or kept."""

import re

import pytest
from django.test import Client

from helpdesk.tickets import services
from helpdesk.tickets.models import Article, Macro, Rating, Ticket
from helpdesk.tickets.services import rating
from tests.conftest import City
from tests.web.tickets.test_pages import form_of, read

pytestmark = pytest.mark.django_db
TYPED = "Ein langer getippter Text"


@pytest.fixture
def ticket(city: City) -> Ticket:
    return opened(city, "Drucker druckt nicht")


def opened(city: City, subject: str) -> Ticket:
    opening = services.Opening(site=city.school_a, subject=subject, body="Seit heute.", requester=city.coordinator_a)
    return services.open_ticket(opening=opening)


def close(ticket: Ticket) -> None:
    for to in (Ticket.State.RESOLVED, Ticket.State.CLOSED):
        services.transition(ticket=ticket, to=to)


def form_in(page: str, action: str) -> dict[str, str]:
    """What the form that goes to `action` would send as it is shown."""
    found = re.search(rf'<form[^>]*action="{action}[^"]*".*?</form>', page, re.DOTALL)
    assert found, f"no form for {action}"
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', found.group()))
    body = re.search(r"<textarea[^>]*>\s*(.*?)</textarea>", found.group(), re.DOTALL)
    assert body
    return hidden | {"body": body.group(1).strip()}


def test_a_reply_to_what_was_merged_meanwhile_is_kept_where_it_goes_on(ticket: Ticket, city: City, alma: Client) -> None:
    other = opened(city, "Drucker auch")
    values = form_of(alma, ticket, "reply") | {"body": TYPED}
    services.merge(source=ticket, into=other, by=city.technician)

    answer = alma.post(f"/tickets/{ticket.number}/reply/", values)

    assert answer.status_code == 409
    again = form_in(answer.content.decode(), f"/tickets/{other.number}/reply/")
    assert again["body"] == TYPED
    assert alma.post(f"/tickets/{other.number}/reply/", again).status_code == 302
    assert other.articles.filter(body=TYPED).count() == 1


def test_a_reply_to_what_one_merged_oneself_reaches_the_target(ticket: Ticket, city: City, theo: Client) -> None:
    other = opened(city, "Drucker auch")
    values = form_of(theo, ticket, "reply") | {"body": TYPED, "internal": "on", "minutes": "5", "to": ""}
    services.merge(source=ticket, into=other, by=city.technician)

    answer = theo.post(f"/tickets/{ticket.number}/reply/", values)

    assert answer.headers["Location"] == f"/tickets/{other.number}/"
    said = other.articles.get(body=TYPED)
    assert (said.internal, said.minutes) == (True, 5)


@pytest.mark.parametrize("merged", [False, True])
def test_a_reply_to_what_was_closed_meanwhile_is_kept(ticket: Ticket, city: City, alma: Client, *, merged: bool) -> None:
    values = form_of(alma, ticket, "reply") | {"body": TYPED}
    last = opened(city, "Drucker auch") if merged else ticket
    if merged:
        services.merge(source=ticket, into=last, by=city.technician)
    close(last)

    answer = alma.post(f"/tickets/{ticket.number}/reply/", values)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "noch nicht abgeschickt" in page
    again = form_in(page, f"/tickets/{last.number}/follow-up/")
    assert again["body"] == TYPED
    alma.post(f"/tickets/{last.number}/follow-up/", again)
    assert Article.objects.get(body=TYPED).ticket.links.get().target == last


def test_an_internal_note_to_what_was_closed_is_kept_where_no_school_reads_it(ticket: Ticket, theo: Client) -> None:
    values = form_of(theo, ticket, "reply") | {"body": TYPED, "internal": "on", "to": "", "minutes": "5"}
    close(ticket)

    answer = theo.post(f"/tickets/{ticket.number}/reply/", values)

    page = answer.content.decode()
    assert (answer.status_code, TYPED in page) == (409, True)
    assert form_in(page, f"/tickets/{ticket.number}/follow-up/")["body"] == ""


def test_the_second_of_two_clicks_is_no_refusal_though_it_was_closed_between(ticket: Ticket, alma: Client) -> None:
    values = form_of(alma, ticket, "reply") | {"body": TYPED}
    alma.post(f"/tickets/{ticket.number}/reply/", values)
    close(ticket)

    assert alma.post(f"/tickets/{ticket.number}/reply/", values).status_code == 302
    assert ticket.articles.filter(body=TYPED).count() == 1


def test_a_double_click_on_what_is_back_opens_one_ticket(ticket: Ticket, alma: Client) -> None:
    close(ticket)
    values = form_in(read(alma, ticket), f"/tickets/{ticket.number}/follow-up/") | {"body": TYPED}

    answers = [alma.post(f"/tickets/{ticket.number}/follow-up/", values) for _ in range(2)]
    alma.post(f"/tickets/{ticket.number}/follow-up/", values | {"body": "Und noch etwas."})

    first, second = Ticket.objects.exclude(pk=ticket.pk).order_by("pk")
    assert [answer.headers["Location"] for answer in answers] == [f"/tickets/{first.number}/"] * 2
    assert second.articles.filter(body="Und noch etwas.").exists()


def test_who_may_not_write_here_is_refused_as_ever(ticket: Ticket, franka: Client, bruno: Client) -> None:
    close(ticket)

    for client in (franka, bruno):
        assert client.post(f"/tickets/{ticket.number}/reply/", {"body": TYPED}).status_code == 404


def test_what_was_typed_into_the_form_of_what_is_back_is_kept_where_it_is_not_over(
    ticket: Ticket, city: City, alma: Client
) -> None:
    other = opened(city, "Drucker auch")
    services.merge(source=ticket, into=other, by=city.technician)

    answer = alma.post(f"/tickets/{ticket.number}/follow-up/", {"body": TYPED})

    assert answer.status_code == 409
    assert form_in(answer.content.decode(), f"/tickets/{other.number}/reply/")["body"] == TYPED
    assert Ticket.objects.count() == 2


def test_a_canned_reply_chosen_on_a_merged_tickets_page_is_filled_in_where_it_goes_on(
    ticket: Ticket, city: City, theo: Client
) -> None:
    macro = Macro.objects.create(authority=city.authority, name_de="Dank", body_de="Vielen Dank für {{ number }}.")
    other = opened(city, "Drucker auch")
    services.merge(source=ticket, into=other, by=city.technician)

    page = theo.get(f"/tickets/{ticket.number}/?macro={macro.pk}", follow=True).content.decode()

    assert f"Vielen Dank für {other.number}." in page
    assert f"Vielen Dank für {other.number}." not in read(theo, other)


def test_what_is_said_of_a_ticket_that_was_reopened_meanwhile_is_kept_as_a_reply(ticket: Ticket, alma: Client) -> None:
    answer = alma.post(f"/tickets/{ticket.number}/rate/", {"grade": "3", "comment": TYPED})

    assert answer.status_code == 409
    again = form_in(answer.content.decode(), f"/tickets/{ticket.number}/reply/")
    assert again["body"] == TYPED
    assert not Rating.objects.exists()


def test_what_is_said_without_a_grade_is_kept(ticket: Ticket, alma: Client) -> None:
    close(ticket)
    answer = alma.post(f"/tickets/{ticket.number}/rate/", {"comment": TYPED})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert re.search(rf'<textarea name="comment"[^>]*>\s*{TYPED}</textarea>', page)
    assert "eine der drei Antworten" in page


def test_what_is_said_by_a_link_that_is_dead_by_now_is_shown(ticket: Ticket, client: Client) -> None:
    close(ticket)
    token = rating.token(ticket)
    Ticket.objects.filter(pk=ticket.pk).update(state=Ticket.State.OPEN)
    answer = client.post(f"/tickets/rate/{token}/", {"grade": "3", "comment": TYPED})
    assert answer.status_code == 404
    assert TYPED in answer.content.decode()
