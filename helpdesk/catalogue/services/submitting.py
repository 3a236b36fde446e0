"""An order becomes a ticket, a request and, where a playbook fulfils it, a change: all of it or nothing, and once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone, translation

from fleet.automation import services as automation
from fleet.automation.models import Change
from fleet.devices.models import Device, DeviceType, Uplink
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.secrets.types import Secret
from fleet.sites.models import Room, Site
from helpdesk.catalogue.models import ServiceRequest
from helpdesk.catalogue.offers import Offer, playbook_of
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.services import queues

SAME_MOMENT = timedelta(minutes=10)


class SubmissionError(ValueError):
    """The order cannot be taken; `problems`: {argument, `targets`, `starts_at` or `ends_at`: sentence}."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True)
class Submission:
    offer: Offer
    user: User
    token: str
    """Idempotency key: the same one by the same person is the same order."""
    arguments: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    """{question: answer} of the offer's own fields."""
    site: Site | None = None
    room: Room | None = None
    device: Device | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True)
class Submitted:
    ticket: Ticket
    request: ServiceRequest
    keys: dict[str, Secret]
    """Secret arguments, to be shown to the orderer this once."""


def submit(*, submission: Submission) -> Submitted:
    """Raises SubmissionError. Sending the same order twice gives the first one again.

    Of a double click the browser shows the second answer, so that one has to carry the keys too; later on it does not.
    """
    if known := _known(submission):
        return known
    try:
        with transaction.atomic():
            return _create(submission)
    except automation.OrderError as error:
        raise SubmissionError(error.problems) from error
    except IntegrityError:
        if known := _known(submission):
            return known
        raise


def _key(submission: Submission) -> str:
    """An order's own: neither a report nor a change that was asked for otherwise is taken for it."""
    return f"order:{submission.token}"


def _known(submission: Submission) -> Submitted | None:
    ticket = tickets.opened_before(requester=submission.user, idempotency_key=_key(submission))
    request = ServiceRequest.objects.select_related("change").filter(ticket=ticket).first() if ticket else None
    if ticket is None or request is None:
        return None
    fresh = request.created_at > timezone.now() - SAME_MOMENT
    return Submitted(ticket, request, _keys(request.change) if fresh else {})


def _keys(change: Change | None) -> dict[str, Secret]:
    secret = change.secret_arguments if change else None
    return {name: Secret(str(value)) for name, value in (secret or {}).items()}


def _create(submission: Submission) -> Submitted:
    offer, playbook = submission.offer, playbook_of(submission.offer)
    ticket = tickets.open_ticket(opening=_opening(submission))
    change = None
    if playbook:
        change = automation.request_change(order=_order(submission))
        tickets.transition(ticket=ticket, to=Ticket.State.WAITING_CHANGE)
    secret = playbook.secret_names if playbook else frozenset()
    request = ServiceRequest.objects.create(
        ticket=ticket,
        change=change,
        slug=offer.slug,
        values={name: value for name, value in submission.arguments.items() if name not in secret} | _told_apart(submission),
        agreement=ServiceRequest.Agreement.WANTED if offer.approvers else ServiceRequest.Agreement.NONE,
    )
    return Submitted(ticket, request, _keys(change))


def _told_apart(submission: Submission) -> dict[str, Any]:
    """What the request keeps: of a restricted one the note too, because a ticket is read by more people."""
    note = {"note": submission.note} if submission.offer.restricted and submission.note else {}
    return submission.answers | note


def _opening(submission: Submission) -> tickets.Opening:
    """Of a restricted order the ticket says that there is one, and where, to security people; the request has the rest."""
    restricted = submission.offer.restricted
    devices = [submission.device] if submission.device else _access_points(submission)
    site = _site(submission)
    return tickets.Opening(
        site=site,
        queue=queues.of_security(authority=site.authority) if restricted else None,
        subject=_subject(submission),
        body="" if restricted else submission.note,
        kind=Ticket.Kind.REQUEST,
        room=submission.room or (submission.device.room if submission.device else None),
        devices=devices,
        requester=submission.user,
        notice="ordered",
        details={
            "slug": submission.offer.slug,
            "starts_at": submission.starts_at.isoformat() if submission.starts_at else None,
            "ends_at": submission.ends_at.isoformat() if submission.ends_at else None,
            "answers": {} if restricted else submission.answers,
            "agreement": bool(submission.offer.approvers),
        },
        priority=Ticket.Priority.HIGH if restricted else Ticket.Priority.NORMAL,
        idempotency_key=_key(submission),
    )


def _site(submission: Submission) -> Site:
    place = submission.room or submission.device
    site = place.site if place else submission.site
    if site is None:
        raise SubmissionError({"targets": translation.gettext("Please say where.")})
    here = {site.pk, site.authority_id}
    if here.isdisjoint(submission.user.access.scopes_as(submission.offer.roles)):
        raise SubmissionError({"targets": translation.gettext("Your role there does not include this order.")})
    return site


def _subject(submission: Submission) -> str:
    """In the city's language, with the place: kept as text, whoever reads it."""
    room = submission.room or (submission.device.room if submission.device else None)
    with translation.override(settings.LANGUAGE_CODE):
        subject = submission.offer.subject.in_language(settings.LANGUAGE_CODE)
        where = submission.device.name if submission.device else str(room or submission.site)
        return f"{subject} · {where}"


def _access_points(submission: Submission) -> list[Device]:
    """Those of the room or of the whole school, if the order is about them."""
    rows = Device.objects.allowing(submission.user, Action.ORDER_SERVICE).in_service()
    rows = rows.filter(kind=DeviceType.Kind.ACCESS_POINT)
    if submission.offer.targets == "room-access-points" and submission.room:
        return list(rows.filter(room=submission.room))
    playbook = playbook_of(submission.offer)
    if submission.offer.targets == "site-access-points" and submission.site and playbook:
        return list(rows.filter(site=submission.site, type__platform__in=playbook.platforms))
    return []


def _order(submission: Submission) -> automation.Order:
    arguments, device_ids = _targets(submission)
    return automation.Order(
        playbook=submission.offer.playbook,
        arguments=arguments,
        device_ids=device_ids,
        requested_by=submission.user,
        starts_at=submission.starts_at,
        ends_at=submission.ends_at,
        reason=submission.note,
        idempotency_key=_key(submission),
    )


def _targets(submission: Submission) -> tuple[dict[str, Any], Sequence[int]]:
    """The arguments and the devices on which the playbook runs; the port of an uplink follows from the device."""
    device = submission.device
    if submission.offer.targets != "device-uplink-switch":
        return submission.arguments, [device.pk] if device else [one.pk for one in _access_points(submission)]
    uplink = Uplink.objects.select_related("port").filter(device=device).order_by("pk").first()
    if uplink is None:
        raise SubmissionError({"targets": translation.gettext("It is not known on which switch this device hangs.")})
    return {**submission.arguments, "port": uplink.port.if_index}, [uplink.port.device_id]
