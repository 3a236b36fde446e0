"""Who asks which device: taken by compare-and-set, held for a while, handed back."""

import logging
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from fleet.devices.models import Credential
from fleet.monitoring import credentials
from fleet.monitoring.models import Health
from fleet.monitoring.models.health import HealthQuerySet
from fleet.monitoring.rules import polling
from fleet.monitoring.rules.polling import PATIENCE, Pace
from fleet.monitoring.services import planning
from fleet.monitoring.services.storing import Fence
from fleet.monitoring.wire import Job, Lane
from fleet.snmp.types import Credential as SnmpCredential
from fleet.snmp.types import Target

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=settings.POLL_LEASE_S)
"""A claim that nobody renews for so long belongs to a worker that died; its devices are due again."""


class Held(NamedTuple):
    """A device as far as asking it needs."""

    device_id: int
    site_id: int
    kind: str
    failures: int
    address: str
    port: int
    credential_id: int
    plan_id: int | None
    walk_due_at: datetime
    answered_at: datetime | None
    due_at: datetime
    """When it should have been asked; where it was not due yet, the instant of taking."""


FIELDS = (
    "device_id",
    "site_id",
    "device__kind",
    "failures",
    "device__address",
    "device__snmp_port",
    "device__snmp_credential_id",
    "latest__plan_id",
    "walk_due_at",
    "answered_at",
)


@dataclass(frozen=True)
class Claim:
    """What one worker holds. The token is the fence: whoever writes a result must still hold it."""

    token: uuid.UUID
    taken_at: datetime
    rows: Sequence[Held]
    left: set[int] = field(default_factory=set)
    """Those that nothing has been written of yet."""

    @property
    def fence(self) -> Fence:
        return Fence(self.token, self.taken_at)


def take(wanted: HealthQuerySet, now: datetime) -> Claim:
    """Compare-and-set: a row that another worker took meanwhile is no longer free, and stays with that worker; one that is
    being written at this very moment is passed over.

    `next_poll_at` becomes the instant of taking: if it is later when the result is written, somebody has asked anew.
    """
    token = uuid.uuid4()
    chosen = dict(wanted.values_list("pk", "next_poll_at"))
    if not chosen:
        return Claim(token, now, [])
    with transaction.atomic():
        free = Health.objects.free(now).filter(pk__in=chosen).in_order(skip_locked=True)
        free.update(claim=token, claimed_until=now + LEASE, next_poll_at=now)
    mine = Health.objects.filter(claim=token, pk__in=chosen)
    rows = mine.polled().order_by("pk").values_list(*FIELDS)
    held = [Held._make((*row, min(chosen[row[0]] or now, now))) for row in rows]
    if len(held) < len(chosen):
        _leave_alone(mine.exclude(pk__in=[row.device_id for row in held]))
    return Claim(token, now, held, {row.device_id for row in held})


@transaction.atomic
def _leave_alone(claimed: HealthQuerySet) -> None:
    """Nobody can ask these, whatever they have: they stand in nobody's way until that changes (`upkeep.watch_new`)."""
    claimed.in_order().update(claim=None, claimed_until=None, next_poll_at=None)


def take_these(device_ids: Collection[int]) -> Claim:
    now = timezone.now()
    return take(Health.objects.free(now).polled().filter(pk__in=device_ids), now)


def renew(claims: Iterable[Claim]) -> None:
    for claim in claims:
        if claim.left:
            _update(claim, claim.left, claimed_until=timezone.now() + LEASE)


def hand_back(claims: Iterable[Claim]) -> None:
    """What could not be finished is free again, and due."""
    for claim in claims:
        if claim.left:
            _update(claim, claim.left, claim=None, claimed_until=None)


def put_off(claim: Claim, device_ids: Collection[int], until: datetime) -> None:
    _update(claim, device_ids, claim=None, claimed_until=None, next_poll_at=until)
    claim.left.difference_update(device_ids)


@transaction.atomic
def _update(held: Claim, device_ids: Collection[int], **change: Any) -> None:
    """What of it is still held."""
    Health.objects.filter(claim=held.token, pk__in=device_ids).in_order().update(**change)


def pace(kind: str) -> Pace:
    return Pace(settings.POLL_INTERVALS.get(kind, settings.POLL_INTERVAL_S), settings.POLL_RETRY_S)


class Keys:
    """Credentials of a stretch of polling. Each is opened once, and by itself: one that no key opens stops no other."""

    def __init__(self) -> None:
        self._opened: dict[int, SnmpCredential | None] = {}

    def get(self, credential_id: int) -> SnmpCredential | None:
        if credential_id not in self._opened:
            self._opened[credential_id] = _open(credential_id)
        return self._opened[credential_id]


def _open(credential_id: int) -> SnmpCredential | None:
    try:
        return credentials.snmp(Credential.objects.defer("secret").get(pk=credential_id))
    except (credentials.CredentialError, Credential.DoesNotExist):
        log.exception("credential unusable", extra={"credential_id": credential_id})
        return None


def jobs(claim: Claim, keys: Keys, *, whole: bool) -> tuple[dict[Lane, list[Job]], list[int]]:
    """What to ask in which lane, and whom we have no usable credential for. `whole`: walk them all."""
    known = planning.current({row.plan_id for row in claim.rows if row.plan_id is not None})
    lanes: dict[Lane, list[Job]] = {lane: [] for lane in Lane}
    unusable: list[int] = []
    for row in claim.rows:
        credential = keys.get(row.credential_id)
        if credential is None:
            unusable.append(row.device_id)
            continue
        plan = known.get(row.plan_id or 0)
        due = plan is None or polling.walks(row.walk_due_at, row.due_at, claim.taken_at)
        walk = whole or due
        new = row.answered_at is None
        lane = Lane.SLOW if row.failures else Lane.DOOR if new else Lane.WALK if walk else Lane.LIVE
        lanes[lane].append(_job(row, credential, plan, walk=walk, look=walk and not due))
    return lanes, unusable


def _job(row: Held, credential: SnmpCredential, plan: planning.Known | None, *, walk: bool, look: bool) -> Job:
    timeout_s, retries = settings.SNMP_TIMEOUT_S, polling.retries(row.failures)
    target = Target(row.address, row.port, credential, timeout_s=timeout_s, retries=retries)
    hopeless = row.failures >= PATIENCE
    if plan is None:
        return Job(row.device_id, row.site_id, target, hopeless=hopeless)
    return Job(row.device_id, row.site_id, target, plan.plan, plan.pk, walk=walk, look=look, hopeless=hopeless)


def paces(rows: Sequence[Held]) -> Mapping[int, Pace]:
    """Of those whose kind has a pace of its own."""
    return {row.device_id: pace(row.kind) for row in rows if row.kind in settings.POLL_INTERVALS}


def put_off_at(now: datetime, chance: float) -> datetime:
    return polling.put_off_until(now, pace(""), chance)
