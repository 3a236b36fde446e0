"""What addresses name of automation: a change, backups and drift, who may decide and when, sources, rotation."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from fleet.automation.models import (
    ApprovalLink,
    Backup,
    Baseline,
    Change,
    ChangeWindow,
    Configuration,
    CredentialUse,
    Delegation,
    Drift,
    Freeze,
    PlaybookSource,
    Proposal,
    RemedyPolicy,
    Rotation,
    Run,
    Schedule,
    Target,
    Zone,
)
from fleet.automation.services import approving
from fleet.devices.models import Device
from fleet.people.models import User
from tests.conftest import scope_of


@dataclass(frozen=True)
class AutomationThings:
    change: Change
    run: Run
    proposal: Proposal
    backup: Backup
    drift: Drift
    baseline: Baseline
    zone: Zone
    remedy_policy: RemedyPolicy
    freeze: Freeze
    change_window: ChangeWindow
    delegation: Delegation
    approval_link: ApprovalLink
    schedule: Schedule
    source: PlaybookSource
    credential_use: CredentialUse
    rotation: Rotation


def make(device: Device, owner: User) -> AutomationThings:
    scope = scope_of(device)
    change = _change(device, owner)
    delegation = _delegation(device)
    return AutomationThings(
        change=change,
        run=Run.objects.create(change=change, kind=Run.Kind.PREVIEW, state=Run.State.SUCCEEDED, token=uuid.uuid4()),
        proposal=Proposal.objects.create(change=change, act=Proposal.Act.ROLL_BACK, asked_by=owner),
        backup=_backup(device),
        drift=Drift.objects.create(**scope, device=device, key="ntp_servers", diff="-a\n+b"),
        zone=Zone.objects.create(authority=device.authority, name=f"Zone {device.pk}", networks=["192.0.2.0/24"]),
        remedy_policy=RemedyPolicy.objects.create(
            authority=device.authority, site=device.site, remedy="power-cycle-access-point", enabled=False
        ),
        baseline=Baseline.objects.create(
            authority=device.authority,
            level="site",
            site=device.site,
            place=f"site:{device.site_id}",
            key="country",
            value="DE",
        ),
        freeze=Freeze.objects.create(**scope, **_days(), reason=f"Prüfungen {device.site}"),
        change_window=ChangeWindow.objects.create(**scope, **_days(), reason=f"Abend {device.site}"),
        delegation=delegation,
        approval_link=approving._link(change, delegation.person, timezone.now() + timedelta(days=7)),
        schedule=_schedule(device, owner),
        source=PlaybookSource.objects.create(
            authority=device.authority, name=f"Quelle {device.pk}", url="https://git.example/playbooks.git"
        ),
        credential_use=CredentialUse.objects.create(
            authority=device.authority, use="ssh", device=device, credential=device.snmp_credential
        ),
        rotation=Rotation.objects.create(credential=device.snmp_credential, state=Rotation.State.DONE),
    )


def _days() -> dict[str, Any]:
    now = timezone.now()
    return {"starts_at": now + timedelta(days=9), "ends_at": now + timedelta(days=10)}


def _change(device: Device, owner: User) -> Change:
    change = Change.objects.create(
        **scope_of(device),
        playbook="restart-access-point",
        playbook_digest="0" * 64,
        digest="1" * 64,
        risk="low",
        requested_by=owner,
        starts_at=timezone.now() + timedelta(days=1),
        state=Change.State.AWAITING_APPROVAL,
        approvals_needed=1,
    )
    Target.objects.create(change=change, device=device)
    return change


def _backup(device: Device) -> Backup:
    text = Configuration.objects.create(
        authority=device.authority,
        digest=f"{device.pk:064}",
        platform="openwrt",
        content={"text": f"# {device.name}"},
        size=9,
    )
    return Backup.objects.create(**scope_of(device), device=device, configuration=text, kind=Backup.Kind.NIGHTLY)


def _delegation(device: Device) -> Delegation:
    person, deputy = (
        User.objects.create_user(f"{name}-{device.pk}@musterstadt.example", name=f"{name} {device.site}")
        for name in ("weg", "da")
    )
    return Delegation.objects.create(person=person, deputy=deputy, **_days())


def _schedule(device: Device, owner: User) -> Schedule:
    now = timezone.now()
    return Schedule.objects.create(
        **scope_of(device),
        name=f"Jeden Monat {device.site}",
        owner=owner,
        playbook="ap-restart",
        rule="FREQ=DAILY",
        starts_at=now,
        device_ids=[device.pk],
        next_at=now + timedelta(days=1),
    )
