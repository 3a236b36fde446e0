"""`manage.py check` reads every playbook's folder, so that a wrong one never reaches a person."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error

from fleet.automation.catalogue import CatalogueError, load

MARKS = ("playbook.yml", "manifest.toml", "meta/argument_specs.yml")
"""A folder that has one of these is meant to be a playbook, and must have them all."""


def check_playbooks(**_: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    root = Path(settings.PLAYBOOKS_DIR)
    for folder in sorted({root / path.relative_to(root).parts[0] for mark in MARKS for path in root.glob(f"*/{mark}")}):
        try:
            load(folder)
        except CatalogueError as error:
            found.append(Error(str(error), id="automation.E001"))
    return found
