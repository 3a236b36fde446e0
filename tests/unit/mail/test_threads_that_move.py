"""Answers find their ticket after it was merged, split or left alone for long, and two programs come to rest in it."""

from datetime import timedelta

import pytest
from django.core import mail as outbox
from django.utils import timezone
from pytest_django import Settings

from fleet.events.services import deliver
from helpdesk.mail import selectors, services
from helpdesk.mail.models import IncomingMail, OutgoingMail
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City
from tests.unit.mail.conftest import Post

pytestmark = pytest.mark.django_db
PARENT = "Egon <egon@anderswo.example>"
ALMA = "alma@musterstadt.example"


@pytest.fixture
def ticket(city: City) -> Ticket:
    """Alma's, watched by Ada."""
    made = tickets.open_ticket(opening=tickets.Opening(city.school_a, "Drucker", requester=city.coordinator_a))
    tickets.watch(ticket=made, by=city.administrator)
    return made


def mailed_to() -> set[str]:
    """Who got mail since."""
    outbox.outbox.clear()
    deliver()
    services.send_due()
    return {one.to[0] for one in outbox.outbox}


def test_whoever_wrote_without_an_account_still_answers_and_hears_after_a_merge(
    post: Post, ticket: Ticket, city: City
) -> None:
    first = post(sender=PARENT, message_id="<1@egon>", to="it+schule-a@musterstadt.example")
    tickets.merge(source=Ticket.objects.get(pk=first.ticket), into=ticket, by=city.technician)
    mailed_to()

    second = post("Danke.", sender=PARENT, message_id="<2@egon>", headers={"In-Reply-To": "<1@egon>"})

    article = Article.objects.get(pk=second.article)
    assert (second.outcome, second.ticket, article.internal) == ("appended", ticket.pk, False)
    assert mailed_to() == {ALMA, city.administrator.email}
    tickets.reply(ticket=ticket, said=tickets.Reply(city.technician, "Wir kommen."))
    assert mailed_to() == {ALMA, city.administrator.email, "egon@anderswo.example"}
    tickets.reply(ticket=ticket, said=tickets.Reply(city.technician, "Netzteil?", internal=True))
    assert "egon@anderswo.example" not in mailed_to()


def test_what_was_split_off_is_theirs_too(post: Post, city: City) -> None:
    first = post(sender=PARENT, message_id="<1@egon>")
    old = Ticket.objects.get(pk=first.ticket)
    more = post("Und der Beamer.", sender=PARENT, message_id="<2@egon>", headers={"In-Reply-To": "<1@egon>"})
    part = tickets.split(ticket=old, part=tickets.Part([more.article], "Beamer"), by=city.administrator)

    answer = post("Bild rot.", sender=PARENT, message_id="<3@egon>", headers={"In-Reply-To": "<2@egon>"})

    assert (answer.ticket, Article.objects.get(pk=answer.article).internal) == (part.pk, False)


@pytest.mark.parametrize("sender", [ALMA, PARENT])
def test_an_answer_that_comes_too_late_goes_on_in_a_new_ticket(sender: str, post: Post, settings: Settings) -> None:
    first = post(sender=sender)
    old = Ticket.objects.get(pk=first.ticket)
    tickets.transition(ticket=old, to=Ticket.State.RESOLVED)
    Ticket.objects.update(state_since=timezone.now() - timedelta(days=settings.REOPEN_DAYS, minutes=1))

    answer = post("Wieder kaputt.", sender=sender, message_id="<2@x>", headers={"In-Reply-To": "<1@alma.example>"})

    new = Ticket.objects.get(pk=answer.ticket)
    assert (answer.outcome, new.links.get(kind="follows").target) == ("new", old)


def test_programs_that_do_not_say_so_come_to_rest(post: Post, ticket: Ticket, city: City) -> None:
    """Requester and watcher both answer every mail, as if a person had written."""
    people = {city.coordinator_a.email, city.administrator.email}
    tickets.reply(ticket=ticket, said=tickets.Reply(city.technician, "Ist er an?"))
    for turn in range(4 * selectors.MOST_ANSWERS):
        reached = mailed_to() & people
        if not reached:
            break
        for number, address in enumerate(sorted(reached)):
            about = OutgoingMail.objects.filter(recipient__email=address).latest("pk")
            post("Ich bin unterwegs.", sender=address, message_id=f"<{turn}.{number}@x>",
                 headers={"In-Reply-To": about.message_id})  # fmt: skip

    assert mailed_to() == set()
    public = ticket.articles.filter(channel="mail", internal=False)
    assert public.count() == 2 * selectors.MOST_ANSWERS
    stored = IncomingMail.objects.filter(outcome="stored")
    assert stored.filter(reason__contains="answered more than 10 times").exists()


def test_a_note_made_of_a_mail_is_told_nobody(post: Post, ticket: Ticket, city: City) -> None:
    mailed_to()
    away = {"In-Reply-To": services.thread_id(ticket.articles.create()), "Auto-Submitted": "auto-replied"}

    answer = post("Weg.", headers=away)

    assert (answer.outcome, answer.ticket, mailed_to()) == ("stored", ticket.pk, set())
