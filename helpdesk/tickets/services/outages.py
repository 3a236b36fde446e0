"""One outage, one ticket: what people report behind it hangs on it, and is looked at again when it is over."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from fleet.devices.models import Device
from fleet.monitoring import services as monitoring
from fleet.monitoring.models import Alert, Health
from helpdesk.tickets.models import Recheck, Ticket
from helpdesk.tickets.rules import FINISHED, AfterRecovery, Involvement, after_recovery
from helpdesk.tickets.services.relating import RelationError, set_parent
from helpdesk.tickets.services.working import notify, transition

BATCH = 200
MEASURED_WITHIN = timedelta(minutes=15)
"""What is not asked any more, or was never watched, is waited for no longer."""


def attach(*, ticket: Ticket) -> bool:
    """A ticket by people whose device is cut off by a fault that has a ticket becomes a case of that one."""
    if ticket.parent_id or ticket.alert_id or ticket.state in FINISHED:
        return False
    cut_off = Alert.objects.open().filter(device__tickets=ticket, suppressed_by__isnull=False)
    alert = cut_off.select_related("suppressed_by").order_by("pk").first()
    return alert is not None and alert.suppressed_by is not None and _attach(ticket, alert.suppressed_by)


def attach_all_of(*, device: Device, cause: Alert) -> int:
    """What people reported about this device before its cause was known."""
    rows = Ticket.objects.open().filter(devices=device, parent__isnull=True, alert__isnull=True)
    return sum(_attach(ticket, cause) for ticket in rows)


def attach_cases(*, cause: Alert) -> int:
    """What people reported about devices behind a fault whose ticket has just been opened."""
    behind = Alert.objects.open().filter(suppressed_by=cause).values("device")
    rows = Ticket.objects.open().filter(devices__in=behind, parent__isnull=True, alert__isnull=True).distinct()
    return sum(_attach(ticket, cause) for ticket in rows)


def _attach(ticket: Ticket, cause: Alert) -> bool:
    above = Ticket.objects.open().filter(alert=cause, authority=ticket.authority_id).first()
    if above is None or above.pk == ticket.pk:
        return False
    try:
        return set_parent(ticket=ticket, parent=above.parent or above, by=None)
    except RelationError:
        return False


def hang(*, ticket: Ticket, above: Ticket) -> None:
    """A fault's own ticket becomes a case of its cause's; that the cause lies there has been said in it already."""
    incident = above.parent or above
    free = Ticket.objects.filter(pk=ticket.pk, parent__isnull=True, children__isnull=True, authority=above.authority_id)
    rows = free.exclude(pk=above.pk).may_belong_to(incident)
    Ticket.objects.filter(pk__in=rows.values("pk")).update(parent=incident)


def take_off(*, ticket: Ticket) -> None:
    """The cause lies elsewhere, or nowhere but here. The incident to which people have said that it belongs stays."""
    said = ticket.articles.filter(notice__in=BELONGING).order_by("-pk").first()
    if ticket.parent is not None and (said is None or said.details.get("number") != ticket.parent.number):
        Ticket.objects.filter(pk=ticket.pk).update(parent=None)


BELONGING = ("child-attached", "child-detached")
"""What says to which incident a ticket belongs: the latest of them counts."""


def ask_again(*, cause: Ticket) -> int:
    """The cause is gone: every case's own devices are measured afresh before anything is said of them."""
    now, asked = timezone.now(), 0
    with transaction.atomic():
        for ticket in _cases(cause):
            device_ids = list(ticket.devices.values_list("pk", flat=True))
            if device_ids:
                Recheck.objects.update_or_create(ticket=ticket, defaults={"asked_at": now})
                monitoring.poll_soon(device_ids=device_ids)
                asked += 1
    return asked


def _cases(cause: Ticket) -> QuerySet[Ticket]:
    """What people reported of it; where it belongs to a larger incident, those of that one whose devices it cut off."""
    rows = Ticket.objects.open().filter(alert__isnull=True)
    if cause.parent_id is None or cause.alert is None:
        return rows.filter(parent=cause)
    behind = Alert.objects.filter(suppressed_by=cause.alert).exclude(closed_at__lt=cause.alert.opened_at)
    return rows.filter(parent=cause.parent_id, devices__in=behind.values("device")).distinct()


def judge_rechecks(*, now: datetime | None = None) -> int:
    """Those whose devices have all been asked since: what works is resolved with the evidence, what does not stays open.

    What was not measured in time stays open as well, and says so.
    """
    moment = now or timezone.now()
    healths = Health.objects.filter(device__tickets=OuterRef("ticket"))
    stale = healths.filter(Q(polled_at=None) | Q(polled_at__lt=OuterRef("asked_at")))
    measured = Q(Exists(healths)) & ~Q(Exists(stale))
    due = Recheck.objects.filter(measured | Q(asked_at__lte=moment - MEASURED_WITHIN), asked_at__lte=moment)
    return sum(_judge(recheck) for recheck in due.select_related("ticket").order_by("asked_at", "pk")[:BATCH])


def _judge(recheck: Recheck) -> bool:
    ticket = recheck.ticket
    healths = Health.objects.filter(device__tickets=ticket, polled_at__gte=recheck.asked_at)
    fresh = list(healths.select_related("device__room"))
    broken = not all(map(_answers, fresh))
    works = not broken and 0 < len(fresh) == ticket.devices.count()
    notice = "case-works" if works else "case-broken" if broken else "case-unmeasured"
    with transaction.atomic():
        if Recheck.objects.filter(pk=recheck.pk, asked_at=recheck.asked_at).delete()[0] != 1:
            return False
        if ticket.state in FINISHED:
            return False
        notify(ticket=ticket, notice=notice, devices=[_evidence(one) for one in fresh])
        if works and after_recovery(_involvement(ticket)) == AfterRecovery.RESOLVE:
            ticket.refresh_from_db()
            transition(ticket=ticket, to=Ticket.State.RESOLVED)
    return True


def _involvement(ticket: Ticket) -> Involvement:
    answered = ticket.articles.filter(answers=True).exclude(notice="from-parent").exists()
    return Involvement(state=ticket.state, owned=ticket.owner_id is not None, written_by_people=answered)


def _answers(health: Health) -> bool:
    return health.status == Health.Status.UP and not health.failures


def _evidence(health: Health) -> dict[str, Any]:
    return {
        "name": health.device.name,
        "room": health.device.room.number if health.device.room else "",
        "up": _answers(health),
        "measured_at": health.polled_at.isoformat() if health.polled_at else None,
    }
