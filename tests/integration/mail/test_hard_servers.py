"""Mail servers that hang up, refuse or take their time hold no mailbox: one mail waits, and is set aside in the end."""

import time
from collections.abc import Iterator

import pytest
from django.utils import timezone
from pytest_django import Settings

from helpdesk.mail import imap
from helpdesk.mail.models import IncomingMail, Mailbox
from helpdesk.mail.services import receiving
from helpdesk.tickets.models import Ticket
from tests.conftest import City
from tests.integration.mail.servers import Inbox, served
from tests.unit.mail.conftest import letter

pytestmark = pytest.mark.django_db


def mails(*uids: int) -> dict[int, bytes]:
    return {uid: letter(f"Nr. {uid}", message_id=f"<{uid}@alma.example>").as_bytes() for uid in uids}


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with served(Inbox(mails(1, 2, 3))) as one:
        yield one


@pytest.fixture
def mailbox(city: City, inbox: Inbox) -> Mailbox:
    return Mailbox.objects.create(
        authority=city.authority, site=city.school_b, address="it@musterstadt.example", host="127.0.0.1", port=inbox.port,
        security="none", processed_folder="",
    )  # fmt: skip


def outcomes() -> list[str]:
    return list(IncomingMail.objects.order_by("pk").values_list("outcome", flat=True))


@pytest.mark.parametrize("how", ["hangs_up", "refuses"])
def test_a_mail_at_which_the_line_breaks_holds_no_other_and_is_set_aside(how: str, inbox: Inbox, mailbox: Mailbox) -> None:
    getattr(inbox, how).add(2)

    assert imap.poll(mailbox.pk) == 2
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.last_uid, mailbox.tries) == ("failing", 3, {"2": 1})
    assert "mail 2" in mailbox.error
    inbox.mails |= mails(4)
    assert [imap.poll(mailbox.pk) for _ in range(4)] == [1, 0, 0, 0]

    row = IncomingMail.objects.get(outcome="quarantined")
    assert "UID 2" in row.reason
    assert [uid for uid, _size in inbox.fetched] == [1, 3, 4]
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.last_uid, mailbox.tries) == ("ok", 4, {})
    assert receiving.again(row=row).outcome == "quarantined"


def test_one_that_can_be_fetched_the_second_time_is_read(inbox: Inbox, mailbox: Mailbox) -> None:
    inbox.hangs_up.add(2)
    imap.poll(mailbox.pk)
    inbox.hangs_up.clear()

    assert imap.poll(mailbox.pk) == 1

    mailbox.refresh_from_db()
    assert (outcomes(), mailbox.tries, mailbox.state) == (["new"] * 3, {}, "ok")


def test_a_server_that_fetches_nothing_at_all_loses_no_mail(inbox: Inbox, mailbox: Mailbox) -> None:
    inbox.hangs_up |= {1, 2, 3}
    assert [imap.poll(mailbox.pk) for _ in range(4)] == [0] * 4
    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.last_uid, mailbox.tries, outcomes()) == ("failing", 0, {}, [])
    inbox.hangs_up.clear()

    assert imap.poll(mailbox.pk) == 3


def test_one_that_takes_too_long_is_cut_and_the_next_one_goes_on(inbox: Inbox, mailbox: Mailbox, settings: Settings) -> None:
    settings.MAIL_POLL_S, settings.MAIL_READ_S = 1, 2
    inbox.drips.add(1)
    began = time.monotonic()

    assert [imap.poll(mailbox.pk) for _ in range(2)][-1] == 2

    assert time.monotonic() - began < 15
    mailbox.refresh_from_db()
    assert set(mailbox.tries) == {"1"}


def test_of_one_too_large_only_the_beginning_is_fetched(inbox: Inbox, mailbox: Mailbox, settings: Settings) -> None:
    settings.MAIL_BYTES = 1_000_000
    inbox.mails[2] = letter("Film", message_id="<2@alma.example>", files=[("film.mp4", b"x" * 3_000_000)]).as_bytes()

    assert imap.poll(mailbox.pk) == 3

    row = IncomingMail.objects.get(outcome="quarantined")
    assert dict(inbox.fetched)[2] == receiving.HEADER
    assert (row.subject, row.size) == ("Drucker", len(inbox.mails[2]))
    assert "4 MB, more than the 0 MB" in row.reason
    settings.MAIL_BYTES = 40_000_000
    assert receiving.again(row=row).outcome == "quarantined"
    assert Ticket.objects.count() == 2


def test_one_that_somebody_takes_away_meanwhile_is_forgotten(inbox: Inbox, mailbox: Mailbox) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(uidvalidity=7, last_uid=3, tries={"2": 1}, polled_at=timezone.now())
    del inbox.mails[2]

    assert imap.poll(mailbox.pk) == 0

    mailbox.refresh_from_db()
    assert (mailbox.tries, mailbox.state) == ({}, "ok")


def test_a_folder_that_cannot_be_made_is_told_and_nothing_is_read_twice(inbox: Inbox, mailbox: Mailbox) -> None:
    Mailbox.objects.filter(pk=mailbox.pk).update(processed_folder="Gelesen")

    assert [imap.poll(mailbox.pk) for _ in range(2)] == [0, 0]

    mailbox.refresh_from_db()
    assert (mailbox.state, mailbox.tries, outcomes()) == ("failing", {}, ["new"])
    assert "no such folder" in mailbox.error
    Mailbox.objects.filter(pk=mailbox.pk).update(processed_folder="")
    assert imap.poll(mailbox.pk) == 3
    assert outcomes() == ["new"] * 3
