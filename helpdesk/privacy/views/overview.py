"""What is kept how long, what would go today, and what went."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority
from helpdesk.privacy import retention
from helpdesk.privacy.models import Deletion, Keeping
from helpdesk.privacy.services import keeping, looking
from helpdesk.privacy.views import manager_of

PAGE_SIZE = 50
LONGEST = 10
"""Digits of a number of days that somebody types."""
WORDS = {"delete": "deleted", "anonymise": "anonymised", "elsewhere": "deleted"}


def authorities(user: User) -> QuerySet[Authority]:
    return Authority.objects.filter(pk__in=user.access.scopes(Action.MANAGE)).order_by("name")


def deletions(user: User) -> QuerySet[Deletion]:
    """Rules of the authorities that this person manages, and those as delivered."""
    mine = Q(authority_id=0) | Q(authority_id__in=user.access.scopes(Action.MANAGE))
    return Deletion.objects.filter(mine).exclude(count=0, held=0).select_related("run")


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    user = manager_of(request)
    every = list(authorities(user))
    here = _chosen(request, every)
    context: dict[str, Any] = {"authorities": every, "here": here, "underway": _underway(user)}
    if here is not None:
        context |= {
            "rows": [_row(kind, days) for kind, days in keeping.effective(here.pk)],
            "on": Keeping.objects.filter(authority=here).first(),
            "next_run": keeping.next_run(),
            "log": _told(deletions(user)[:5]),
        }
    return render(request, "privacy/overview.html", context)


@require_safe
def dry_run(request: HttpRequest) -> HttpResponse:
    """Nothing is deleted by looking."""
    user = manager_of(request)
    here = _chosen(request, list(authorities(user)))
    if here is None:
        raise Http404
    rows = keeping.dry_run(authority_id=here.pk, reader=user)
    context = {"here": here, "rows": rows, "any": any(row.count for row in rows), "most": keeping.MOST_COUNTED}
    return render(request, "privacy/dry_run.html", context)


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    page = Paginator(deletions(manager_of(request)), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "privacy/log.html", {"page": page, "log": _told(page)})


@require_POST
def switch(request: HttpRequest, authority: int) -> HttpResponse:
    user = manager_of(request)
    here = get_object_or_404(authorities(user), pk=authority)
    on = request.POST.get("on") == "yes"
    keeping.switch(authority=here, on=on, by=user)
    messages.success(
        request, _("From the coming night on, what is due is deleted.") if on else _("Nothing is deleted any more.")
    )
    return _back(here)


@require_POST
def period(request: HttpRequest, authority: int, kind: str) -> HttpResponse:
    user = manager_of(request)
    here = get_object_or_404(authorities(user), pk=authority)
    known = retention.kinds().get(kind)
    if known is None or not known.may_be_moved:
        raise Http404
    days = request.POST.get("days", "").strip()
    try:
        keeping.set_period(
            authority=here, kind=known, days=int(days) if days.isdecimal() and len(days) < LONGEST else -1, by=user
        )
    except keeping.PeriodError as error:
        said = _("“%(given)s” is no period for “%(kind)s”: it takes %(least)s to %(most)s days. Nothing was changed.")
        values = {"given": days[:20], "kind": known.title, "least": error.least, "most": error.most}
        messages.error(request, said % values)
    else:
        messages.success(request, _("The period is saved."))
    return _back(here)


def _back(here: Authority) -> HttpResponse:
    return redirect(f"{reverse('privacy:overview')}?authority={here.pk}")


def _chosen(request: HttpRequest, every: list[Authority]) -> Authority | None:
    wanted = request.GET.get("authority", "")
    if not wanted:
        return every[0] if every else None
    found = next((one for one in every if str(one.pk) == wanted), None)
    if found is None:
        raise Http404
    return found


def _row(kind: retention.Kind, days: int) -> dict[str, Any]:
    return {"kind": kind, "days": days, "own": kind.may_be_moved and days != kind.days, "happens": WORDS[kind.happens]}


def _underway(user: User) -> list[Any]:
    return list(looking.erasures_of(user).filter(state__in=looking.ACTIVE)[:20])


def _told(rows: Any) -> list[dict[str, Any]]:
    known = retention.kinds()
    return [{"row": row, "title": known[row.kind].title if row.kind in known else row.kind} for row in rows]
