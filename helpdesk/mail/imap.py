"""A mailbox is asked by IMAP (RFC 3501), again and again: fetch, settle, then move away, one mail after the other.

Nothing lingers between two tasks, and one that hangs ends with its own. `watching` tells when there is something.
"""

from __future__ import annotations

import errno
import logging
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import takewhile
from typing import IO, Any

from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from fleet.events.addresses import UnsafeAddressError, addresses
from helpdesk.mail.models import Mailbox
from helpdesk.mail.services import receiving

log = logging.getLogger(__name__)
TIMEOUT_S = 20
"""How long the server may be silent."""
SELDOM = timedelta(minutes=5)
"""How often a watched mailbox is asked without news: a line may be dead without anybody noticing."""
PIECE = 2 * 2**20
"""Bytes that are fetched at once: a large mail goes to disk piece by piece."""
MOST_TRIES = 3
MOST_BREAKS = 3
"""Lines in one go that break, each at another mail, and nothing is read: then it is the server, and none of the mails."""
FAILURES = (IMAPClientError, OSError)


class MailboxError(Exception):
    """What a person has to put right: the server, the name or the password."""


def due() -> list[int]:
    """Mailboxes that nobody is reading now; a watched one when there is news, when it fails, and else seldom."""
    now = timezone.now()
    unwatched = Q(watched_until__lte=now) | Q(polled_at__isnull=True) | Q(polled_at__lte=now - SELDOM)
    wanted = unwatched | Q(news_at__gte=F("polled_at")) | Q(state=Mailbox.State.FAILING)
    rows = Mailbox.objects.filter(wanted, active=True, busy_until__lte=now).exclude(host="")
    return list(rows.values_list("pk", flat=True))


def poll(mailbox_id: int) -> int:
    """Take in what is new; returns how many that were. Two never read the same mailbox, and a killed one's claim ends."""
    now = timezone.now()
    free = Mailbox.objects.filter(pk=mailbox_id, active=True, busy_until__lte=now)
    lease = timedelta(seconds=settings.MAIL_POLL_S + settings.MAIL_READ_S + 2 * TIMEOUT_S)
    if free.update(busy_until=now + lease) != 1:
        return 0
    mailbox = Mailbox.objects.select_related("authority", "site").get(pk=mailbox_id)
    try:
        reading = _Reading(mailbox)
        reading.go()
    except (MailboxError, *FAILURES) as error:
        log.warning("mailbox not read", extra={"mailbox_id": mailbox_id, "error": type(error).__name__})
        _end(mailbox, now, Mailbox.State.FAILING, told(error))
        return 0
    except BaseException:
        Mailbox.objects.filter(pk=mailbox_id).update(busy_until=timezone.now())
        raise
    _end(mailbox, now, Mailbox.State.FAILING if reading.trouble else Mailbox.State.OK, reading.trouble)
    return len(reading.stored)


def _end(mailbox: Mailbox, began: datetime, state: Mailbox.State, error: str) -> None:
    rows = Mailbox.objects.filter(pk=mailbox.pk)
    rows.update(busy_until=timezone.now(), polled_at=began, state=state, error=error[:500])


def tried(mailbox: Mailbox) -> str:
    """What is wrong with it; empty when it can be read."""
    try:
        with connection(mailbox) as client:
            client.select_folder(mailbox.folder, readonly=True)
    except (MailboxError, *FAILURES) as error:
        return told(error)
    return ""


def told(error: Exception) -> str:
    return " ".join(str(error).split())[:500] or type(error).__name__


@contextmanager
def connection(mailbox: Mailbox) -> Iterator[IMAPClient]:
    """Logged in. TLS is verified; without it only a server on this machine is spoken to."""
    client = _connected(mailbox)
    try:
        client.login(mailbox.username, (mailbox.secret or {}).get("password", ""))
        yield client
    finally:
        try:
            client.logout()
        except FAILURES:
            with suppress(OSError):
                client.shutdown()


@contextmanager
def _ending(client: IMAPClient, at: float) -> Iterator[None]:
    """A server that answers drop by drop never falls silent; the line is cut when its time is over."""
    timer = threading.Timer(at - time.monotonic(), _cut, [client])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _cut(client: IMAPClient) -> None:
    """Whoever reads holds the buffer, and to close it would wait for them; the socket does not."""
    with suppress(OSError):
        client.socket().shutdown(socket.SHUT_RDWR)


def _connected(mailbox: Mailbox) -> IMAPClient:
    kinds = Mailbox.Security
    if mailbox.security == kinds.NONE and mailbox.host not in {"localhost", "127.0.0.1", "::1"}:
        raise MailboxError("without encryption only a server on this machine is asked")
    try:
        places = addresses(mailbox.host, mailbox.port, allow_loopback=True)
    except UnsafeAddressError as error:
        raise MailboxError("at this address is no mail server") from error
    try:
        return _at(places[0], mailbox)
    except ssl.SSLError:
        raise
    except OSError:
        if len(places) == 1:
            raise
    return _at(places[-1], mailbox)


def _at(place: str, mailbox: Mailbox) -> IMAPClient:
    direct, plain = (mailbox.security == kind for kind in (Mailbox.Security.TLS, Mailbox.Security.NONE))
    context = None if plain else _Named(mailbox.host)
    client = IMAPClient(
        place, mailbox.port, ssl=direct, ssl_context=context if direct else None, timeout=TIMEOUT_S, use_uid=True
    )
    if context and not direct:
        client.starttls(context)
    return client


class _Named:
    """TLS with a server whose certificate is for its name, while its address is spoken to."""

    def __init__(self, host: str) -> None:
        self.host, self.context = host, ssl.create_default_context()

    def wrap_socket(self, line: socket.socket, **_named: Any) -> ssl.SSLSocket:
        return self.context.wrap_socket(line, server_hostname=self.host)


class _Reading:
    """One go through a mailbox. A line that breaks at a mail is made anew for the next one."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.until = time.monotonic() + settings.MAIL_POLL_S
        self.found: set[int] = set()
        self.stored: set[int] = set()
        self.settled: set[int] = set()
        self.left: set[int] = set()
        """What could not be taken in for a fault of ours: it stays where it is."""
        self.broken: dict[int, Exception] = {}

    def go(self) -> None:
        while not (self._through() or time.monotonic() > self.until or self._server_fails()):
            pass
        if self._server_fails():
            raise next(iter(self.broken.values()))
        for uid in self.broken:
            self._count(uid)

    @property
    def trouble(self) -> str:
        return next((f"the line broke at mail {uid}: {told(error)}" for uid, error in self.broken.items()), "")

    def _server_fails(self) -> bool:
        return not self.stored and len(self.broken) >= MOST_BREAKS

    def _through(self) -> bool:
        """False: the line broke, and another one may get further."""
        with connection(self.mailbox) as client, _ending(client, self.until + settings.MAIL_READ_S):
            selected = client.select_folder(self.mailbox.folder)
            self._notice_new_numbers(int(selected.get(b"UIDVALIDITY", 0)))
            for uid in self._waiting(client):
                if time.monotonic() > self.until:
                    self._keep(news_at=timezone.now())
                    break
                try:
                    self._one(client, uid)
                except FAILURES as error:
                    if self._is_for_a_person(uid, error):
                        raise
                    log.warning("mail not fetched", extra={"mailbox_id": self.mailbox.pk, "uid": uid}, exc_info=True)
                    self.broken[uid] = error
                    return False
        return True

    def _is_for_a_person(self, uid: int, error: Exception) -> bool:
        """A full disk, or a folder for what was read that cannot be made: no other mail gets further."""
        full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
        return full or (uid in self.stored and not isinstance(error, (IMAPClientAbortError, OSError)))

    def _notice_new_numbers(self, uidvalidity: int) -> None:
        """The server counts anew: everything is looked at again, and what is known already is known by its Message-ID."""
        if self.mailbox.uidvalidity != uidvalidity:
            self._keep(uidvalidity=uidvalidity, last_uid=0, tries={})

    def _waiting(self, client: IMAPClient) -> list[int]:
        """What is new; then that at which a line broke before."""
        last = self.mailbox.last_uid
        answer = client.search(["UID", f"{last + 1}:*"])  # `n:*` names the last one even below n
        self.found |= {uid for uid in answer if uid > last}
        seen = self.settled | self.left | self.broken.keys()
        return [uid for uid in [*sorted(self.found), *map(int, self.mailbox.tries)] if uid not in seen]

    def _one(self, client: IMAPClient, uid: int) -> None:
        """Stored first, then moved: whoever dies in between finds it again, and its Message-ID counts it once."""
        with tempfile.TemporaryFile() as raw:
            size = _fetched(client, uid, raw)
            if size is not None:  # else somebody has taken it away
                raw.seek(0)
                if not self._received(raw, size, uid):
                    self.left.add(uid)
                    return
                self.stored.add(uid)
                _put_away(client, self.mailbox, uid)
        self._settle(uid)

    def _received(self, raw: IO[bytes], size: int, uid: int) -> bool:
        about = {"mailbox_id": self.mailbox.pk, "uid": uid}
        try:
            result = receiving.receive(source=raw, mailbox=self.mailbox, size=size)
        except Exception as error:
            if receiving.is_away(error):
                raise
            log.exception("mail not taken in", extra=about)
            return False
        log.info("mail taken in", extra={**about, "outcome": result.outcome})
        return True

    def _count(self, uid: int) -> None:
        """Its tries are kept; after the last one it is set aside, and stays in its folder."""
        tries = self.mailbox.tries.get(str(uid), 0) + 1
        if tries >= MOST_TRIES and uid not in self.stored:
            receiving.set_aside_unfetched(mailbox=self.mailbox, uid=uid)
        self._settle(uid, tries=tries if tries < MOST_TRIES else 0)

    def _settle(self, uid: int, tries: int = 0) -> None:
        """Up to the first that has neither been read nor its tries counted, nothing is looked for any more."""
        self.settled.add(uid)
        kept = {**self.mailbox.tries, str(uid): tries}
        done = takewhile(self.settled.__contains__, sorted(self.found))
        self._keep(last_uid=max(done, default=self.mailbox.last_uid), tries={one: n for one, n in kept.items() if n})

    def _keep(self, **columns: Any) -> None:
        for name, value in columns.items():
            setattr(self.mailbox, name, value)
        Mailbox.objects.filter(pk=self.mailbox.pk).update(**columns)


def _fetched(client: IMAPClient, uid: int, target: IO[bytes]) -> int | None:
    """Its size in bytes; None when it is not there. Of one too large to be read only the beginning is fetched."""
    sizes = client.fetch([uid], ["RFC822.SIZE"])
    if uid not in sizes:
        return None
    size = int(sizes[uid][b"RFC822.SIZE"])
    if size > settings.MAIL_BYTES:
        target.write(_piece(client, uid, 0, receiving.HEADER))
        return size
    fetched = 0
    while fetched <= settings.MAIL_BYTES:  # the size may be a guess, the end of a mail is not
        piece = _piece(client, uid, fetched, PIECE)
        target.write(piece)
        fetched += len(piece)
        if len(piece) < PIECE:
            break
    return max(size, fetched)


def _piece(client: IMAPClient, uid: int, start: int, most: int) -> bytes:
    answer = client.fetch([uid], [f"BODY.PEEK[]<{start}.{most}>"]).get(uid, {})
    return next((value for name, value in answer.items() if name.startswith(b"BODY[") and isinstance(value, bytes)), b"")


def _put_away(client: IMAPClient, mailbox: Mailbox, uid: int) -> None:
    client.add_flags([uid], [b"\\Seen"], silent=True)
    folder = mailbox.processed_folder
    if not folder:
        return
    if not client.folder_exists(folder):
        client.create_folder(folder)
    if client.has_capability("MOVE"):
        client.move([uid], folder)
    else:
        client.copy([uid], folder)
        client.delete_messages([uid], silent=True)
        client.expunge([uid] if client.has_capability("UIDPLUS") else None)
