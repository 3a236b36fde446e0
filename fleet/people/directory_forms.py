"""What administrators enter of people."""

import re
from collections import Counter
from datetime import date, datetime, time
from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fleet.people import selectors
from fleet.people.models import Scope, User
from fleet.people.roles import LABELS
from fleet.people.rules import Role
from fleet.people.services import Details, Giving
from fleet.web.instants import DayField
from fleet.web.offers import offer
from fleet.web.suggesting import SuggestingInput

LONGEST_PLACE = 220
NUMBERED = re.compile(r"(?P<name>.*\S)\s+#(?P<pk>\d{1,17})")
"""A place among several of one name, as `suggestions` offers it."""
STATES = [("", _("All")), *User.State.choices]


class PlaceInput(SuggestingInput):
    template_name = "people/widgets/place.html"
    names_at = reverse_lazy("directory:places")


def suggestions(rows: QuerySet[Scope], text: str) -> list[str]:
    found = list(selectors.places_called(rows, text[:LONGEST_PLACE])[: selectors.SUGGESTED])
    names = Counter(Scope.objects.filter(name__in={row.name for row in found}).values_list("name", flat=True))
    return [row.name if names[row.name] == 1 else f"{row.name} #{row.pk}" for row in found]


class PlaceField(forms.CharField):
    """One of `rows`, by its whole name: a role is given there. Its value is a Scope."""

    widget = PlaceInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(label=_("Where"), max_length=LONGEST_PLACE, **kwargs)
        self.rows = Scope.objects.none()

    def clean(self, value: Any) -> Any:
        said = super().clean(value)
        if found := NUMBERED.fullmatch(said):
            near = list(self.rows.filter(pk=int(found["pk"]), name=found["name"]))
            named = near
        else:
            near = list(selectors.places_called(self.rows, said))
            named = [row for row in near if row.name.casefold() == said.casefold()]
        if not near:
            raise forms.ValidationError(gettext("You look after no place that is called so."))
        if len(named or near) > 1:
            raise forms.ValidationError(gettext("Several places are called so. Choose one of those that are offered."))
        if not named:
            offered = gettext("Do you mean “%(name)s”? A role is given where the whole name stands.")
            raise forms.ValidationError(offered, params={"name": near[0].name})
        return named[0]


def offer_places(form: forms.BaseForm, rows: QuerySet[Scope]) -> None:
    """Those that the field `place` means; whoever has one alone finds it there."""
    cast("PlaceField", form.fields["place"]).rows = rows
    if not form.is_bound and "place" not in form.initial and len(only := list(rows[:2])) == 1:
        form.initial["place"] = only[0].name


class PeopleFilter(forms.Form):
    q = forms.CharField(label=_("Name or mail address"), required=False, max_length=100, widget=forms.SearchInput)
    role = forms.ChoiceField(label=_("Role"), required=False, choices=[("", _("All")), *LABELS.items()])
    place = forms.CharField(
        label=_("Place"), required=False, max_length=LONGEST_PLACE, widget=PlaceInput({"placeholder": _("All")})
    )
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATES)

    def wanted(self) -> dict[str, str]:
        """What was chosen; what is no choice (an old bookmark) is as if it were not there."""
        self.is_valid()
        return {name: str(value) for name, value in self.cleaned_data.items() if value}


class DetailsForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    version = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = User
        fields = ("name", "email", "language")
        labels = {"name": _("Name"), "email": _("Mail address"), "language": _("Language")}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "off"})}

    def _post_clean(self) -> None:
        """Services look at it: they know who has this address, whatever else this form may see."""

    @property
    def details(self) -> Details:
        return Details(**{name: self.cleaned_data[name] for name in DetailsForm.Meta.fields})


class GivingForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect)
    place = PlaceField(help_text=_("A school or kindergarten, or the authority: then the role holds at all of its schools."))
    until = DayField(
        label=_("Last day"),
        required=False,
        help_text=_("Nothing here: for good."),
    )

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "role", [(role, label) for role, label in LABELS.items() if _gives_somewhere(by, role)])
        offer_places(self, selectors.places(by))

    @property
    def giving(self) -> Giving:
        data = self.cleaned_data
        return Giving(Role(data["role"]), data["place"], end_of(data["until"]))


def end_of(day: date | None) -> datetime | None:
    """The first instant at which the day is over, where the city is."""
    return timezone.make_aware(datetime.combine(day, time.max)) if day else None


def _gives_somewhere(by: User, role: Role) -> bool:
    return any(by.access.may_give(role, scope_id) for scope_id in by.access.scopes(selectors.MANAGE))


class NewPersonForm(GivingForm):
    name = forms.CharField(label=_("Name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(
        label=_("Mail address"),
        help_text=_("They log in with it, and get a mail with a link to set a password."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    language = forms.ChoiceField(label=_("Language"), choices=User.Language.choices, initial=User.Language.GERMAN)
    invite = forms.BooleanField(label=pgettext_lazy("mail", "Send the mail now"), required=False, initial=True)
    field_order = ("name", "email", "language", "role", "place", "until", "invite")

    @property
    def details(self) -> Details:
        return Details(**{name: self.cleaned_data[name] for name in ("name", "email", "language")})
