"""/sites/…/calendar: what kind of time it is, lessons, free days, exams; closures and exams entered by programs."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Status

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites import selectors, services
from fleet.sites.calendar_schemas import CalendarOut, ClosureIn, ClosureOut, ExamIn, ExamOut, FreeOut, LessonOut, MomentOut
from fleet.sites.models import ExamPeriod, FreePeriod, Site
from fleet.sites.rules import Calendar, LessonSpan, in_exam, in_nap, moment, next_lesson
from fleet.web.api import Problem
from fleet.web.instants import Day, LooseInstant

router = Router(tags=["calendar"])
MANAGE = Action.MANAGE_CALENDAR
LONGEST_SPAN = timedelta(days=366)


def _site(request: HttpRequest, site_id: int) -> Site:
    return get_object_or_404(Site.objects.visible_to(request.user), pk=site_id)


def _calendar(site: Site) -> Calendar:
    return selectors.calendars(site_ids=[site.pk])[site.pk]


@router.get("/{int:site_id}/calendar", response=CalendarOut, summary="What is known of a site's time")
def calendar(request: HttpRequest, site_id: int) -> dict[str, Any]:
    known = _calendar(_site(request, site_id))
    return {
        "timezone": known.timezone,
        "known_until": known.known_until,
        "bells_are_assumed": known.bells_are_assumed,
        "bells": sorted(known.lessons, key=lambda bell: (bell.weekday, bell.begins)),
        "naps": sorted(known.naps, key=lambda bell: (bell.weekday, bell.begins)),
        "service_hours": [
            {"weekday": weekday, "begins": span.begins, "ends": span.ends}
            for weekday, spans in sorted(known.hours.week.items())
            for span in spans
        ],
    }


@router.get("/{int:site_id}/calendar/moment", response=MomentOut, summary="What kind of time it is, now or then")
def what_moment(request: HttpRequest, site_id: int, at: LooseInstant | None = None) -> dict[str, Any]:
    known = _calendar(_site(request, site_id))
    instant = _aware(known, at) if at else timezone.now()
    day = known.local(instant).date()
    lesson = next((one for one in known.lessons_of(day) if one.begins_at <= instant < one.ends_at), None)
    return {
        "at": instant,
        "moment": moment(known, instant),
        "why_free": known.why_free(day),
        "in_exam": in_exam(known, instant),
        "in_nap": in_nap(known, instant),
        "is_known": known.is_known(day),
        "lesson": lesson,
        "next_lesson": next_lesson(known, instant),
    }


def _aware(known: Calendar, at: datetime) -> datetime:
    """A time without a zone is the site's own."""
    return at.replace(tzinfo=known.zone) if at.tzinfo is None else at


@router.get("/{int:site_id}/calendar/lessons", response=list[LessonOut], summary="The lessons of a day, today's unless said")
def lessons(request: HttpRequest, site_id: int, day: Day | None = None) -> list[LessonSpan]:
    known = _calendar(_site(request, site_id))
    return known.lessons_of(day or known.local(timezone.now()).date())


@router.get("/{int:site_id}/calendar/free-days", response=list[FreeOut], summary="Holidays and closures, and who says so")
def free_days(
    request: HttpRequest, site_id: int, since: Day | None = None, until: Day | None = None
) -> list[dict[str, Any]]:
    """Within a year from today, unless said."""
    site = _site(request, site_id)
    begin = since or timezone.localdate()
    end = until or begin + LONGEST_SPAN
    return [
        {
            "closure_id": entry.period_id if entry.closure else None,
            "name": entry.span.name,
            "first_day": entry.span.first_day,
            "last_day": entry.span.last_day,
            "closure": entry.closure,
            "source": entry.source,
            "everywhere": entry.everywhere,
        }
        for entry in selectors.free_entries(site=site)
        if entry.span.touches(begin, end)
    ]


@router.get("/{int:site_id}/calendar/exams", response=list[ExamOut], summary="Exams that are not over")
def exams(request: HttpRequest, site_id: int) -> QuerySet[ExamPeriod]:
    return ExamPeriod.objects.of_sites([_site(request, site_id)]).filter(ends_at__gte=timezone.now())


def _writable(request: HttpRequest, site_id: int) -> tuple[Site, User]:
    if not isinstance(request.user, User):
        raise Problem(403, _("Your role does not include this."))
    return get_object_or_404(Site.objects.allowing(request.user, MANAGE), pk=site_id), request.user


def _where(site: Site, user: User, *, everywhere: bool) -> services.Where:
    if everywhere and not user.access.may(MANAGE, site.authority_id):
        raise Problem(403, _("For all sites only whoever may do this in the whole authority."))
    return services.Where(site, everywhere=everywhere)


@router.post("/{int:site_id}/calendar/closures", response={201: ClosureOut}, summary="Enter a closure")
def enter_closure(request: HttpRequest, site_id: int, body: ClosureIn) -> Status[FreePeriod]:
    """Entered twice it is one."""
    site, user = _writable(request, site_id)
    closure = services.Closure(body.name, body.first_day, body.last_day)
    row = services.enter_closure(where=_where(site, user, everywhere=body.everywhere), closure=closure, by=user)
    return Status(201, row)


@router.delete("/{int:site_id}/calendar/closures/{int:closure_id}", response={204: None}, summary="Take a closure out")
def remove_closure(request: HttpRequest, site_id: int, closure_id: int) -> Status[None]:
    site, user = _writable(request, site_id)
    row = get_object_or_404(FreePeriod.objects.of_sites([site]).allowing(user, MANAGE), pk=closure_id)
    return _removed(services.remove_closure(closure=row, by=user))


@router.post("/{int:site_id}/calendar/exams", response={201: ExamOut}, summary="Enter an exam")
def enter_exam(request: HttpRequest, site_id: int, body: ExamIn) -> Status[ExamPeriod]:
    """Entered twice it is one."""
    site, user = _writable(request, site_id)
    exam = services.Exam(body.name, body.starts_at, body.ends_at, body.buffer_days)
    return Status(201, services.enter_exam(where=_where(site, user, everywhere=body.everywhere), exam=exam, by=user))


@router.delete("/{int:site_id}/calendar/exams/{int:exam_id}", response={204: None}, summary="Take an exam out")
def remove_exam(request: HttpRequest, site_id: int, exam_id: int) -> Status[None]:
    site, user = _writable(request, site_id)
    row = get_object_or_404(ExamPeriod.objects.of_sites([site]).allowing(user, MANAGE), pk=exam_id)
    return _removed(services.remove_exam(exam=row, by=user))


def _removed(done: bool) -> Status[None]:
    if not done:
        raise Problem(409, _("A file says this. Upload a newer one instead."))
    return Status(204, None)
