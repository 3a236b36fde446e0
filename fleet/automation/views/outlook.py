"""What if this is off: for a device, for a change, and what then happened."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_safe

from fleet.automation.models import BoxEnd, Change, Forecast
from fleet.automation.rules import outlook as rules
from fleet.automation.rules.outlook import Impact
from fleet.automation.services import outlook
from fleet.automation.views.changes import sees_whole, title
from fleet.devices.models import Device
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.instants import InstantField

QUARTER_S = 15 * 60
USUAL = timedelta(minutes=10)
LONGEST = timedelta(days=rules.LONGEST_DAYS)
DETAILS = Action.VIEW_DEVICE_DETAILS
WHY_STRUCK = {
    "chosen": gettext_lazy("off itself"),
    "power": gettext_lazy("loses its power (PoE)"),
    "uplink": gettext_lazy("loses its way up"),
}


class SpanForm(forms.Form):
    """Sent by GET, so that the answer has an address of its own."""

    begins = InstantField(label=gettext_lazy("Off from"))
    ends = InstantField(label=gettext_lazy("until"))

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        begins, ends = said.get("begins"), said.get("ends")
        if begins and ends and ends <= begins:
            self.add_error("ends", _("The end must be after the beginning."))
        elif begins and ends and ends - begins > LONGEST:
            self.add_error("ends", _("At most %(days)d days.") % {"days": rules.LONGEST_DAYS})
        return said


@require_safe
def of_device(request: HttpRequest, pk: int) -> HttpResponse:
    device = get_object_or_404(Device.objects.allowing(request.user, DETAILS).select_related("site"), pk=pk)
    return _page(request, [device.pk], {"heading": device.name, "device": device})


@require_safe
def of_change(request: HttpRequest, pk: int) -> HttpResponse:
    change = get_object_or_404(Change.objects.allowing(request.user, DETAILS), pk=pk)
    ids = Device.objects.allowing(request.user, DETAILS).filter(change_targets__change=change).values_list("pk", flat=True)
    return _page(request, list(ids), {"heading": f"{title(change)} · #{change.pk}", "change": change})


def _page(request: HttpRequest, device_ids: list[int], context: dict[str, Any]) -> HttpResponse:
    asked = "begins" in request.GET or "ends" in request.GET
    form = SpanForm(request.GET) if asked else SpanForm(initial=_soon())
    if not asked or form.is_valid():
        span = form.cleaned_data if asked else _soon()
        context |= shown(outlook.impact(device_ids, span["begins"], span["ends"]))
    return render(request, "automation/what_if.html", context | {"form": form}, status=422 if form.errors else 200)


def _soon() -> dict[str, datetime]:
    """Ten minutes from the next quarter of an hour on."""
    now = timezone.localtime()
    begins = datetime.fromtimestamp(-(-now.timestamp() // QUARTER_S) * QUARTER_S, tz=now.tzinfo)
    return {"begins": begins, "ends": begins + USUAL}


def shown(impact: Impact) -> dict[str, Any]:
    """What the template needs, ready to be read."""
    groups: defaultdict[str, list[Any]] = defaultdict(list)
    for one in impact.devices:
        groups[one.why].append(one)
    names = {site.id: site.name for site in impact.sites}
    grid: defaultdict[str, list[Any]] = defaultdict(list)
    for room in impact.rooms:
        grid[f"{names.get(room.site_id, '')} · {room.building}"].append(room)
    return {
        "impact": impact,
        "sentences": sentences(impact),
        "groups": [(WHY_STRUCK[why], rows) for why, rows in groups.items()],
        "grid": list(grid.items()),
    }


def sentences(impact: Impact) -> list[tuple[str, str]]:
    """[(state, sentence)], the worst first."""
    said = [("down", exam) for site in impact.sites if (exam := _exams(site))]
    said.append(_lessons(impact))
    said += [("watch", _("The children sleep then: %s.") % site.name) for site in impact.sites if site.naps]
    count, rooms = len(impact.devices), len(impact.rooms)
    devices = ngettext("%(count)d device is off or cut off", "%(count)d devices are off or cut off", count)
    where = ngettext("in %(rooms)d room.", "in %(rooms)d rooms.", rooms)
    said.append(("info", f"{devices % {'count': count}} {where % {'rooms': rooms}}"))
    if people := _people(impact):
        said.append(("info", people))
    if any(site.bells_assumed for site in impact.sites):
        said.append(("unknown", _("No bells are known there: the whole of a school day counts as one lesson.")))
    return said


def _exams(site: rules.SiteHit) -> str:
    return _("Exams at %(site)s: %(names)s.") % {"site": site.name, "names": ", ".join(site.exams)} if site.exams else ""


def _lessons(impact: Impact) -> tuple[str, str]:
    if not impact.lessons:
        return "ok", _("No lesson is hit.")
    rooms = sum(1 for room in impact.rooms if room.lessons)
    lessons = ngettext("%(count)d lesson is hit", "%(count)d lessons are hit", impact.lessons) % {"count": impact.lessons}
    where = ngettext("in %(rooms)d room.", "in %(rooms)d rooms.", rooms) % {"rooms": rooms}
    return "watch", f"{lessons} {where}"


def _people(impact: Impact) -> str:
    said = rules.people(impact.clients)
    if said["fewer_than"]:
        return _("Fewer than %(count)d devices were connected when last asked.") % {"count": said["fewer_than"]}
    if said["about"]:
        return _("About %(count)d devices were connected when last asked.") % {"count": said["about"]}
    return ""


def of_change_panel(user: User, pk: int) -> dict[str, Any] | None:
    """Expected and happened, and where taking back stands."""
    rows = Change.objects.allowing(user, DETAILS).select_related("forecast").defer("secret_arguments")
    change = rows.filter(pk=pk).first()
    if change is None:
        return None
    mine = list(change.targets.allowing(user, DETAILS).values_list("device_id", flat=True))
    kept: Forecast | None = getattr(change, "forecast", None) if sees_whole(change, user) else None
    expected = rules.from_json(kept.impact) if kept else outlook.of_change(change, mine)
    happened = outlook.outcome(change, mine, expected, timezone.now())
    ends = BoxEnd.objects.filter(change=change, device__in=mine).select_related("device", "in_favour_of")
    return {
        "change": change,
        "made_at": kept.made_at if kept else None,
        "expected": [sentence for _state, sentence in sentences(expected)],
        "happened": _happened(happened) if happened else [],
        "ends": list(ends.order_by("device__name")),
        "may_control": user.access.may(Action.CONTROL_RUNS, change.authority_id, change.site_id),
        "open_box": change.box == Change.Box.PENDING and change.ends_at is not None and change.ends_at > timezone.now(),
    }


def _happened(happened: outlook.Outcome) -> list[str]:
    if not happened.silent:
        return [_("No device fell silent.")]
    said = []
    for one in happened.silent:
        names = {"device": one.device, "minutes": one.minutes}
        text = (
            _("%(device)s was silent for %(minutes)s minutes.")
            if one.expected
            else _("%(device)s was silent for %(minutes)s minutes, which was not expected.")
        )
        said.append(text % names)
    if happened.lesson_minutes:
        names = {"minutes": happened.lesson_minutes, "rooms": ", ".join(happened.rooms)}
        said.append(_("%(minutes)s minutes of lessons were lost, in rooms %(rooms)s.") % names)
    else:
        said.append(_("No lesson was lost."))
    return said


def person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
