"""What an administrator enters into a calendar."""

from datetime import time
from operator import itemgetter
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fleet.sites import services, words
from fleet.sites.models import Site
from fleet.sites.models.calendar import MOST_BUFFER_DAYS, WEEKDAYS, Content
from fleet.sites.rules import files, state_holidays, table
from fleet.sites.rules.told import MOST_BYTES, FileError, Problem, Told
from fleet.web.instants import DayField, InstantField

CATHOLIC = (("", _("As most municipalities of the federal state")), ("yes", _("Yes")), ("no", _("No")))
STATES = sorted(state_holidays.NAMES.items(), key=itemgetter(1))
HEADING = "wochentag;stunde;von;bis;art\n"


def _clock() -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class ScopedForm(forms.Form):
    """Something that may hold for every site of the authority, for whoever may say so there."""

    everywhere = forms.BooleanField(label=_("For all schools and kindergartens of the authority"), required=False)

    def __init__(self, *args: Any, site: Site, may_everywhere: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.site = site
        if not may_everywhere:
            del self.fields["everywhere"]

    @property
    def where(self) -> services.Where:
        return services.Where(self.site, everywhere=bool(self.cleaned_data.get("everywhere")))


class UploadForm(ScopedForm):
    content = forms.ChoiceField(label=_("What the file tells"), choices=Content.choices, widget=forms.RadioSelect)
    file = forms.FileField(
        label=_("Calendar (ICS) or table (CSV)"),
        help_text=_("Up to 1 MB. Nothing changes yet: first you see what would."),
        widget=forms.ClearableFileInput(attrs={"accept": ".ics,.csv,text/calendar,text/csv"}),
    )
    field_order = ("content", "file", "everywhere")

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MOST_BYTES:
            raise ValidationError(words.PROBLEMS[Problem.TOO_LARGE])
        return file

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("everywhere") and said.get("content") == Content.BELLS:
            self.add_error("everywhere", gettext("Bells are of one site only."))
        return said

    @property
    def upload(self) -> files.Upload:
        file = self.cleaned_data["file"]
        return files.Upload(self.cleaned_data["content"], file.name, file.read())


class ClosureForm(ScopedForm):
    name = forms.CharField(label=_("Why"), max_length=200, help_text=_("As people at the site call it."))
    first_day = DayField(label=_("First day"))
    last_day = DayField(label=_("Last day"), help_text=_("This day is free too."))
    field_order = ("name", "first_day", "last_day", "everywhere")

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        first, last = said.get("first_day"), said.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", gettext("The last day lies before the first."))
        return said

    @property
    def closure(self) -> services.Closure:
        return services.Closure(*(self.cleaned_data[name] for name in ("name", "first_day", "last_day")))


class ExamForm(ScopedForm):
    name = forms.CharField(label=_("Exam"), max_length=200)
    starts_at = InstantField(label=_("Begins"))
    ends_at = InstantField(label=_("Ends"))
    buffer_days = forms.IntegerField(
        label=_("Whole days before and after that count too"),
        min_value=0,
        max_value=MOST_BUFFER_DAYS,
        initial=1,
        help_text=_("Then nothing is changed at the school, and its faults come first."),
    )
    field_order = ("name", "starts_at", "ends_at", "buffer_days", "everywhere")

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        begins, ends = said.get("starts_at"), said.get("ends_at")
        if begins and ends and ends <= begins:
            self.add_error("ends_at", gettext("The exam ends before it begins."))
        return said

    @property
    def exam(self) -> services.Exam:
        return services.Exam(*(self.cleaned_data[name] for name in ("name", "starts_at", "ends_at", "buffer_days")))


class BellsForm(forms.Form):
    lines = forms.CharField(
        label=_("Bells"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false"}),
        help_text=_(
            "One line each: weekdays; number; from; until; and “Schlaf” for nap hours. For example “Mo-Fr;1;08:00;08:45” or "
            "“Mi;7;13:30;14:15”. Without any line the whole of a usual school day counts as lessons."
        ),
    )
    told: list[Told]

    def clean_lines(self) -> str:
        lines = str(self.cleaned_data["lines"])
        try:
            self.told = table.read((HEADING + lines).encode(), "bells", "UTC", timezone.localdate())
        except FileError as error:
            found = [
                FileError(one.problem, one.line - 1 if one.line else None, one.detail) for one in (error, *error.further)
            ]
            raise ValidationError([words.problem(one) for one in found]) from error
        return lines


class HabitsForm(forms.Form):
    federal_state = forms.ChoiceField(label=_("Federal state"), choices=STATES)
    catholic = forms.ChoiceField(label=_("Catholic feast days are holidays here"), required=False, choices=CATHOLIC)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for weekday, name in WEEKDAYS:
            labels = {"opens": gettext("%s from") % name, "closes": gettext("%s until") % name}
            for end, label in labels.items():
                self.fields[f"{end}_{weekday}"] = forms.TimeField(label=label, required=False, widget=_clock())

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        for weekday, _name in WEEKDAYS:
            opens, closes = said.get(f"opens_{weekday}"), said.get(f"closes_{weekday}")
            if (opens is None) != (closes is None):
                self.add_error(f"closes_{weekday}", gettext("Say from when until when, or leave both empty."))
            elif opens is not None and closes != time(0) and closes <= opens:
                self.add_error(f"closes_{weekday}", gettext("This is before it opens. The end of the day is 00:00."))
        return said

    @property
    def habits(self) -> services.Habits:
        said = self.cleaned_data
        hours = [(day, said[f"opens_{day}"], said[f"closes_{day}"]) for day, _name in WEEKDAYS if said[f"opens_{day}"]]
        return services.Habits(said["federal_state"], {"yes": True, "no": False}.get(said["catholic"]), hours)
