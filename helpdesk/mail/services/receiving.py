"""A mail comes in: sealed first, read in a process of its own, then one transaction says what became of it."""

import dataclasses
import logging
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from fleet.secrets.crypto import UndecipherableError
from fleet.sites.models import Authority
from helpdesk.mail import reading
from helpdesk.mail.models import IncomingMail, Mailbox
from helpdesk.mail.rules.incoming import Incoming
from helpdesk.mail.services import keeping, settling
from helpdesk.mail.services.delivery import Delivery
from helpdesk.mail.services.keeping import Raw
from helpdesk.mail.services.keys import SAME_DELIVERY, key_of, same, same_words, second_key, undated
from helpdesk.mail.services.senders import known, mailbox_for

log = logging.getLogger(__name__)
Outcome = IncomingMail.Outcome
FOLDERS = "fleetdesk-mail-"
HEADER = 65_536
"""Bytes of a mail too large to be read, out of which its header is taken."""
REFUSED = ("22", "54")
"""Classes of SQLSTATE with which PostgreSQL refuses what it is given (appendix A): no value, or more than it takes."""


class NowhereError(LookupError):
    """There is no school yet to which a mail could belong."""


@dataclass(frozen=True)
class Result:
    """What `manage.py ingest_mail` prints. `ticket`, `article`: primary keys."""

    outcome: str
    ticket: int | None = None
    article: int | None = None
    reason: str = ""


def receive(*, source: IO[bytes], mailbox: Mailbox | None = None, size: int = 0) -> Result:
    """`size`: of the whole mail in bytes, where `source` may hold only the beginning of one larger than MAIL_BYTES.

    Raises OperationalError, InterfaceError and OSError, when it should be tried again; never for what the mail holds.
    """
    with tempfile.TemporaryDirectory(prefix=FOLDERS) as folder:
        raw = keeping.keep(source=source, folder=Path(folder), size=size if size > settings.MAIL_BYTES else 0)
        try:
            delivery = _opened(raw, Path(folder), mailbox)
        except BaseException:
            keeping.let_go(raw.file)  # it is not taken, and comes again
            raise
        return _settled(delivery)


def again(*, row: IncomingMail) -> Result:
    """Read once more what was set aside; nothing happens when somebody else did that meanwhile."""
    with tempfile.TemporaryDirectory(prefix=FOLDERS) as folder:
        try:
            raw = keeping.opened(row=row, folder=Path(folder))
        except (FileNotFoundError, UndecipherableError):
            log.exception("mail set aside cannot be opened", extra={"mail_id": row.pk})
            return _result(row)
        delivery = _opened(raw, Path(folder), row.mailbox)
        delivery = dataclasses.replace(delivery, authority=row.authority, released=True)
        _settle_again(row, delivery)
    row.refresh_from_db()
    return _result(row)


def _settle_again(row: IncomingMail, delivery: Delivery) -> None:
    try:
        files = settling.kept_files(delivery.mail)
        with transaction.atomic():
            mine = IncomingMail.objects.filter(pk=row.pk, outcome=Outcome.QUARANTINED)
            if mine.update(outcome=Outcome.STORED, reason="") == 1:
                row.refresh_from_db()
                settling.settle(row=row, delivery=delivery, files=files)
    except Exception as error:
        if is_away(error):
            raise
        log.exception("mail set aside again", extra={"mail_id": row.pk})
        row.refresh_from_db()
        IncomingMail.objects.filter(pk=row.pk).update(reason=_told(error))


def is_away(error: Exception) -> bool:
    """Whether the database is at fault and not the mail: then it is tried again."""
    refused = str(getattr(error.__cause__, "sqlstate", None) or "")[:2] in REFUSED
    return isinstance(error, (OperationalError, InterfaceError)) and not refused


def set_aside_unfetched(*, mailbox: Mailbox, uid: int) -> None:
    """A mail whose server hangs up whenever it is fetched: nothing of it is known but its number (RFC 3501, 2.3.1.1)."""
    told = f"its server broke off whenever it was fetched; it lies in {mailbox.folder} of {mailbox.address} (UID {uid})"
    key = f"<{uid}.{mailbox.uidvalidity}.{mailbox.pk}@unfetched.invalid>"
    fresh = {"mailbox": mailbox, "outcome": Outcome.QUARANTINED, "reason": told, "size": 0}
    IncomingMail.objects.get_or_create(authority=mailbox.authority, key=key, defaults=fresh)
    log.warning("mail set aside unfetched", extra={"mailbox_id": mailbox.pk, "uid": uid})


def drop(*, row: IncomingMail) -> bool:
    rows = IncomingMail.objects.filter(pk=row.pk, outcome=Outcome.QUARANTINED)
    return rows.update(outcome=Outcome.DROPPED) == 1


def _opened(raw: Raw, folder: Path, mailbox: Mailbox | None) -> Delivery:
    mail = _read(raw, folder)
    box = mailbox or mailbox_for(mail.recipients)
    return Delivery(raw, mail, _authority(box, mail), box)


def _read(raw: Raw, folder: Path) -> Incoming:
    readable = raw.whole and raw.size <= settings.MAIL_BYTES
    return reading.read(raw.path, folder) if readable else _too_large(raw, folder)


def _too_large(raw: Raw, folder: Path) -> Incoming:
    head = folder / "head"
    with raw.path.open("rb") as whole:
        head.write_bytes(whole.read(HEADER))
    mail = dataclasses.replace(reading.read(head, folder), files=(), text="", html="")
    return dataclasses.replace(mail, unreadable=_too_much(raw))


def _too_much(raw: Raw) -> str:
    if raw.size > settings.MAIL_BYTES:
        return f"it has {raw.size / 2**20:.0f} MB, more than the {settings.MAIL_BYTES // 2**20} MB that are read"
    return "only its beginning was fetched, for it was too large"


def _authority(mailbox: Mailbox | None, mail: Incoming) -> Authority:
    """The mailbox's; without one that of whoever writes, and at last the first there is."""
    if mailbox is not None:
        return mailbox.authority
    authorities = list(Authority.objects.order_by("pk"))
    if not authorities:
        raise NowhereError("no authority has been set up yet")
    return next((one for one in authorities if known(mail.sender.identity, one)), authorities[0])


def _settled(delivery: Delivery) -> Result:
    """The key's uniqueness decides between copies that arrive at the same instant: one settles, the others are told."""
    now = timezone.now()
    if copied := _copied(delivery, now):
        return _known_already(delivery, _result(copied))
    key = key_of(delivery.mail, delivery.raw.digest, now)
    first = _first(delivery, key)
    if first is None:
        return _write(delivery, key)
    if same(delivery.mail, first.sender, first.subject) and (_just_came(first, now) or _says_the_same(delivery, first)):
        return _known_already(delivery, _result(first))
    return _settled_beside(delivery, key)


def _settled_beside(delivery: Delivery, key: str) -> Result:
    """Another mail by a program that gives each the same Message-ID."""
    by_bytes, by_words = f"{key[:230]}#{delivery.raw.digest[:40]}", second_key(delivery.mail, key)
    first = _first(delivery, by_bytes) or _first(delivery, by_words)  # the bytes: as it was kept before
    return _known_already(delivery, _result(first)) if first else _write(delivery, by_words)


def _just_came(first: IncomingMail, now: datetime) -> bool:
    return first.received_at > now - SAME_DELIVERY


def _says_the_same(delivery: Delivery, first: IncomingMail) -> bool:
    """By what is kept of it, read as this one was; where nothing is kept it counts as a copy."""
    if first.digest == delivery.raw.digest:
        return True
    with tempfile.TemporaryDirectory(prefix=FOLDERS) as folder:
        try:
            raw = keeping.opened(row=first, folder=Path(folder))
        except (FileNotFoundError, UndecipherableError):
            return True
        return same_words(delivery.mail, _read(raw, Path(folder)))


def _copied(delivery: Delivery, now: datetime) -> IncomingMail | None:
    """What came in before a mail that does not say which one it is: the same bytes whenever, the same words just now."""
    keys = undated(delivery.mail, now)
    if not keys:
        return None
    just_now = Q(key__in=keys, received_at__gt=now - SAME_DELIVERY)
    rows = IncomingMail.objects.filter(authority=delivery.authority, sender=delivery.mail.sender.address)
    return rows.filter(just_now | Q(digest=delivery.raw.digest)).first()


def _known_already(delivery: Delivery, first: Result) -> Result:
    """Nothing of a copy is kept."""
    keeping.let_go(delivery.raw.file)
    return dataclasses.replace(first, outcome=Outcome.DROPPED, reason="it has been received before")


def _first(delivery: Delivery, key: str) -> IncomingMail | None:
    return IncomingMail.objects.filter(authority=delivery.authority, key=key).first()


def _write(delivery: Delivery, key: str) -> Result:
    try:
        files = settling.kept_files(delivery.mail)
        with transaction.atomic():
            row = IncomingMail.objects.create(**_columns(delivery, key), outcome=Outcome.STORED)
            settling.settle(row=row, delivery=delivery, files=files)
    except OSError:  # the disk is at fault, not the mail
        keeping.let_go(delivery.raw.file)
        raise
    except IntegrityError:
        if _first(delivery, key) is None:
            return _set_aside(delivery, key, IntegrityError("it contradicts what is stored"))
        return _settled(delivery)
    except Exception as error:  # one poison mail must not hold the next; it is kept with the reason
        if is_away(error):
            raise
        log.exception("mail set aside", extra={"digest": delivery.raw.digest})
        return _set_aside(delivery, key, error)
    log.info("mail received", extra={"mail_id": row.pk, "outcome": row.outcome})
    return _result(row)


def _set_aside(delivery: Delivery, key: str, error: Exception) -> Result:
    fresh = {**_columns(delivery, key), "outcome": Outcome.QUARANTINED, "reason": _told(error)}
    row, created = IncomingMail.objects.get_or_create(authority=fresh.pop("authority"), key=fresh.pop("key"), defaults=fresh)
    if not created:
        keeping.let_go(delivery.raw.file)
    return _result(row)


def _told(error: Exception) -> str:
    return f"it could not be worked with ({type(error).__name__})"


def _columns(delivery: Delivery, key: str) -> dict[str, Any]:
    mail, raw = delivery.mail, delivery.raw
    return {
        "authority": delivery.authority,
        "mailbox": delivery.mailbox,
        "key": key,
        "sender": mail.sender.address,
        "sender_name": mail.sender.name,
        "subject": mail.subject[:300],
        "file": raw.file,
        "secret": {"key": raw.key},
        "digest": raw.digest,
        "size": raw.size,
    }


def _result(row: IncomingMail) -> Result:
    return Result(row.outcome, row.ticket_id, row.article_id, row.reason)
