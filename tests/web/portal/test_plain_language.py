"""Leichte Sprache where it was chosen, the school's open tickets, and the portal as an app."""

import re

import pytest
from django.test import Client

from fleet.monitoring.models import Health
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Ticket
from tests.conftest import City
from tests.web.portal.test_pages import answers, down, text

pytestmark = pytest.mark.django_db


def switch(client: Client, to: str, back: str = "/report/") -> str:
    return str(client.post("/plain-language/", {"plain": to, "next": back}).headers["Location"])


def test_who_chose_it_reads_short_sentences(alma: Client, city: City) -> None:
    assert switch(alma, "on") == "/report/"
    assert switch(alma, "on", "https://example.org/") == "/"
    ticket = tickets.open_ticket(opening=tickets.Opening(site=city.school_a, subject="X", requester=city.coordinator_a))
    Health.objects.filter(site=city.school_a).update(status=Health.Status.UP)

    assert "Alles geht." in text(alma, "/")
    assert "Wir haben Ihre Meldung. Bald hilft Ihnen jemand." in text(alma, "/")
    assert "In welchem Raum sind Sie?" in text(alma, "/report/")
    assert "Dann bekommen Sie eine Mail." in text(alma, f"/report/{ticket.number}/")
    down(city.access_point_a)
    assert "1 Raum hat eine Störung. Wir arbeiten daran." in text(alma, "/")

    switch(alma, "off")
    assert "In 1 Raum gibt es eine Störung" in text(alma, "/")


def test_a_report_in_plain_language_is_a_report(alma: Client, city: City) -> None:
    switch(alma, "on")

    alma.post("/report/", answers(alma, city))

    assert Ticket.objects.get().subject == "WLAN geht nicht · 204 Physik"


@pytest.mark.parametrize(
    ("state", "owned", "said"),
    [
        ("new", False, ["Bald hilft Ihnen jemand.", "Die Technik der Stadt hat Ihre Meldung.", "Sie müssen nichts tun."]),
        ("open", True, ["Theo hilft Ihnen.", "Sie müssen nichts tun."]),
        ("waiting-requester", True, ["Wir haben eine Frage.", "Jetzt sind Sie dran.", "Schreiben Sie unten Ihre Antwort."]),
        ("waiting-vendor", True, ["Eine Firma muss etwas tun.", "Theo kümmert sich darum."]),
        ("resolved", True, ["Es ist fertig.", "Geht es nicht? Dann schreiben Sie unten."]),
        ("closed", True, ["Es ist fertig.", "Ist es wieder da? Dann schreiben Sie unten."]),
    ],
)
def test_the_tickets_page_says_how_it_stands_who_has_it_and_what_comes_next(
    state: str, owned: bool, said: list[str], alma: Client, theo: Client, city: City
) -> None:
    ticket = tickets.open_ticket(opening=tickets.Opening(site=city.school_a, subject="X", requester=city.coordinator_a))
    Ticket.objects.filter(pk=ticket.pk).update(state=state, owner=city.technician if owned else None)
    usual = text(alma, f"/tickets/{ticket.number}/")
    for client in (alma, theo):
        switch(client, "on")

    page, story = text(alma, f"/tickets/{ticket.number}/"), text(alma, f"/tickets/{ticket.number}/story/")

    assert all(sentence in page and sentence in story for sentence in said)
    assert usual != page
    assert said[-1] not in text(theo, f"/tickets/{ticket.number}/"), "who works on it reads what they always read"


def test_my_school_says_what_is_open_there_whoever_reported_it(alma: Client, bruno: Client, city: City) -> None:
    opening = tickets.Opening(site=city.school_a, subject="Beamer flackert", requester=city.technician)
    ticket = tickets.open_ticket(opening=opening)
    tickets.take(ticket=ticket, by=city.technician)

    page = text(alma, f"/my-school/{city.school_a.pk}/")

    assert "Beamer flackert" in page
    assert "Theo kümmert sich darum." in page
    assert "Beamer flackert" not in text(bruno, f"/my-school/{city.school_b.pk}/")


def test_it_can_be_put_on_a_phones_start_screen(alma: Client, anonymous: Client) -> None:
    link = re.search(r'rel="manifest" href="([^"]+)"', text(alma, "/"))
    assert link

    answer = anonymous.get(link.group(1))

    assert answer.headers["Content-Type"] == "application/manifest+json"
    assert (answer.json()["display"], answer.json()["start_url"]) == ("standalone", "/")
    assert not answer.cookies
