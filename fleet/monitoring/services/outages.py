"""Keeping the rows that say when a device did not answer in step with what is known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from fleet.monitoring.models import Alert, Health, Outage


@dataclass(frozen=True)
class Explanation:
    """Why a device is silent, and the alert that tells people of it."""

    cause: Outage.Cause
    alert: Alert | None = None


UNCLEAR = Explanation(Outage.Cause.UNCLEAR)


def keep(*, site_id: int, healths: Iterable[Health], why: Mapping[int, Explanation]) -> None:
    """Inside the caller's transaction: one open outage for each silent device of the site, none for the others."""
    known = {row.device_id: row for row in Outage.objects.open().filter(site=site_id)}
    new: list[Outage] = []
    over: list[Outage] = []
    other: list[Outage] = []
    for health in healths:
        row = known.pop(health.pk, None)
        if row is not None and _is_over(row, health):
            over.append(_ended(row, _first_answer(health)))
            row = None
        if health.status == Health.Status.DOWN:
            explained = why.get(health.pk, UNCLEAR)
            if row is None:
                new.append(_begun(health, explained))
            elif _says_more(explained, row):
                row.cause, row.alert = explained.cause, explained.alert
                other.append(row)
    Outage.objects.open().bulk_update(over, ["ended_at"])
    Outage.objects.open().bulk_update(other, ["cause", "alert"])
    Outage.objects.bulk_create(new, ignore_conflicts=True)


def end(*, device_ids: Iterable[int], at: datetime) -> None:
    """These are no longer asked."""
    still = Outage.objects.open()
    still.bulk_update([_ended(row, at) for row in still.filter(device__in=device_ids)], ["ended_at"])


def _is_over(row: Outage, health: Health) -> bool:
    """Only an answer ends it. Of an access point whose controller is silent nothing is known: its outage goes on, also
    where it is found silent afresh later."""
    if health.status == Health.Status.DOWN:
        again = health.answered_at is not None and health.answered_at > row.started_at
        return again and row.started_at != health.status_since
    return health.status == Health.Status.UP


def _first_answer(health: Health) -> datetime:
    """Of one that is silent again already, all that is known is its latest answer."""
    if health.status == Health.Status.DOWN and health.answered_at is not None:
        return min(health.answered_at, health.status_since)
    return health.status_since


def _ended(row: Outage, at: datetime) -> Outage:
    row.ended_at = max(at, row.started_at)
    return row


def _begun(health: Health, explained: Explanation) -> Outage:
    return Outage(
        authority_id=health.authority_id,
        site_id=health.site_id,
        device_id=health.pk,
        started_at=health.status_since,
        reason=health.reason,
        cause=explained.cause,
        alert=explained.alert,
    )


def _says_more(explained: Explanation, row: Outage) -> bool:
    """A later judgement may know better; one that knows nothing takes nothing back."""
    alert_id = explained.alert.pk if explained.alert else None
    return explained.cause != Outage.Cause.UNCLEAR and (row.cause, row.alert_id) != (explained.cause, alert_id)
