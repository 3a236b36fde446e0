"""What one attempt of a run works with: its arguments, its private directory, the mark of its processes."""

from pathlib import Path
from typing import Any

from django.conf import settings

from fleet.automation.catalogue import Playbook, get
from fleet.automation.models import Change, Restoration, Run
from fleet.automation.services import backups
from fleet.automation.services.composing import adjusted_by, given

RESTORING = "restore"
"""The playbook that puts a kept configuration back."""


def playbook_of(run: Run) -> Playbook:
    """What this run plays: the change's own playbook, its inverse where taking back has one, or what makes another run
    good that was cut off. Raises CatalogueError.
    """
    if run.makes_good:
        return get(playbook_of(run.makes_good).after_cut)
    playbook = get(run.change.playbook)
    if run.kind != Run.Kind.REVERT or playbook.rollback is None or restores(run):
        return playbook
    if playbook.rollback.restore_backup:
        return get(RESTORING)
    return get(playbook.rollback.playbook) if playbook.rollback.playbook else playbook


def puts_back(run: Run) -> bool:
    """Whether what this run does is undone by, or is itself, putting each device's own configuration back."""
    rollback = get(run.change.playbook).rollback
    return rollback is not None and rollback.restore_backup


def arguments_of(run: Run) -> dict[str, Any]:
    """What this run gives the playbook; taking back uses the playbook's own inverse."""
    if run.makes_good:
        return _declared(playbook_of(run), arguments_of(run.makes_good))
    change = _restored(run) or run.change
    arguments = given(change)
    if change is run.change and run.kind == Run.Kind.REVERT:
        return _inverse(change, arguments)
    for one in _adjusting(run):
        arguments |= given(one)
    return arguments | backups.given_to_playbook(change)


def _inverse(change: Change, arguments: dict[str, Any]) -> dict[str, Any]:
    """What takes a change back: another playbook's arguments as far as it declares them, or the same with some changed."""
    rollback = get(change.playbook).rollback
    if rollback is None:
        return arguments
    if rollback.restore_backup:  # each device has its own (`services.before`)
        return {}
    if rollback.playbook:
        return _declared(get(rollback.playbook), arguments)
    return arguments | rollback.arguments


def _declared(playbook: Playbook, arguments: dict[str, Any]) -> dict[str, Any]:
    """Those that this playbook knows."""
    given = {one.name: arguments.get(one.name, one.default) for one in playbook.arguments}
    return {name: value for name, value in given.items() if value is not None}


def secrets_of(run: Run) -> list[dict[str, Any]]:
    """Every secret argument that this run may come to know."""
    changes = (run.change, _restored(run), *_adjusting(run))
    return [change.secret_arguments for change in changes if change is not None and change.secret_arguments]


def restores(run: Run) -> bool:
    """Whether it brings another change's values back rather than the playbook's own inverse."""
    return _restored(run) is not None


def _restored(run: Run) -> Change | None:
    if run.kind != Run.Kind.REVERT:
        return None
    row = Restoration.objects.select_related("change").filter(run=run).first()
    return row.change if row else None


def _adjusting(run: Run) -> list[Change]:
    """Whose arguments take the place of those of what is brought back: a key that was rotated since, say."""
    change = _restored(run)
    return adjusted_by(change, list(run.hosts.values_list("device_id", flat=True))) if change else []


def private_dir(run: Run) -> Path:
    return Path(settings.RUN_DIR) / f"run-{run.pk}-{run.token.hex[:12]}"


def mark(run: Run) -> str:
    return f"{run.pk}:{run.token}"
