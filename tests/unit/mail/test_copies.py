"""Copies of a mail that says neither its Message-ID nor its date, as copiers and alarm systems write them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from helpdesk.mail.models import Mailbox
from helpdesk.mail.services import receiving
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
