"""Mailboxes held open on a real IMAP server: told at once, asked seldom, and asked as before when the line is gone."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone
from imapclient import IMAPClient

from config.env import BASE_DIR
from helpdesk.mail import imap, watching
from helpdesk.mail.models import Mailbox
from helpdesk.mail.rules.watching import pause
from helpdesk.tickets.models import Ticket
from tests.conftest import City
from tests.integration.mail.test_imap import put

LONG_S = 240.0
"""Until a process is there or gone on a machine that has much else to do; not how long it takes."""
pytestmark = pytest.mark.django_db(transaction=True)


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Watch:
    """`watching.run` in a thread; `told`: which mailboxes it asked to be read."""

    def __init__(self) -> None:
        self.told: list[int] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        watching.run(self.stop, self.told.append)
        connections.close_all()

    def end(self) -> float:
        began = time.monotonic()
        self.stop.set()
        self.thread.join(30)
        assert not self.thread.is_alive()
        return time.monotonic() - began


@pytest.fixture
def watch() -> Iterator[Watch]:
    one = Watch()
    yield one
    if one.thread.is_alive():
        one.end()


def watched_until(mailbox: Mailbox) -> datetime:
    mailbox.refresh_from_db()
    return mailbox.watched_until


def watched(mailbox: Mailbox) -> bool:
    return watched_until(mailbox) > timezone.now()


def test_new_mail_is_told_at_once_and_between_it_is_asked_seldom(inbox: IMAPClient, mailbox: Mailbox, watch: Watch) -> None:
    watch.thread.start()
    until(lambda: watched(mailbox) and watch.told == [mailbox.pk])
    imap.poll(mailbox.pk)
    assert imap.due() == []

    put(inbox, "Sofort", 1)
    until(lambda: len(watch.told) > 1)

    assert imap.due() == [mailbox.pk]
    assert imap.poll(mailbox.pk) == 1
    assert Ticket.objects.count() == 1
    assert watch.end() < 5
    assert not watched(mailbox)
    assert imap.due() == [mailbox.pk]


def test_a_line_that_is_renewed_hears_as_before(
    inbox: IMAPClient, mailbox: Mailbox, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "RENEW_S", 0.2)
    watch.thread.start()
    until(lambda: watch.told == [mailbox.pk])
    begun = watched_until(mailbox)
    until(lambda: watched_until(mailbox) > begun + timedelta(seconds=1))  # renewed several times
    before = list(watch.told)

    put(inbox, "Danach", 1)
    until(lambda: len(watch.told) > 1)

    assert before == [mailbox.pk], "a line that was opened anew would have told once more"
    assert imap.poll(mailbox.pk) == 1


class Broken:
    """Greets, takes the login, and then knows no IDLE, hangs up in the middle, or never says another word.

    It says that there is mail as soon as it idles.
    """

    def __init__(self, *, idle: bool, silent: bool = False) -> None:
        self.idle = idle
        self.silent = silent
        self.idles = 0
        self.logins = 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                line, _address = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._speak, args=(line,), daemon=True).start()

    def _speak(self, line: socket.socket) -> None:
        known = b"IMAP4rev1 UIDPLUS" + (b" IDLE" if self.idle else b"")
        with line, line.makefile("rb") as said:
            line.sendall(b"* OK [CAPABILITY " + known + b"] ready\r\n")
            for command in said:
                tag, word = command.split()[:2]
                self.logins += word == b"LOGIN"
                if word == b"IDLE":
                    line.sendall(b"+ idling\r\n* 1 EXISTS\r\n")
                    self.idles += 1
                    if self.silent:
                        said.read()
                    time.sleep(0.1)
                    return
                if word == b"CAPABILITY":
                    line.sendall(b"* CAPABILITY " + known + b"\r\n")
                line.sendall(tag + b" OK done\r\n")

    def end(self) -> None:
        self.server.close()


@pytest.fixture
def broken(request: pytest.FixtureRequest) -> Iterator[Broken]:
    server = Broken(**request.param)
    yield server
    server.end()


def of(server: Broken, city: City) -> Mailbox:
    return Mailbox.objects.create(
        authority=city.authority, site=city.school_a, address="b@x.example", host="127.0.0.1", port=server.port,
        security="none", username="it", secret={"password": "x"},
    )  # fmt: skip


@pytest.mark.parametrize("broken", [{"idle": True}], indirect=True)
def test_a_server_that_hangs_up_is_called_again_and_holds_nobody(
    broken: Broken, inbox: IMAPClient, mailbox: Mailbox, city: City, watch: Watch
) -> None:
    other = of(broken, city)
    watch.thread.start()
    until(lambda: broken.logins > 1)

    put(inbox, "Schnell", 1)

    until(lambda: watch.told.count(mailbox.pk) > 1)
    until(lambda: other.pk in imap.due())
    assert broken.logins < 5  # with pauses, not without end
    assert watch.end() < 10


@pytest.mark.parametrize("broken", [{"idle": False}], indirect=True)
def test_a_server_without_idle_is_asked_as_before(broken: Broken, city: City, watch: Watch) -> None:
    other = of(broken, city)
    Mailbox.objects.update(polled_at=timezone.now())
    before = watched_until(other)
    watch.thread.start()
    until(lambda: broken.logins == 1 and watched_until(other) > before)

    assert imap.due() == [other.pk]
    assert watch.end() < 5


@pytest.mark.parametrize("broken", [{"idle": True, "silent": True}], indirect=True)
def test_a_server_that_does_not_answer_holds_no_end_and_is_asked_as_before(
    broken: Broken, city: City, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "END_S", 0.2)
    other = of(broken, city)
    watch.thread.start()
    until(lambda: broken.idles == 1 and watched(other))

    assert watch.end() < imap.TIMEOUT_S

    assert not watched(other)
    assert imap.due() == [other.pk]


@pytest.mark.parametrize("broken", [{"idle": True}], indirect=True)
def test_whatever_goes_wrong_a_line_comes_back(broken: Broken, city: City) -> None:
    mailbox = of(broken, city)
    told: list[int] = []
    stop = threading.Event()

    def tell(mailbox_id: int) -> None:
        told.append(mailbox_id)
        if len(told) == 1:
            raise ValueError("a broker that says something new")

    thread = threading.Thread(target=lambda: (watching.run(stop, tell), connections.close_all()))
    thread.start()
    until(lambda: len(told) > 1)
    stop.set()
    thread.join(30)

    assert set(told) == {mailbox.pk}
    assert broken.logins > 1
    assert not thread.is_alive()


def test_what_a_dead_process_watched_is_asked_when_its_lease_is_over(mailbox: Mailbox) -> None:
    now = timezone.now()
    Mailbox.objects.update(polled_at=now, watched_until=now + timedelta(minutes=5))
    assert imap.due() == []

    Mailbox.objects.update(watched_until=now - timedelta(seconds=1))
    assert imap.due() == [mailbox.pk]
    Mailbox.objects.update(watched_until=now + timedelta(minutes=5), state="failing")
    assert imap.due() == [mailbox.pk]


def test_the_process_ends_cleanly(inbox: IMAPClient, mailbox: Mailbox) -> None:
    name = connection.settings_dict["NAME"]
    server = os.environ.get("DATABASE_URL", "")
    url = server.rsplit("/", 1)[0] + f"/{name}" if server.startswith("postgres") else f"sqlite:///{name}"
    command = [sys.executable, "manage.py", "watch_mail"]
    with subprocess.Popen(command, cwd=BASE_DIR, env={**os.environ, "DATABASE_URL": url}, stderr=subprocess.PIPE) as process:
        try:
            until(lambda: watched(mailbox) or process.poll() is not None, LONG_S)
            process.send_signal(signal.SIGTERM)
            _out, error = process.communicate(timeout=LONG_S)
        finally:
            process.kill()

    assert process.returncode == 0
    assert b"Traceback" not in error
    assert not watched(mailbox)


def test_pauses_grow_and_end() -> None:
    assert [pause(number) for number in (1, 2, 3, 100)] == [2, 4, 8, 300]
