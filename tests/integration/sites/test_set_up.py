"""`manage.py set_up` fills an empty installation so that somebody can log in and manage it, once."""

import io
import sys
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from fleet.people.models import Scope, User
from fleet.people.rules import Action
from fleet.sites.models import Authority

PASSWORD = "three-quiet-otters-swim"
WHO = {"authority": "Stadt Neuhafen", "email": "Nora@Neuhafen.example", "name": "Nora Neu"}

pytestmark = pytest.mark.django_db


def set_up(monkeypatch: pytest.MonkeyPatch, password: str = PASSWORD, **changed: str) -> str:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{password}\n"))
    said = io.StringIO()
    call_command("set_up", password_stdin=True, stdout=said, **(WHO | changed))
    return said.getvalue()


def nothing_was_made() -> bool:
    return not (Authority.objects.exists() or User.objects.exists() or Scope.objects.exists())


def test_the_administrator_logs_in_and_manages_the_authority(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    said = set_up(monkeypatch)

    authority, user = Authority.objects.get(), User.objects.get()
    assert (authority.name, user.email, user.name) == ("Stadt Neuhafen", "nora@neuhafen.example", "Nora Neu")
    assert user.access.scopes(Action.MANAGE) == {authority.pk}
    assert user.email in said
    assert PASSWORD not in said
    answer = client.post("/accounts/login/", {"login": "nora@neuhafen.example", "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")


def test_a_second_time_changes_nothing_and_asks_for_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    set_up(monkeypatch)
    before = User.objects.get().password

    with pytest.raises(CommandError, match="already"):
        call_command("set_up", **WHO)

    assert (User.objects.get().password, Authority.objects.count()) == (before, 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"email": "nora"},
        {"email": ""},
        {"name": " "},
        {"authority": ""},
        {"authority": "x" * 201},
        {"password": ""},
        {"password": "short"},
        {"password": "nora@neuhafen.example"},
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(monkeypatch: pytest.MonkeyPatch, changed: dict[str, str]) -> None:
    with pytest.raises(CommandError):
        set_up(monkeypatch, **changed)

    assert nothing_was_made()


def answers(*words: str) -> Iterator[str]:
    yield from words


def test_the_password_is_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    said = answers(PASSWORD, f"{PASSWORD}s", PASSWORD, PASSWORD)
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(said))

    with pytest.raises(CommandError, match="differ"):
        call_command("set_up", **WHO)
    assert nothing_was_made()
    call_command("set_up", **WHO, stdout=io.StringIO())

    assert User.objects.get().check_password(PASSWORD)
