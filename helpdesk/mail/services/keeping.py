"""A mail as it came is kept sealed, and lies open only in the folder of whoever reads it."""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO

from django.conf import settings
from django.utils import timezone

from fleet.secrets import sealed
from fleet.secrets.crypto import UndecipherableError
from helpdesk.mail.models import IncomingMail

FOLDER = "mail"
CHUNK = 2**20
LEFT_BEHIND = timedelta(days=1)
"""How old a file without a row is that a killed process has left, and nobody is about to write a row for."""
AT_ONCE = 500


@dataclass(frozen=True)
class Raw:
    """`path`: where it lies open; `file`: where sealed, relative to MEDIA_ROOT; `digest`: SHA-256 of what is kept.

    `size`: of the whole mail, in bytes; of one that is too large only the beginning may have been fetched.
    """

    path: Path
    size: int
    digest: str
    file: str
    key: str

    @property
    def whole(self) -> bool:
        return self.path.stat().st_size >= self.size


def keep(*, source: IO[bytes], folder: Path, size: int = 0) -> Raw:
    """Copied in pieces, whatever the size. `size`: of the whole mail, where `source` holds only its beginning."""
    path, digest = folder / "raw", hashlib.sha256()
    with path.open("wb") as target:
        while piece := source.read(CHUNK):
            digest.update(piece)
            target.write(piece)
    raw = Raw(path, max(size, path.stat().st_size), digest.hexdigest(), _fresh_name(), sealed.fresh_key())
    _seal(raw)
    return raw


def _fresh_name() -> str:
    name = uuid.uuid4().hex
    return f"{FOLDER}/{name[:2]}/{name}"


def _seal(raw: Raw) -> None:
    final = _place(raw.file)
    final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with raw.path.open("rb") as source, final.open("xb") as target:
        final.chmod(0o600)
        sealed.seal(source, target, raw.key)


def opened(*, row: IncomingMail, folder: Path) -> Raw:
    """Raises FileNotFoundError, and UndecipherableError also for one whose sender was erased: nothing of it is left."""
    path, key = folder / "raw", (row.secret or {}).get("key", "")
    if not row.file or not key:
        raise UndecipherableError("nothing is kept of this mail")
    with _place(str(row.file.name)).open("rb") as source, path.open("wb") as target:
        for piece in sealed.opened(source, key):
            target.write(piece)
    return Raw(path, row.size, row.digest, str(row.file.name), key)


def let_go(file: str) -> None:
    """Of a file that no row speaks of."""
    _place(file).unlink(missing_ok=True)


def _place(file: str) -> Path:
    return Path(settings.MEDIA_ROOT) / file


def sweep(*, now: datetime | None = None) -> int:
    """Files without a row, left by whoever was killed before the row was written; returns how many went."""
    old, gone = _older(((now or timezone.now()) - LEFT_BEHIND).timestamp()), 0
    while names := list(islice(old, AT_ONCE)):
        left = set(names) - set(IncomingMail.objects.filter(file__in=names).values_list("file", flat=True))
        for name in left:
            let_go(name)
        gone += len(left)
    return gone


def _older(before: float) -> Iterator[str]:
    root = Path(settings.MEDIA_ROOT)
    for path in (root / FOLDER).glob("*/*"):
        if path.stat().st_mtime < before:
            yield str(path.relative_to(root))
