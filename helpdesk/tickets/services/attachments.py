"""Files of articles: kept once per content, under a name that follows from what they hold."""

from __future__ import annotations  # Django's files take a type only where none is run

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from fleet.people.models import User
from helpdesk.tickets.models import Article, Attachment, LooseFile, Ticket
from helpdesk.tickets.services import opening as opening_service
from helpdesk.tickets.services import working
from helpdesk.tickets.services.opening import Opening
from helpdesk.tickets.services.working import Reply

CHUNK = 2**20
CERTAIN = timedelta(hours=1)
"""After which whoever kept a file has written its row, or never will."""
AT_ONCE = 500
DRAFT = "draft-"
FOLDER = "attachments"


@dataclass(frozen=True)
class Kept:
    """A file that lies under MEDIA_ROOT. `file`: where, relative to it."""

    name: str
    content_type: str
    size: int
    digest: str
    file: str


def keep(*, source: IO[bytes] | UploadedFile[Any], name: str, content_type: str = "") -> Kept:
    """Copy in pieces, whatever the size; the same content twice is one file. Safe when two do it at once.

    Outside of any transaction, and less than CERTAIN before the row: what gets no row is swept away after that.
    """
    root = _folder()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, draft = tempfile.mkstemp(dir=root, prefix=DRAFT)
    try:
        with os.fdopen(handle, "wb") as target:
            digest, size = _copied(source, target)
        final = root / digest[:2] / digest
        final.parent.mkdir(exist_ok=True, mode=0o700)
        file = str(final.relative_to(settings.MEDIA_ROOT))
        let_go({file})  # before it lies there: whoever sweeps this very content is waited for, and comes no more
        Path(draft).replace(final)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return Kept(name[:255], content_type[:255], size, digest, file)


def _folder() -> Path:
    return Path(settings.MEDIA_ROOT) / FOLDER


def _copied(source: IO[bytes] | UploadedFile[Any], target: IO[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    pieces = source.chunks(CHUNK) if isinstance(source, UploadedFile) else iter(lambda: source.read(CHUNK), b"")
    for piece in pieces:
        target.write(piece)
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def attach(*, article: Article, files: Iterable[Kept]) -> list[Attachment]:
    """Rows for what is kept already, in the caller's transaction."""
    return Attachment.objects.bulk_create([Attachment(article=article, **vars(one)) for one in files])


def reply(*, ticket: Ticket, said: Reply, files: Sequence[Kept]) -> Article:
    """A person's answer with its files: both or nothing; sent twice, the files are there once. Raises as `working.reply`."""
    with transaction.atomic():
        article = working.reply(ticket=ticket, said=said)
        if files and not article.attachments.exists():
            attach(article=article, files=files)
    return article


def open_ticket(*, opening: Opening, files: Sequence[Kept]) -> Ticket:
    """A new ticket whose first article has these files; sent again, what was said in it gets those that it lacks. Raises
    LimitError as `add`, and adds none then."""
    by, key = opening.requester, opening.idempotency_key
    if by is not None and (known := opening_service.opened_before(requester=by, idempotency_key=key)):
        said = _said_in_opening(known, by, opening.notice)
        if files and said is not None:
            add(article=said, files=files, by=by)
        return known
    with transaction.atomic():
        ticket = opening_service.open_ticket(opening=opening)
        first = ticket.articles.first()
        if files and first is not None and not first.attachments.exists():
            attach(article=first, files=files)
    return ticket


def _said_in_opening(ticket: Ticket, by: User, notice: str) -> Article | None:
    """Its first article, wherever that stands now: it may have been merged into another ticket, or split off."""
    return Article.objects.filter(author=by, notice=notice, created_at__gte=ticket.created_at).first()


class LimitError(ValueError):
    """More files, or larger ones, than an article may have."""


def add(*, article: Article, files: Sequence[Kept], by: User) -> list[Attachment]:
    """More files of what was said; one that it has already is not there twice. Raises LimitError, and keeps none then."""
    with transaction.atomic():
        # The ticket first, as merging and splitting do, so that nobody waits for each other.
        Ticket.objects.select_for_update().get(pk=article.ticket_id)
        return _added(Article.objects.select_for_update().get(pk=article.pk), files, by)


def _added(article: Article, files: Sequence[Kept], by: User) -> list[Attachment]:
    there = {(one.name, one.digest): one for one in article.attachments.all()}
    fresh = list({(one.name, one.digest): one for one in files if (one.name, one.digest) not in there}.values())
    held = sum(one.size for one in there.values()) + sum(one.size for one in fresh)
    if len(there) + len(fresh) > settings.FILES_PER_ARTICLE or held > settings.FILES_BYTES:
        raise LimitError
    if fresh:
        attach(article=article, files=fresh)
        told = {"article_id": article.pk, "internal": article.internal, "files": len(fresh)}
        working.touched(ticket=article.ticket, what="files-added", by=by, **told)
    wanted = {(one.name, one.digest) for one in files}
    return [one for one in article.attachments.all() if (one.name, one.digest) in wanted]


def remove(*, attachments: Sequence[Attachment]) -> None:
    """A file goes when no row has needed it for an hour."""
    with transaction.atomic():
        Attachment.objects.filter(pk__in=[one.pk for one in attachments]).delete()
        let_go({str(one.file.name) for one in attachments})


def let_go(files: Iterable[str]) -> None:
    """To be looked at in an hour. In the transaction in which the rows go; `files` relative to MEDIA_ROOT."""
    now = timezone.now()
    loose = [LooseFile(file=one, since=now) for one in sorted(set(files))]  # sorted: nobody waits for each other
    LooseFile.objects.bulk_create(loose, update_conflicts=True, unique_fields=["file"], update_fields=["since"])


def sweep(*, now: datetime | None = None) -> int:
    """Files that no row has needed for an hour, and what a killed process began to copy; returns how many went."""
    before, gone = (now or timezone.now()) - CERTAIN, 0
    while looked_at := _sweep_some(before):
        gone += sum(looked_at)
    for draft in _folder().glob(f"{DRAFT}*"):
        if draft.stat().st_mtime < before.timestamp():
            draft.unlink(missing_ok=True)
    return gone


def _sweep_some(before: datetime) -> list[bool]:
    """Whether each of them went. Locked until they are gone, so that `keep` of the same content comes before or after."""
    if not LooseFile.objects.filter(since__lt=before).exists():
        return []
    with transaction.atomic():
        rows = LooseFile.objects.select_for_update(skip_locked=True).filter(since__lt=before).order_by("file")
        loose = {Path(one.file).name: one for one in rows[:AT_ONCE]}
        needed = set(Attachment.objects.filter(digest__in=loose).values_list("digest", flat=True))
        for digest in loose.keys() - needed:
            (Path(settings.MEDIA_ROOT) / loose[digest].file).unlink(missing_ok=True)
        LooseFile.objects.filter(pk__in=[one.pk for one in loose.values()]).delete()
    return [digest not in needed for digest in loose]


class Sized(Protocol):
    @property
    def size(self) -> int: ...


File = TypeVar("File", bound=Sized)


def fitting(files: Iterable[File], *, already: int = 0) -> tuple[list[File], list[File]]:
    """(those that fit, those that are too large or too many) by FILE_BYTES, FILES_BYTES and FILES_PER_ARTICLE."""
    kept: list[File] = []
    left: list[File] = []
    total = 0
    for one in files:
        fits = one.size <= settings.FILE_BYTES and total + one.size <= settings.FILES_BYTES
        fits = fits and already + len(kept) < settings.FILES_PER_ARTICLE
        (kept if fits else left).append(one)
        total += one.size if fits else 0
    return kept, left
