"""One outage, one ticket: what people report behind it hangs on it, and is looked at again when it is over."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from fleet.devices.models import Device
from fleet.monitoring import services as monitoring
from fleet.monitoring.models import Alert, Health
from helpdesk.tickets.models import Recheck, Ticket
from helpdesk.tickets.rules import FINISHED, AfterRecovery, Involvement, after_recovery
from helpdesk.tickets.services.relating import RelationError, set_parent
from helpdesk.tickets.services.working import notify, transition


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
    free = Ticket.objects.filter(pk=ticket.pk, parent__isnull=True, children__isnull=True, authority=above.authority_id)
    Ticket.objects.filter(pk__in=free.exclude(pk=above.pk).values("pk")).update(parent=above.parent or above)


def take_off(*, ticket: Ticket) -> None:
    """The cause lies elsewhere, or nowhere but here."""
    Ticket.objects.filter(pk=ticket.pk).update(parent=None)


def ask_again(*, parent: Ticket) -> int:
    """The cause is gone: every case's own devices are measured afresh before anything is said of them."""
    now, asked = timezone.now(), 0
    with transaction.atomic():
        for ticket in Ticket.objects.open().filter(parent=parent, alert__isnull=True):
            device_ids = list(ticket.devices.values_list("pk", flat=True))
            if device_ids:
                Recheck.objects.update_or_create(ticket=ticket, defaults={"asked_at": now})
                monitoring.poll_soon(device_ids=device_ids)
                asked += 1
    return asked


def judge_rechecks(*, now: datetime | None = None) -> int:
    """Those whose devices have all been asked since: what works is resolved with the evidence, what does not stays open."""
    judged = 0
    for recheck in Recheck.objects.select_related("ticket").filter(asked_at__lte=now or timezone.now()):
        healths = list(Health.objects.filter(device__tickets=recheck.ticket).select_related("device__room"))
        if healths and all(one.polled_at and one.polled_at >= recheck.asked_at for one in healths):
            judged += _judge(recheck, healths)
    return judged


def _judge(recheck: Recheck, healths: list[Health]) -> bool:
    ticket = recheck.ticket
    watched = len(healths) == ticket.devices.count()
    works = watched and all(one.status == Health.Status.UP and not one.failures for one in healths)
    with transaction.atomic():
        if Recheck.objects.filter(pk=recheck.pk, asked_at=recheck.asked_at).delete()[0] != 1:
            return False
        if ticket.state in FINISHED:
            return False
        notify(ticket=ticket, notice="case-works" if works else "case-broken", devices=[_evidence(one) for one in healths])
        if works and after_recovery(_involvement(ticket)) == AfterRecovery.RESOLVE:
            ticket.refresh_from_db()
            transition(ticket=ticket, to=Ticket.State.RESOLVED)
    return True


def _involvement(ticket: Ticket) -> Involvement:
    answered = ticket.articles.filter(answers=True).exclude(notice="from-parent").exists()
    return Involvement(state=ticket.state, owned=ticket.owner_id is not None, written_by_people=answered)


def _evidence(health: Health) -> dict[str, Any]:
    return {
        "name": health.device.name,
        "room": health.device.room.number if health.device.room else "",
        "up": health.status == Health.Status.UP and not health.failures,
        "measured_at": health.polled_at.isoformat() if health.polled_at else None,
    }
