"""Closures and exams that a person enters by hand. The same entered twice is one."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.sites.models import CalendarScoped, ExamPeriod, FreePeriod
from fleet.sites.services.holding import hold_alone
from fleet.sites.services.where import Where


@dataclass(frozen=True)
class Closure:
    """Whole days, both included."""

    name: str
    first_day: date
    last_day: date


@dataclass(frozen=True)
class Exam:
    name: str
    starts_at: datetime
    ends_at: datetime
    buffer_days: int = 0


@transaction.atomic
def enter_closure(*, where: Where, closure: Closure, by: User | None) -> FreePeriod:
    hold_alone(authority_id=where.site.authority_id, site_id=where.columns["site_id"])
    columns = {**where.columns, **vars(closure), "kind": FreePeriod.Kind.CLOSURE, "feed": None}
    if known := FreePeriod.objects.filter(**columns).order_by("pk").first():
        return known
    row = FreePeriod.objects.create(**columns, entered_by=by)
    _tell("calendar.closure-entered", row, by, first_day=str(row.first_day), last_day=str(row.last_day))
    return row


@transaction.atomic
def remove_closure(*, closure: FreePeriod, by: User | None) -> bool:
    """False if it is gone already, or if a file said it: then the file has to be replaced."""
    if closure.feed_id is not None or not FreePeriod.objects.filter(pk=closure.pk).delete()[0]:
        return False
    _tell("calendar.closure-removed", closure, by, first_day=str(closure.first_day), last_day=str(closure.last_day))
    return True


@transaction.atomic
def enter_exam(*, where: Where, exam: Exam, by: User | None) -> ExamPeriod:
    hold_alone(authority_id=where.site.authority_id, site_id=where.columns["site_id"])
    columns = {**where.columns, **vars(exam), "feed": None}
    if known := ExamPeriod.objects.filter(**columns).order_by("pk").first():
        return known
    row = ExamPeriod.objects.create(**columns, entered_by=by)
    _tell("calendar.exam-entered", row, by, starts_at=row.starts_at.isoformat(), ends_at=row.ends_at.isoformat())
    return row


@transaction.atomic
def remove_exam(*, exam: ExamPeriod, by: User | None) -> bool:
    """False if it is gone already, or if a file said it."""
    if exam.feed_id is not None or not ExamPeriod.objects.filter(pk=exam.pk).delete()[0]:
        return False
    _tell("calendar.exam-removed", exam, by, starts_at=exam.starts_at.isoformat(), ends_at=exam.ends_at.isoformat())
    return True


def _tell(name: str, row: CalendarScoped, by: User | None, **payload: Any) -> None:
    emit(Fact(name, row, row.authority_id, row.site_id, by.pk if by else None, {"name": str(row), **payload}))
