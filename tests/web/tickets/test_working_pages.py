"""Deadlines, many at once, relations, presence, canned replies, ratings and arrangements, as people use them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from fleet.events.services import deliver
from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from fleet.sites.models import Site
from fleet.web import paging
from helpdesk.tickets import services
from helpdesk.tickets.models import Agreement, BulkJob, Category, Macro, Queue, Rating, Tag, Ticket, TicketLink
from helpdesk.tickets.services import bulk, rating, sla
from tests.conftest import City, bearer, login
from tests.web.monitoring.test_pages import silence
from tests.web.tickets.test_pages import form_of, numbers, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(city: City) -> Ticket:
    return opened(city)


def opened(city: City, subject: str = "Drucker druckt nicht", **more: Any) -> Ticket:
    fields = {"site": city.school_a, "requester": city.coordinator_a, "body": "Seit heute."} | more
    return services.open_ticket(opening=services.Opening(subject=subject, **fields))


def due_in(ticket: Ticket, minutes: int) -> None:
    at = timezone.now() + timedelta(minutes=minutes)
    Ticket.objects.filter(pk=ticket.pk).update(due_at=at, due_clock="first-response", reckon_at=None)


# --- the list -------------------------------------------------------------------------------------------------------------


def test_the_list_shows_what_is_due_next_first(ticket: Ticket, city: City, theo: Client, alma: Client) -> None:
    late, later = opened(city, "Zu spät"), opened(city, "Bald")
    due_in(late, -90)
    due_in(later, 40)

    page = theo.get("/tickets/").content.decode()

    assert numbers(theo) == [late.number, later.number, ticket.number]
    assert "Antwort fällig in 40 Min." in page or "Antwort fällig in 39 Min." in page
    assert "pill-down" in page
    assert "Antwort überfällig" in page
    assert numbers(theo, "?due=overdue") == [late.number]
    assert set(numbers(theo, "?due=risk")) == {late.number, later.number}
    assert "fällig" not in alma.get("/tickets/").content.decode()


def test_filters_by_how_tickets_are_sorted(ticket: Ticket, city: City, theo: Client) -> None:
    scope = {"authority": city.authority}
    queue = Queue.objects.create(**scope, slug="netz", name_de="Netz")
    network = Category.objects.create(**scope, slug="netz", name_de="Netz")
    wifi = Category.objects.create(**scope, slug="wlan", name_de="WLAN", parent=network, queue=queue)
    tag, other = Tag.objects.create(**scope, name="Umbau"), opened(city, "WLAN", category=wifi)
    other.tags.add(tag)
    services.watch(ticket=other, by=city.technician)

    for query in (f"queue={queue.pk}", f"category={network.pk}", f"tag={tag.pk}", "owner=watched"):
        assert numbers(theo, f"?{query}") == [other.number], query
    assert "Netz <strong>1</strong>" in theo.get("/tickets/").content.decode()


def test_a_tag_finds_nothing_where_one_only_coordinates(ticket: Ticket, city: City) -> None:
    both = User.objects.create_user("mira@musterstadt.example", name="Mira")
    people.grant(user=both, role=Role.TECHNICIAN, scope_id=city.school_a.pk)
    people.grant(user=both, role=Role.COORDINATOR, scope_id=city.school_b.pk)
    tag, there = Tag.objects.create(authority=city.authority, name="Heikel"), opened(city, "WLAN", site=city.school_b)
    for one in (ticket, there):
        one.tags.add(tag)
    client = login(Client(), both)

    assert set(numbers(client)) == {ticket.number, there.number}
    assert numbers(client, f"?tag={tag.pk}") == [ticket.number]
    answer = client.get("/api/v1/tickets/?tag=heikel", headers=bearer(both)).json()
    assert [one["number"] for one in answer["results"]] == [ticket.number]


def test_all_of_a_filter_not_just_the_page(city: City, theo: Client, alma: Client) -> None:
    for number in range(55):
        opened(city, f"Nummer {number}")
    opened(city, "Ein anderes", kind=Ticket.Kind.REQUEST)

    answer = theo.post("/tickets/bulk/", {"all": "1", "query": "kind=incident", "do": "priority:4"})
    job = BulkJob.objects.get()
    while bulk.go_on(job_id=job.pk):
        pass

    assert answer.headers["Location"] == f"/tickets/bulk/{job.pk}/"
    assert Ticket.objects.filter(priority=4).count() == 55
    page = theo.get(f"/tickets/bulk/{job.pk}/").content.decode()
    assert "55 von 55 fertig" in page
    assert alma.get(f"/tickets/bulk/{job.pk}/").status_code == 404
    assert alma.post("/tickets/bulk/", {"all": "1", "do": "priority:1"}).status_code == 302
    assert BulkJob.objects.count() == 1


def test_marked_tickets_only_and_a_stop(ticket: Ticket, city: City, theo: Client) -> None:
    other = opened(city, "Anderes")

    theo.post("/tickets/bulk/", {"ticket": [other.pk], "do": "take:", "query": ""})
    job = BulkJob.objects.get()
    theo.post(f"/tickets/bulk/{job.pk}/stop/")

    assert [(row.ticket, row.state) for row in job.rows.all()] == [(other, "stopped")]
    assert "Angehalten" in theo.get(f"/tickets/bulk/{job.pk}/progress/").content.decode()


def test_a_double_click_orders_one_job(ticket: Ticket, theo: Client) -> None:
    token = theo.get("/tickets/").context["bulk_form"]["token"].value()
    said = {"ticket": [ticket.pk], "do": "take:", "query": "", "token": token}

    first, second = theo.post("/tickets/bulk/", said), theo.post("/tickets/bulk/", said)
    other = theo.post("/tickets/bulk/", said | {"do": "priority:4"})

    assert first.headers["Location"] == second.headers["Location"] != other.headers["Location"]
    assert BulkJob.objects.count() == 2


# --- one ticket -----------------------------------------------------------------------------------------------------------


def test_merging_by_number_leads_to_the_ticket_that_goes_on(ticket: Ticket, city: City, theo: Client) -> None:
    into = opened(city, "Dasselbe")

    answer = theo.post(f"/tickets/{ticket.number}/relate/", {"act": "merge", "number": into.number.lower()})

    assert answer.headers["Location"] == f"/tickets/{into.number}/"
    assert theo.get(f"/tickets/{ticket.number}/").headers["Location"] == f"/tickets/{into.number}/"
    assert "geht dort weiter" not in read(theo, into)
    assert "Seit heute." in read(theo, into)


def test_what_cannot_be_brought_together_says_why(ticket: Ticket, city: City, theo: Client, alma: Client) -> None:
    far = opened(city, "Anderswo", site=city.school_b)
    relate = f"/tickets/{ticket.number}/relate/"

    said = theo.post(relate, {"act": "merge", "number": far.number}, follow=True).content.decode()
    assert "Nur Tickets derselben Schule werden eins" in said
    assert (
        "Es gibt kein Ticket" in theo.post(relate, {"act": "link", "number": "F1999-000001"}, follow=True).content.decode()
    )
    assert alma.post(relate, {"act": "merge", "number": far.number}).status_code == 404


def test_links_tags_and_watchers(ticket: Ticket, city: City, theo: Client) -> None:
    other, base = opened(city, "Verwandt"), f"/tickets/{ticket.number}/"

    theo.post(f"{base}relate/", {"act": "link", "number": other.number})
    theo.post(f"{base}tag/", {"name": " <b>Um bau</b> "})
    theo.post(f"{base}tag/", {"name": "<B>um bau</B>"})
    theo.post(f"{base}watch/", {"watch": "1"})

    page = read(theo, ticket)
    assert "Verwandt" in page
    assert "&lt;b&gt;Um bau&lt;/b&gt;" in page
    assert (Tag.objects.count(), list(ticket.watchers.all())) == (1, [city.technician])
    assert "Drucker druckt nicht" in read(theo, other)
    theo.post(f"{base}unlink/", {"link": TicketLink.objects.get().pk})
    theo.post(f"{base}tag/", {"remove": Tag.objects.get().pk})
    theo.post(f"{base}watch/", {"watch": "0"})
    assert not TicketLink.objects.exists()
    assert (ticket.tags.count(), ticket.watchers.count()) == (0, 0)


def test_splitting_keeps_what_was_typed_when_nothing_was_chosen(ticket: Ticket, theo: Client) -> None:
    article = ticket.articles.get()
    services.notify(ticket=ticket, notice="taken")

    refused = theo.post(f"/tickets/{ticket.number}/split/", {"subject": "Beamer"})
    done = theo.post(f"/tickets/{ticket.number}/split/", {"subject": "Beamer", "articles": [article.pk]})

    assert (refused.status_code, 'value="Beamer"' in refused.content.decode()) == (422, True)
    fresh = Ticket.objects.get(subject="Beamer")
    assert done.headers["Location"] == f"/tickets/{fresh.number}/"


def test_an_incident_says_whom_it_reaches_and_offers_to_resolve_its_cases(ticket: Ticket, city: City, theo: Client) -> None:
    incident = opened(city, "Großstörung", requester=None)
    theo.post(f"/tickets/{ticket.number}/relate/", {"act": "parent", "number": incident.number})
    assert "geht auch an 1 zugehöriges Ticket" in read(theo, incident)

    services.transition(ticket=incident, to=Ticket.State.RESOLVED)
    assert "Auch 1 zugehöriges Ticket lösen" in read(theo, incident)
    theo.post(f"/tickets/{incident.number}/cases/")
    bulk.go_on_with_all()

    ticket.refresh_from_db()
    assert ticket.state == Ticket.State.RESOLVED


def test_a_case_tells_its_school_nothing_of_the_incidents_school(ticket: Ticket, city: City, alma: Client) -> None:
    incident = opened(city, "SW-1-B antwortet nicht", site=city.school_b, requester=None)
    services.set_parent(ticket=ticket, parent=incident, by=city.technician)
    services.link(ticket=ticket, other=opened(city, "Nur bei B", site=city.school_b), by=None)

    page = read(alma, ticket)

    assert "größeren Störung" in page
    assert "SW-1-B" not in page
    assert "Nur bei B" not in page


def test_two_people_see_each_other(ticket: Ticket, city: City, theo: Client, ada: Client, alma: Client) -> None:
    ada.post(f"/tickets/{ticket.number}/present/", {"body": "Ich schreibe gerade"})

    assert "Ada schreibt hier gerade" in theo.post(f"/tickets/{ticket.number}/present/").content.decode()
    assert "Ada schreibt hier gerade" in read(theo, ticket)
    assert "Theo sieht sich dieses Ticket" in ada.post(f"/tickets/{ticket.number}/present/").content.decode()
    assert alma.post(f"/tickets/{ticket.number}/present/").status_code == 404


def test_a_canned_reply_is_filled_in_and_gone_over(ticket: Ticket, city: City, theo: Client) -> None:
    macro = Macro.objects.create(
        authority=city.authority, name_de="Dank", body_de="Guten Tag {{ requester }}, <b>danke</b>."
    )

    page = theo.get(f"/tickets/{ticket.number}/?macro={macro.pk}").content.decode()

    assert "Guten Tag Alma, &lt;b&gt;danke&lt;/b&gt;." in page


def test_time_spent_adds_up(ticket: Ticket, theo: Client) -> None:
    for minutes in ("10", "5"):
        form = form_of(theo, ticket, "reply")
        theo.post(f"/tickets/{ticket.number}/reply/", form | {"body": f"{minutes} min.", "minutes": minutes, "to": ""})

    assert "15 min" in read(theo, ticket)


def test_the_question_at_the_end_is_one_click(ticket: Ticket, anonymous: Client, alma: Client, theo: Client) -> None:
    services.transition(ticket=ticket, to=Ticket.State.RESOLVED)
    link = f"/tickets/rate/{rating.token(ticket)}/"

    assert anonymous.get(link).status_code == 200
    assert not Rating.objects.exists()
    assert anonymous.post(link, {"comment": "Ohne Antwort"}).status_code == 422
    assert "Danke" in anonymous.post(link, {"grade": "1", "comment": "<b>Gut</b>"}).content.decode()
    assert "&lt;b&gt;Gut&lt;/b&gt;" in read(theo, ticket)
    alma.post(f"/tickets/{ticket.number}/rate/", {"grade": "3"})
    assert (Rating.objects.get().grade, Rating.objects.get().comment) == (3, "<b>Gut</b>")
    assert theo.post(f"/tickets/{ticket.number}/rate/", {"grade": "1"}).status_code == 404
    assert anonymous.get(link[:-3] + "x/").status_code == 404


def test_what_is_closed_and_comes_back_is_a_new_linked_ticket(ticket: Ticket, alma: Client) -> None:
    for to in (Ticket.State.RESOLVED, Ticket.State.CLOSED):
        services.transition(ticket=ticket, to=to)
    assert "Ist es wieder da?" in read(alma, ticket)

    alma.post(f"/tickets/{ticket.number}/follow-up/", {"body": "Wieder kaputt."})

    fresh = Ticket.objects.exclude(pk=ticket.pk).get()
    assert fresh.links.get().kind == TicketLink.Kind.FOLLOWS
    assert "Wieder kaputt." in read(alma, fresh)


def test_nothing_comes_back_at_a_school_that_has_closed(ticket: Ticket, city: City, theo: Client) -> None:
    for to in (Ticket.State.RESOLVED, Ticket.State.CLOSED):
        services.transition(ticket=ticket, to=to)
    Site.objects.filter(pk=city.school_a.pk).update(closed_at=timezone.now())

    page = theo.post(f"/tickets/{ticket.number}/follow-up/", {"body": "Wieder kaputt."})
    answer = theo.post(f"/api/v1/tickets/{ticket.number}/follow-up", {"body": "Wieder."}, content_type="application/json")

    assert (page.status_code, answer.status_code) == (403, 403)
    assert "Diese Schule ist geschlossen: Dort beginnt nichts Neues." in page.content.decode()
    assert answer.json()["detail"] == "Diese Schule ist geschlossen: Dort beginnt nichts Neues."
    assert Ticket.objects.get() == ticket


def test_the_page_costs_the_same_for_many_relations(
    ticket: Ticket, city: City, theo: Client, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(8):
        other = opened(city, f"Fall {number}")
        services.set_parent(ticket=other, parent=ticket, by=None)
        services.link(ticket=ticket, other=other, by=None)

    with django_assert_max_num_queries(21):
        read(theo, ticket)


# --- arrangements ---------------------------------------------------------------------------------------------------------


def test_an_administrator_arranges_and_deadlines_follow(ticket: Ticket, ada: Client, theo: Client) -> None:
    base = "/tickets/arrangements/"
    wish = {"name_de": "Üblich", "active": "on", "hours": "always", "first_response_min": "60"}

    assert ada.post(f"{base}agreement/new/", wish).status_code == 302
    assert ada.post(f"{base}queue/new/", {"name_de": "Netz & Ton"}).status_code == 302
    assert ada.post(f"{base}queue/new/", {"name_de": "Netz & Ton"}).status_code == 422
    refused = ada.post(f"{base}macro/new/", {"name_de": "Dank", "body_de": "{{ nmber }}"})
    assert (refused.status_code, "nmber" in refused.content.decode()) == (422, True)
    deliver()
    sla.reckon_due()

    agreement = Agreement.objects.get()
    ticket.refresh_from_db()
    assert ticket.due_at == ticket.created_at + timedelta(hours=1)
    assert "Antwort innerhalb von 60 min" in ada.get(base).content.decode()
    assert theo.get(base).status_code == 404
    ada.post(f"{base}agreement/{agreement.pk}/", {"delete": "1"})
    deliver()
    sla.reckon_due()
    ticket.refresh_from_db()
    assert (ticket.due_at, ticket.agreement) == (None, None)


def test_a_queue_in_use_stays(ticket: Ticket, city: City, ada: Client) -> None:
    queue = Queue.objects.create(authority=city.authority, slug="netz", name_de="Netz")
    Ticket.objects.filter(pk=ticket.pk).update(queue=queue)

    said = ada.post(f"/tickets/arrangements/queue/{queue.pk}/", {"delete": "1"}, follow=True).content.decode()

    assert "wird noch verwendet" in said


# --- the API --------------------------------------------------------------------------------------------------------------


def test_a_change_of_what_was_changed_meanwhile_is_412(ticket: Ticket, city: City, client: Client) -> None:
    headers = bearer(city.technician)
    url = f"/api/v1/tickets/{ticket.number}"
    etag = client.get(url, headers=headers).headers["ETag"]

    def patch(body: dict[str, Any], **more: str) -> Any:
        return client.patch(url, body, content_type="application/json", headers=headers | more)

    first = patch({"priority": 4}, **{"If-Match": etag})
    second = patch({"subject": "Zu spät"}, **{"If-Match": etag})

    assert (first.status_code, first.json()["priority"]) == (200, 4)
    assert (second.status_code, second.headers["Content-Type"]) == (412, "application/problem+json")
    assert patch({"subject": "Rechtzeitig"}, **{"If-Match": first.headers["ETag"]}).json()["subject"] == "Rechtzeitig"
    assert patch({"queue_id": 999}, **{"If-Match": "*"}).status_code == 422
    assert patch({"subject": "Ungefragt"}).status_code == 428


def test_relations_and_bulk_through_the_api(ticket: Ticket, city: City, client: Client) -> None:
    other, headers = opened(city, "Anderes"), bearer(city.technician)

    def call(path: str, body: dict[str, Any], method: str = "post") -> Any:
        send, said = getattr(client, method), headers | {"If-Match": "*"}
        return send(f"/api/v1/tickets/{path}", body, content_type="application/json", headers=said)

    assert call(f"{ticket.number}/tags", {"name": "Umbau"}).json()["tags"] == ["Umbau"]
    assert call(f"{ticket.number}/parent", {"number": other.number}, "put").json()["parent"] == other.number
    assert call(f"{ticket.number}/parent", {"number": None}, "put").json()["parent"] is None
    assert call("bulk/?state=new", {"do": "priority:4"}).json()["total"] == 2
    bulk.go_on_with_all()
    assert client.get("/api/v1/tickets/bulk/", headers=headers).json()["results"][0]["done"] == 2
    merged = call(f"{ticket.number}/merge", {"number": other.number})
    assert (merged.status_code, merged.json()["number"]) == (200, other.number)
    assert call(f"{other.number}/merge", {"number": ticket.number}).status_code == 409
    assert client.get(f"/api/v1/tickets/{ticket.number}", headers=headers).json()["merged_into"] == other.number


def test_an_act_on_all_says_of_how_many_where_not_all_are_counted(
    city: City, theo: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _number in range(3):
        opened(city)
    assert "Alles in dieser Liste: 3 Tickets" in theo.get("/tickets/").content.decode()

    monkeypatch.setattr(paging, "MOST", 2)

    assert "Alles in dieser Liste: mehr als 2 Tickets" in theo.get("/tickets/").content.decode()


def test_a_fault_without_a_ticket_has_no_empty_panel(ticket: Ticket, city: City, theo: Client) -> None:
    alert = silence(city.printer_a)
    address = f"/panels/alert/tickets/{alert.pk}/"
    assert theo.get(address).status_code == 404

    Ticket.objects.filter(pk=ticket.pk).update(alert=alert)

    assert ticket.number in theo.get(address).content.decode()


def test_what_is_done_does_not_say_that_nobody_looks_after_it(ticket: Ticket, alma: Client) -> None:
    assert "noch niemand" in alma.get(f"/tickets/{ticket.number}/").content.decode()

    Ticket.objects.filter(pk=ticket.pk).update(state="resolved")

    assert "noch niemand" not in alma.get(f"/tickets/{ticket.number}/").content.decode()
