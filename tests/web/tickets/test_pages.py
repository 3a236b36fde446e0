"""The list of tickets, the page of one, and what people do there; who sees what, and in how many queries."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from helpdesk.tickets import services
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City

pytestmark = pytest.mark.django_db
NASTY = ["{{ lookup('pipe','id') }}", "; reboot", "../../etc/passwd", "<script>alert(1)</script>", '"><svg onload=alert(1)>']


@pytest.fixture
def ticket(city: City) -> Ticket:
    opening = services.Opening(
        site=city.school_a,
        subject="Drucker druckt nicht",
        body="Seit heute früh.",
        requester=city.coordinator_a,
        room=city.room_a,
        devices=[city.printer_a],
    )
    return services.open_ticket(opening=opening)


def form_of(client: Client, ticket: Ticket, action: str) -> dict[str, str]:
    """The hidden fields of the form that goes to `action` on the ticket's page."""
    page = client.get(f"/tickets/{ticket.number}/").content.decode()
    found = re.search(rf'<form[^>]*action="/tickets/{ticket.number}/{action}/[^"]*".*?</form>', page, re.DOTALL)
    assert found, f"no form for {action}"
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', found.group())
    return {name: value for name, value in hidden if name != "csrfmiddlewaretoken"}


def read(client: Client, ticket: Ticket) -> str:
    return client.get(f"/tickets/{ticket.number}/").content.decode()


# --- the list -------------------------------------------------------------------------------------------------------------


def numbers(client: Client, query: str = "") -> list[str]:
    return re.findall(r'href="/tickets/(F\d+-\d+)/"', client.get(f"/tickets/{query}").content.decode())


def test_a_school_sees_its_own_tickets(ticket: Ticket, alma: Client, bruno: Client, theo: Client) -> None:
    assert numbers(alma) == [ticket.number]
    assert numbers(theo) == [ticket.number]
    assert numbers(bruno) == []


def test_filters(ticket: Ticket, city: City, theo: Client) -> None:
    other = services.open_ticket(
        opening=services.Opening(
            site=city.school_b, subject="Beamer", kind=Ticket.Kind.REQUEST, requester=city.coordinator_b
        )
    )
    services.take(ticket=other, by=city.technician)
    cases = {
        "": {ticket.number, other.number},
        "?owner=me": {other.number},
        "?owner=nobody": {ticket.number},
        "?kind=request": {other.number},
        "?state=new": {ticket.number},
        f"?site={city.school_a.pk}": {ticket.number},
        "?q=DR-204": {ticket.number},
        "?q=204": {ticket.number},
        "?q=beam": {other.number},
        f"?q={other.number}": {other.number},
        "?q=nichts": set(),
        "?state=nonsense&sort=nonsense": {ticket.number, other.number},
    }

    assert {query: set(numbers(theo, query)) for query in cases} == cases


def test_finished_tickets_stand_aside_until_asked_for(ticket: Ticket, alma: Client) -> None:
    services.transition(ticket=ticket, to=Ticket.State.RESOLVED)

    assert numbers(alma) == []
    assert numbers(alma, "?state=all") == [ticket.number]


def test_the_most_urgent_stand_first_and_every_column_sorts(ticket: Ticket, city: City, theo: Client) -> None:
    urgent = services.open_ticket(opening=services.Opening(site=city.school_a, subject="AP tot", priority=4))

    assert numbers(theo) == [urgent.number, ticket.number]
    assert numbers(theo, "?sort=priority") == [ticket.number, urgent.number]
    assert numbers(theo, "?sort=subject") == [urgent.number, ticket.number]
    assert numbers(theo, "?sort=-subject") == [ticket.number, urgent.number]


def test_the_list_costs_the_same_for_one_and_for_many(
    ticket: Ticket, city: City, theo: Client, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    opening = services.Opening(
        site=city.school_a, subject="Noch eins", requester=city.coordinator_a, room=city.room_a, devices=[city.printer_a]
    )
    for _ in range(60):
        services.open_ticket(opening=opening)

    with django_assert_max_num_queries(20):
        assert len(numbers(theo)) == 50
    assert len(numbers(theo, "?page=2")) == 11


# --- one ticket -----------------------------------------------------------------------------------------------------------


def test_another_school_has_no_such_ticket(ticket: Ticket, bruno: Client) -> None:
    for path, method in [("", "get"), ("reply/", "post"), ("take/", "post"), ("state/", "post"), ("edit/", "post")]:
        assert getattr(bruno, method)(f"/tickets/{ticket.number}/{path}").status_code == 404


def test_the_page_costs_the_same_however_long_the_story(
    ticket: Ticket, city: City, theo: Client, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(30):
        services.reply(ticket=ticket, said=services.Reply(author=city.technician, body=f"Satz {number}"))

    with django_assert_max_num_queries(19):
        assert "Satz 29" in read(theo, ticket)


def test_internal_notes_are_for_those_who_work_on_tickets(ticket: Ticket, city: City, alma: Client, theo: Client) -> None:
    services.reply(ticket=ticket, said=services.Reply(author=city.technician, body="Netzteil alt", internal=True))

    assert "Netzteil alt" in read(theo, ticket)
    assert "Netzteil alt" not in read(alma, ticket)


@pytest.mark.parametrize("text", NASTY)
def test_text_is_shown_as_text(ticket: Ticket, alma: Client, text: str) -> None:
    alma.post(f"/tickets/{ticket.number}/reply/", form_of(alma, ticket, "reply") | {"body": text})

    page = read(alma, ticket)
    assert Article.objects.latest("pk").body == text
    assert "<script>alert" not in page
    assert "<svg onload" not in page


def test_sending_twice_writes_once(ticket: Ticket, alma: Client) -> None:
    values = form_of(alma, ticket, "reply") | {"body": "Noch etwas"}

    answers = [alma.post(f"/tickets/{ticket.number}/reply/", values) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert Article.objects.filter(body="Noch etwas").count() == 1


def test_a_coordinator_cannot_write_internally_nor_move_the_ticket(ticket: Ticket, alma: Client) -> None:
    values = form_of(alma, ticket, "reply") | {"body": "Hallo", "internal": "on", "to": "resolved"}

    alma.post(f"/tickets/{ticket.number}/reply/", values)

    ticket.refresh_from_db()
    assert ticket.state == "new"
    assert not Article.objects.get(body="Hallo").internal
    assert alma.post(f"/tickets/{ticket.number}/state/", {"to": "resolved", "seen_version": 1}).status_code == 404


def test_a_technician_answers_and_resolves_in_one_step(ticket: Ticket, theo: Client) -> None:
    values = form_of(theo, ticket, "reply") | {"body": "Papier nachgelegt.", "to": "resolved"}

    theo.post(f"/tickets/{ticket.number}/reply/", values)

    ticket.refresh_from_db()
    assert ticket.state == "resolved"


def test_still_broken_opens_it_again(ticket: Ticket, alma: Client) -> None:
    services.transition(ticket=ticket, to=Ticket.State.RESOLVED)
    thanks = form_of(alma, ticket, "reply") | {"body": "Danke"}
    alma.post(f"/tickets/{ticket.number}/reply/", thanks)
    ticket.refresh_from_db()
    assert ticket.state == "resolved"

    alma.post(
        f"/tickets/{ticket.number}/reply/", form_of(alma, ticket, "reply") | {"body": "Doch nicht", "still_broken": "on"}
    )

    ticket.refresh_from_db()
    assert ticket.state == "open"


def test_a_stale_reply_shows_both_texts_and_is_sent_on_the_second_try(ticket: Ticket, city: City, alma: Client) -> None:
    values = form_of(alma, ticket, "reply") | {"body": "Mein langer Text"}
    services.reply(ticket=ticket, said=services.Reply(author=city.technician, body="Ich bin schon unterwegs"))

    answer = alma.post(f"/tickets/{ticket.number}/reply/", values)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Mein langer Text" in page
    assert "Ich bin schon unterwegs" in page
    assert not Article.objects.filter(body="Mein langer Text").exists()
    found = re.search(r"<form[^>]*/reply/[^>]*>.*?</form>", page, re.DOTALL)
    assert found
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', found.group()))
    assert alma.post(f"/tickets/{ticket.number}/reply/", again | {"body": "Mein langer Text"}).status_code == 302
    assert Article.objects.filter(body="Mein langer Text").count() == 1


def test_what_fleetdesk_notes_meanwhile_stops_no_reply(ticket: Ticket, alma: Client) -> None:
    values = form_of(alma, ticket, "reply") | {"body": "Mein Text"}
    services.notify(ticket=ticket, notice="change-started", at="2026-11-23T09:00:00+00:00")

    assert alma.post(f"/tickets/{ticket.number}/reply/", values).status_code == 302


def test_an_answer_to_what_was_resolved_meanwhile_is_not_lost_in_it(ticket: Ticket, alma: Client) -> None:
    services.transition(ticket=ticket, to=Ticket.State.WAITING_CHANGE)
    values = form_of(alma, ticket, "reply") | {"body": "Es geht noch immer nicht"}
    services.notify(ticket=ticket, notice="change-confirmed", at="2026-11-23T09:00:00+00:00")
    services.transition(ticket=ticket, to=Ticket.State.RESOLVED)

    answer = alma.post(f"/tickets/{ticket.number}/reply/", values)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Es geht noch immer nicht" in page
    assert 'name="still_broken"' in page, "and now it can be said that it is not done"


def test_a_stale_edit_shows_both_and_keeps_what_was_typed(ticket: Ticket, city: City, theo: Client) -> None:
    values = form_of(theo, ticket, "edit") | {"subject": "Drucker 204", "priority": "3", "owner": ""}
    wish = services.Edit(subject="Papierstau", priority=2, owner=None)
    services.edit(ticket=ticket, wish=wish, actor=city.administrator, seen_version=ticket.version)

    answer = theo.post(f"/tickets/{ticket.number}/edit/", values)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert 'value="Drucker 204"' in page
    assert "Papierstau" in page
    ticket.refresh_from_db()
    assert ticket.subject == "Papierstau"


def test_only_those_who_work_here_can_be_made_owner(ticket: Ticket, city: City, theo: Client) -> None:
    values = form_of(theo, ticket, "edit") | {"subject": ticket.subject, "priority": "2"}

    refused = theo.post(f"/tickets/{ticket.number}/edit/", values | {"owner": str(city.coordinator_a.pk)})
    taken = theo.post(f"/tickets/{ticket.number}/edit/", values | {"owner": str(city.administrator.pk)})

    assert (refused.status_code, taken.status_code) == (422, 302)
    ticket.refresh_from_db()
    assert ticket.owner == city.administrator


def test_a_stale_button_changes_nothing_and_says_so(ticket: Ticket, city: City, theo: Client) -> None:
    values = form_of(theo, ticket, "state") | {"to": "resolved"}
    services.reply(ticket=ticket, said=services.Reply(author=city.coordinator_a, body="Warten Sie bitte"))

    answer = theo.post(f"/tickets/{ticket.number}/state/", values, follow=True)

    ticket.refresh_from_db()
    assert ticket.state == "new"
    assert "inzwischen geändert" in answer.content.decode()


def test_taking_it(ticket: Ticket, city: City, theo: Client, alma: Client, ada: Client) -> None:
    theo.post(f"/tickets/{ticket.number}/take/")

    ticket.refresh_from_db()
    assert (ticket.owner, ticket.state) == (city.technician, "open")
    assert "Theo kümmert sich darum." in read(alma, ticket)
    assert alma.post(f"/tickets/{ticket.number}/take/").status_code == 404


def test_a_click_on_an_old_page_takes_a_ticket_from_nobody(ticket: Ticket, city: City, theo: Client, ada: Client) -> None:
    seen = form_of(ada, ticket, "take")
    theo.post(f"/tickets/{ticket.number}/take/", form_of(theo, ticket, "take"))

    answer = ada.post(f"/tickets/{ticket.number}/take/", seen, follow=True)

    ticket.refresh_from_db()
    assert ticket.owner == city.technician
    assert "schneller" in answer.content.decode()
    ada.post(f"/tickets/{ticket.number}/take/", form_of(ada, ticket, "take"))
    ticket.refresh_from_db()
    assert ticket.owner == city.administrator, "who sees the owner may take over"


def test_taking_twice_is_taking_once(ticket: Ticket, theo: Client) -> None:
    seen = form_of(theo, ticket, "take")

    answers = [theo.post(f"/tickets/{ticket.number}/take/", seen, follow=True).content.decode() for _ in range(2)]

    assert "schneller" not in answers[1]
    assert Article.objects.filter(notice="taken").count() == 1


def test_giving_it_back_stands_in_the_ticket(ticket: Ticket, theo: Client, alma: Client) -> None:
    theo.post(f"/tickets/{ticket.number}/take/")
    values = form_of(theo, ticket, "edit") | {"subject": ticket.subject, "priority": "2", "owner": ""}

    theo.post(f"/tickets/{ticket.number}/edit/", values)

    assert "Jemand anderes kümmert sich darum." in read(alma, ticket)


def test_while_a_change_goes_on_the_story_keeps_itself_up_to_date(ticket: Ticket, alma: Client, bruno: Client) -> None:
    address = f"/tickets/{ticket.number}/story/"
    assert f'hx-get="{address}"' not in read(alma, ticket)
    services.transition(ticket=ticket, to=Ticket.State.WAITING_CHANGE)
    assert f'hx-get="{address}"' in read(alma, ticket)

    services.notify(ticket=ticket, notice="change-started", at="2026-11-23T09:00:00+00:00")
    services.transition(ticket=ticket, to=Ticket.State.RESOLVED)

    fragment = alma.get(address).content.decode()
    assert "Begonnen um" in fragment
    assert 'id="state" role="status" hx-swap-oob="true"' in fragment
    assert "hx-get" not in fragment, "what is over asks no more"
    assert bruno.get(address).status_code == 404


def test_those_who_only_read_get_no_forms(ticket: Ticket, franka: Client) -> None:
    page = read(franka, ticket)

    assert "/reply/" not in page
    assert "/state/" not in page
    assert franka.post(f"/tickets/{ticket.number}/reply/", {"body": "x"}).status_code == 404


@pytest.mark.parametrize("slot", ["device", "site"])
def test_lower_pages_show_their_tickets(ticket: Ticket, city: City, alma: Client, bruno: Client, slot: str) -> None:
    pk = {"device": city.printer_a.pk, "site": city.school_a.pk}[slot]

    assert ticket.number in alma.get(f"/panels/{slot}/tickets/{pk}/").content.decode()
    assert bruno.get(f"/panels/{slot}/tickets/{pk}/").status_code == 404
