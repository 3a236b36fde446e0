"""Mail that comes in: whose it is, where it belongs, and what is never done with it."""

import io
from pathlib import Path

import pytest
from django.conf import settings as product
from django.core import mail as outbox
from pytest_django import Settings

from fleet.events.services import deliver
from fleet.secrets import sealed
from helpdesk.mail import selectors, services, threads
from helpdesk.mail.models import IncomingMail, Mailbox, OutgoingMail
from helpdesk.mail.selectors import MOST_ACKNOWLEDGEMENTS
from helpdesk.mail.services import receiving
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article, Attachment, Ticket
from tests.conftest import City
from tests.unit.mail.conftest import Post

pytestmark = pytest.mark.django_db
STRANGER = "Egon Fremd <egon@anderswo.example>"


@pytest.fixture
def ticket(city: City) -> Ticket:
    """Alma's, answered by Theo."""
    opening = tickets.Opening(site=city.school_a, subject="Drucker", requester=city.coordinator_a)
    made = tickets.open_ticket(opening=opening)
    tickets.reply(ticket=made, said=tickets.Reply(author=city.technician, body="Ist er eingeschaltet?"))
    deliver()
    return made


def answer_to(ticket: Ticket) -> dict[str, str]:
    """As a mail program answers the mail that went out about Theo's answer."""
    sent = OutgoingMail.objects.get(article__ticket=ticket)
    return {"In-Reply-To": sent.message_id, "References": f"{threads.signed(ticket.number)} {sent.message_id}"}


def sent() -> list[str]:
    deliver()
    services.send_due()
    return [one.body for one in outbox.outbox]


def kept(row: IncomingMail) -> bytes:
    with (Path(product.MEDIA_ROOT) / row.file.name).open("rb") as file:
        return b"".join(sealed.opened(file, (row.secret or {})["key"]))


def keep_instead(row: IncomingMail, raw: bytes) -> None:
    with (Path(product.MEDIA_ROOT) / row.file.name).open("wb") as file:
        sealed.seal(io.BytesIO(raw), file, (row.secret or {})["key"])


def state(ticket: Ticket) -> str:
    ticket.refresh_from_db()
    return ticket.state


def test_a_coordinator_opens_a_ticket_at_their_school_and_is_told_its_number(post: Post, city: City) -> None:
    result = post("Pfad: C:\\Users\\temp\\neu", subject="AW: WG: Drucker", files=[("bild.png", b"bits")])

    ticket = Ticket.objects.get(pk=result.ticket)
    article = ticket.articles.get()
    assert (result.outcome, result.article) == ("new", article.pk)
    assert (ticket.subject, ticket.site, ticket.requester) == ("Drucker", city.school_a, city.coordinator_a)
    assert (article.body, article.channel, article.verified) == ("Pfad: C:\\Users\\temp\\neu", "mail", True)
    assert Attachment.objects.get().name == "bild.png"
    body = sent()[0]
    assert f"Ihre Nachricht ist angekommen. Sie hat die Nummer {ticket.number}." in body
    assert outbox.outbox[0].extra_headers["References"].endswith("<1@alma.example>")
    assert outbox.outbox[0].reply_to == ["it@musterstadt.example"]


def test_a_stranger_opens_one_at_the_mailbox_s_school_and_gets_answers(post: Post, city: City) -> None:
    ticket = Ticket.objects.get(pk=post(sender=STRANGER).ticket)
    tickets.reply(ticket=ticket, said=tickets.Reply(author=city.technician, body="Wir kommen."))
    tickets.reply(ticket=ticket, said=tickets.Reply(author=city.technician, body="Netzteil?", internal=True))

    bodies = sent()

    article = ticket.articles.first()
    assert article is not None
    assert (ticket.site, ticket.requester, article.sender, article.verified) == (city.school_b, None, STRANGER, False)
    assert [one.to for one in outbox.outbox] == [["egon@anderswo.example"]] * 2
    assert any("Wir kommen." in one for one in bodies)
    assert not any("Netzteil" in one for one in bodies)


def test_an_internal_note_never_goes_out_even_when_it_was_queued(post: Post, city: City) -> None:
    ticket = Ticket.objects.get(pk=post(sender=STRANGER).ticket)
    note = tickets.add_article(
        ticket=ticket, contribution=tickets.Contribution(author=city.technician, body="X", internal=True)
    )
    services.queue(article=note, address="egon@anderswo.example")

    assert not any("X" in one for one in sent()[1:])
    assert len(outbox.outbox) == 1


def test_a_plus_in_the_address_names_the_school(post: Post, city: City) -> None:
    result = post(sender=STRANGER, to="it+schule-a@musterstadt.example")

    assert Ticket.objects.get(pk=result.ticket).site == city.school_a


def test_somebody_of_several_schools_gets_a_ticket_where_they_may_see_it(post: Post, city: City) -> None:
    result = post(sender="theo@musterstadt.example")

    assert Ticket.objects.visible_to(city.technician).filter(pk=result.ticket, site=city.school_b).exists()


@pytest.mark.parametrize("sender", ["nora@musterstadt.example", STRANGER])
def test_an_account_without_a_role_is_a_stranger(sender: str, post: Post, city: City) -> None:
    assert Ticket.objects.get(pk=post(sender=sender).ticket).requester is None


def test_a_stranger_s_number_in_the_subject_opens_a_new_ticket(post: Post, ticket: Ticket) -> None:
    before = (ticket.articles.count(), state(ticket), ticket.version)

    result = post(sender=STRANGER, subject=f"Re: [{ticket.number}] Drucker")

    assert result.outcome == "new"
    assert result.ticket != ticket.pk
    assert (ticket.articles.count(), state(ticket), ticket.version) == before


def test_somebody_of_another_school_is_a_stranger_to_it(post: Post, ticket: Ticket) -> None:
    by_number = post(sender="bruno@musterstadt.example", subject=f"[{ticket.number}]")
    by_thread = post(sender="bruno@musterstadt.example", headers=answer_to(ticket), message_id="<2@bruno.example>")

    assert by_number.outcome == "new"
    assert (by_thread.outcome, by_thread.ticket) == ("appended", ticket.pk)
    note = Article.objects.get(pk=by_thread.article)
    assert (note.internal, note.verified, note.author) == (True, False, None)


@pytest.mark.parametrize("sender", ["alma@musterstadt.example", "THEO@Musterstadt.example"])
def test_the_number_is_enough_for_whoever_takes_part(sender: str, post: Post, ticket: Ticket) -> None:
    result = post("Ja.", sender=sender, subject=f"AW: [{ticket.number}] Drucker")

    assert (result.outcome, result.ticket) == ("appended", ticket.pk)


def test_an_unknown_sender_answering_a_forwarded_thread_is_an_unverified_note(
    post: Post, ticket: Ticket, city: City
) -> None:
    tickets.transition(ticket=ticket, to=Ticket.State.RESOLVED)

    result = post("Ich bin der Hausmeister.", sender='"Alma" <egon@anderswo.example>', headers=answer_to(ticket))

    note = Article.objects.get(pk=result.article)
    assert (result.outcome, result.ticket, state(ticket)) == ("appended", ticket.pk, "resolved")
    assert (note.author, note.verified, note.internal) == (None, False, True)
    assert note.sender == "Alma <egon@anderswo.example>"
    assert not any("Hausmeister" in one for one in sent())


def test_a_forged_message_id_is_nothing(post: Post, ticket: Ticket) -> None:
    forged = f"<{ticket.number}.1.1.{'0' * 20}@localhost>"

    assert post(headers={"In-Reply-To": forged, "References": forged}).outcome == "new"


def test_an_ancestor_only_in_references_leads_to_its_thread(post: Post, ticket: Ticket) -> None:
    sent_before = OutgoingMail.objects.get(article__ticket=ticket).message_id

    result = post("Ja.", headers={"References": f"{sent_before} <between@anderswo.example>"})

    assert (result.outcome, result.ticket) == ("appended", ticket.pk)


def test_an_answer_before_our_acknowledgement_lands_right(post: Post) -> None:
    first = post()

    second = post("Noch etwas.", message_id="<2@alma.example>", headers={"References": "<1@alma.example>"})

    assert (second.outcome, second.ticket) == ("appended", first.ticket)


def test_whoever_wrote_without_an_account_answers_in_public(post: Post) -> None:
    first = post(sender=STRANGER)

    second = post("Danke", sender=STRANGER, message_id="<2@x.example>", headers={"In-Reply-To": "<1@alma.example>"})

    article = Article.objects.get(pk=second.article)
    assert (second.ticket, article.internal, article.verified, article.author) == (first.ticket, False, False, None)


def test_one_mail_to_two_mailboxes_is_one_ticket_and_one_acknowledgement(post: Post, city: City) -> None:
    other = Mailbox.objects.create(authority=city.authority, site=city.school_a, address="hilfe@musterstadt.example")
    to = "it@musterstadt.example, hilfe@musterstadt.example"

    first, second = post(to=to), post(to=to, box=other)

    assert (first.outcome, second.outcome, second.ticket, second.article) == ("new", "dropped", first.ticket, first.article)
    assert len(sent()) == 1


def test_without_a_message_id_what_it_says_counts(post: Post) -> None:
    outcomes = [post(text, message_id=None).outcome for text in ("Eins", "Eins", "Zwei")]

    assert outcomes == ["new", "dropped", "new"]


def test_a_message_id_used_twice_loses_nothing(post: Post) -> None:
    assert [post(subject=one).outcome for one in ("Drucker", "Beamer", "Beamer")] == ["new", "new", "dropped"]


OUT_OF_OFFICE = [
    {"Auto-Submitted": "auto-replied (vacation)"},
    {"Precedence": "auto_reply"},
    {"Precedence": "bulk"},
    {"X-Autoreply": "yes"},
    {"Return-Path": "<>"},
]


@pytest.mark.parametrize("headers", OUT_OF_OFFICE, ids=str)
def test_an_out_of_office_reply_is_stored_and_opens_nothing_again(
    headers: dict[str, str], post: Post, ticket: Ticket
) -> None:
    tickets.transition(ticket=ticket, to=Ticket.State.RESOLVED)

    result = post("Ich bin bis Montag nicht da.", headers={**answer_to(ticket), **headers})

    assert (result.outcome, result.ticket, state(ticket)) == ("stored", ticket.pk, "resolved")
    assert Article.objects.get(pk=result.article).internal
    assert not OutgoingMail.objects.filter(acknowledges=True).exists()


def test_one_that_belongs_nowhere_opens_nothing(post: Post) -> None:
    answers = {"In-Reply-To": "<7@elsewhere.example>"}

    result = post(subject="Automatische Antwort: Ihr Ticket", sender=STRANGER, headers=answers)

    assert (result.outcome, result.ticket, result.article) == ("stored", None, None)
    assert not Ticket.objects.exists()


def test_a_bounce_stands_in_the_ticket_whose_mail_came_back(post: Post, ticket: Ticket) -> None:
    lost = OutgoingMail.objects.get(article__ticket=ticket).message_id
    raw = (
        "From: MAILER-DAEMON@relay.example\nTo: it@musterstadt.example\nSubject: Undelivered\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nThe mailbox is full.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\nStatus: 5.2.2\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nSubject: x\nMessage-ID: {lost}\n\n--b--\n"
    )

    result = post(raw=raw.encode())

    assert (result.outcome, result.ticket) == ("stored", ticket.pk)
    assert "The mailbox is full." in Article.objects.get(pk=result.article).body


@pytest.mark.parametrize(
    "more",
    [
        {"sender": "it@musterstadt.example"},
        {"sender": "Fleetdesk <fleetdesk@musterstadt.example>"},
        {"headers": {"X-Loop": threads.loop_mark()}},
        {"message_id": threads.signed("F2026-000001")},
    ],
    ids=str,
)
def test_our_own_mail_is_dropped(more: dict[str, str], post: Post) -> None:
    assert post(**more).outcome == "dropped"
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(
    "more",
    [
        {"sender": "noreply@anderswo.example"},
        {"headers": {"List-Id": "<lehrer.example>"}},
        {"headers": {"X-Auto-Response-Suppress": "All"}},
    ],
    ids=str,
)
def test_nobody_reads_an_acknowledgement_there(more: dict[str, str], post: Post) -> None:
    assert post(**more).outcome == "new"
    assert sent() == []


def test_two_programs_that_answer_each_other_come_to_rest(post: Post) -> None:
    for number in range(MOST_ACKNOWLEDGEMENTS + 2):
        post(f"Anfrage {number}", sender="bot@anderswo.example", message_id=f"<{number}@bot.example>")

    assert OutgoingMail.objects.filter(acknowledges=True).count() == MOST_ACKNOWLEDGEMENTS
    assert Ticket.objects.count() == MOST_ACKNOWLEDGEMENTS + 2


def test_an_answer_opens_what_was_solved(post: Post, ticket: Ticket) -> None:
    tickets.transition(ticket=ticket, to=Ticket.State.RESOLVED)

    post("Geht wieder nicht.", headers=answer_to(ticket))

    assert state(ticket) == "open"


def test_an_answer_to_a_closed_one_opens_a_new_one_that_knows_it(post: Post, ticket: Ticket, city: City) -> None:
    tickets.transition(ticket=ticket, to=Ticket.State.RESOLVED)
    tickets.transition(ticket=ticket, to=Ticket.State.CLOSED)

    result = post("Geht wieder nicht.", headers=answer_to(ticket))

    new = Ticket.objects.get(pk=result.ticket)
    assert (result.outcome, new.requester, state(ticket)) == ("new", city.coordinator_a, "closed")
    assert new.links.get(kind="follows").target == ticket


@pytest.mark.parametrize("raw", [b"", b"\x00\xff\xfe", b"just words\n", b"Subject: nobody\n\nHello\n"])
def test_what_cannot_be_read_is_set_aside_with_the_reason_and_kept(raw: bytes, post: Post) -> None:
    result = post(raw=raw)

    row = IncomingMail.objects.get()
    assert (result.outcome, result.ticket) == ("quarantined", None)
    assert result.reason == row.reason != ""
    assert kept(row) == raw


def test_one_that_is_too_large_is_set_aside_and_kept(post: Post, settings: Settings) -> None:
    settings.MAIL_BYTES = 20_000

    result = post(files=[("film.mp4", b"x" * 50_000)])

    row = IncomingMail.objects.get()
    assert (result.outcome, row.subject, row.sender) == ("quarantined", "Drucker", "alma@musterstadt.example")
    assert row.size > 50_000


def test_a_file_that_is_too_large_is_left_out_and_named(post: Post, settings: Settings) -> None:
    settings.FILE_BYTES = 1000

    result = post(files=[("klein.txt", b"x"), ("film.mp4", b"x" * 2000)])

    article = Article.objects.get(pk=result.article)
    assert [one.name for one in article.attachments.all()] == ["klein.txt"]
    assert article.ticket.articles.get(notice="mail-files-left-out").details == {"names": "film.mp4"}


def test_an_auditor_who_may_not_report_is_heard_all_the_same(post: Post, city: City) -> None:
    ticket = Ticket.objects.get(pk=post(sender="rita@musterstadt.example").ticket)

    assert (ticket.requester, ticket.site) == (None, city.school_b)


def test_what_was_set_aside_is_tried_again_once(post: Post, city: City) -> None:
    post(raw=b"Subject: nobody\n\nHello\n")
    row = IncomingMail.objects.get()
    keep_instead(row, b"From: alma@musterstadt.example\n\nHello\n")  # as if a better parser read it

    first, second = receiving.again(row=row), receiving.again(row=row)

    assert (first.outcome, second.outcome, first.ticket) == ("new", "new", second.ticket)
    assert Ticket.objects.count() == 1
    assert not receiving.drop(row=row)


def test_who_floods_us_is_set_aside(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "MOST_TICKETS", 2)

    outcomes = [post(f"Nr. {n}", sender=STRANGER, message_id=f"<{n}@x.example>").outcome for n in range(3)]

    assert outcomes == ["new", "new", "quarantined"]
