"""Remedies that run by alert: called for by an event, ordered like any other change, told in the alert's ticket."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from fleet.automation import remedybook
from fleet.automation.catalogue import CatalogueError
from fleet.automation.models import RemedyAct, RemedyPolicy, RemedySignature, Run
from fleet.automation.rules import remedies as rules
from fleet.automation.rules.lifecycle import RETRYABLE
from fleet.automation.rules.remedies import Case, Remedy, Step
from fleet.automation.services import binding
from fleet.automation.services.ordering import Order, OrderError, request_change
from fleet.automation.services.rollouts.controlling import withdraw
from fleet.automation.services.turns import each
from fleet.devices.models import Device, Interface
from fleet.events.models import Event
from fleet.events.services import Fact, emit
from fleet.monitoring.models import Alert, Health
from fleet.people.models import User
from fleet.people.rules import Access, Action, Role
from fleet.sites.models import Authority, Site
from fleet.sites.rules import in_exam, moment
from fleet.sites.selectors import calendars

NAME = "automation.remedies"
CALLS = frozenset({"alert.opened", "alert.reopened"})
EVENTS = {*CALLS, "alert.closed"}
FLEETDESK = "fleetdesk@system.invalid"
"""Who asks for what runs by itself: no address of anybody (RFC 2606), no password, no login."""
State = RemedyAct.State
ENDED = RETRYABLE | {"confirmed", "rejected", "cancelled", "rolled-back", "halted"}


def consume(event: Event) -> None:
    alert = Alert.objects.select_related("device__type").filter(pk=event.subject_id).first()
    if alert is None:
        return
    if event.name in CALLS:
        _call(alert)
    else:
        _closed(alert)


def concerned(events: Sequence[Event]) -> set[int]:
    """What is called for where some remedy is on, and the end of what was called for."""
    on = set(RemedyPolicy.objects.filter(enabled=True).values_list("authority_id", flat=True))
    called = {event.subject_id for event in events if event.name in CALLS and event.authority_id in on}
    ended = {event.subject_id for event in events if event.name not in CALLS}
    live = RemedyAct.objects.filter(alert__in=ended, state__in=RemedyAct.LIVE).values_list("alert_id", flat=True)
    alerts = called.union(live)
    return {event.pk for event in events if event.subject_id in alerts}


def _call(alert: Alert) -> None:
    if alert.closed_at is not None or alert.suppressed_by_id is not None:
        return
    for remedy in remedybook.known().values():
        platform = alert.device.type.platform
        fits = rules.suits(remedy, alert=alert.kind, kind=alert.device.kind, platform=platform)
        policy = policy_for(remedy.slug, alert.authority_id, alert.site_id) if fits else None
        if policy is not None and (binding.holds(remedy, policy)[0] or policy.signatures.exists()):
            _begin(remedy, alert)  # with signatures that hold no more, the ticket says so


def _begin(remedy: Remedy, alert: Alert) -> None:
    scope = {"authority_id": alert.authority_id, "site_id": alert.site_id, "device_id": alert.device_id}
    with transaction.atomic():
        RemedyAct.objects.get_or_create(remedy=remedy.slug, alert=alert, state__in=RemedyAct.LIVE, defaults=scope)


def _closed(alert: Alert) -> None:
    with transaction.atomic():
        live = RemedyAct.objects.filter(alert=alert, state__in=RemedyAct.LIVE).select_related("alert")
        for act in live.select_for_update(of=("self",)):  # the act before its change, as the tender has them
            _over(act)


def _over(act: RemedyAct) -> None:
    """Its alert has closed: only what was carried out has helped, and what was not is not carried out any more."""
    ordered = act.state == State.ORDERED
    undone = not ordered or _withdrawn(act)
    if _end(act, State.OVER if undone else State.HELPED) and ordered:
        _tell("remedy.over" if undone else "remedy.helped", act)


def _withdrawn(act: RemedyAct) -> bool:
    """Whether nothing was done, and nothing will be: then it was not tried, and counts against no limit."""
    undone = act.change_id is not None and withdraw(change_id=act.change_id)
    if undone:
        RemedyAct.objects.filter(pk=act.pk).update(ordered_at=None)
    return undone


def called_off(change_id: int) -> bool:
    """Whether this change was ordered by a remedy that is not called for any more, or may not run by itself any more.

    What has been begun is a person's to go on with.
    """
    if Run.objects.filter(change=change_id, kind=Run.Kind.APPLY, started_at__isnull=False).exists():
        return False
    acts = RemedyAct.objects.filter(change=change_id, state__in=RemedyAct.LIVE).select_related("alert")
    return any(act.alert.closed_at is not None or _withheld(act) for act in acts)


def _withheld(act: RemedyAct) -> str:
    """Why it may not run by itself as it stands now; empty where it may."""
    remedy = remedybook.known().get(act.remedy)
    if remedy is None:
        return "gone"
    policy = policy_for(act.remedy, act.authority_id, act.site_id)
    if policy is None:
        return "off"
    try:
        return "" if binding.holds(remedy, policy)[0] else "unsigned"
    except CatalogueError:
        return "gone"


def policy_for(slug: str, authority_id: int, site_id: int) -> RemedyPolicy | None:
    """What switches it on at this site; None where it is off."""
    rows = RemedyPolicy.objects.filter(Q(site=site_id) | Q(site=None), remedy=slug, authority_id=authority_id)
    said = {row.site_id: row for row in rows.prefetch_related(binding.SIGNERS)}
    row = said.get(site_id) or said.get(None)
    return row if row is not None and row.enabled else None


def set_policy(
    *, remedy: str, place: Authority | Site, wanted: bool | None, by: User, most_a_day: int | None = None
) -> RemedyPolicy | None:
    """On, off, or (`wanted` None) as above. The caller asks whether `by` may. What was signed before holds no more."""
    site = place if isinstance(place, Site) else None
    authority_id = site.authority_id if site else place.pk
    rows = RemedyPolicy.objects.filter(remedy=remedy, authority_id=authority_id, site=site)
    with transaction.atomic():
        rows.delete()
        if wanted is None:
            return None
        values = {"enabled": wanted, "set_by": by, "most_a_day": most_a_day}
        row = RemedyPolicy.objects.create(remedy=remedy, authority_id=authority_id, site=site, **values)
        told = {"remedy": remedy, "enabled": wanted, "most_a_day": most_a_day}
        emit(Fact("remedy.set", row, authority_id, site.pk if site else None, by.pk, told))
    return row


def tend(now: datetime) -> None:
    """The next step of everything that was called for."""
    live = RemedyAct.objects.filter(state__in=RemedyAct.LIVE).select_related("alert", "change", "device__site")
    each("remedies", live.defer("change__secret_arguments"), partial(_take_next_step, now=now))


def _take_next_step(act: RemedyAct, now: datetime) -> None:
    remedy = remedybook.known().get(act.remedy)
    if remedy is None:
        _withdrawn(act)
        _give_up(act, State.UNFIT, "gone")
    elif act.state == State.WAITING:
        _try(remedy, act, now)
    else:
        _look(remedy, act, now)


def _try(remedy: Remedy, act: RemedyAct, now: datetime) -> None:
    if act.alert.closed_at is not None:
        _over(act)
        return
    ports = list(Interface.objects.filter(downlinks__device=act.device_id).select_related("device"))
    policy = policy_for(act.remedy, act.authority_id, act.site_id)
    if policy is None or not RemedyPolicy.objects.select_for_update().filter(
        pk=policy.pk
    ):  # one at a time counts and orders
        _give_up(act, State.UNFIT, "off")
        return
    bound, signed = binding.holds(remedy, policy)
    case = replace(
        _case(act, ports, now),
        bound=bound,
        ordered_lately=binding.ordered_lately(policy, now),
        most_a_day=policy.most_a_day,
    )
    step, why = rules.next_step(remedy, case, now)
    if step == Step.ORDER:
        _order(remedy, act, ports, signed)
    elif step == Step.LIMITED:
        _give_up(act, State.LIMITED, why)
    elif step == Step.UNFIT:
        _give_up(act, State.UNFIT, why)
    elif act.reason != why:
        RemedyAct.objects.filter(pk=act.pk, state=State.WAITING).update(reason=why)


def _case(act: RemedyAct, ports: list[Interface], now: datetime) -> Case:
    calendar = calendars(site_ids=[act.site_id])[act.site_id]
    earlier = RemedyAct.objects.filter(remedy=act.remedy, device=act.device_id, ordered_at__isnull=False)
    last = earlier.exclude(pk=act.pk).order_by("-ordered_at").values_list("ordered_at", flat=True).first()
    above = [port.device_id for port in ports]
    silent = Health.objects.filter(device_id__in=above).exclude(status=Health.Status.UP).exists()
    return Case(moment(calendar, now), in_exam(calendar, now), last, len(ports), uplink_answers=not silent)


def _order(remedy: Remedy, act: RemedyAct, ports: list[Interface], signed: Sequence[RemedySignature]) -> None:
    """Asked for once, whatever happens between the order and its note: the act's number is the order's key."""
    target = ports[0].device if remedy.target == "uplink" else act.device
    values: dict[str, Any] = {"device.name": act.device.name}
    if ports:
        values |= {"uplink.if_index": ports[0].if_index, "uplink.name": ports[0].name}
    reason = remedy.title.in_language(settings.LANGUAGE_CODE)
    order = Order(
        playbook=remedy.playbook,
        arguments=rules.filled(remedy.arguments, values),
        device_ids=[target.pk],
        requested_by=fleetdesk(target),
        reason=f"{reason}: {act.device.name}",
        idempotency_key=f"remedy:{act.pk}",
        right=Action.REQUEST_CHANGE,
        agreed_by=tuple(one.signer_id for one in signed),
    )
    try:
        change = request_change(order=order)
    except OrderError as error:
        _give_up(act, State.UNFIT, str(error)[:300])
        return
    with transaction.atomic():
        waiting = RemedyAct.objects.filter(pk=act.pk, state=State.WAITING)
        if waiting.update(state=State.ORDERED, change=change, ordered_at=timezone.now(), reason="") == 1:
            act.change = change
            _tell("remedy.ordered", act)


def _look(remedy: Remedy, act: RemedyAct, now: datetime) -> None:
    """Whether it has helped says the alert alone: a change that could not even measure may have."""
    if act.alert.closed_at is not None:
        _over(act)
        return
    if (why := _withheld(act)) and _withdrawn(act):
        _give_up(act, State.UNFIT, why)
        return
    change = act.change
    over = change is None or change.state in ENDED
    ended_at = (change.state_since if change else act.ordered_at) if over else None
    if rules.not_helped(change_ended_at=ended_at, wait_s=remedy.wait_s, now=now):
        _give_up(act, State.NOT_HELPED, "still-open")


def _give_up(act: RemedyAct, state: RemedyAct.State, reason: str) -> None:
    with transaction.atomic():
        if _end(act, state, reason):
            _tell("remedy.person-needed", act)


def _end(act: RemedyAct, state: RemedyAct.State, reason: str = "") -> bool:
    mine = RemedyAct.objects.filter(pk=act.pk, state=act.state)
    won = mine.update(state=state, reason=reason, ended_at=timezone.now()) == 1
    if won:
        act.state, act.reason = state.value, reason
    return won


def _tell(name: str, act: RemedyAct) -> None:
    told: dict[str, Any] = {"remedy": act.remedy, "device_id": act.device_id, "change_id": act.change_id}
    told |= {"state": act.state, "reason": act.reason}
    with transaction.atomic():
        emit(Fact(name, act.alert, act.authority_id, act.site_id, payload=told))


def fleetdesk(device: Device) -> User:
    """The product itself as a person who may ask for changes of this device's site, for as long as this object lives."""
    user = User.objects.filter(email=FLEETDESK).first()
    if user is None:
        user, _made = User.objects.get_or_create(email=FLEETDESK, defaults={"name": "Fleetdesk", "is_active": False})
        user.set_unusable_password()
        user.save(update_fields=["password"])
    user.access = Access.of([(Role.TECHNICIAN, device.site_id)])
    return user
