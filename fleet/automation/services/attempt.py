"""What one attempt of a run works with: its arguments, its private directory, the mark of its processes."""

from pathlib import Path
from typing import Any

from django.conf import settings

from fleet.automation.catalogue import get
from fleet.automation.models import Run


def arguments_of(run: Run) -> dict[str, Any]:
    """What this run gives the playbook; taking back uses the playbook's own inverse."""
    change = run.change
    arguments = {**change.arguments, **(change.secret_arguments or {})}
    if run.kind == Run.Kind.REVERT and (rollback := get(change.playbook).rollback):
        arguments |= rollback.arguments
    return arguments


def private_dir(run: Run) -> Path:
    return Path(settings.RUN_DIR) / f"run-{run.pk}-{run.token.hex[:12]}"


def mark(run: Run) -> str:
    return f"{run.pk}:{run.token}"
