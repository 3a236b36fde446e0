"""Standing orders: changes that are asked for again and again."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.automation.catalogue import CatalogueError, Playbook, get
from fleet.automation.catalogue.model import Argument
from fleet.automation.end_words import no_end
from fleet.automation.models import Schedule
from fleet.automation.services import schedules
from fleet.automation.services.ordering import OrderError
from fleet.automation.services.schedules import RIGHT, Standing
from fleet.automation.views.outlook import person
from fleet.automation.views.playbooks import shown_to
from fleet.devices.models import Device, DeviceType
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.sites.typed import NAME_OR_PART, SchoolField, offer_schools
from fleet.web.instants import InstantField
from fleet.web.once import form_token, made_once, posted_key

PAGE_SIZE = 50
PREFIX = "argument-"
PROBLEMS = {
    "missed": gettext_lazy("It was missed: nothing ran at that time."),
    "owner-gone": gettext_lazy("Whoever ordered it has no account any more."),
}


def rules_offered(begins: Any) -> dict[str, str]:
    day = min(begins.day, 28) if begins else 1
    return {
        "daily": "FREQ=DAILY",
        "school-days": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
        "weekly": "FREQ=WEEKLY",
        "monthly": f"FREQ=MONTHLY;BYMONTHDAY={day}",
    }


class ScheduleForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    school = SchoolField(label=gettext_lazy("School"), help_text=NAME_OR_PART)
    kind = forms.ChoiceField(
        label=gettext_lazy("All devices of a kind"),
        required=False,
        choices=[("", gettext_lazy("Only those named below")), *DeviceType.Kind.choices],
    )
    devices = forms.CharField(
        label=gettext_lazy("Devices"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Their names, one per line."),
    )
    starts_at = InstantField(
        label=gettext_lazy("First time"),
        help_text=gettext_lazy("The later times are at the same hour."),
    )
    repeats = forms.ChoiceField(
        label=gettext_lazy("Repeats"),
        choices=[
            ("daily", gettext_lazy("Every day")),
            ("school-days", gettext_lazy("Monday to Friday")),
            ("weekly", gettext_lazy("Every week")),
            ("monthly", gettext_lazy("Every month, on this day")),
        ],
    )
    lasts_minutes = forms.IntegerField(
        label=gettext_lazy("Taken back after (minutes)"), required=False, min_value=1, max_value=60 * 24 * 31
    )

    def __init__(self, data: Any, *, user: User, playbook: Playbook) -> None:
        super().__init__(data)
        self._user, self._playbook = user, playbook
        offer_schools(self, Site.objects.allowing(user, RIGHT))
        if not playbook.undoes_itself:
            del self.fields["lasts_minutes"]
        for argument in self._asked():
            self.fields[PREFIX + argument.name] = _field(argument)

    def _asked(self) -> list[Argument]:
        return [one for one in self._playbook.arguments if one.name not in self._playbook.fresh_names]

    @property
    def standing(self) -> Standing:
        """Raises OrderError for names that nobody knows."""
        data = self.cleaned_data
        minutes = data.get("lasts_minutes")
        arguments = {one.name: data[PREFIX + one.name] for one in self._asked()}
        return Standing(
            site=data["school"],
            name=data["name"],
            playbook=self._playbook.slug,
            rule=rules_offered(data["starts_at"])[data["repeats"]],
            starts_at=data["starts_at"],
            arguments={name: value for name, value in arguments.items() if value != ""},
            device_ids=() if data["kind"] else self._named(data),
            kind=data["kind"],
            lasts=timedelta(minutes=minutes) if minutes else None,
        )

    def _named(self, data: dict[str, Any]) -> tuple[int, ...]:
        names = {line.strip() for line in data["devices"].splitlines() if line.strip()}
        rows = Device.objects.allowing(self._user, RIGHT).filter(site=data["school"], name__in=names)
        found = dict(rows.values_list("name", "pk"))
        if unknown := names - set(found):
            raise OrderError({"devices": _("There is no device called: %(names)s.") % {"names": ", ".join(sorted(unknown))}})
        return tuple(sorted(found.values()))


def _field(argument: Argument) -> forms.Field:
    language = get_language()
    given: dict[str, Any] = {
        "label": argument.label.in_language(language),
        "required": argument.required and argument.default is None and not argument.generate,
        "help_text": argument.help.in_language(language) if argument.help else "",
        "initial": argument.default,
    }
    if argument.generate:
        given["help_text"] = _("%(help)s Leave it empty to have one made up each time.") % {"help": given["help_text"]}
    if argument.choices:
        return forms.ChoiceField(choices=[(one, one) for one in argument.choices], **given)
    if argument.secret:
        return forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}), **given)
    return forms.CharField(strip=False, **given)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    user = person(request)
    if not user.access.anywhere(Action.VIEW_DEVICE_DETAILS):
        raise Http404
    page = Paginator(visible(user).select_related("site", "owner"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [{"schedule": row, "title": _title(row.playbook), "problem": _problem(row)} for row in page],
        "playbooks": _choices(user) if user.access.anywhere(RIGHT) else [],
        "controls": user.access.scopes(RIGHT),
    }
    return render(request, "automation/schedules.html", context)


def visible(user: User) -> QuerySet[Schedule]:
    return Schedule.objects.allowing(user, Action.VIEW_DEVICE_DETAILS).defer("secret_arguments")


def _problem(row: Schedule) -> str:
    return str(PROBLEMS.get(row.last_problem, row.last_problem))


def _title(slug: str) -> str:
    try:
        return get(slug).title.in_language(get_language())
    except CatalogueError:
        return slug


def _offered(user: User) -> list[Playbook]:
    try:
        return shown_to(user)
    except CatalogueError:
        return []


def _choices(user: User) -> list[tuple[str, str]]:
    return [(one.slug, one.title.in_language(get_language())) for one in _offered(user)]


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    user, wanted = person(request), request.GET.get("playbook", "")
    playbook = next((one for one in _offered(user) if one.slug == wanted), None)
    if playbook is None or not user.access.anywhere(RIGHT):
        raise Http404
    form = ScheduleForm(request.POST if request.method == "POST" else None, user=user, playbook=playbook)
    if form.is_valid():
        try:
            _keep_once(request, user, form.standing)
        except OrderError as error:
            for name, problem in error.problems.items():
                form.add_error(_field_of(form, name), problem)
        else:
            messages.success(request, _("The standing order is kept."))
            return redirect("automation:schedules")
    fresh = [playbook.argument(name).label.in_language(get_language()) for name in sorted(playbook.fresh_names)]
    context = {"form": form, "title": playbook.title.in_language(get_language()), "fresh": fresh, "no_end": no_end(playbook)}
    context["token"] = form_token(request)
    return render(request, "automation/schedule_new.html", context, status=422 if form.errors else 200)


def _keep_once(request: HttpRequest, owner: User, standing: Standing) -> None:
    made_once(owner.pk, posted_key(request), lambda: schedules.create(standing=standing, owner=owner).pk)


def _field_of(form: ScheduleForm, name: str) -> str | None:
    found = {"site": "school", "rule": "repeats", "lasts": "lasts_minutes"}.get(name, name)
    return next((field for field in (found, PREFIX + found) if field in form.fields), None)


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch it on or off, or remove it."""
    schedule = get_object_or_404(Schedule.objects.allowing(request.user, RIGHT), pk=pk)
    what, user = request.POST.get("act"), person(request)
    if what == "remove":
        schedules.remove(schedule=schedule, by=user)
    elif what in {"on", "off"}:
        schedules.switch(schedule=schedule, enabled=what == "on", by=user)
    messages.success(request, _("Saved."))
    return redirect("automation:schedules")
