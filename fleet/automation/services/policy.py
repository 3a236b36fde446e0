"""Why a change may not happen now, and when next: what the tables say, brought before the pure rules."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from typing import NamedTuple

from django.conf import settings

from fleet.automation import policy_file
from fleet.automation.catalogue import CatalogueError, Playbook, get
from fleet.automation.models import Change, ChangeWindow, Freeze, Override, PolicyRule
from fleet.automation.rules import approvals, policy
from fleet.automation.rules.approvals import Need
from fleet.automation.rules.policy import Answer, Frozen, Place, Question, Rule, Times
from fleet.automation.rules.rollout import Strategy
from fleet.automation.services.assembling import forks
from fleet.devices.models import Device
from fleet.monitoring.models import MaintenanceWindow
from fleet.monitoring.rules.maintenance import Plan
from fleet.sites.models import Site
from fleet.sites.selectors import calendars

UNKNOWN_PLAYBOOK_S = 600
"""What a playbook that cannot be read any more is taken to need."""


def why_not_now(change: Change, device_ids: Collection[int], at: datetime) -> Answer:
    """Whether `change` may touch these devices at `at`, why not, and when next. At most 18 queries for any number."""
    return policy.verdict(question(change, device_ids, at), policy_file.known().rules)


def question(change: Change, device_ids: Collection[int], at: datetime) -> Question:
    touched = _touched(device_ids)
    usual = policy_file.known()
    playbook = _playbook(change.playbook)
    return Question(
        risk=change.risk,
        disruption_s=_disruption_s(change.risk, playbook),
        at=at,
        later_s=_later_s(change, len(device_ids), playbook),
        places=tuple(_places(touched, at)),
        planned=_planned(change, playbook),
        planned_s=playbook.verification.within_s if playbook else 0,
        roles=_roles(change, touched),
        may_run=roles_of(playbook, "who_may_run"),
        overridden=Override.objects.filter(change=change, digest=change.digest, agreed_by__isnull=False).exists(),
        day_begins=usual.day_begins,
        day_ends=usual.day_ends,
    )


def approvals_for(playbook: Playbook, devices: Collection[Device]) -> Need:
    """How many people must agree to this playbook on these devices, and in which roles."""
    return approvals.needed(
        playbook.risk,
        len(devices),
        len({device.site_id for device in devices}),
        who_approves=roles_of(playbook, "who_approves"),
        tiers=policy_file.known().tiers,
    )


def roles_of(playbook: Playbook | None, key: str) -> frozenset[str]:
    """The roles that a playbook names itself (`who_may_run`, `who_approves`); empty where it names none."""
    return frozenset(getattr(playbook, key, None) or ())


def _playbook(slug: str) -> Playbook | None:
    try:
        return get(slug)
    except CatalogueError:
        return None


def _disruption_s(risk: str, playbook: Playbook | None) -> int:
    if playbook is None:
        return UNKNOWN_PLAYBOOK_S
    if playbook.disruption_s is not None:
        return playbook.disruption_s
    return policy.disruption_s(
        risk=risk,
        expected_s=playbook.expected_duration_s,
        restarts=any(one.holds == "restarted" for one in playbook.verification.expect),
        back_within_s=playbook.verification.within_s,
    )


def _planned(change: Change, playbook: Playbook | None) -> time | None:
    """What an argument says in hours and minutes; what is written in another way the playbook itself refuses."""
    said = str(change.arguments.get(playbook.disrupts_at, "")) if playbook and playbook.disrupts_at else ""
    return time.fromisoformat(said) if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", said, re.ASCII) else None


def _later_s(change: Change, devices: int, playbook: Playbook | None) -> int:
    """What is asked about may be a whole change, of which one step goes out at a time."""
    step = min(devices, Strategy.from_json(change.strategy).max_per_step)
    expected_s = playbook.expected_duration_s if playbook else UNKNOWN_PLAYBOOK_S
    return policy.later_s(devices=step, at_once=forks(step), expected_s=expected_s)


def _roles(change: Change, site_ids: Collection[int]) -> frozenset[str]:
    """What whoever asked for it holds for the whole authority, or at each of the sites."""
    person = change.requested_by
    if person is None:
        return frozenset()
    at: dict[int, set[str]] = defaultdict(set)
    for held in person.access.holdings:
        at[held.scope_id].add(held.role.value)
    everywhere = set.intersection(*(at[pk] for pk in site_ids)) if site_ids else set()
    return frozenset(everywhere | at[change.authority_id])


class _Known(NamedTuple):
    pk: int
    site_id: int
    authority_id: int
    kind: str


@dataclass
class _Site:
    """What the tables say about one touched site."""

    authority_id: int
    devices: list[_Known] = field(default_factory=list)
    frozen: list[Frozen] = field(default_factory=list)
    windows: list[Plan] = field(default_factory=list)


Touched = dict[int, _Site]


def _touched(device_ids: Collection[int]) -> Touched:
    rows = Device.objects.filter(pk__in=device_ids).values_list("pk", "site_id", "authority_id", "kind")
    found: Touched = {}
    for row in map(_Known._make, rows):
        found.setdefault(row.site_id, _Site(row.authority_id)).devices.append(row)
    return found


def _places(touched: Touched, at: datetime) -> Iterable[Place]:
    sites = list(Site.objects.filter(pk__in=touched).order_by("name", "pk"))
    _add_frozen(touched, sites, at)
    _add_windows(touched, sites, at)
    _add_maintenance(touched, sites, at)
    known = calendars(site_ids=list(touched), today=at.date())
    rules = _rules({site.authority_id for site in sites})
    for site in sites:
        here = touched[site.pk]
        own = tuple(rules[site.authority_id])
        yield Place(site.pk, site.name, known[site.pk], tuple(here.frozen), tuple(here.windows), own)


def _add_frozen(touched: Touched, sites: list[Site], at: datetime) -> None:
    for row in Freeze.objects.of_sites(sites).to_come(at):
        for here in _those(touched, row):
            here.frozen.append(Frozen(row.starts_at, row.ends_at, row.reason))


def _add_windows(touched: Touched, sites: list[Site], at: datetime) -> None:
    for row in ChangeWindow.objects.of_sites(sites).to_come(at):
        for here in _those(touched, row):
            if all(row.kind in {"", device.kind} for device in here.devices):
                here.windows.append(row.plan)


def _add_maintenance(touched: Touched, sites: list[Site], at: datetime) -> None:
    for row in MaintenanceWindow.objects.of_sites(sites).to_come(at).prefetch_related("devices"):
        chosen = {device.pk for device in row.devices.all()}
        for here in _those(touched, row):
            if all(_covers(row, chosen, device) for device in here.devices):
                here.windows.append(row.plan)


def _covers(row: MaintenanceWindow, chosen: set[int], device: _Known) -> bool:
    if row.covers == MaintenanceWindow.Covers.DEVICES:
        return device.pk in chosen
    return row.kind in {"", device.kind}


def _those(touched: Touched, row: Freeze | ChangeWindow | MaintenanceWindow) -> list[_Site]:
    """The site of the row, or every touched one of its authority."""
    if row.site_id is not None:
        return [touched[row.site_id]]
    return [here for here in touched.values() if here.authority_id == row.authority_id]


def _rules(authority_ids: Collection[int]) -> defaultdict[int, list[Rule]]:
    usual = policy_file.known()
    found: defaultdict[int, list[Rule]] = defaultdict(list)
    for row in PolicyRule.objects.filter(authority__in=authority_ids):
        found[row.authority_id].append(agreed(usual.rule(row.risk), row))
    return found


def agreed(usual: Rule, row: PolicyRule) -> Rule:
    """The usual rule with what an authority has agreed otherwise: days around exams, and windows without exception."""
    rule = replace(usual, times=Times(row.times), exam_margin_days=row.exam_margin_days)
    if row.exam_margin_days:
        rule = replace(rule, exams=policy.Exams.DAYS_AROUND)
    return replace(rule, harmless_s=-1) if rule.times is Times.WINDOWS else rule


def request_ends_at(change: Change) -> datetime:
    """When a request for approval is no longer good."""
    return approvals.request_ends_at(_waiting(change), policy_file.known().patience)


def approval_ends_at(change: Change) -> datetime:
    """When what was approved, and has not begun, must be asked anew."""
    return approvals.approval_ends_at(_waiting(change), policy_file.known().patience)


def _waiting(change: Change) -> approvals.Waiting:
    return approvals.Waiting(created_at=change.created_at, since=change.state_since, starts_at=change.starts_at)


def zone_of(site: Site | None) -> str:
    return site.timezone if site else settings.TIME_ZONE
