"""The filter above the list of devices."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import DeviceType
from fleet.monitoring import words
from fleet.monitoring.metrics import Metric, Threshold
from fleet.monitoring.models import Alert
from fleet.monitoring.rules.limits import Limit
from fleet.monitoring.rules.snoozing import Choice
from fleet.sites.models import Site
from fleet.sites.typed import SchoolFilter
from fleet.web.instants import DayField
from fleet.web.offers import offer

STATES = (
    ("", _("All states")),
    ("down", _("Not answering")),
    ("watch", _("Limit exceeded")),
    ("unknown", _("Not known yet")),
    ("maintenance", _("Maintenance")),
    ("ok", _("Running")),
)


LACKS = (
    ("", _("Nothing in particular")),
    ("no-address", _("Without an address")),
    ("no-room", _("Without a room")),
    ("no-serial", _("Without a serial number")),
    ("no-credential", _("Without a credential")),
    ("never-answered", _("Has never answered")),
    ("in-clear", _("Asked in clear text")),
    ("clear-text-ends", _("Clear text ends within 30 days")),
)
"""Names of fleet.monitoring.estate.LACKS."""


class SiteFilter(forms.Form):
    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All kinds")), *Site.Kind.choices])
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATES)

    def wanted(self) -> dict[str, str]:
        """What was chosen; a value that is none (an old link) counts as not chosen."""
        said = self.cleaned_data if self.is_valid() else self.cleaned_data or {}
        return {name: said.get(name) or "" for name in self.fields}


class DeviceFilter(SchoolFilter):
    field_order = ("q", "school")
    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All kinds")), *DeviceType.Kind.choices])
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATES)
    make = forms.ChoiceField(label=_("Manufacturer"), required=False)
    lack = forms.ChoiceField(label=_("What is lacking"), required=False, choices=LACKS)

    def __init__(self, data: Any, *, sites: QuerySet[Site], details: bool = False) -> None:
        """`details`: for whoever may know how devices are asked."""
        super().__init__(data, sites=sites)
        if self.many:
            self.fields["school"].label = _("Site")
        if details:
            makes = DeviceType.objects.filter(devices__site__in=sites).order_by("manufacturer")
            named = makes.exclude(manufacturer="").values_list("manufacturer", flat=True).distinct()
            offer(self, "make", [("", _("All manufacturers")), *((one, one) for one in named)])
        else:
            del self.fields["lack"], self.fields["make"]

    def wanted(self) -> dict[str, Any]:
        """What was chosen, with `sites` by their ids; a value that is none (an old link) counts as not chosen."""
        self.is_valid()
        found = self.sites_meant()
        return self.cleaned_data | ({} if found is None else {"sites": found})


class DeviceSearch(forms.Form):
    """Devices anywhere, to plan maintenance for."""

    q = forms.CharField(
        label=_("Find devices by name, room, serial number or address"),
        required=False,
        max_length=100,
        widget=forms.SearchInput(attrs={"autocomplete": "off"}),
    )


class ElementForm(forms.Form):
    """What the charts of a device are about: all of it, or one of its ports or radios."""

    narrows = False
    span = forms.CharField(required=False, widget=forms.HiddenInput)
    element = forms.ChoiceField(label=_("What to look at"), required=False)

    def __init__(self, *, elements: Collection[tuple[str, str]], chosen: str, span: str) -> None:
        super().__init__(initial={"element": chosen, "span": span})
        offer(self, "element", [("", _("the device as a whole")), *elements])


class SnoozeForm(forms.Form):
    choice = forms.ChoiceField(
        label=_("Until when"),
        choices=[
            (Choice.SCHOOL_DAY.value, _("the next school day, 7:00")),
            (Choice.HOUR.value, _("in one hour")),
            (Choice.DATE.value, _("the day below, 7:00")),
        ],
        initial=Choice.SCHOOL_DAY.value,
    )
    day = DayField(label=_("Day"), required=False)

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if said.get("choice") == Choice.DATE.value and not said.get("day") and "day" not in self.errors:
            self.add_error("day", _("Please choose a day."))
        return said


class CommentForm(forms.Form):
    body = forms.CharField(label=_("Comment"), max_length=5000, widget=forms.Textarea(attrs={"rows": 3}))


class LimitFilter(forms.Form):
    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False)
    own = forms.BooleanField(label=_("Only what is set here"), required=False)

    def __init__(self, data: Any, *, kinds: Collection[str] = ()) -> None:
        """`kinds`: of the devices that the limits are for; with fewer than two there is nothing to choose."""
        super().__init__(data)
        if len(kinds) > 1:
            present = [one for one in DeviceType.Kind.choices if one[0] in kinds]
            self.fields["kind"].choices = [("", _("All kinds")), *present]  # type: ignore[attr-defined]  # a ChoiceField's own
        else:
            del self.fields["kind"]

    def wanted(self) -> dict[str, Any]:
        """What was chosen; a value that is none (an old link) counts as not chosen."""
        return self.cleaned_data if self.is_valid() else self.cleaned_data or {}


class LimitForm(forms.Form):
    """Where an alert of one metric opens and closes; hold time in minutes, as people think of it."""

    off = forms.BooleanField(label=_("No alert"), required=False)
    open = forms.FloatField(label=_("Opens at"), required=False)
    clear = forms.FloatField(label=_("Closes at"), required=False)
    hold_min = forms.FloatField(label=_("Has to last (minutes)"), required=False, min_value=0, max_value=10_080)
    severity = forms.ChoiceField(label=_("Weighs"), required=False, choices=Alert.Severity.choices)

    def __init__(self, *args: Any, metric: Metric | None = None, **kwargs: Any) -> None:
        """`metric`: whose limit it is, for what is sent in."""
        super().__init__(*args, **kwargs)
        self.metric = metric

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if said.get("off"):
            return said
        for name in ("open", "clear", "hold_min", "severity"):
            if said.get(name) in {None, ""} and name not in self.errors:
                self.add_error(name, _("Please fill this in, or choose “No alert”."))
        opens, closes = said.get("open"), said.get("clear")
        if self.metric and opens is not None and closes is not None:
            wrong = words.wrong_order(self.metric, opens, closes)
            if wrong:
                self.add_error("clear", wrong)
        return said

    def threshold(self) -> Threshold | None:
        said = self.cleaned_data
        if said["off"]:
            return None
        hold_s = round(said["hold_min"] * 60)
        return Threshold(open=said["open"], clear=said["clear"], hold_s=hold_s, severity=said["severity"])

    @classmethod
    def of(cls, limit: Limit, name: str) -> "LimitForm":
        """As it is now; `name` keeps the ids of several forms on one page apart."""
        threshold = limit.threshold
        if threshold is None:
            return cls(initial={"off": True}, prefix=name)
        now = threshold.model_dump() | {"hold_min": threshold.hold_s / 60}
        return cls(initial={key: _plain(value) for key, value in now.items()}, prefix=name)


def _plain(value: Any) -> Any:
    """75.0 → 75: as people write it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
