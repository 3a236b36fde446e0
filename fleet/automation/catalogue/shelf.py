"""The playbooks that there are: those of the product, and of approved commits of git repositories."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from fleet.automation.catalogue import pinned
from fleet.automation.catalogue.load import CatalogueError, load
from fleet.automation.catalogue.model import Playbook, Risk
from fleet.automation.rules.sources import SLUG

log = logging.getLogger(__name__)


def all_playbooks() -> tuple[Playbook, ...]:
    """Every playbook of the catalogue, by slug; a built-in one that is not in order raises CatalogueError."""
    known = {playbook.slug: playbook for pin in pinned.pins() for playbook in _of_pin(pin)}
    return tuple(playbook for _slug, playbook in sorted((known | {one.slug: one for one in built_in()}).items()))


def built_in() -> tuple[Playbook, ...]:
    """Those that came with the product."""
    root = Path(settings.PLAYBOOKS_DIR)
    return tuple(
        _cached(folder, _stamp(folder)) for folder in sorted(root.glob("*/")) if (folder / "manifest.toml").exists()
    )


def get(slug: str) -> Playbook:
    """The playbook of that name. Any other text, a path included, is no playbook: CatalogueError."""
    if not SLUG.fullmatch(slug):
        raise CatalogueError(f"there is no playbook {slug!r}")
    folder = Path(settings.PLAYBOOKS_DIR) / slug
    if folder.is_dir():
        return _cached(folder, _stamp(folder))
    for pin in pinned.pins():
        if found := [playbook for playbook in _of_pin(pin) if playbook.slug == slug]:
            return found[0]
    raise CatalogueError(f"there is no playbook {slug!r}")


def _of_pin(pin: pinned.Pin) -> Iterator[Playbook]:
    """What cannot be read on this machine is left out, and said in the log: it keeps no other from being used."""
    about = {"source": pin.name, "commit": pin.commit}
    try:
        folders = pinned.folders(pinned.folder(pin)).values()
    except (LookupError, OSError):
        log.exception("playbooks of a repository cannot be read", extra=about)
        return
    for folder in folders:
        try:
            loaded = _cached(folder, _stamp(folder))
        except (CatalogueError, OSError):
            log.exception("a playbook of a repository cannot be read", extra={**about, "playbook": folder.name})
        else:
            risk: Risk = "medium" if loaded.risk == "low" else loaded.risk  # their author is not ours to answer for
            yield replace(loaded, risk=risk, source=pin.name, commit=pin.commit, authority_id=pin.authority_id)


def _stamp(folder: Path) -> tuple[tuple[str, int], ...]:
    return tuple((str(path), path.stat().st_mtime_ns) for path in sorted(folder.rglob("*")) if path.is_file())


@lru_cache(maxsize=256)
def _cached(folder: Path, _stamp: tuple[tuple[str, int], ...]) -> Playbook:
    return load(folder)
