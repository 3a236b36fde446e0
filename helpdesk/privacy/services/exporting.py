"""Exports: asked for, made in the background into private files, gone after some days."""

import logging
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, cast

from celery import current_app
from django.core.files import File
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.people.rules import Action
from helpdesk.privacy.models import Export
from helpdesk.privacy.rules.masking import Masker
from helpdesk.privacy.services import gathering, removing
from helpdesk.privacy.services.documents import Chapter, write_json, write_pdf

log = logging.getLogger(__name__)
KEPT = timedelta(days=7)
LEASE = timedelta(minutes=15)
MOST_ATTEMPTS = 3
FOLDER = "exports"
State = Export.State


def people_of(user: User) -> QuerySet[User]:
    """Those who hold a role, or have tickets, where this person manages."""
    scopes = user.access.scopes(Action.MANAGE)
    roles = Q(grants__scope__in=scopes) | Q(grants__scope__parent__in=scopes)
    tickets = Q(requested_tickets__authority__in=scopes) | Q(requested_tickets__site__in=scopes)
    return User.objects.filter(pk__in=User.objects.filter(roles | tickets).values("pk"))


def ask(*, person: User, by: User) -> Export:
    """One that waits or is being made already is given again. Another person's is cut to what `by` manages and may see."""
    scopes = None if person.pk == by.pk else sorted(by.access.scopes(Action.MANAGE))
    with transaction.atomic():
        same = Export.objects.filter(person=person, asked_by=by, state__in=[State.WAITING, State.WORKING])
        export = same.select_for_update().first()
        if export is None:
            export = Export.objects.create(person=person, asked_by=by, scopes=scopes, expires_at=timezone.now() + KEPT)
            _tell("export-asked", export, by.pk)
        transaction.on_commit(_soon, robust=True)
    return export


def _soon() -> None:
    current_app.send_task("helpdesk.privacy.work")


def work(*, now: datetime | None = None) -> int:
    """Make what waits, also what a dead worker left; forget what has expired. Returns how many were made."""
    moment = now or timezone.now()
    forget_expired(now=moment)
    due = Export.objects.filter(state__in=[State.WAITING, State.WORKING], claimed_until__lte=moment).order_by("pk")
    return sum(_make(export, moment) for export in due if _claim(export, moment))


def _claim(export: Export, now: datetime) -> bool:
    mine = Export.objects.filter(pk=export.pk, state=export.state, claimed_until=export.claimed_until)
    return mine.update(state=State.WORKING, claimed_until=now + LEASE, attempts=F("attempts") + 1) == 1


def _make(export: Export, now: datetime) -> bool:
    try:
        with translation.override(export.asked_by.language), tempfile.TemporaryDirectory() as folder:
            data, document, counts = _write(export, Path(folder))
            _store(export, data, document, counts)
    except Exception:  # it is tried again, and after some times it says that it failed
        log.exception("export failed", extra={"export_id": export.pk})
        over = export.attempts + 1 >= MOST_ATTEMPTS
        Export.objects.filter(pk=export.pk).update(state=State.FAILED if over else State.WAITING, claimed_until=now)
        return False
    return True


def _write(export: Export, folder: Path) -> tuple[Path, Path, dict[str, int]]:
    """Both files in a private folder of this process."""
    wanted = gathering.Wanted(export.person, export.asked_by, export.scopes)
    hide = gathering.masker(export.person)
    chapters: list[Chapter] = []
    data, document = folder / "data.json", folder / "data.pdf"
    with data.open("w", encoding="utf-8") as out:
        write_json(out, _about(export), _told(wanted, hide, chapters))
    full = [chapter for chapter in chapters if chapter.count]
    with document.open("wb") as paper:
        write_pdf(paper, _("What Fleetdesk keeps of %(name)s") % {"name": export.person.name}, _facts(export), full)
    return data, document, {chapter.source: chapter.count for chapter in full}


def _told(
    wanted: gathering.Wanted, hide: Masker, chapters: list[Chapter]
) -> Iterator[tuple[Chapter, Iterator[dict[str, Any]]]]:
    for section in gathering.sections(wanted):
        chapter = Chapter(section.title, section.source)
        chapters.append(chapter)
        yield chapter, gathering.told(section, wanted, hide)


def _about(export: Export) -> dict[str, Any]:
    return {
        "person": {"id": export.person_id, "name": export.person.name, "email": export.person.email},
        "made_at": timezone.localtime().isoformat(),
        "complete": export.scopes is None,
        "hints": _facts(export),
    }


def _facts(export: Export) -> list[str]:
    made = timezone.localtime().strftime("%d.%m.%Y %H:%M")
    facts = [
        _("Made on %(at)s, by Art. 15 and 20 GDPR.") % {"at": made},
        _("Other people are called “Person 1”, “Person 2” and so on; their mail addresses are left out."),
    ]
    if export.scopes is None:
        return [*facts, _("Of internal notes it says that there are some, not what they say. Secrets are never part of it.")]
    return [
        *facts,
        _("It holds what lies where the administrator who asked for it manages."),
        _("What belongs to tickets that this administrator may not see is left out."),
    ]


def _store(export: Export, data: Path, document: Path, counts: dict[str, int]) -> None:
    """A ready one is written once: whoever comes late throws their files away."""
    with data.open("rb") as one, document.open("rb") as other:
        names = {"data": _save(export, "json", one), "document": _save(export, "pdf", other)}
    with transaction.atomic():
        mine = Export.objects.filter(pk=export.pk, state=State.WORKING)
        if mine.update(state=State.READY, ready_at=timezone.now(), counts=counts, **names):
            _tell("export-made", export, export.asked_by_id)
            return
    for name in names.values():
        _storage().delete(name)


def _save(export: Export, ending: str, content: IO[bytes]) -> str:
    name: str = _storage().save(f"{FOLDER}/{export.uid}.{ending}", File(content))
    Path(_storage().path(name)).chmod(0o600)
    return name


def _storage() -> Any:
    return cast("Any", Export._meta.get_field("data")).storage


def forget_expired(*, now: datetime) -> int:
    """Rows and files. That there was one stays in the audit."""
    with transaction.atomic():
        rows = list(Export.objects.filter(expires_at__lte=now).select_for_update()[:100])
        return removing.remove(rows).count


def _tell(what: str, export: Export, by_id: int) -> None:
    emit(
        Fact(
            name=f"privacy.{what}",
            subject=export,
            actor_id=by_id,
            payload={"person_id": export.person_id, "own": export.scopes is None},
        )
    )
