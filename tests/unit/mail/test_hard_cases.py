"""What becomes of mail that is meant to go wrong: in whose name, in which ticket, and what of it stays on the disk."""

import io
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as product
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from fleet.events.services import deliver
from fleet.secrets import sealed
from helpdesk.mail import threads
from helpdesk.mail.models import IncomingMail, Mailbox, OutgoingMail
from helpdesk.mail.services import keeping, receiving
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article, Attachment, Queue, Ticket
from helpdesk.tickets.services import attachments
from tests.conftest import City
from tests.unit.mail.conftest import Post, letter

pytestmark = pytest.mark.django_db
STRANGER = "Egon Fremd <egon@anderswo.example>"


@pytest.fixture
def ticket(city: City) -> Ticket:
    """Alma's, answered by Theo."""
    made = tickets.open_ticket(opening=tickets.Opening(site=city.school_a, subject="Drucker", requester=city.coordinator_a))
    tickets.reply(ticket=made, said=tickets.Reply(author=city.technician, body="Ist er eingeschaltet?"))
    deliver()
    return made


def files(folder: str) -> list[Path]:
    return sorted(one for one in (Path(product.MEDIA_ROOT) / folder).glob("**/*") if one.is_file())


def close(ticket: Ticket) -> None:
    for state in (Ticket.State.RESOLVED, Ticket.State.CLOSED):
        tickets.transition(ticket=ticket, to=state)
    ticket.refresh_from_db()


# --- what rests on the disk -------------------------------------------------------------------------------------------


def test_a_mail_rests_sealed_and_opens_again(post: Post) -> None:
    post("Das Kennwort der Tafel ist planted-secret")
    row = IncomingMail.objects.get()
    (path,) = files("mail")

    assert b"planted" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    with path.open("rb") as file:
        assert b"planted-secret" in b"".join(sealed.opened(file, (row.secret or {})["key"]))


def test_copies_and_what_belongs_to_no_article_leave_nothing_behind(post: Post, city: City) -> None:
    other = Mailbox.objects.create(authority=city.authority, site=city.school_a, address="hilfe@musterstadt.example")
    first = letter(files=[("bild.png", b"bits")]).as_bytes()
    post(raw=b"Received: one\r\n" + first)
    post(raw=b"Received: another way\r\n" + first, box=other)
    automatic = {"Auto-Submitted": "auto-replied"}
    post(sender=STRANGER, message_id="<2@x>", headers=automatic, files=[("a.bin", b"other bits")])

    assert [one.outcome for one in IncomingMail.objects.order_by("pk")] == ["new", "stored"]
    assert len(files("mail")) == 2
    attachments.sweep(now=timezone.now() + timedelta(hours=2))
    assert [one.read_bytes() for one in files("attachments")] == [b"bits"]


def test_what_is_left_out_for_its_size_is_not_kept_either(post: Post, settings: Settings) -> None:
    settings.FILE_BYTES = 1000

    post(files=[("film.mp4", b"x" * 2000)])

    assert files("attachments") == []


def test_files_are_copied_before_anything_is_locked(post: Post) -> None:
    with CaptureQueriesContext(connection) as done:
        post(files=[("film.mp4", b"bits"), ("bild.png", b"others")])

    told = [one["sql"] for one in done]
    copied = [place for place, sql in enumerate(told) if sql.startswith('INSERT INTO "tickets_loosefile"')]
    (row,) = (place for place, sql in enumerate(told) if sql.startswith('INSERT INTO "mail_incomingmail"'))
    assert len(copied) == 2
    assert max(copied) < row
    assert [Path(one.file.path).read_bytes() for one in Attachment.objects.all()] == [b"bits", b"others"]


def test_with_a_full_disk_it_is_no_poison_and_comes_again(post: Post) -> None:
    place = Path(product.MEDIA_ROOT) / "attachments"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"nothing can be made below this")
    with pytest.raises(OSError, match="attachments"):
        post(files=[("bild.png", b"bits")])
    assert not IncomingMail.objects.exists()
    assert files("mail") == []

    place.unlink()

    assert post(files=[("bild.png", b"bits")]).outcome == "new"


def test_what_a_killed_process_left_is_swept_away(post: Post) -> None:
    post()
    (kept,) = files("mail")
    lost = kept.with_name("0" * 32)
    lost.write_bytes(b"x")

    assert keeping.sweep() == 0
    assert keeping.sweep(now=timezone.now() + timedelta(days=2)) == 1
    assert files("mail") == [kept]


def test_a_damaged_file_is_said_and_nothing_is_lost(post: Post) -> None:
    post(raw=b"Subject: nobody\n\nHello\n")
    row = IncomingMail.objects.get()
    path = Path(product.MEDIA_ROOT) / row.file.name
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    assert receiving.again(row=row).outcome == "quarantined"


def test_with_the_database_away_nothing_stays_and_it_comes_again(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(receiving, "mailbox_for", away)
    with pytest.raises(OperationalError):
        receiving.receive(source=io.BytesIO(letter().as_bytes()))

    assert files("mail") == []


def test_a_mail_of_two_hundred_thousand_letters_that_are_all_words_comes_in(post: Post) -> None:
    words = (f"{chr(0x4E00 + n // 20_000)}{chr(0x4E00 + n % 20_000)}" for n in range(66_800))
    text = " ".join(f"{one}-{next(words)}" for one in words)[:200_000]
    raw = b"From: x@fremd.example\nSubject: s\nMessage-ID: <1@f>\nContent-Type: text/plain; charset=utf-8\n\n"

    assert post(raw=raw + text.encode()).outcome == "new"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has such limits")
@pytest.mark.parametrize(("state", "outcome"), [("54000", "quarantined"), ("22001", "quarantined"), ("57P01", None)])
def test_what_the_database_refuses_is_set_aside_and_what_it_is_away_for_comes_again(
    state: str, outcome: str | None, post: Post
) -> None:
    with connection.cursor() as cursor:
        refuse = f"BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END"
        cursor.execute(f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ {refuse} $$")
        cursor.execute("CREATE TRIGGER refuse BEFORE INSERT ON tickets_article FOR EACH ROW EXECUTE FUNCTION refuse()")

    if outcome is None:
        with pytest.raises(OperationalError):
            post()
    else:
        assert post().outcome == outcome
        assert receiving.again(row=IncomingMail.objects.get()).outcome == outcome


def test_of_an_erased_sender_s_mail_nothing_can_be_read_again(post: Post) -> None:
    post(raw=b"Subject: nobody\n\nHello\n")
    IncomingMail.objects.update(file="")

    assert receiving.again(row=IncomingMail.objects.get()).outcome == "quarantined"


# --- where it belongs -------------------------------------------------------------------------------------------------


def test_fifty_megabytes_are_set_aside_and_the_next_one_goes_on(post: Post) -> None:
    first = post(files=[("film.mp4", b"x" * (50 * 2**20))])
    second = post("Danach", message_id="<2@alma.example>")

    assert (first.outcome, second.outcome) == ("quarantined", "new")
    assert "more than the 40 MB" in first.reason


def test_ten_thousand_parts_make_one_ticket_that_says_so(post: Post) -> None:
    part = b"--b\r\nContent-Type: image/png\r\n\r\nx\r\n"
    head = letter().as_bytes().split(b"Content-Type")[0]

    result = post(raw=head + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + part * 10_000 + b"--b--")

    ticket = Ticket.objects.get(pk=result.ticket)
    assert result.outcome == "new"
    assert "(+9900)" in ticket.articles.get(notice="mail-files-left-out").details["names"]
    assert ticket.articles.first().attachments.count() == product.FILES_PER_ARTICLE  # type: ignore[union-attr]


def test_a_gateway_that_marks_one_copy_makes_no_second_ticket(post: Post, city: City) -> None:
    other = Mailbox.objects.create(authority=city.authority, site=city.school_a, address="hilfe@musterstadt.example")

    first, second = post(), post(subject="[EXTERN] Drucker", box=other)

    assert (first.outcome, second.outcome, second.ticket) == ("new", "dropped", first.ticket)
    assert OutgoingMail.objects.filter(acknowledges=True).count() == 1


def test_somebody_in_copy_who_answers_first_writes_in_nobody_s_name(post: Post) -> None:
    first = post()

    second = post("Bei uns auch.", sender=STRANGER, message_id="<2@x.example>", headers={"References": "<1@alma.example>"})

    note = Article.objects.get(pk=second.article)
    assert (second.outcome, second.ticket) == ("appended", first.ticket)
    assert (note.internal, note.verified, note.author, note.sender) == (True, False, None, STRANGER)


def test_a_stranger_s_number_of_a_closed_ticket_opens_one_that_knows_nothing(post: Post, ticket: Ticket) -> None:
    close(ticket)

    result = post(sender=STRANGER, subject=f"AW: WG: Fwd: [{ticket.number}] Drucker")

    fresh = Ticket.objects.get(pk=result.ticket)
    assert (result.outcome, fresh.subject) == ("new", f"[{ticket.number}] Drucker")
    assert not fresh.links.exists()


def test_an_answer_to_a_closed_one_hangs_together_with_it_as_any_other(post: Post, ticket: Ticket) -> None:
    close(ticket)
    sent = OutgoingMail.objects.filter(article__ticket=ticket).first()
    assert sent is not None

    result = post("Wieder kaputt.", subject="AW: Drucker", headers={"In-Reply-To": sent.message_id})

    fresh = Ticket.objects.get(pk=result.ticket)
    article = fresh.articles.get()
    assert [(one.kind, one.target_id) for one in fresh.links.all()] == [("follows", ticket.pk)]
    assert (article.body, article.notice, article.channel) == ("Wieder kaputt.", "follows", "mail")
    assert article.details["number"] == ticket.number


def test_what_goes_on_from_a_restricted_ticket_stays_restricted(post: Post, ticket: Ticket, city: City) -> None:
    queue = Queue.objects.create(authority=city.authority, slug="sicher", name_de="Sicherheit", restricted=True)
    sent = OutgoingMail.objects.filter(article__ticket=ticket).first()
    assert sent is not None
    Ticket.objects.filter(pk=ticket.pk).update(queue=queue)
    close(ticket)

    result = post("Noch etwas.", headers={"In-Reply-To": sent.message_id})

    assert Ticket.objects.get(pk=result.ticket).queue == queue


def test_a_chain_of_prefixes_is_no_subject(post: Post) -> None:
    result = post(subject="AW: WG: Fwd: Re[3]: AW: C:\\Users\\temp\\neu fehlt")

    assert Ticket.objects.get(pk=result.ticket).subject == "C:\\Users\\temp\\neu fehlt"


@pytest.mark.parametrize("value", ["no", "No (typed by hand)", "no; x=y"])
def test_a_person_who_says_so_gets_a_ticket(value: str, post: Post) -> None:
    assert post(headers={"Auto-Submitted": value}).outcome == "new"


def test_an_approval_s_mail_that_comes_back_is_ours(post: Post) -> None:
    assert post(sender=STRANGER, headers={"X-Loop": threads.loop_mark()}).outcome == "dropped"


def test_mail_of_before_is_sealed_and_nothing_is_lost_when_that_is_ended_in_the_middle(post: Post) -> None:
    post("Erste")
    root, first = Path(product.MEDIA_ROOT), IncomingMail.objects.get()
    (root / "mail" / "open").write_bytes(b"planted-secret")
    fields = {field.attname: getattr(first, field.attname) for field in first._meta.concrete_fields if not field.primary_key}
    IncomingMail.objects.all().delete()
    for number in range(2):  # two rows may share an open file
        IncomingMail.objects.create(**fields | {"key": f"k{number}", "file": "mail/open", "secret": None})
    seal = import_module("helpdesk.mail.migrations.0006_seal_what_came").seal

    seal(apps, None)
    seal(apps, None)

    for row in IncomingMail.objects.all():
        with (root / row.file.name).open("rb") as file:
            assert b"".join(sealed.opened(file, (row.secret or {})["key"])) == b"planted-secret"
    assert not (root / "mail" / "open").exists()
