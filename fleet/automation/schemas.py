"""What the API says about playbooks, changes and runs. Secret arguments are named, never told."""

from datetime import datetime
from typing import Any

from ninja import Field, Schema

from fleet.automation import services, words
from fleet.automation.catalogue import Playbook
from fleet.automation.models import Approval, Change, HostResult, LogLine, Run
from fleet.automation.views.changes import curtained, sees_details, sees_whole
from fleet.secrets.types import MASK
from fleet.web.instants import Instant


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
    """Whether a change of it may have an end, at which it is taken back."""
    why_no_end: str
    """no-way-back, or whole-device: taking it back puts back all that a device had before. Empty where it is reversible."""
    arguments: list[ArgumentOut]
    digest: str
    source: str
    """Name of the repository it is from; empty: it came with the product."""
    commit: str
    who_may_run: list[str]
    """Roles; empty: whoever may order changes there."""
    who_approves: list[str]
    max_per_step: int | None
    rotates: str

    @staticmethod
    def resolve_reversible(playbook: Playbook) -> bool:
        return playbook.undoes_itself

    @staticmethod
    def resolve_who_may_run(playbook: Playbook) -> list[str]:
        return sorted(playbook.who_may_run)

    @staticmethod
    def resolve_who_approves(playbook: Playbook) -> list[str]:
        return sorted(playbook.who_approves)

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

    @staticmethod
    def resolve_message(row: HostResult) -> str:
        return words.host_said(row)


class RunOut(Schema):
    id: int
    kind: str
    ring: int | None = Field(None, alias="ring.number")
    step: int
    attempt: int
    state: str
    waits_for: str
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    problem: str
    """Why it did not end well, as a word; `error` is the sentence, with what a program has said."""
    error: str
    aftermath: str
    """Where it was cut off: `made-good`, or `for-people` where that could not be done."""
    hosts: list[HostOut]

    @staticmethod
    def resolve_error(run: Run) -> str:
        return words.run_error(run)


class ApprovalOut(Schema):
    """`on_behalf_of`: the colleague on leave in whose name it was decided; `void_at`: from when on it counts no more."""

    approver: str = Field(alias="approver.name")
    on_behalf_of: str | None
    decision: str
    comment: str
    decided_at: datetime
    void_at: datetime | None

    @staticmethod
    def resolve_on_behalf_of(approval: Approval) -> str | None:
        return approval.on_behalf_of.name if approval.on_behalf_of else None


class ChangeOut(Schema):
    id: int
    uid: str
    playbook: str
    site_id: int | None
    """null: devices of several schools."""
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
        user = context["request"].user
        if not sees_details(change, user):
            return []
        return list(change.runs.all()) if sees_whole(change, user) else curtained(change.runs.all())

    @staticmethod
    def resolve_why_not_approve(change: Change, context: dict[str, Any]) -> str | None:
        return services.why_not(change, context["request"].user)


class DeviceFilterIn(Schema):
    site: int | None = None
    kind: str | None = None
    platform: str | None = None


class StrategyIn(Schema):
    """How a change goes out; what is left out is as usual."""

    rings: list[str] | None = None
    """Out of pilot, site, share, rest, in this order; [] is a single ring."""
    pilot_ids: list[int] = Field(default_factory=list)
    share_percent: int = 25
    threshold_percent: int = 10
    spread: str = "neighbours"
    """neighbours, buildings or none: what is kept from being changed at the same time."""
    max_per_step: int = 100
    rollback_on_halt: bool = False
    offline_until: Instant | None = None


class RingOut(Schema):
    number: int
    title: str
    state: str
    reason: str
    details: dict[str, Any]
    started_at: datetime | None
    finished_at: datetime | None
    steps: int
    devices: dict[str, int]
    """{state: devices}"""


class TargetOut(Schema):
    id: int
    device_id: int
    device: str = Field(alias="device.name")
    ring: int | None = Field(None, alias="ring.number")
    step: int
    state: str


class ProposalOut(Schema):
    id: int
    act: str
    """roll-back, or end: to take it back at another time."""
    ends_at: datetime | None
    """Of end: when; null: at once."""
    asked_by: str
    asked_at: datetime
    left: int
    """How many more people have to agree."""


class ChangeIn(Schema):
    playbook: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    device_ids: list[int] | None = None
    filter: DeviceFilterIn | None = None
    """Instead of device_ids: all devices that fit and that the playbook can be run on; none is «nothing to do»."""
    strategy: StrategyIn | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    reason: str = Field("", max_length=500)


class DecisionIn(Schema):
    digest: str
    """The digest of what you looked at."""
    comment: str = Field("", max_length=500)


class LogLineOut(Schema):
    sequence: int
    event: str
    device_id: int | None
    host: str
    task: str
    text: str
    at: datetime

    @staticmethod
    def resolve_text(line: LogLine) -> str:
        return words.log_text(line)
