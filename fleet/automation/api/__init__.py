"""The routers of this room."""

from fleet.automation.api import foresight, standing
from fleet.automation.api import rollouts as _rollouts  # adds to `changes`
from fleet.automation.api import wanted as _wanted  # adds to `drift`
from fleet.automation.api.changes import changes, playbooks
from fleet.automation.api.credentials import rotations, uses
from fleet.automation.api.intent import backups, compliance, drift
from fleet.automation.api.policy import policy
from fleet.automation.api.sources import sources

del _rollouts, _wanted

__all__ = [
    "backups", "changes", "compliance", "drift", "foresight", "playbooks", "policy",
    "rotations", "sources", "standing", "uses",
]  # fmt: skip
