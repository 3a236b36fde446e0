"""Changes: what was asked, who agreed, what ran where, and what the devices said afterwards."""

from fleet.automation.models.backups import Backup, BackupState, Configuration
from fleet.automation.models.boxes import BoxEnd, Restoration
from fleet.automation.models.catalogue import PlaybookSource, SourceVersion
from fleet.automation.models.changes import Approval, Change, Target
from fleet.automation.models.credentials import CredentialUse, Rotation, RotationStep
from fleet.automation.models.foresight import Forecast
from fleet.automation.models.intent import Baseline, Drift, SiteCheck, Zone
from fleet.automation.models.policy import ApprovalLink, ChangeWindow, Delegation, Freeze, Override, PolicyRule
from fleet.automation.models.proposals import Proposal, ProposalVoice
from fleet.automation.models.remedies import RemedyAct, RemedyPolicy, RemedySignature
from fleet.automation.models.rollouts import Ring
from fleet.automation.models.runs import DeviceLock, HostResult, LogLine, Run
from fleet.automation.models.schedules import Schedule

__all__ = [
    "Approval",
    "ApprovalLink",
    "Backup",
    "BackupState",
    "Baseline",
    "BoxEnd",
    "Change",
    "ChangeWindow",
    "Configuration",
    "CredentialUse",
    "Delegation",
    "DeviceLock",
    "Drift",
    "Forecast",
    "Freeze",
    "HostResult",
    "LogLine",
    "Override",
    "PlaybookSource",
    "PolicyRule",
    "Proposal",
    "ProposalVoice",
    "RemedyAct",
    "RemedyPolicy",
    "RemedySignature",
    "Restoration",
    "Ring",
    "Rotation",
    "RotationStep",
    "Run",
    "Schedule",
    "SiteCheck",
    "SourceVersion",
    "Target",
    "Zone",
]
