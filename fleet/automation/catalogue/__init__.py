"""Which playbooks there are: a folder each, in `playbooks/` or an approved commit of a git repository, read strictly."""

from fleet.automation.catalogue.fitting import not_made_good, not_put_back, not_undone
from fleet.automation.catalogue.load import CatalogueError, load
from fleet.automation.catalogue.model import (
    GIVE_UP_AFTER_H,
    SWITCH_SETTLES_S,
    Argument,
    Expectation,
    Playbook,
    Rollback,
    Text,
    Verification,
    Voucher,
)
from fleet.automation.catalogue.shelf import all_playbooks, built_in, get

__all__ = [
    "GIVE_UP_AFTER_H",
    "SWITCH_SETTLES_S",
    "Argument",
    "CatalogueError",
    "Expectation",
    "Playbook",
    "Rollback",
    "Text",
    "Verification",
    "Voucher",
    "all_playbooks",
    "built_in",
    "get",
    "load",
    "not_made_good",
    "not_put_back",
    "not_undone",
]
