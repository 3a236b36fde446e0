"""Which playbooks there are: one folder in `playbooks/` each, read strictly."""

from fleet.automation.catalogue.load import CatalogueError, all_playbooks, get, load
from fleet.automation.catalogue.model import Argument, Expectation, Playbook, Rollback, Text, Verification

__all__ = [
    "Argument",
    "CatalogueError",
    "Expectation",
    "Playbook",
    "Rollback",
    "Text",
    "Verification",
    "all_playbooks",
    "get",
    "load",
]
