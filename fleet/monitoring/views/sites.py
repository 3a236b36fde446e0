"""How the city is, and one site at a glance."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from fleet.devices.models import Device
from fleet.monitoring import estate, selectors, words
from fleet.monitoring.forms import LACKS, SiteFilter
from fleet.monitoring.models import Alert, MaintenanceWindow
from fleet.monitoring.rules import estate as rules
from fleet.monitoring.rules import maintenance as plans
from fleet.monitoring.rules.estate import SiteHealth
from fleet.monitoring.rules.rooms import State
from fleet.monitoring.rules.tree import Branch, forest
from fleet.monitoring.services.neighbours import parents
from fleet.monitoring.views import PageRequest
from fleet.monitoring.views.devices import state_word
from fleet.people.rules import Action
from fleet.sites import words as calendar_words
from fleet.sites.models import Authority, Site
from fleet.sites.selectors import calendars

PAGE_SIZE = 50
DETAILS = Action.VIEW_DEVICE_DETAILS
ORDER = (State.DOWN, State.WATCH, State.MAINTENANCE, State.UNKNOWN, State.OK)


@require_safe
def index(request: PageRequest) -> HttpResponse:
    """Sites worst first; for technicians how the city is. `?q=&kind=&state=`."""
    mine = Site.objects.visible_to(request.user).open()
    now = timezone.now()
    everything = estate.site_healths(mine, now)
    form = SiteFilter(request.GET)
    found = estate.chosen(everything, **form.wanted())
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "form": form,
        "page": page,
        "rows": [(site, site_word(site)) for site in page],
        "query": request.GET.urlencode(),
        "states": _states(everything),
        "filtered": any(form.wanted().values()),
        "technical": request.user.access.anywhere(DETAILS),
        "manages": request.user.access.anywhere(Action.MANAGE),
    }
    if request.htmx:
        return render(request, "monitoring/pieces/site_rows.html", context)
    if context["technical"]:
        context |= _city(request, everything, now)
    return render(request, "monitoring/sites.html", context)


def site_word(site: SiteHealth) -> str:
    """What the pill says."""
    words_of = {
        State.DOWN: ngettext("%d not answering", "%d not answering", site.down) % site.down,
        State.WATCH: ngettext("%d limit exceeded", "%d limits exceeded", site.watch) % site.watch,
        State.MAINTENANCE: ngettext("%d in maintenance", "%d in maintenance", site.maintained) % site.maintained,
    }
    return words_of.get(site.state) or state_word(site.state)


def _states(sites: Sequence[SiteHealth]) -> list[tuple[str, str, int]]:
    """[(state, word, sites)] for the row of numbers at the top."""
    titles = {
        State.DOWN: _("Something is not answering"),
        State.WATCH: _("A limit is exceeded"),
        State.MAINTENANCE: _("In maintenance"),
        State.UNKNOWN: _("Not known yet"),
        State.OK: _("Running"),
    }
    counted = rules.counts(sites)
    return [(state.value, titles[state], counted[state]) for state in ORDER]


def _city(request: PageRequest, sites: Sequence[SiteHealth], now: datetime) -> dict[str, Any]:
    allowed = Site.objects.allowing(request.user, DETAILS)
    trend = estate.trend(allowed, now)
    return {
        "title": _title(request),
        "lead": _lead(sites),
        "trend": trend,
        "trend_said": _("Devices not answering in the last 7 days: at most %(most)d at once, now %(now)d.")
        % {"most": max(trend), "now": sum(site.down for site in sites)},
        "quality": _quality(request),
        "lag": _lag(estate.lag(allowed, now)),
    }


def _title(request: PageRequest) -> str:
    """Whose role holds for whole authorities looks after a city, others after the schools that they were given."""
    whole = Authority.objects.filter(pk__in=request.user.access.scopes(DETAILS)).exists()
    return _("How the city is") if whole else _("Your schools")


def _lead(sites: Sequence[SiteHealth]) -> str:
    total, down = sum(site.total for site in sites), sum(site.down for site in sites)
    lessons, struck = sum(site.lessons for site in sites), sum(bool(site.down) for site in sites)
    if not down:
        return _("All %d devices that we ask are answering or accounted for.") % total
    said = ngettext(
        "%(down)d of %(total)d devices is not answering, at %(sites)d sites.",
        "%(down)d of %(total)d devices are not answering, at %(sites)d sites.",
        down,
    ) % {"down": down, "total": total, "sites": struck}
    if not lessons:
        return said
    hit = ngettext("That hits %d lesson today.", "That hits %d lessons today.", lessons) % lessons
    return f"{said} {hit}"


def _quality(request: PageRequest) -> list[tuple[str, int, str]]:
    """[(what is lacking, devices, where they are listed)]."""
    titles = {name: str(title) for name, title in LACKS}
    counted = estate.data_quality(Device.objects.allowing(request.user, DETAILS))
    return [(titles[name], count, f"{reverse('devices:list')}?lack={name}") for name, count in counted.items()]


def _lag(lag: estate.Lag) -> str:
    if not lag.waiting:
        return _("Every device is asked in time.")
    return ngettext(
        "%(count)d device has been waiting for its turn, the longest for %(long)s.",
        "%(count)d devices have been waiting for their turn, the longest for %(long)s.",
        lag.waiting,
    ) % {"count": lag.waiting, "long": words.duration(lag.behind.total_seconds())}


# --- one site ---------------------------------------------------------------------------------------------------------


@require_safe
def detail(request: PageRequest, pk: int) -> HttpResponse:
    site = get_object_or_404(Site.objects.visible_to(request.user).select_related("authority"), pk=pk)
    now = timezone.now()
    rooms = [(room, state_word(room.state)) for room in selectors.room_states(site)]
    may = _may(request, site)
    context: dict[str, Any] = {
        "site": site,
        "buildings": [(name, list(group)) for name, group in groupby(rooms, key=lambda pair: pair[0].building)],
        "affected": sum(room.state == "down" for room, _word in rooms),
        "moment": calendar_words.now(calendars(site_ids=[site.pk])[site.pk], now),
    } | may
    context |= _windows(site, now)
    if may["technical"]:
        context |= _technical(site)
    return render(request, "monitoring/site.html", context)


def _may(request: PageRequest, site: Site) -> dict[str, bool]:
    wanted = {"technical": DETAILS, "manages": Action.MANAGE, "may_plan": Action.PLAN_MAINTENANCE}
    may = {name: request.user.access.may(action, site.authority_id, site.pk) for name, action in wanted.items()}
    return may | ({"may_plan": False} if site.closed_at else {})


def _windows(site: Site, now: datetime) -> dict[str, Any]:
    """Maintenance that is going on here, and the next that comes."""
    rows = list(MaintenanceWindow.objects.of_sites([site]).to_come(now))
    current = [(row, one) for row in rows if (one := plans.current(row.plan, now))]
    coming = [(row, one) for row in rows if (one := plans.upcoming(row.plan, now))]
    return {"now_windows": current, "next_window": min(coming, key=lambda pair: pair[1].begins_at, default=None)}


@dataclass(frozen=True)
class KindCount:
    kind: str
    label: str
    total: int
    down: int


def _technical(site: Site) -> dict[str, Any]:
    faults: list[Alert] = list(selectors.faults(Alert.objects.filter(site=site)))
    states = selectors.device_states(site)
    labels = dict(Device._meta.get_field("kind").flatchoices)
    known = {one.device_id: (one, state_word(one.state)) for one in states}
    return {
        "faults": [(alert, words.fault(alert), words.subject(alert)) for alert in faults],
        "kinds": [_kind(kind, labels, states) for kind in sorted({one.kind for one in states})],
        "tree": _named(forest(parents([site.pk]), set(known)), known),
    }


def _kind(kind: str, labels: dict[Any, Any], states: Sequence[Any]) -> KindCount:
    those = [one for one in states if one.kind == kind]
    return KindCount(kind, str(labels.get(kind, kind)), len(those), sum(one.state is State.DOWN for one in those))


def _named(branches: Sequence[Branch], known: dict[int, Any]) -> list[dict[str, Any]]:
    return [
        {"device": known[one.device][0], "word": known[one.device][1], "below": _named(one.below, known)} for one in branches
    ]
