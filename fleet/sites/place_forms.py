"""What is entered about schools, buildings and rooms. The API asks the same forms what is right."""

import unicodedata
from copy import copy
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User
from fleet.people.rules import Action, one_line
from fleet.sites import services
from fleet.sites.forms import STATES
from fleet.sites.models import Authority, Building, Room, Site
from fleet.sites.rules.names import free_slug, room_numbers
from fleet.sites.rules.place_table import HIGHEST, LOWEST
from fleet.web.offers import offer_rows

LONGEST_NUMBER = 20
MOST_ROOMS = 300
USUAL_STATE, USUAL_ZONE = "BY", "Europe/Berlin"
ZONES = sorted(one for one in available_timezones() if one.startswith("Europe/"))


class LineField(forms.CharField):
    """One line that reads as it is, composed (NFC), as tables are read."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(unicodedata.normalize("NFC", one_line(str(value or ""))))


class PlaceForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """Says what is right of a row that stays as it is: services write. `version` is the one that the person has seen."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, row: Any = None, **kwargs: Any) -> None:
        super().__init__(data, instance=copy(row), **kwargs)
        self.row = row
        self.own_pk: int = 0 if row is None else row.pk
        if row is None:
            del self.fields["version"]

    def seen(self) -> Any:
        """The row as the person has seen it: a service refuses to change it if it is another by now."""
        if (version := self.cleaned_data.get("version")) is not None:
            self.row.version = version
        return self.row


class SchoolForm(PlaceForm):
    authority = forms.ModelChoiceField(Authority.objects.none(), label=_("Authority"), empty_label=None)
    name = LineField(label=_("Name"), max_length=200)
    slug = forms.SlugField(
        label=_("Short name"),
        max_length=60,
        required=False,
        help_text=_("Small letters, digits and hyphens; tables and programs know the school by it. Without one it is made."),
    )
    street = LineField(label=_("Street and number"), max_length=200, required=False)
    postcode = LineField(label=_("Postcode"), max_length=10, required=False)
    city = LineField(label=_("City"), max_length=100, required=False)
    federal_state = forms.ChoiceField(
        label=_("Federal state"), choices=STATES, help_text=_("Its public holidays and school holidays count here.")
    )
    timezone = forms.ChoiceField(label=_("Time zone"), choices=[(one, one) for one in ZONES], initial=USUAL_ZONE)

    class Meta:
        model = Site
        fields = ("authority", "kind", "name", "slug", "street", "postcode", "city", "federal_state", "timezone")
        labels = {"kind": _("Kind")}
        widgets = {"kind": forms.RadioSelect}

    def __init__(self, data: Any = None, *, user: User, row: Site | None = None, **kwargs: Any) -> None:
        super().__init__(data, row=row, **kwargs)
        self._authorities = Authority.objects.filter(pk__in=user.access.scopes(Action.MANAGE)).order_by("name")
        self.fields["kind"].choices = Site.Kind.choices  # type: ignore[attr-defined]  # without the empty one
        self.fields["kind"].initial = Site.Kind.SCHOOL
        if row is None:
            newest = Site.objects.filter(authority__in=self._authorities).order_by("-pk")
            self.initial.setdefault("federal_state", newest.values_list("federal_state", flat=True).first() or USUAL_STATE)
        if row is None and self._authorities[:2].count() > 1:
            offer_rows(self, "authority", self._authorities)
        else:
            del self.fields["authority"]
        self._keep_zone(row)

    def _keep_zone(self, row: Site | None) -> None:
        if row is not None and row.timezone not in ZONES:
            self.fields["timezone"].choices = [(row.timezone, row.timezone), *((one, one) for one in ZONES)]  # type: ignore[attr-defined]

    @property
    def tenant(self) -> Authority:
        """Of the school, or in which it is made: the one that was chosen, or the only one."""
        chosen = self.cleaned_data.get("authority")
        return self.row.authority if self.row is not None else chosen or self._authorities[0]

    def clean_slug(self) -> str:
        return str(self.cleaned_data["slug"]).lower()

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if "slug" not in said or "name" not in said or (self.row is None and "authority" in self.errors):
            return said
        others = Site.objects.filter(authority=self.tenant).exclude(pk=self.own_pk)
        taken = dict(others.order_by().values_list("slug", "name"))
        if not said["slug"]:
            said["slug"] = self.row.slug if self.row is not None else free_slug(said["name"], taken)
        elif said["slug"] in taken:
            self.add_error("slug", gettext("%s is called so already.") % taken[said["slug"]])
        return said

    @property
    def details(self) -> services.SiteDetails:
        names = ("name", "slug", "street", "postcode", "city", "federal_state", "timezone")
        return services.SiteDetails(Site.Kind(self.cleaned_data["kind"]), *(self.cleaned_data[name] for name in names))


class BuildingForm(PlaceForm):
    name = LineField(label=_("Name"), max_length=100, help_text=_("As people at the school call it."))

    class Meta:
        model = Building
        fields = ("name",)

    def __init__(self, data: Any = None, *, site: Site, row: Building | None = None, **kwargs: Any) -> None:
        super().__init__(data, row=row, **kwargs)
        self._site = site

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if Building.objects.filter(site=self._site, name=name).exclude(pk=self.own_pk).exists():
            raise ValidationError(gettext("There is a building of this name already."))
        return name


def _floor() -> forms.IntegerField:
    return forms.IntegerField(
        label=_("Floor"),
        min_value=LOWEST,
        max_value=HIGHEST,
        initial=0,
        help_text=_("0 is the ground floor, -1 the cellar."),
        widget=forms.NumberInput(attrs={"inputmode": "text"}),
    )


class RoomForm(PlaceForm):
    building = forms.ModelChoiceField(Building.objects.none(), label=_("Building"), empty_label=None)
    number = LineField(label=_("Number"), max_length=LONGEST_NUMBER, help_text=_("As it stands at the door."))
    name = LineField(label=_("Name"), max_length=100, required=False)
    floor = _floor()
    teaching = forms.BooleanField(label=_("Lessons are held here"), required=False, initial=True)

    class Meta:
        model = Room
        fields = ("number", "name", "building", "floor", "teaching")

    def __init__(self, data: Any = None, *, site: Site, row: Room | None = None, **kwargs: Any) -> None:
        super().__init__(data, row=row, **kwargs)
        offer_rows(self, "building", Building.objects.filter(site=site))

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if "number" in said and "building" in said:
            alike = Room.objects.filter(building=said["building"], number=said["number"])
            if alike.exclude(pk=self.own_pk).exists():
                self.add_error("number", gettext("There is a room of this number in the building already."))
        return said

    @property
    def details(self) -> services.RoomDetails:
        return services.RoomDetails(*(self.cleaned_data[name] for name in ("number", "name", "floor", "teaching")))


class RoomsForm(forms.Form):
    """Several rooms of one building at once."""

    numbers = forms.CharField(
        label=_("Numbers"),
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "101, 102, 103"}),
        help_text=_("Separated by commas, or each on a line of its own. What is there already stays as it is."),
    )
    floor = _floor()
    teaching = forms.BooleanField(label=_("Lessons are held in them"), required=False, initial=True)

    def clean_numbers(self) -> list[str]:
        numbers = room_numbers(self.cleaned_data["numbers"])
        too_long = [number for number in numbers if len(number) > LONGEST_NUMBER]
        if too_long:
            raise ValidationError(
                gettext("A number has %(most)d signs at most: %(number)s") % {"most": LONGEST_NUMBER, "number": too_long[0]}
            )
        if len(numbers) > MOST_ROOMS:
            raise ValidationError(gettext("At most %d rooms at a time. For more, take in a table.") % MOST_ROOMS)
        if not numbers:
            raise ValidationError(gettext("Please name at least one room."))
        return numbers

    @property
    def rooms(self) -> list[services.RoomDetails]:
        floor, teaching = self.cleaned_data["floor"], self.cleaned_data["teaching"]
        return [services.RoomDetails(number, floor=floor, teaching=teaching) for number in self.cleaned_data["numbers"]]


class SchoolsFilter(forms.Form):
    q = forms.CharField(
        label=_("Search"), required=False, max_length=100, widget=forms.SearchInput(attrs={"autocomplete": "off"})
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All kinds")), *Site.Kind.choices])
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", pgettext_lazy("of a school", "Open")),
            ("closed", pgettext_lazy("of a school", "Closed")),
            ("all", _("All")),
        ],
    )

    def wanted(self, name: str) -> str:
        """What was chosen; a value that is none (an old link) counts as not chosen."""
        self.is_valid()
        return str(self.cleaned_data.get(name) or "")
