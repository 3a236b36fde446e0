"""Mailboxes are held open by IDLE (RFC 2177), each in a thread of its own; what the server tells has them read at once.

Reading stays with `imap.poll` and its claim. It is asked beside that too, only less often (`imap.due`): whatever becomes of
a line, of this process or of the broker, mail waits no longer than without it.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connections
from django.db.models import TextField
from django.db.models.functions import Cast
from django.utils import timezone
from imapclient import IMAPClient
from kombu.exceptions import OperationalError as BrokerAway

from fleet.secrets.crypto import UndecipherableError
from helpdesk.mail import imap, tasks
from helpdesk.mail.models import Mailbox
from helpdesk.mail.rules.watching import pause

log = logging.getLogger(__name__)
LOOK_AGAIN_S = 30.0
"""How often it is looked which mailboxes there are."""
RENEW_S = 540.0
"""Servers may hang up after 30 minutes (RFC 2177), and routers forget a silent line sooner."""
LISTEN_S = 1.0
"""How long the end of this process waits for a line that nobody speaks on."""
LEASE = timedelta(seconds=RENEW_S + 3 * imap.TIMEOUT_S)
WITHOUT_IDLE_S = 3600.0
MOST_EMPTY = 3
"""A line that can be read and says nothing, so often in a row, has ended."""
END_S = 8.0
DATABASE_AWAY = (OperationalError, InterfaceError)
BREAKS = (imap.MailboxError, *imap.FAILURES, UndecipherableError, *DATABASE_AWAY)
Tell = Callable[[int], None]


def ask(mailbox_id: int) -> None:
    """Have it read now. With the broker away the next tick does it."""
    with suppress(BrokerAway, OSError):
        tasks.poll.apply_async((mailbox_id,), expires=20)


def run(stop: threading.Event, tell: Tell = ask) -> None:
    """Until `stop`: a line for every mailbox in use, and a new one where its server, name or password changes."""
    lines: dict[tuple[Any, ...], _Line] = {}
    while not stop.is_set():
        rest = LOOK_AGAIN_S
        try:
            wanted = _wanted()
            for key in lines.keys() - wanted:
                lines.pop(key).ended.set()
            for key in wanted - lines.keys():
                lines[key] = _Line(key[0], tell)
                lines[key].start()
        except DATABASE_AWAY:
            log.warning("mailboxes not looked up", exc_info=True)
            rest = pause(1)
        connections.close_all()
        stop.wait(rest)
    until = time.monotonic() + END_S
    for line in lines.values():
        line.ended.set()
    for line in lines.values():
        line.join(max(0.0, until - time.monotonic()))
    _let_go([line.mailbox_id for line in lines.values() if line.is_alive()])


def _let_go(mailbox_ids: list[int]) -> None:
    """Of those whose server is still silent: nobody watches them any more, so they are asked as before, at once."""
    with suppress(*DATABASE_AWAY):
        Mailbox.objects.filter(pk__in=mailbox_ids).update(watched_until=timezone.now())
    connections.close_all()


def _wanted() -> set[tuple[Any, ...]]:
    """Key first; the password as it is stored, for one that no key opens is no reason to stop the others."""
    rows = Mailbox.objects.filter(active=True).exclude(host="").annotate(stored=Cast("secret", TextField()))
    return set(rows.values_list("pk", "host", "port", "security", "username", "folder", "stored"))


class _Line(threading.Thread):
    """One mailbox, held open until `ended`; a line that breaks is made anew after a pause."""

    def __init__(self, mailbox_id: int, tell: Tell) -> None:
        super().__init__(name=f"mailbox-{mailbox_id}", daemon=True)
        self.mailbox_id = mailbox_id
        self.tell = tell
        self.ended = threading.Event()
        self.failures = 0

    def run(self) -> None:
        while not self.ended.is_set():
            rest = WITHOUT_IDLE_S
            try:
                self._hold()
            except BREAKS as error:
                self.failures += 1
                rest = pause(self.failures)
                said = {"mailbox_id": self.mailbox_id, "error": type(error).__name__, "again_in_s": rest}
                log.warning("mailbox not watched", extra=said)
            except Exception:  # a line that ends for good would leave its mailbox to be asked seldom
                self.failures += 1
                rest = pause(self.failures)
                log.exception("mailbox not watched", extra={"mailbox_id": self.mailbox_id, "again_in_s": rest})
            finally:
                self._note(watched_until=timezone.now())
            self.ended.wait(rest)

    def _hold(self) -> None:
        """Returns when it is over, or when this server knows no IDLE: then it is asked as before."""
        mailbox = Mailbox.objects.filter(pk=self.mailbox_id).first()
        connections.close_all()
        if mailbox is None:
            return
        with imap.connection(mailbox) as client:
            if not client.has_capability("IDLE"):
                return
            client.select_folder(mailbox.folder, readonly=True)
            self._news()  # what came before the line was open
            while not self.ended.is_set():
                self._listen(client)

    def _listen(self, client: IMAPClient) -> None:
        """Once, until it has to be renewed."""
        self._note(watched_until=timezone.now() + LEASE)
        client.idle()
        self.failures = 0
        until, empty = time.monotonic() + RENEW_S, 0
        while not self.ended.is_set() and time.monotonic() < until:
            began = time.monotonic()
            said = client.idle_check(LISTEN_S)
            empty = 0 if said or time.monotonic() - began > LISTEN_S / 2 else empty + 1
            if empty >= MOST_EMPTY:
                raise ConnectionResetError("the server has hung up")
            self._hear(said)
        _text, said = client.idle_done()
        self._hear(said)

    def _hear(self, said: list[Any]) -> None:
        if any(len(one) > 1 and one[1] == b"EXISTS" for one in said):
            self._news()

    def _news(self) -> None:
        self._note(news_at=timezone.now())
        self.tell(self.mailbox_id)

    def _note(self, **columns: Any) -> None:
        """What cannot be written is left out: the next poll sees to it."""
        with suppress(*DATABASE_AWAY):
            Mailbox.objects.filter(pk=self.mailbox_id).update(**columns)
        connections.close_all()
