"""A mailbox is asked by IMAP (RFC 3501), again and again: fetch, settle, then move away, one mail after the other.

Nothing lingers between two tasks, and one that hangs ends with its own. `watching` tells when there is something.
"""

from __future__ import annotations

import logging
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import IO, Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db.models import F, Q
from django.utils import timezone
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from helpdesk.mail.models import Mailbox
from helpdesk.mail.services.receiving import receive

log = logging.getLogger(__name__)
TIMEOUT_S = 20
"""How long the server may be silent."""
SELDOM = timedelta(minutes=5)
"""How often a watched mailbox is asked without news: a line may be dead without anybody noticing."""
PIECE = 2 * 2**20
"""Bytes that are fetched at once: a large mail goes to disk piece by piece."""
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
        with connection(mailbox) as client, _ending(client):
            taken = _take_in(client, mailbox)
    except (MailboxError, *FAILURES) as error:
        log.warning("mailbox not read", extra={"mailbox_id": mailbox_id, "error": type(error).__name__})
        _end(mailbox, now, Mailbox.State.FAILING, told(error))
        return 0
    except BaseException:
        Mailbox.objects.filter(pk=mailbox_id).update(busy_until=timezone.now())
        raise
    _end(mailbox, now, Mailbox.State.OK, "")
    return taken


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
            client.shutdown()


@contextmanager
def _ending(client: IMAPClient) -> Iterator[None]:
    """A server that answers drop by drop never falls silent; the line is cut when its time is over."""
    timer = threading.Timer(settings.MAIL_POLL_S + settings.MAIL_READ_S, client.shutdown)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _connected(mailbox: Mailbox) -> IMAPClient:
    kinds = Mailbox.Security
    if mailbox.security == kinds.NONE and mailbox.host not in {"localhost", "127.0.0.1", "::1"}:
        raise MailboxError("without encryption only a server on this machine is asked")
    context = ssl.create_default_context() if mailbox.security != kinds.NONE else None
    direct = mailbox.security == kinds.TLS
    client = IMAPClient(
        mailbox.host, mailbox.port, ssl=direct, ssl_context=context if direct else None, timeout=TIMEOUT_S, use_uid=True
    )
    if mailbox.security == kinds.STARTTLS:
        client.starttls(context)
    return client


def _take_in(client: IMAPClient, mailbox: Mailbox) -> int:
    selected = client.select_folder(mailbox.folder)
    _notice_new_numbers(mailbox, int(selected.get(b"UIDVALIDITY", 0)))
    found = client.search(["UID", f"{mailbox.last_uid + 1}:*"])
    waiting = sorted(uid for uid in found if uid > mailbox.last_uid)  # `n:*` names the last one even below n
    until = time.monotonic() + settings.MAIL_POLL_S
    taken, behind = 0, True
    for uid in waiting:
        if time.monotonic() > until:
            Mailbox.objects.filter(pk=mailbox.pk).update(news_at=timezone.now())
            break
        done = _one(client, mailbox, uid)
        taken += done
        behind = behind and done
        if behind:
            Mailbox.objects.filter(pk=mailbox.pk).update(last_uid=uid)
    return taken


def _notice_new_numbers(mailbox: Mailbox, uidvalidity: int) -> None:
    """The server counts anew: everything is looked at again, and what is known already is known by its Message-ID."""
    if mailbox.uidvalidity != uidvalidity:
        mailbox.uidvalidity, mailbox.last_uid = uidvalidity, 0
        Mailbox.objects.filter(pk=mailbox.pk).update(uidvalidity=uidvalidity, last_uid=0)


def _one(client: IMAPClient, mailbox: Mailbox, uid: int) -> bool:
    """Stored first, then moved: whoever dies in between finds it again, and its Message-ID counts it once.

    False: it stays where it is, and the next one goes on.
    """
    with tempfile.TemporaryFile() as raw:
        try:
            if not _fetched(client, uid, raw):
                return True  # somebody else has taken it away
        except IMAPClientError:
            log.exception("mail not fetched", extra={"mailbox_id": mailbox.pk, "uid": uid})
            return False
        raw.seek(0)
        try:
            result = receive(source=raw, mailbox=mailbox)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("mail not taken in", extra={"mailbox_id": mailbox.pk, "uid": uid})
            return False
    log.info("mail taken in", extra={"mailbox_id": mailbox.pk, "uid": uid, "outcome": result.outcome})
    _put_away(client, mailbox, uid)
    return True


def _fetched(client: IMAPClient, uid: int, target: IO[bytes]) -> bool:
    sizes = client.fetch([uid], ["RFC822.SIZE"])
    if uid not in sizes:
        return False
    size = int(sizes[uid][b"RFC822.SIZE"])
    for start in range(0, max(size, 1), PIECE):
        piece = _piece(client.fetch([uid], [f"BODY.PEEK[]<{start}.{PIECE}>"]).get(uid, {}))
        target.write(piece)
        if len(piece) < PIECE:
            break
    return True


def _piece(answer: dict[bytes, Any]) -> bytes:
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
