"""Standing orders: kept, changed, and turned into changes when their time has come."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.automation.catalogue import CatalogueError, Playbook, get
from fleet.automation.end_words import TAKES_AWAY, no_end
from fleet.automation.models import Change, Schedule
from fleet.automation.rules import schedules as rules
from fleet.automation.rules.arguments import ArgumentsError, validated
from fleet.automation.rules.keys import wifi_key
from fleet.automation.services.composing import takes_away
from fleet.automation.services.ordering import Order, OrderError, request_change
from fleet.automation.services.turns import each
from fleet.devices.models import Device
from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.web.instants import far_problem

RIGHT = Action.REQUEST_CHANGE


@dataclass(frozen=True)
class Standing:
    """What is to be asked for again and again. Either `device_ids` or `kind`."""

    site: Site
    name: str
    playbook: str
    rule: str
    starts_at: datetime
    arguments: dict[str, Any] = field(default_factory=dict)
    device_ids: tuple[int, ...] = ()
    kind: str = ""
    lasts: timedelta | None = None


def create(*, standing: Standing, owner: User) -> Schedule:
    """Raises OrderError with a sentence per field; nothing is asked for yet."""
    problems: dict[str, str] = {}
    arguments, secret = _arguments(standing, problems)
    if far := far_problem(standing.starts_at):
        raise OrderError({"starts_at": far})
    devices = _devices(owner, standing.site.pk, standing.device_ids, standing.kind)
    rule = _rule(standing, problems)
    if not owner.access.may(RIGHT, standing.site.authority_id, standing.site.pk):
        problems["site"] = _("Your role does not include this.")
    if bool(standing.device_ids) == bool(standing.kind):
        problems["devices"] = _("Choose either devices or a kind of device.")
    elif not devices:
        problems["devices"] = _("There is no such device, or it is not yours to change.")
    elif not problems and standing.lasts is not None and takes_away(_playbook(standing), arguments, devices):
        problems["lasts"] = str(TAKES_AWAY)
    if problems:
        raise OrderError(problems)
    with transaction.atomic():
        row = Schedule.objects.create(
            authority_id=standing.site.authority_id,
            site=standing.site,
            name=standing.name,
            owner=owner,
            playbook=standing.playbook,
            arguments=arguments,
            secret_arguments=secret or None,  # type: ignore[misc]  # the field's column is text, its value an object
            device_ids=list(standing.device_ids),
            kind=standing.kind,
            rule=rule,
            starts_at=standing.starts_at,
            zone=standing.site.timezone,
            lasts_s=int(standing.lasts.total_seconds()) if standing.lasts else None,
            next_at=rules.following(rule, standing.starts_at, standing.site.timezone, timezone.now()),
        )
        _tell(row, "created", owner)
    return row


def _arguments(standing: Standing, problems: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        playbook = _playbook(standing)
        values = validated(playbook, _made_up(playbook, standing.arguments))
    except CatalogueError:
        problems["playbook"] = _("There is no such playbook, or it cannot be used now.")
        return {}, {}
    except ArgumentsError as error:
        problems |= {name: str(problem) for name, problem in error.problems.items()}
        return {}, {}
    if standing.lasts is not None and (why_not := no_end(playbook)):
        problems["lasts"] = why_not
    if given := sorted(playbook.fresh_names & standing.arguments.keys()):
        problems |= dict.fromkeys(given, _("A standing order makes this up afresh each time."))
    kept = {name for name in playbook.secret_names & values.keys() if standing.arguments.get(name)}
    secret = {name: values[name] for name in sorted(kept)}
    return {name: value for name, value in values.items() if name not in playbook.secret_names}, secret


def _made_up(playbook: Playbook, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments with a fresh key wherever the playbook wants one, or lets one be made up and none is given."""
    lacking = {one.name for one in playbook.arguments if one.generate and not given.get(one.name)}
    return {**given, **{name: wifi_key() for name in sorted(lacking | playbook.fresh_names)}}


def _playbook(standing: Standing) -> Playbook:
    """Raises CatalogueError, for another authority's playbook too."""
    playbook = get(standing.playbook)
    if playbook.authority_id not in {None, standing.site.authority_id}:
        raise CatalogueError(standing.playbook)
    return playbook


def _rule(standing: Standing, problems: dict[str, str]) -> str:
    try:
        return rules.checked(standing.rule, standing.starts_at, standing.site.timezone)
    except rules.RuleError as error:
        problems["rule"] = {
            "syntax": _("This is no rule that can be read, such as FREQ=MONTHLY;BYMONTHDAY=1."),
            "too-often": _("At most once a day."),
            "never": _("It never comes by this rule."),
        }[error.key]
        return ""


def _devices(owner: User, site_id: int, device_ids: Any, kind: str) -> list[int]:
    mine = Device.objects.allowing(owner, RIGHT).in_service().filter(site=site_id)
    chosen = mine.filter(kind=kind) if kind else mine.filter(pk__in=device_ids)
    return list(chosen.order_by("pk").values_list("pk", flat=True))


def switch(*, schedule: Schedule, enabled: bool, by: User) -> None:
    """What was missed while it was off is not made up for. Where it is so already, what is due stays due."""
    following = rules.following(schedule.rule, schedule.starts_at, schedule.zone, timezone.now())
    with transaction.atomic():
        if Schedule.objects.filter(pk=schedule.pk, enabled=not enabled).update(enabled=enabled, next_at=following):
            _tell(schedule, "switched-on" if enabled else "switched-off", by)


def remove(*, schedule: Schedule, by: User) -> None:
    with transaction.atomic():
        _tell(schedule, "removed", by)
        schedule.delete()


def tend(now: datetime) -> None:
    """Ask for what is due. Two tenders at once ask once: one holds the row, and the order's key is of the instant."""
    due = Schedule.objects.filter(enabled=True, next_at__lte=now).select_related("owner")
    each("schedules", due, partial(_ask_for_due, now=now))


def _ask_for_due(schedule: Schedule, now: datetime) -> None:
    if schedule.next_at is not None:
        _once(schedule, schedule.next_at, now)


def _once(schedule: Schedule, due_at: datetime, now: datetime) -> None:
    change, problem = None, ""
    if rules.missed(due_at, now):
        problem = "missed"
    elif not schedule.owner.is_active:
        problem = "owner-gone"
    else:
        try:
            change = _ask(schedule, due_at)
        except OrderError as error:
            problem = str(error)[:500]
    following = rules.following(schedule.rule, schedule.starts_at, schedule.zone, max(now, due_at))
    with transaction.atomic():
        mine = Schedule.objects.filter(pk=schedule.pk, next_at=due_at)
        noted = {"next_at": following, "last_at": now, "last_problem": problem}
        if mine.update(**noted, **({"last_change": change} if change else {})) == 1:
            _tell(schedule, "ordered" if change else "not-ordered", None, problem=problem, change_id=change and change.pk)


def _ask(schedule: Schedule, due_at: datetime) -> Change:
    """With the owner's rights as they are now. Raises OrderError."""
    try:
        playbook = get(schedule.playbook)
    except CatalogueError as error:
        raise OrderError({"playbook": _("There is no such playbook, or it cannot be used now.")}) from error
    ids = _devices(schedule.owner, schedule.site_id, schedule.device_ids, schedule.kind)
    order = Order(
        playbook=schedule.playbook,
        arguments=_made_up(playbook, {**schedule.arguments, **(schedule.secret_arguments or {})}),
        device_ids=ids if schedule.kind else schedule.device_ids,
        requested_by=schedule.owner,
        starts_at=due_at,
        ends_at=due_at + timedelta(seconds=schedule.lasts_s) if schedule.lasts_s else None,
        reason=schedule.name,
        idempotency_key=f"schedule:{schedule.pk}:{due_at.isoformat()}",
        right=RIGHT,
        matched=bool(schedule.kind) and schedule.owner.access.may(RIGHT, schedule.authority_id, schedule.site_id),
        home=(schedule.authority_id, schedule.site_id),
    )
    return request_change(order=order)


def _tell(schedule: Schedule, what: str, by: User | None, **payload: Any) -> None:
    told = {"name": schedule.name, **payload}
    emit(Fact(f"schedule.{what}", schedule, schedule.authority_id, schedule.site_id, by.pk if by else None, told))
