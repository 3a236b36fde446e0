"""The approved playbooks of git repositories, as folders on this machine.

The rows say what is approved. A commit's folders are written from them when they are first needed: read-only, under the
commit, and put in their place by one rename, so that nobody ever reads half of it. Each lies by itself in a folder named
after all that it holds, so that a playbook reaches no other whose content it does not name: its digest covers what it plays.
"""

import hashlib
import json
import os
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection

from fleet.automation.rules.sources import COMMIT, Files, slugs

KNOWN_S = 2.0
"""How long a process takes what is approved for known: a list of fifty changes does not ask fifty times."""


@dataclass(frozen=True)
class Pin:
    """The approved commit of one repository."""

    source_id: int
    authority_id: int
    name: str
    commit: str


_known: tuple[float, tuple[Pin, ...]] | None = None


def forget() -> None:
    """What is approved was changed just now, by this process."""
    global _known  # noqa: PLW0603  (what a process knows of the rows)
    _known = None


def pins() -> tuple[Pin, ...]:
    global _known  # noqa: PLW0603
    if _known is None or time.monotonic() - _known[0] > KNOWN_S:
        _known = (time.monotonic(), _asked())
    return _known[1]


def _asked() -> tuple[Pin, ...]:
    from fleet.automation.models import PlaybookSource

    rows = PlaybookSource.objects.exclude(commit="").order_by("name")
    try:
        return tuple(Pin(*row) for row in rows.values_list("pk", "authority_id", "name", "commit"))
    except DatabaseError:  # `manage.py check` before the first migration
        if connection.in_atomic_block:
            raise
        return ()


def folder(pin: Pin) -> Path:
    """Where this commit's playbooks lie, written if they are not there yet. Raises LookupError for an unknown commit."""
    if not COMMIT.fullmatch(pin.commit):
        raise LookupError(pin.commit)
    place = Path(settings.SOURCES_DIR) / place_of(pin)
    if not place.is_dir():
        write(place, _files(pin))
    return place


def place_of(pin: Pin) -> str:
    return f"{pin.source_id}-{pin.commit}-apart"


def folders(place: Path) -> dict[str, Path]:
    """{slug: its folder} of the playbooks that lie there."""
    return {path.name: path for path in sorted(place.glob("*/*"), key=lambda path: path.name) if path.is_dir()}


def _files(pin: Pin) -> Files:
    from fleet.automation.models import SourceVersion

    version = SourceVersion.objects.filter(source=pin.source_id, commit=pin.commit).first()
    if version is None:
        raise LookupError(pin.commit)
    files: Files = version.files
    return files


def write(place: Path, files: Files) -> None:
    """Write the folders of all playbooks read-only into `place`; whoever was faster has written the same."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
    draft.mkdir(mode=0o700)
    apart = {slug: draft / _apart(slug, files) for slug in slugs(files)}
    for slug, above in apart.items():
        (above / slug).mkdir(mode=0o700, parents=True)
    for path, text in files.items():
        target = apart[path.split("/")[0]] / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o400)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    for inside in [path for path in draft.rglob("*") if path.is_dir()]:
        inside.chmod(0o500)
    try:
        draft.rename(place)
    except OSError:
        remove(draft)
        if not place.is_dir():
            raise


def _apart(slug: str, files: Files) -> str:
    mine = {path: text for path, text in files.items() if path.split("/")[0] == slug}
    return hashlib.sha256(json.dumps(mine, sort_keys=True).encode()).hexdigest()


def remove(place: Path) -> None:
    for inside in [place, *place.rglob("*")]:
        if inside.is_dir() and not inside.is_symlink():
            inside.chmod(0o700)
    shutil.rmtree(place, ignore_errors=True)
