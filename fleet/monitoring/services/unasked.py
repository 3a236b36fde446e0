"""Devices in service that nobody asks any more: how they are is no longer known."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from fleet.devices.models import Device, listed, polled
from fleet.monitoring.models import Alert, Health
from fleet.monitoring.rules.kinds import GATHERED
from fleet.monitoring.services import lifecycle, outages
from fleet.monitoring.services.lifecycle import NOT_MEASURED

Reason = Health.Reason


def stop_asking(*, now: datetime) -> int:
    """They have left the polling (`Device.objects.polled`), and no controller that is asked tells of them: their last state
    must not pass for today's, and what nobody can see the end of ends here. How many."""
    told_of = listed("device__") & polled("device__controller__")
    left = Health.objects.filter(~polled("device__"), ~told_of, device__lifecycle=Device.Lifecycle.ACTIVE)
    rows = left.exclude(status=Health.Status.UNKNOWN, reason__in=[Reason.CLEAR_TEXT, Reason.CREDENTIAL, Reason.CONTROLLER])
    ended: defaultdict[Reason, list[int]] = defaultdict(list)
    for pk, until, controller in rows.values_list("pk", "device__clear_text_until", "device__controller_id"):
        ended[_why(until, timezone.localdate(now), controlled=controller is not None)].append(pk)
    return sum(_end(ids, reason, now) for reason, ids in ended.items())


def _why(clear_text_until: date | None, today: date, *, controlled: bool) -> Reason:
    if clear_text_until is not None and clear_text_until < today:
        return Reason.CLEAR_TEXT
    return Reason.CONTROLLER if controlled else Reason.CREDENTIAL


@transaction.atomic
def _end(ids: Sequence[int], reason: Reason, now: datetime) -> int:
    outages.end(device_ids=ids, at=now)
    over = Alert.objects.open().filter(device__in=ids).exclude(kind__in=GATHERED)
    lifecycle.close_many(evidence={alert: {**NOT_MEASURED} for alert in over}, at=now)
    unknown = {"status": Health.Status.UNKNOWN, "status_since": now, "reason": reason}
    return Health.objects.filter(pk__in=ids).update(**unknown, failures=0, failing_since=None, beyond={})
