"""Mail to the requester: which, in which language, sent once, tried again; a dead mail server loses nothing."""

import socket
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail as outbox
from django.utils import timezone
from pytest_django import Settings

from fleet.events.services import deliver
from fleet.people.models import User
from helpdesk.mail import services
from helpdesk.mail.models import OutgoingMail
from helpdesk.mail.rules import MOST_ATTEMPTS
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City

pytestmark = pytest.mark.django_db


@pytest.fixture
def ticket(city: City) -> Ticket:
    opening = tickets.Opening(site=city.school_a, subject="Drucker\ndruckt nicht", requester=city.coordinator_a)
    return tickets.open_ticket(opening=opening)


def theo_says(ticket: Ticket, city: City, body: str, *, internal: bool = False) -> None:
    tickets.reply(ticket=ticket, said=tickets.Reply(author=city.technician, body=body, internal=internal))
    deliver()


def test_the_requester_is_told_in_their_language(ticket: Ticket, city: City, settings: Settings) -> None:
    settings.BASE_URL = "https://it.musterstadt.example/"
    theo_says(ticket, city, "Ich komme morgen. <b>Bis dann</b>")

    assert services.send_due() == 1

    sent = outbox.outbox[0]
    assert sent.to == ["alma@musterstadt.example"]
    assert sent.subject == f"[{ticket.number}] Drucker druckt nicht"
    assert "Theo:" in sent.body
    assert "Ich komme morgen. <b>Bis dann</b>" in sent.body
    assert f"Das Ticket finden Sie hier: https://it.musterstadt.example/tickets/{ticket.number}/" in sent.body
    assert sent.content_subtype == "plain"


def test_english_readers_get_english(ticket: Ticket, city: City) -> None:
    city.coordinator_a.language = "en"
    city.coordinator_a.save()
    theo_says(ticket, city, "Tomorrow.")

    services.send_due()

    assert outbox.outbox[0].body.startswith("Hello Alma,")


def test_internal_notes_ones_own_words_and_steps_on_the_way_send_nothing(ticket: Ticket, city: City) -> None:
    theo_says(ticket, city, "Netzteil?", internal=True)
    tickets.reply(ticket=ticket, said=tickets.Reply(author=city.coordinator_a, body="Danke"))
    tickets.notify(ticket=ticket, notice="change-started", at="2026-11-23T09:00:00+00:00")
    deliver()

    assert not OutgoingMail.objects.exists()


def test_what_matters_is_told_with_the_evidence(ticket: Ticket) -> None:
    evidence = {
        "reading": "wireless.ssids", "holds": "contains", "wanted": "Abi", "before": ["Schule"], "after": ["Schule", "Abi"],
        "verdict": "confirmed", "device": "AP-204-A", "measured_at": "2026-11-23T09:42:00+00:00",
    }  # fmt: skip
    tickets.notify(ticket=ticket, notice="change-confirmed", slug="", evidence=[evidence])
    deliver()

    services.send_due()

    body = outbox.outbox[0].body
    assert "Erledigt. " in body
    assert "AP-204-A: vorher Schule, nachher Schule, Abi" in body


def test_message_ids_are_stable_signed_and_one_thread(ticket: Ticket, city: City) -> None:
    theo_says(ticket, city, "Eins")
    theo_says(ticket, city, "Zwei")
    first, second = OutgoingMail.objects.order_by("pk")

    assert first.message_id == services.message_id(first.article, city.coordinator_a)
    assert first.message_id != second.message_id
    assert services.message(first).extra_headers["References"] == services.message(second).extra_headers["References"]


def test_an_event_delivered_again_makes_no_second_mail(ticket: Ticket, city: City) -> None:
    theo_says(ticket, city, "Einmal")
    row = OutgoingMail.objects.get()

    assert services.queue(article=row.article, recipient=city.coordinator_a) == row


def test_what_was_sent_is_not_sent_again(ticket: Ticket, city: City) -> None:
    theo_says(ticket, city, "Einmal")

    assert [services.send_due(), services.send_due()] == [1, 0]
    assert len(outbox.outbox) == 1


def test_a_claim_that_another_worker_holds_is_left_alone(ticket: Ticket, city: City) -> None:
    theo_says(ticket, city, "Einmal")
    row = OutgoingMail.objects.get()

    assert services._claim(row.pk, row.next_try_at)
    assert not services._claim(row.pk, row.next_try_at)
    assert services.send_due() == 0


def test_a_dead_mail_server_loses_nothing(ticket: Ticket, city: City, settings: Settings, tmp_path: Path) -> None:
    theo_says(ticket, city, "Wichtig")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        settings.EMAIL_HOST, settings.EMAIL_PORT = closed.getsockname()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        assert services.send_due() == 0
    row = OutgoingMail.objects.get()
    assert (row.state, row.attempts) == ("waiting", 1)
    assert row.next_try_at > timezone.now()

    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = "django.core.mail.backends.filebased.EmailBackend", tmp_path
    OutgoingMail.objects.update(next_try_at=timezone.now() - timedelta(seconds=1))

    assert services.send_due() == 1
    assert "Wichtig" in next(tmp_path.iterdir()).read_text()


def test_a_mail_that_cannot_be_made_holds_nobody_and_is_given_up(ticket: Ticket, city: City) -> None:
    """Its notice lacks what its sentence needs: written by another release, for example."""
    bad = Article.objects.create(ticket=ticket, notice="alert-closed", details={})
    good = Article.objects.create(ticket=ticket, body="Wir kommen heute.", author=city.technician)
    for article in (bad, good):
        services.queue(article=article, recipient=city.coordinator_a)

    for _ in range(MOST_ATTEMPTS):
        services.send_due()
        OutgoingMail.objects.filter(state="waiting").update(next_try_at=timezone.now())

    assert OutgoingMail.objects.get(article=good).state == "sent"
    failed = OutgoingMail.objects.get(article=bad)
    assert (failed.state, failed.attempts) == ("failed", MOST_ATTEMPTS)
    assert failed.error


@pytest.mark.parametrize("leave", ["account", "school"])
def test_who_has_left_is_told_nothing(ticket: Ticket, city: City, leave: str) -> None:
    alma = city.coordinator_a
    article = tickets.add_article(ticket=ticket, contribution=tickets.Contribution(author=city.technician, body="Geheim"))
    services.queue(article=article, recipient=alma)
    if leave == "account":
        User.objects.filter(pk=alma.pk).update(is_active=False)
    else:
        alma.grants.all().delete()

    services.send_due()

    assert not [mail for mail in outbox.outbox if "Geheim" in str(mail.body)]
    assert set(OutgoingMail.objects.filter(article=article).values_list("state", flat=True)) == {"failed"}
