"""Git repositories with playbooks: fetched when a person asks, looked at, and used only once a commit is approved."""

import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from fleet.automation.catalogue import (
    CatalogueError,
    Playbook,
    built_in,
    git,
    load,
    not_made_good,
    not_put_back,
    not_undone,
    pinned,
)
from fleet.automation.models import PlaybookSource, SourceVersion
from fleet.automation.rules import sources as rules
from fleet.automation.rules.boxes import NO_SUBJECT, lacks_subject
from fleet.devices.models import Credential
from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.secrets.types import Secret
from fleet.sites.models import Authority

log = logging.getLogger(__name__)
State = PlaybookSource.State
GIVEN_UP = timedelta(seconds=2 * git.FETCH_S)
"""After that whoever fetched is gone, and another may begin."""
AFTER_CUT = "to make a run good that was cut off"
_FITS: Mapping[str, Callable[[Playbook, Playbook], str | None]] = {"rollback": not_undone, "after_cut": not_made_good}
"""Key of the manifest → why the playbook named there does not fit."""


class SourceError(ValueError):
    """`key` names why (`automation.playbook_words.source_problem` says it), `field` which value, `detail` where."""

    def __init__(self, key: str, field: str = "", detail: str = "") -> None:
        super().__init__(f"{field}: {key} {detail}".strip(": "))
        self.key, self.field, self.detail = key, field, detail


@dataclass(frozen=True)
class Address:
    """Where playbooks come from and how they are got."""

    name: str
    url: str
    branch: str = "main"
    folder: str = "playbooks"
    credential: Credential | None = None
    known_hosts: str = ""
    allowed_signers: str = ""


def add(*, authority: Authority, address: Address, by: User | None) -> PlaybookSource:
    """Nothing is fetched yet. Raises SourceError."""
    _check(authority, address)
    values: dict[str, Any] = {**address.__dict__, "authority": authority, "added_by": by}
    try:
        with transaction.atomic():
            made = PlaybookSource.objects.create(**values)
            _tell("added", made, by, url=made.url, branch=made.branch)
    except IntegrityError as error:
        raise SourceError("name-taken", "name") from error
    return made


def _check(authority: Authority, address: Address) -> None:
    credential = address.credential
    found = (
        ("url", rules.url_problem(address.url, settings.SOURCE_PROTOCOLS)),
        ("branch", rules.branch_problem(address.branch)),
        ("folder", rules.folder_problem(address.folder)),
        ("credential", "credential" if credential and not _fits(credential, authority, address.url) else None),
        ("known_hosts", "no-host-key" if address.url.startswith("ssh:") and not address.known_hosts.strip() else None),
    )
    for field, key in found:
        if key:
            raise SourceError(key, field)


def _fits(credential: Credential, authority: Authority, url: str) -> bool:
    """A password is sent to the server as it is, so only one that is meant for git; of a key nothing is."""
    kind = Credential.Kind.SSH_KEY if url.startswith("ssh:") else Credential.Kind.GIT
    return credential.authority_id == authority.pk and credential.kind == kind


def fetch_soon(*, source: PlaybookSource, by: User | None) -> bool:
    """Ask a worker to fetch; False while another one does."""
    with transaction.atomic():
        if not _begin(source.pk):
            return False
        _tell("fetch-requested", source, by)
        transaction.on_commit(lambda: _send(source.pk), robust=True)
    return True


def _send(source_id: int) -> None:
    current_app.send_task("fleet.automation.fetch_source", args=[source_id])


def _begin(source_id: int) -> bool:
    now = timezone.now()
    free = Q(state__in=[State.IDLE, State.FAILED]) | Q(state_since__lt=now - GIVEN_UP)
    return PlaybookSource.objects.filter(free, pk=source_id).update(state=State.FETCHING, state_since=now) == 1


def fetch(*, source_id: int) -> SourceVersion | None:
    """Get the newest commit and look at it. What goes wrong is said on the row; then None comes back."""
    source = PlaybookSource.objects.select_related("credential", "authority").filter(pk=source_id).first()
    if source is None:
        return None
    if source.credential and not _fits(source.credential, source.authority, source.url):
        _failed(source, "credential")
        return None
    try:
        tip = git.fetch(_wish(source))
        problems = problems_of(tip.files)
    except git.GitError as error:
        _refused(source, error)
    except Exception:
        log.exception("fetching playbooks failed", extra={"source_id": source_id})
        _failed(source, "unexpected")
    else:
        return _keep(source, tip, problems)
    return None


def _wish(source: PlaybookSource) -> git.Wish:
    held = source.credential.secret if source.credential else {}
    return git.Wish(
        source.url,
        source.branch,
        source.folder,
        protocols=tuple(settings.SOURCE_PROTOCOLS),
        username=held.get("username", ""),
        password=Secret(held["password"]) if "password" in held else None,
        private_key=Secret(held["private_key"]) if "private_key" in held else None,
        known_hosts=source.known_hosts,
        allowed_signers=source.allowed_signers,
    )


def _refused(source: PlaybookSource, error: git.GitError) -> None:
    if error.key != "git":
        _failed(source, error.key, error.detail)
        return
    log.warning("git could not fetch", extra={"source_id": source.pk, "detail": error.detail})
    _failed(source, rules.git_problem(error.detail))


def _failed(source: PlaybookSource, key: str, detail: str = "") -> None:
    values = {"state": State.FAILED, "problem": key, "detail": detail, "state_since": timezone.now()}
    with transaction.atomic():
        if PlaybookSource.objects.filter(pk=source.pk).update(**values):
            _tell("fetch-failed", source, None, problem=key)


@transaction.atomic
def _keep(source: PlaybookSource, tip: git.Tip, problems: list[str]) -> SourceVersion | None:
    """What was neither approved nor is the newest is of no use any more."""
    now = timezone.now()
    values = {"state": State.IDLE, "problem": "", "detail": "", "state_since": now}
    known = PlaybookSource.objects.filter(pk=source.pk)
    if not known.update(fetched_commit=tip.commit, fetched_at=now, **values):
        return None  # removed meanwhile
    SourceVersion.objects.filter(source=source, approved_at=None).exclude(commit=tip.commit).delete()
    about = {"subject": tip.subject, "author": tip.author, "committed_at": tip.committed_at, "signed_by": tip.signed_by}
    version, made = SourceVersion.objects.get_or_create(
        source=source, commit=tip.commit, defaults={**about, "files": tip.files, "problems": problems}
    )
    if not made and version.approved_at is None:
        SourceVersion.objects.filter(pk=version.pk).update(problems=problems, **about)
    _tell("fetched", source, None, commit=tip.commit)
    return version


def problems_of(files: rules.Files) -> list[str]:
    """What keeps these playbooks out of the catalogue, with file and line."""
    hidden = rules.hidden(files) + rules.outside(files)
    with tempfile.TemporaryDirectory(prefix="fleetdesk-look-") as place:
        root = Path(place) / "playbooks"
        pinned.write(root, files)
        taken, folders = {playbook.slug for playbook in built_in()}, pinned.folders(root)
        found = []
        for slug in rules.slugs(files):
            if slug in taken:
                found.append(f"{slug}: a playbook of the product has this name")
            found += _load_problem(folders, slug)
        pinned.remove(root)
    return hidden + found


def _load_problem(folders: Mapping[str, Path], slug: str) -> list[str]:
    try:
        playbook = load(folders[slug])
    except CatalogueError as error:
        return [str(error).replace(f"{folders[slug].parent}/", "")]
    named = {_named(playbook)["rollback"]: "to undo it with", playbook.after_cut: AFTER_CUT}
    if playbook.rollback and playbook.rollback.restore_backup and (lacking := not_put_back(playbook)):
        return [f"{slug}/manifest.toml: rollback: no configuration is kept or put back on {', '.join(lacking)}"]
    if lacks_subject(playbook):
        return [f"{slug}/manifest.toml: subject: {NO_SUBJECT}"]
    ours = {one.slug: one for one in built_in()}
    known = {*folders, *ours}
    if lacking_ones := [other for other in named if other and other not in known]:
        return [f"{slug}/manifest.toml: there is no playbook {other!r} {named[other]}" for other in lacking_ones][:1]
    found = (_misfit(playbook, key, folders, ours) for key in _FITS)
    return [f"{slug}/manifest.toml: {problem}" for problem in found if problem]


def _named(playbook: Playbook) -> dict[str, str]:
    """Key of the manifest → slug of the playbook that it names; "" where it names none."""
    return {"rollback": playbook.rollback.playbook if playbook.rollback else "", "after_cut": playbook.after_cut}


def _misfit(playbook: Playbook, key: str, folders: Mapping[str, Path], ours: Mapping[str, Playbook]) -> str | None:
    """Why the playbook that it names with this key does not do for it."""
    try:
        slug = _named(playbook)[key]
        other = (ours.get(slug) or load(folders[slug])) if slug else None
    except CatalogueError:  # said of that one
        return None
    problem = _FITS[key](playbook, other) if other else None
    return f"{key}: {problem}" if problem else None


def changes_of(version: SourceVersion) -> list[rules.PlaybookChange]:
    """What approving this version would change in the catalogue: against what is approved now."""
    source = version.source
    before = source.versions.filter(commit=source.commit).first() if source.commit else None
    return rules.changes(before.files if before else {}, version.files)


def approve(*, source: PlaybookSource, commit: str, by: User) -> PlaybookSource:
    """From now on this commit's playbooks are the catalogue's. `commit`: what the person saw. Raises SourceError.

    A playbook runs on our own machine too (lookups, plays on localhost), so nobody brings one in alone.
    """
    with transaction.atomic():
        locked = PlaybookSource.objects.select_for_update().get(pk=source.pk)
        if locked.added_by_id == by.pk:
            raise SourceError("own-source", "commit")
        version = locked.versions.filter(commit=commit).first()
        if version is None or commit not in {locked.fetched_commit, locked.commit}:
            raise SourceError("changed-meanwhile", "commit")
        if problem := next(iter([*version.problems, *_clashes(locked, version)]), None):
            raise SourceError("not-in-order", "commit", problem)
        if unseen := _unseen(version):
            raise SourceError("too-long-to-look-at", "commit", unseen)
        now = timezone.now()
        SourceVersion.objects.filter(pk=version.pk).update(approved_at=now, approved_by=by)
        PlaybookSource.objects.filter(pk=locked.pk).update(commit=commit)
        _tell("approved", locked, by, commit=commit, before=locked.commit)
    pinned.forget()
    source.commit = commit
    return source


def _unseen(version: SourceVersion) -> str | None:
    """A file of which more has changed than is shown."""
    files = (file for change in changes_of(version) for file in change.files)
    return next((file.path for file in files if file.cut), None)


def _clashes(source: PlaybookSource, version: SourceVersion) -> list[str]:
    """Names that the product has taken since this version was fetched, or that another repository has."""
    mine, found = set(rules.slugs(version.files)), []
    others = PlaybookSource.objects.exclude(pk=source.pk).exclude(commit="")
    for other in others.order_by("name"):
        approved = other.versions.get(commit=other.commit)
        holder = other.name if other.authority_id == source.authority_id else "another repository"
        found += [
            f"{slug}: {holder} has a playbook of this name" for slug in sorted(mine & set(rules.slugs(approved.files)))
        ]
    taken = sorted(mine & {playbook.slug for playbook in built_in()})
    return [*found, *(f"{slug}: a playbook of the product has this name" for slug in taken)]


@transaction.atomic
def remove(*, source: PlaybookSource, by: User) -> None:
    """Its playbooks leave the catalogue; what was changed with them stays on record."""
    _tell("removed", source, by, url=source.url, commit=source.commit)
    PlaybookSource.objects.filter(pk=source.pk).delete()
    transaction.on_commit(pinned.forget)


def sweep() -> None:
    """Folders of commits that nobody needs any more, on this machine."""
    needed = {pinned.place_of(pin) for pin in pinned.pins()}
    for place in Path(settings.SOURCES_DIR).glob("*-*"):
        if place.name not in needed and not place.name.startswith(".") and _old(place):
            pinned.remove(place)


def _old(place: Path) -> bool:
    """A run that began before the approval may still read it."""
    return timezone.now().timestamp() - place.stat().st_mtime > timedelta(days=1).total_seconds()


def _tell(name: str, source: PlaybookSource, by: User | None, **facts: Any) -> None:
    about = {"name": source.name, **facts}
    emit(Fact(f"playbook-source.{name}", source, source.authority_id, None, by.pk if by else None, about))
