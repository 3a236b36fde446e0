"""Freezes, change windows and what an authority has agreed otherwise: written, ended, told."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from fleet.automation.models import ChangeWindow, Freeze, PolicyRule
from fleet.automation.services import holding
from fleet.automation.services.policy import zone_of
from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.sites.models import Authority, Site
from fleet.web.instants import within


@dataclass(frozen=True)
class Stretch:
    """What a person plans, for a site or (without one) everywhere in the authority. Raises FarError."""

    authority_id: int
    site: Site | None
    starts_at: datetime
    ends_at: datetime
    reason: str
    kind: str = ""
    repeats: str = ChangeWindow.Repeating.NEVER
    repeats_until: date | None = None

    def __post_init__(self) -> None:
        for when in filter(None, (self.starts_at, self.ends_at, self.repeats_until)):
            within(when)


@transaction.atomic
def freeze(*, stretch: Stretch, by: User) -> Freeze:
    """From now on nothing is changed there in that time."""
    row = Freeze.objects.create(
        authority_id=stretch.authority_id,
        site=stretch.site,
        starts_at=stretch.starts_at,
        ends_at=stretch.ends_at,
        reason=stretch.reason,
        made_by=by,
    )
    _tell("policy.frozen", row, by)
    return row


@transaction.atomic
def open_window(*, stretch: Stretch, by: User) -> ChangeWindow:
    row = ChangeWindow.objects.create(
        authority_id=stretch.authority_id,
        site=stretch.site,
        kind=stretch.kind,
        starts_at=stretch.starts_at,
        ends_at=stretch.ends_at,
        timezone=zone_of(stretch.site),
        repeats=stretch.repeats,
        repeats_until=stretch.repeats_until if stretch.repeats != ChangeWindow.Repeating.NEVER else None,
        reason=stretch.reason,
        made_by=by,
    )
    _tell("policy.window-opened", row, by)
    return row


@transaction.atomic
def end(*, row: Freeze | ChangeWindow, by: User) -> bool:
    """It does not hold any more from now on. False if somebody has ended it before."""
    if not type(row)._default_manager.filter(pk=row.pk, ended_at__isnull=True).update(ended_at=timezone.now()):
        return False
    _tell("policy.thawed" if isinstance(row, Freeze) else "policy.window-ended", row, by)
    return True


@dataclass(frozen=True)
class Agreement:
    """What an authority wants for changes of one risk; `times` None: as everywhere."""

    risk: str
    times: str | None
    exam_margin_days: int = 0


@transaction.atomic
def agree(*, authority: Authority, wanted: Agreement, by: User) -> None:
    mine = PolicyRule.objects.filter(authority=authority, risk=wanted.risk)
    if wanted.times is None:
        mine.delete()
    else:
        values = {"times": wanted.times, "exam_margin_days": wanted.exam_margin_days}
        PolicyRule.objects.update_or_create(
            authority=authority, risk=wanted.risk, defaults=values | {"changed_by": by, "changed_at": timezone.now()}
        )
    payload = {"risk": wanted.risk, "times": wanted.times, "exam_margin_days": wanted.exam_margin_days}
    holding.let_all_go()
    emit(Fact("policy.rule-changed", authority, authority.pk, None, by.pk, payload))


def _tell(name: str, row: Freeze | ChangeWindow, by: User) -> None:
    payload = {"reason": row.reason, "starts_at": row.starts_at.isoformat(), "ends_at": row.ends_at.isoformat()}
    subject: Model = row
    holding.let_all_go()
    emit(Fact(name, subject, row.authority_id, row.site_id, by.pk, payload))
