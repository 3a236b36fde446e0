"""One alert from its opening to its end. Every step is compare-and-set and says so as an event in its own transaction."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from fleet.events.services import Fact, emit, emit_all
from fleet.monitoring.models import Alert, Episode
from fleet.monitoring.rules import flapping
from fleet.monitoring.rules.kinds import GATHERED
from fleet.monitoring.services import asking

REOPEN_WITHIN = timedelta(hours=1)
"""A fault that is back so soon is the same one."""
ENDED = ("closed_at", "evidence_closed", "quiet_since", "snoozed_until", "flapping", "changes")
"""What the end of an alert writes."""
NOT_MEASURED: Mapping[str, Any] = {"measured_at": None, "values": {}, "uptime_s": None}
"""The evidence of an end that nobody saw: there is no limit any more, or nobody asks any more."""


def open_alert(draft: Alert, *, at: datetime, cause: Alert | None = None) -> Alert | None:
    """Opens it anew, or again if it closed a short while ago, and tells of it.

    None if one of its kind is open already (the database decides).
    """
    draft.opened_at, draft.suppressed_by = at, cause
    earlier = _earlier(draft, at)
    with contextlib.suppress(IntegrityError), transaction.atomic():
        return _insert(draft) if earlier is None else _reopen(earlier, draft)
    return None


def open_many(drafts: Sequence[Alert], *, at: datetime) -> list[Alert]:
    """As `open_alert`, each with its `suppressed_by`, in a few queries for all; those that could be opened."""
    past = _past(drafts, at)
    fresh = [draft for draft in drafts if (draft.device_id, draft.kind) not in past]
    opened = _insert_all(fresh, at) if fresh else []
    for draft in drafts:
        if (draft.device_id, draft.kind) in past:
            opened += _one(draft, at)
    return opened


def _past(drafts: Sequence[Alert], at: datetime) -> set[tuple[int, str]]:
    """(device, kind) of what was closed so short a while ago that it is opened again."""
    devices, kinds = {draft.device_id for draft in drafts}, {draft.kind for draft in drafts}
    closed = Alert.objects.filter(device__in=devices, kind__in=kinds, closed_at__gte=at - REOPEN_WITHIN)
    return set(closed.values_list("device_id", "kind")) if drafts else set()


def _insert_all(drafts: Sequence[Alert], at: datetime) -> list[Alert]:
    try:
        with transaction.atomic():
            for draft in drafts:
                draft.opened_at, draft.changes = at, [at.isoformat()]
            made = Alert.objects.bulk_create(drafts)
            emit_all([_fact("alert.suppressed" if one.suppressed_by_id else "alert.opened", one) for one in made])
            return made
    except IntegrityError:  # one of them is open already
        return [alert for draft in drafts for alert in _one(draft, at)]


def _one(draft: Alert, at: datetime) -> list[Alert]:
    alert = open_alert(draft, at=at, cause=draft.suppressed_by)
    return [] if alert is None else [alert]


def _earlier(draft: Alert, at: datetime) -> Alert | None:
    same = Alert.objects.filter(device_id=draft.device_id, kind=draft.kind, closed_at__gte=at - REOPEN_WITHIN)
    return same.order_by("-closed_at").first()


def _insert(draft: Alert) -> Alert:
    draft.changes = [draft.opened_at.isoformat()]
    draft.save(force_insert=True)
    tell("alert.suppressed" if draft.suppressed_by_id else "alert.opened", draft)
    return draft


def _reopen(alert: Alert, draft: Alert) -> Alert | None:
    ended_at = alert.closed_at
    if ended_at is None:
        return None
    noted = _noted(alert, draft.opened_at)
    again = {
        "opened_at": draft.opened_at,
        "closed_at": None,
        "confirmed_at": None,
        "evidence_opened": draft.evidence_opened,
        "evidence_closed": {},
        "severity": draft.severity,
        "base_severity": draft.base_severity,
        "rank": draft.rank,
        "suppressed_by": draft.suppressed_by,
        "acknowledged_by": None,  # who looked after this fault need not know that it is back
        "acknowledged_at": None,
        "building": draft.building,
        "changes": [one.isoformat() for one in noted],
        "flapping": flapping.flaps(noted, draft.opened_at, already=alert.flapping),
    }
    if Alert.objects.filter(pk=alert.pk, closed_at=ended_at).update(**again) != 1:
        return None
    past = {"opened_at": alert.opened_at, "closed_at": ended_at}
    past |= {"evidence_opened": alert.evidence_opened, "evidence_closed": alert.evidence_closed}
    Episode.objects.create(alert=alert, **past)
    alert.refresh_from_db()
    tell("alert.suppressed" if alert.suppressed_by_id else "alert.reopened", alert)
    return alert


def clear(*, alert: Alert, at: datetime, evidence: dict[str, Any]) -> bool:
    """Nothing is wrong any more: closes the alert; False if it stays open, since it comes and goes."""
    return not _kept_open(alert, at) and close(alert=alert, at=at, evidence=evidence)


def clear_many(*, evidence: Mapping[Alert, dict[str, Any]], at: datetime) -> list[Alert]:
    """As `clear`, in a few queries for all; those that were closed."""
    over = {alert: said for alert, said in evidence.items() if not _kept_open(alert, at)}
    return close_many(evidence=over, at=at) if over else []


def _kept_open(alert: Alert, at: datetime) -> bool:
    """What is suppressed disturbs nobody and needs no holding."""
    noted = _noted_at_end(alert, at)
    held = alert.suppressed_by_id is None and alert.kind not in GATHERED
    if not held or not flapping.flaps(noted, at, already=alert.flapping):
        return False
    _hold(alert, noted, at)
    return True


def _hold(alert: Alert, noted: Sequence[datetime], at: datetime) -> None:
    if alert.quiet_since is not None:
        return
    now_held = {"quiet_since": at, "flapping": True, "changes": [one.isoformat() for one in noted]}
    with transaction.atomic():
        won = Alert.objects.open().filter(pk=alert.pk, quiet_since__isnull=True).update(**now_held) == 1
        if won and not alert.flapping:
            tell("alert.flapping", alert)
        if won:
            _ask_behind([alert])
    alert.quiet_since, alert.flapping, alert.changes = at, True, now_held["changes"]


def recur(*, alert: Alert, at: datetime) -> None:
    """The fault is there again while its alert was held open: one more change, and no news."""
    noted = [one.isoformat() for one in _noted(alert, at)]
    held = Alert.objects.open().filter(pk=alert.pk, quiet_since__isnull=False)
    if held.update(quiet_since=None, changes=noted) == 1:
        alert.quiet_since, alert.changes = None, noted


def close(*, alert: Alert, at: datetime, evidence: dict[str, Any]) -> bool:
    """False if somebody else closed it."""
    ended = _ended(alert, at, evidence)
    with transaction.atomic():
        won = Alert.objects.open().filter(pk=alert.pk).update(**ended) == 1
        if won:
            _take_over(alert, ended)
            tell("alert.closed", alert)
            _ask_behind([alert])
    return won


@transaction.atomic
def close_many(*, evidence: Mapping[Alert, dict[str, Any]], at: datetime) -> list[Alert]:
    """As `close`, in a few queries for all; without those that somebody else closed."""
    still = Alert.objects.open().filter(pk__in=[alert.pk for alert in evidence]).order_by("pk")
    held = set(still.select_for_update(no_key=True).values_list("pk", flat=True))
    closed = [alert for alert in evidence if alert.pk in held]
    for alert in closed:
        _take_over(alert, _ended(alert, at, evidence[alert]))
    if closed:
        Alert.objects.bulk_update(closed, ENDED)
        emit_all([_fact("alert.closed", alert) for alert in closed])
        _ask_behind(closed)
    return closed


def _ended(alert: Alert, at: datetime, evidence: dict[str, Any]) -> dict[str, Any]:
    """The columns ENDED."""
    return {
        "closed_at": max(at, alert.opened_at),
        "evidence_closed": evidence,
        "quiet_since": None,
        "snoozed_until": None,  # who put this fault off has not put off the next one
        "flapping": False,
        "changes": [one.isoformat() for one in _noted_at_end(alert, at)],
    }


def _take_over(alert: Alert, written: Mapping[str, Any]) -> None:
    for name, value in written.items():
        setattr(alert, name, value)


def _ask_behind(alerts: Sequence[Alert]) -> None:
    """What had its cause in these is asked afresh: it works again, or it is to blame itself."""
    behind = list(Alert.objects.open().filter(suppressed_by__in=alerts).values_list("device_id", flat=True))
    if behind:
        transaction.on_commit(lambda: asking.poll_soon(device_ids=behind), robust=True)


def suppress(*, alert: Alert, cause: Alert) -> None:
    """Its cause was found elsewhere."""
    with transaction.atomic():
        if Alert.objects.open().filter(pk=alert.pk).update(suppressed_by=cause, quiet_since=None) == 1:
            alert.suppressed_by, alert.quiet_since = cause, None
            tell("alert.suppressed", alert)


def release(*, alert: Alert, at: datetime) -> None:
    """Its cause is gone and it is still there: now it speaks for itself."""
    with transaction.atomic():
        behind = Alert.objects.open().filter(pk=alert.pk, suppressed_by__isnull=False)
        if behind.update(suppressed_by=None) == 1:
            alert.suppressed_by = None
            tell("alert.opened", alert, released=True, at=at.isoformat())


def confirm(*, alert: Alert, at: datetime, severity: str) -> None:
    """What was only supposed is certain now."""
    with transaction.atomic():
        supposed = Alert.objects.open().filter(pk=alert.pk, confirmed_at__isnull=True)
        if supposed.update(confirmed_at=at, severity=severity, base_severity=severity) == 1:
            alert.confirmed_at, alert.severity, alert.base_severity = at, severity, severity
            tell("alert.confirmed", alert)


def reweigh(*, alert: Alert, severity: str) -> bool:
    """It weighs more or less than before. False if somebody else has said so."""
    before = alert.severity
    with transaction.atomic():
        won = Alert.objects.open().filter(pk=alert.pk, severity=before).update(severity=severity) == 1
        if won:
            alert.severity = severity
            tell("alert.severity", alert, before=before)
    return won


def tell(name: str, alert: Alert, **more: Any) -> None:
    emit(_fact(name, alert, **more))


def _fact(name: str, alert: Alert, **more: Any) -> Fact:
    payload = {
        "device_id": alert.device_id,
        "kind": alert.kind,
        "severity": alert.severity,
        "cause_id": alert.suppressed_by_id,
        **more,
    }
    return Fact(name, alert, alert.authority_id, alert.site_id, payload=payload)


def _changes(alert: Alert) -> list[datetime]:
    return [datetime.fromisoformat(one) for one in alert.changes]


def _noted_at_end(alert: Alert, at: datetime) -> list[datetime]:
    """While it was held open the fault had ended already."""
    return _changes(alert) if alert.quiet_since else _noted(alert, at)


def _noted(alert: Alert, at: datetime) -> list[datetime]:
    return flapping.noted(_changes(alert), at)
