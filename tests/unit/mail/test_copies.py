"""Copies of a mail that says neither its Message-ID nor its date, or the same one always, as copiers and alarm systems write
them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from helpdesk.mail.models import IncomingMail, Mailbox
from helpdesk.mail.services import receiving
from helpdesk.tickets.models import Article
from tests.conftest import City
from tests.unit.mail.conftest import Post, letter

pytestmark = pytest.mark.django_db


def undated(text: str = "Der Toner ist leer.", **headers: str) -> bytes:
    """As a copier writes it; `headers`: what a server adds that delivers it."""
    mail = letter(text, message_id=None, headers=headers)
    del mail["Date"]
    return mail.as_bytes()


def later(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    then = timezone.now() + by
    monkeypatch.setattr(receiving.timezone, "now", lambda: then)


def test_without_a_date_too_one_mail_to_two_mailboxes_is_one_ticket(
    post: Post, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Mailbox.objects.create(authority=city.authority, site=city.school_a, address="hilfe@musterstadt.example")

    first = post(raw=undated(Received="from copier by a; 1", **{"Delivered-To": "it@musterstadt.example"}))
    later(monkeypatch, timedelta(minutes=9))
    second = post(raw=undated(Received="from copier by b; 2", **{"Delivered-To": other.address}), box=other)

    assert (first.outcome, second.outcome, second.ticket) == ("new", "dropped", first.ticket)


def test_an_hour_later_the_same_words_are_another_mail(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    first, again = undated(Received="from copier by a; 1"), undated(Received="from copier by a; 2")
    post(raw=first)
    later(monkeypatch, timedelta(hours=1))

    outcomes = [post(raw=one).outcome for one in (first, again, undated("Papierstau.", Received="from copier by a; 3"))]

    assert outcomes == ["dropped", "new", "new"], "the same bytes were fetched once more"


def test_to_others_it_is_another_mail(post: Post) -> None:
    assert [post(raw=undated(Cc=one)).outcome for one in ("a@x.example", "b@x.example")] == ["new", "new"]


HOURS = timedelta(hours=1)


def fixed(text: str, way: str = "1", subject: str = "Meldung des Druckers", **more: str) -> bytes:
    """As a printer writes it that has one Message-ID for all; `way`: what makes other bytes of a copy."""
    return letter(text, subject=subject, message_id="<fest@drucker>", headers={"Received": way, **more}).as_bytes()


def test_the_same_message_id_with_other_words_is_another_mail_later_on(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post(raw=fixed("Toner leer."))
    later(monkeypatch, HOURS)

    outcomes = [
        post(raw=fixed(one, way)).outcome for one, way in (("Papierstau.", "2"), ("Papierstau.", "3"), ("Tür.", "4"))
    ]

    assert outcomes == ["new", "dropped", "new"]
    assert {one.body for one in Article.objects.all()} == {"Toner leer.", "Papierstau.", "Tür."}


def test_the_same_words_of_another_day_are_another_mail(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fixed("Toner leer.")
    post(raw=first)
    later(monkeypatch, HOURS)

    assert post(raw=first.replace(b"23 Nov", b"24 Nov")).outcome == "new"


@pytest.mark.parametrize(
    ("text", "subject"),
    [("Toner leer.", "Meldung des Druckers"), ("Toner leer.\n\n-- \nVon der Liste", "[liste] Meldung des Druckers")],
)
def test_a_copy_that_comes_late_is_one_all_the_same(
    text: str, subject: str, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(raw=fixed("Toner leer."))
    later(monkeypatch, HOURS)

    assert post(raw=fixed(text, "2", subject)).outcome == "dropped"


def test_of_copies_that_come_at_once_the_gateway_s_words_make_no_second_mail(post: Post) -> None:
    outcomes = [post(raw=fixed(f"Toner leer.{more}", more)).outcome for more in ("1", "2", "3")]

    assert outcomes == ["new", "dropped", "dropped"]


def test_where_nothing_is_kept_of_the_first_it_is_a_copy(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    post(raw=fixed("Toner leer."))
    IncomingMail.objects.update(file="", secret=None)
    later(monkeypatch, HOURS)

    assert post(raw=fixed("Papierstau.")).outcome == "dropped"


def test_what_was_kept_by_its_bytes_is_known(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    second = fixed("Papierstau.", subject="Anderes")
    post(raw=fixed("Toner leer."))
    post(raw=second)
    row = IncomingMail.objects.get(subject="Anderes")
    IncomingMail.objects.filter(pk=row.pk).update(key=f"<fest@drucker>#{row.digest[:40]}")
    later(monkeypatch, HOURS)

    assert post(raw=second).outcome == "dropped"
