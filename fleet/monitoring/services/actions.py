"""What people do with an alert: look after it, put it off, say something about it."""

from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

from fleet.monitoring.models import Alert, AlertNote
from fleet.monitoring.rules.snoozing import Choice, until
from fleet.monitoring.services.lifecycle import tell
from fleet.people.models import User
from fleet.sites.selectors import calendars

Act = AlertNote.Act
MOST_AT_ONCE = 500


@transaction.atomic
def acknowledge(*, alert: Alert, by: User) -> bool:
    """Somebody has seen it; the first one counts. False if somebody had before, or if it is over."""
    unseen = Alert.objects.open().filter(pk=alert.pk, acknowledged_at__isnull=True)
    won = unseen.update(acknowledged_by=by, acknowledged_at=timezone.now()) == 1
    if won:
        AlertNote.objects.create(alert=alert, author=by, act=Act.ACKNOWLEDGED)
        tell("alert.acknowledged", alert, by_id=by.pk)
    alert.refresh_from_db(fields=["acknowledged_by", "acknowledged_at", "closed_at"])
    return won


def snooze_end(*, alert: Alert, choice: Choice, day: date | None = None, now: datetime | None = None) -> datetime | None:
    """When it would come back, by its site's calendar; None where that day is missing, over, or too far away."""
    return until(choice, day, calendars(site_ids=[alert.site_id])[alert.site_id], now or timezone.now())


@transaction.atomic
def snooze(*, alert: Alert, by: User, until: datetime, now: datetime | None = None) -> bool:
    """Out of the list until then; it comes back by itself. False if it is over, or if that time has passed."""
    moment = now or timezone.now()
    won = until > moment and Alert.objects.open().filter(pk=alert.pk).update(snoozed_until=until) == 1
    if won:
        AlertNote.objects.create(alert=alert, author=by, act=Act.SNOOZED, until=until)
        tell("alert.snoozed", alert, by_id=by.pk, until=until.isoformat())
    alert.refresh_from_db(fields=["snoozed_until", "closed_at"])
    return won


@transaction.atomic
def wake(*, alert: Alert, by: User | None = None) -> bool:
    """Back into the list, by a person or because its time has come. False if it is there already."""
    asleep = Alert.objects.filter(pk=alert.pk, snoozed_until=alert.snoozed_until)
    won = alert.snoozed_until is not None and asleep.update(snoozed_until=None) == 1
    if won:
        AlertNote.objects.create(alert=alert, author=by, act=Act.WOKEN)
        if alert.closed_at is None:
            tell("alert.woken", alert, by_id=by.pk if by else None)
    alert.refresh_from_db(fields=["snoozed_until", "closed_at"])
    return won


def wake_due(*, now: datetime) -> int:
    """Those whose time has come. Returns how many."""
    due = Alert.objects.filter(snoozed_until__lte=now)[:MOST_AT_ONCE]
    return sum(wake(alert=alert) for alert in due)


@transaction.atomic
def comment(*, alert: Alert, by: User, body: str) -> AlertNote:
    """Raises ValueError if nothing was written."""
    if not body.strip():
        raise ValueError("an empty comment says nothing")
    note = AlertNote.objects.create(alert=alert, author=by, body=body.strip())
    tell("alert.commented", alert, by_id=by.pk, note_id=note.pk)
    return note
