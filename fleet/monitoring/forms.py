"""The filter above the list of devices."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import DeviceType
from fleet.sites.models import Site

STATES = (
    ("", _("All states")),
    ("down", _("Not answering")),
    ("watch", _("Limit exceeded")),
    ("unknown", _("Not known yet")),
    ("ok", _("Running")),
)


class DeviceFilter(forms.Form):
    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=100,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"), required=False, empty_label=_("All sites"))
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All kinds")), *DeviceType.Kind.choices])
    state = forms.ChoiceField(label=_("State"), required=False, choices=STATES)

    def __init__(self, data: Any, *, sites: QuerySet[Site]) -> None:
        super().__init__(data)
        self.fields["site"].queryset = sites  # type: ignore[attr-defined]  # a ModelChoiceField's own

    def wanted(self) -> dict[str, Any]:
        """What was chosen; a value that is none (an old link) counts as not chosen."""
        return self.cleaned_data if self.is_valid() else self.cleaned_data or {}
