"""/alerts, /health and /metrics: what is wrong, how devices are and were, and what the numbers mean."""

from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Router, Status
from ninja.pagination import paginate

from fleet.devices.models import Device
from fleet.monitoring import metrics, services
from fleet.monitoring.models import Alert, Health, Sample
from fleet.monitoring.schemas import AlertDetailOut, AlertOut, HealthOut, MetricOut, ReadingOut, SampleOut, ThresholdOut
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.api import CursorPage, Problem

alerts = Router(tags=["monitoring"])
health = Router(tags=["monitoring"])
known = Router(tags=["monitoring"])
DETAILS = Action.VIEW_DEVICE_DETAILS


@alerts.get("/", response=list[AlertOut], summary="Alerts, newest first")
@paginate(CursorPage, ordering=("-opened_at", "-id"))
def list_alerts(
    request: HttpRequest,
    site: int | None = None,
    *,
    open: bool | None = None,  # noqa: A002  (the word of the address)
    root: bool | None = None,
) -> QuerySet[Alert]:
    rows = Alert.objects.allowing(request.user, DETAILS)
    if site is not None:
        rows = rows.filter(site_id=site)
    if open is not None:
        rows = rows.filter(closed_at__isnull=open)
    return rows if root is None else rows.filter(suppressed_by__isnull=root)


@alerts.get("/{int:alert_id}", response=AlertDetailOut, summary="One alert with its evidence")
def alert(request: HttpRequest, alert_id: int) -> Alert:
    return get_object_or_404(Alert.objects.allowing(request.user, DETAILS), pk=alert_id)


@alerts.post("/{int:alert_id}/acknowledge", response=AlertDetailOut, summary="Say that somebody is looking after it")
def acknowledge(request: HttpRequest, alert_id: int) -> Alert:
    row = get_object_or_404(Alert.objects.allowing(request.user, Action.ACKNOWLEDGE_ALERTS), pk=alert_id)
    if not isinstance(request.user, User) or not services.acknowledge(alert=row, by=request.user):
        raise Problem(409, _("Somebody had already taken note of it, or it is over."))
    return row


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
    services.poll_soon(device_ids=[row.pk])
    return Status(202, None)


@health.get("/{int:device_id}/samples", response=list[SampleOut], summary="What was measured, newest first")
@paginate(CursorPage, ordering=("-polled_at", "-id"))
def samples(
    request: HttpRequest, device_id: int, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[Sample]:
    row = get_object_or_404(Device.objects.allowing(request.user, DETAILS), pk=device_id)
    chosen = {"polled_at__gte": since, "polled_at__lt": until}
    return row.samples.filter(**{name: value for name, value in chosen.items() if value is not None})


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
        )
        for metric in metrics.known().values()
    ]
