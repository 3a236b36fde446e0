"""/alerts, /health and /metrics: what is wrong, how devices are and were, and what the numbers mean."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Field, Query, Router, Schema, Status
from ninja.pagination import paginate

from fleet.devices.models import Device
from fleet.monitoring import metrics, reasons, selectors, services
from fleet.monitoring.metrics import Metric
from fleet.monitoring.models import Alert, AlertNote, Health, Outage, Sample
from fleet.monitoring.rules.chart import Span
from fleet.monitoring.rules.packing import DIGITS
from fleet.monitoring.rules.rollup import Summary
from fleet.monitoring.rules.snoozing import Choice
from fleet.monitoring.schemas import (
    AlertDetailOut,
    AlertOut,
    CommentIn,
    HealthOut,
    HistoryOut,
    MetricOut,
    NoteOut,
    OutageOut,
    PointOut,
    ReadingOut,
    SampleOut,
    SeriesOut,
    SnoozeIn,
    ThresholdOut,
)
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.api import CursorPage, Problem
from fleet.web.instants import Instant, LooseInstant

alerts = Router(tags=["monitoring"])
health = Router(tags=["monitoring"])
outages = Router(tags=["monitoring"])
known = Router(tags=["monitoring"])
history = Router(tags=["monitoring"])
"""Mounted beside the devices' own router: what monitoring adds to a device's address."""
DETAILS = Action.VIEW_DEVICE_DETAILS


@alerts.get("/", response=list[AlertOut], summary="Alerts, newest first")
@paginate(CursorPage, ordering=("-opened_at", "-id"))
def list_alerts(  # noqa: PLR0913  (each is one filter of the address)
    request: HttpRequest,
    site: int | None = None,
    device: int | None = None,
    kind: str | None = None,
    severity: str | None = None,
    *,
    flapping: bool | None = None,
    acknowledged: bool | None = None,
    snoozed: bool | None = None,
    open: bool | None = None,  # noqa: A002  (the word of the address)
    root: bool | None = None,
) -> QuerySet[Alert]:
    rows = Alert.objects.allowing(request.user, DETAILS).select_related("device", "site")
    chosen = {"site_id": site, "device_id": device, "kind": kind, "severity": severity, "flapping": flapping}
    chosen |= {"closed_at__isnull": open, "suppressed_by__isnull": root}
    chosen |= {"acknowledged_at__isnull": None if acknowledged is None else not acknowledged}
    rows = rows.filter(**{name: value for name, value in chosen.items() if value is not None})
    asleep = Q(snoozed_until__gt=timezone.now())
    return rows if snoozed is None else rows.filter(asleep if snoozed else ~asleep)


@alerts.get("/{int:alert_id}", response=AlertDetailOut, summary="One alert with its evidence")
def alert(request: HttpRequest, alert_id: int) -> Alert:
    return _explained(request, get_object_or_404(_rows(request, DETAILS), pk=alert_id))


def _explained(request: HttpRequest, row: Alert) -> Alert:
    visible = Device.objects.visible_to(_person(request))
    row.explanation = reasons.why_suppressed(row, visible)  # type: ignore[attr-defined]  # read by the schema alone
    return row


def _rows(request: HttpRequest, action: Action) -> QuerySet[Alert]:
    related = ("device", "site", "suppressed_by__device", "suppressed_by__site")
    return Alert.objects.allowing(request.user, action).select_related(*related)


@alerts.get("/{int:alert_id}/notes", response=list[NoteOut], summary="What was done with it and said about it")
def notes(request: HttpRequest, alert_id: int) -> QuerySet[AlertNote]:
    return get_object_or_404(_rows(request, DETAILS), pk=alert_id).notes.all()


@alerts.post("/{int:alert_id}/acknowledge", response=AlertDetailOut, summary="Say that somebody is looking after it")
def acknowledge(request: HttpRequest, alert_id: int) -> Alert:
    row = get_object_or_404(_rows(request, Action.ACKNOWLEDGE_ALERTS), pk=alert_id)
    if not services.acknowledge(alert=row, by=_person(request)):
        raise Problem(409, _("Somebody had already taken note of it, or it is over."))
    return _explained(request, row)


@alerts.post("/{int:alert_id}/snooze", response=AlertDetailOut, summary="Put it off; it comes back by itself")
def snooze(request: HttpRequest, alert_id: int, wish: SnoozeIn) -> Alert:
    row = get_object_or_404(_rows(request, Action.ACKNOWLEDGE_ALERTS), pk=alert_id)
    until = services.snooze_end(alert=row, choice=Choice(wish.choice), day=wish.until)
    if until is None:
        raise Problem(
            422, _("Some fields are not as they have to be."), {"until": [_("A day within the next three months.")]}
        )
    if not services.snooze(alert=row, by=_person(request), until=until):
        raise Problem(409, _("It is over already."))
    return _explained(request, row)


@alerts.post("/{int:alert_id}/wake", response=AlertDetailOut, summary="Back into the list")
def wake(request: HttpRequest, alert_id: int) -> Alert:
    row = get_object_or_404(_rows(request, Action.ACKNOWLEDGE_ALERTS), pk=alert_id)
    if not services.wake(alert=row, by=_person(request)):
        raise Problem(409, _("It is in the list already."))
    return _explained(request, row)


@alerts.post("/{int:alert_id}/comments", response={201: NoteOut}, summary="Say something about it")
def comment(request: HttpRequest, alert_id: int, said: CommentIn) -> Status[AlertNote]:
    row = get_object_or_404(_rows(request, Action.ACKNOWLEDGE_ALERTS), pk=alert_id)
    if not said.body.strip():
        raise Problem(422, _("Some fields are not as they have to be."), {"body": [_("Please write something.")]})
    return Status(201, services.comment(alert=row, by=_person(request), body=said.body))


def _person(request: HttpRequest) -> User:
    """Whoever passed a permission check is one of our users."""
    if not isinstance(request.user, User):
        raise Http404
    return request.user


@health.get("/", response=list[HealthOut], summary="How the devices are that I may see")
@paginate(CursorPage, ordering=("pk",))
def list_health(request: HttpRequest, site: int | None = None, status: str | None = None) -> QuerySet[Health]:
    rows = Health.objects.visible_to(request.user).defer("reading")
    chosen = {"site_id": site, "status": status}
    return rows.filter(**{name: value for name, value in chosen.items() if value is not None})


@health.get("/{int:device_id}", response=ReadingOut, summary="How one device is, with its latest reading")
def one_health(request: HttpRequest, device_id: int) -> Health:
    return get_object_or_404(Health.objects.allowing(request.user, DETAILS), pk=device_id)


@health.post("/{int:device_id}/poll", response={202: None}, summary="Have it asked now")
def poll(request: HttpRequest, device_id: int) -> Status[None]:
    row = get_object_or_404(Health.objects.allowing(request.user, Action.POLL_NOW), pk=device_id)
    services.poll_soon(device_ids=[row.pk], whole=True)
    return Status(202, None)


@health.get("/{int:device_id}/samples", response=list[SampleOut], summary="What was measured, newest first")
@paginate(CursorPage, ordering=("-polled_at",))
def samples(
    request: HttpRequest, device_id: int, since: LooseInstant | None = None, until: LooseInstant | None = None
) -> QuerySet[Sample]:
    row = get_object_or_404(Device.objects.allowing(request.user, DETAILS), pk=device_id)
    chosen = {"polled_at__gte": since, "polled_at__lt": until}
    wanted = {name: value for name, value in chosen.items() if value is not None}
    return row.samples.select_related("layout").filter(**wanted)


class Asked(Schema):
    """Both ends with their time zone; without `from` the day before `to`, without `to` until now."""

    begin: Instant | None = Field(None, alias="from")
    end: Instant | None = Field(None, alias="to")
    metric: str | None = None
    element: str | None = None


@history.get(
    "/{int:device_id}/series",
    response=HistoryOut,
    summary="What was measured, for charts: polls up to two days, hours up to two months, then days",
)
def device_series(request: HttpRequest, device_id: int, asked: Query[Asked]) -> HistoryOut:
    device = get_object_or_404(Device.objects.allowing(request.user, DETAILS), pk=device_id)
    return _answer(device.pk, _span(asked), asked)


def _answer(device_id: int, span: Span, asked: Asked) -> HistoryOut:
    """Each poll of the one metric that is asked for; of all together as many points as a chart shows."""
    wanted, element = _metrics(asked.metric), asked.element
    names = {f"{metric.name}.{element}" if element else metric.name: metric for metric in wanted}
    grain, found = selectors.lines(device_id, span, names, each=asked.metric is not None)
    said = [
        SeriesOut(metric=metric.name, element=element, unit=metric.unit, points=[_point(*one) for one in found[name]])
        for name, metric in names.items()
        if name in found
    ]
    return HistoryOut(device_id=device_id, grain=grain.value, begin=span.begin, end=span.end, series=said)


def _point(at: datetime, said: Summary | None) -> PointOut:
    if said is None:
        return PointOut(at=at, low=None, mean=None, high=None)
    low, mean, high = (round(value, DIGITS) for value in (said.low, said.mean, said.high))
    return PointOut(at=at, low=low, mean=mean, high=high)


def _span(asked: Asked) -> Span:
    end = asked.end or timezone.now()
    begin = asked.begin or end - timedelta(days=1)
    if begin >= end:
        raise Problem(422, _("The beginning must lie before the end."), errors={"from": [begin.isoformat()]})
    return Span(begin, end)


def _metrics(name: str | None) -> list[Metric]:
    known_metrics = metrics.known()
    if name is None:
        return list(known_metrics.values())
    if name not in known_metrics:
        raise Problem(422, _("There is no such metric; /api/v1/metrics/ lists them."), errors={"metric": [name]})
    return [known_metrics[name]]


@outages.get("/", response=list[OutageOut], summary="When devices were silent, latest first")
@paginate(CursorPage, ordering=("-started_at", "-id"))
def list_outages(
    request: HttpRequest,
    site: int | None = None,
    device: int | None = None,
    cause: str | None = None,
    since: LooseInstant | None = None,
    until: LooseInstant | None = None,
) -> QuerySet[Outage]:
    """`since` and `until`: those that touch this time."""
    rows = Outage.objects.allowing(request.user, DETAILS)
    chosen = {"site_id": site, "device_id": device, "cause": cause, "started_at__lt": until}
    rows = rows.filter(**{name: value for name, value in chosen.items() if value is not None})
    return rows if since is None else rows.filter(Q(ended_at__isnull=True) | Q(ended_at__gte=since))


@known.get("/", response=list[MetricOut], summary="Every metric: unit, kind, default limits")
def list_metrics(request: HttpRequest) -> list[MetricOut]:  # noqa: ARG001
    return [
        MetricOut(
            name=metric.name,
            unit=metric.unit,
            kind=metric.kind,
            title_de=metric.title.de,
            title_en=metric.title.en,
            threshold=ThresholdOut(**metric.threshold.model_dump()) if metric.threshold else None,
            kinds={kind: ThresholdOut(**limit.model_dump()) for kind, limit in metric.kinds.items()},
            around_the_clock=metric.around_the_clock,
        )
        for metric in metrics.known().values()
    ]
