"""What the API says about playbooks, changes and runs. Secret arguments are named, never told."""

from datetime import datetime
from typing import Any

from ninja import Field, Schema
from pydantic import AwareDatetime

from fleet.automation import services
from fleet.automation.catalogue import Playbook
from fleet.automation.models import Approval, Change, Run
from fleet.people.rules import Action
from fleet.secrets.types import MASK


class TextOut(Schema):
    de: str
    en: str


class ArgumentOut(Schema):
    name: str
    type: str
    label: TextOut
    help: TextOut | None
    required: bool
    default: Any
    choices: list[Any]
    secret: bool


class PlaybookOut(Schema):
    slug: str
    title: TextOut
    summary: TextOut
    platforms: list[str]
    risk: str
    check_mode: str
    expected_duration_s: int
    max_targets: int
    reversible: bool
    arguments: list[ArgumentOut]
    digest: str

    @staticmethod
    def resolve_reversible(playbook: Playbook) -> bool:
        return playbook.rollback is not None

    @staticmethod
    def resolve_platforms(playbook: Playbook) -> list[str]:
        return sorted(playbook.platforms)


class EvidenceOut(Schema):
    device_id: int
    device: str
    reading: str
    holds: str
    wanted: Any
    before: Any
    after: Any
    verdict: str
    measured_at: datetime | None


class HostOut(Schema):
    device_id: int
    device: str = Field(alias="device.name")
    state: str
    message: str
    diff: list[dict[str, str]]
    verdict: str
    evidence: list[EvidenceOut]
    measured_at: datetime | None


class RunOut(Schema):
    id: int
    kind: str
    attempt: int
    state: str
    waits_for: str
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str
    hosts: list[HostOut]


class ApprovalOut(Schema):
    approver: str = Field(alias="approver.name")
    decision: str
    comment: str
    decided_at: datetime


class ChangeOut(Schema):
    id: int
    uid: str
    playbook: str
    site_id: int
    state: str
    state_since: datetime
    box: str
    risk: str
    starts_at: datetime
    ends_at: datetime | None
    requested_by: str | None
    reason: str
    digest: str
    arguments: dict[str, Any]

    @staticmethod
    def resolve_uid(change: Change) -> str:
        return str(change.uid)

    @staticmethod
    def resolve_requested_by(change: Change) -> str | None:
        return change.requested_by.name if change.requested_by else None

    @staticmethod
    def resolve_arguments(change: Change) -> dict[str, Any]:
        return {**change.arguments, **dict.fromkeys(change.secret_arguments or {}, MASK)}


class ChangeDetailOut(ChangeOut):
    approvals_needed: int
    approvals: list[ApprovalOut]
    runs: list[RunOut]
    why_not_approve: str | None
    """Why you may not decide on it; null when you may."""

    @staticmethod
    def resolve_approvals(change: Change) -> list[Approval]:
        return list(change.approvals.all())

    @staticmethod
    def resolve_runs(change: Change, context: dict[str, Any]) -> list[Run]:
        """What happened on which device is for those who see device details."""
        access = context["request"].user.access
        technical = access.may(Action.VIEW_DEVICE_DETAILS, change.authority_id, change.site_id)
        return list(change.runs.all()) if technical else []

    @staticmethod
    def resolve_why_not_approve(change: Change, context: dict[str, Any]) -> str | None:
        return services.why_not(change, context["request"].user)


class ChangeIn(Schema):
    playbook: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    device_ids: list[int]
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    reason: str = Field("", max_length=500)


class DecisionIn(Schema):
    digest: str
    """The digest of what you looked at."""
    comment: str = Field("", max_length=500)


class LogLineOut(Schema):
    sequence: int
    event: str
    host: str
    task: str
    text: str
    at: datetime
