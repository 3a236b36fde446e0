"""Forms of backups, intent and drift."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fleet.automation.declared import Key, keys, rules
from fleet.automation.models import Baseline, Drift, Zone
from fleet.automation.rules.intent import LISTS, WIFIS
from fleet.sites.models import Authority, Site
from fleet.sites.somewhere import SomewhereForm
from fleet.sites.typed import Row, SchoolFilter
from fleet.web.instants import DayField
from fleet.web.offers import offer

OPEN = pgettext_lazy("of a difference", "Open")


class _Filter(forms.Form):
    def wanted(self, name: str) -> Any:
        return self.cleaned_data.get(name) if self.is_valid() else None


class _AtSchool(_Filter, SchoolFilter):
    def at_school(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Those of the school that was typed."""
        found = self.sites_meant() if self.is_valid() else None
        return rows if found is None else rows.filter(site__in=found)


class BackupFilter(_AtSchool):
    late = forms.BooleanField(label=_("Only without a recent backup"), required=False)


class DriftFilter(_AtSchool):
    def __init__(self, data: Any, *, sites: QuerySet[Site]) -> None:
        super().__init__(data, sites=sites)
        self.fields["key"] = forms.ChoiceField(
            label=_("Setting"), required=False, choices=[("", _("All")), *labels().items()]
        )
        self.fields["state"] = forms.ChoiceField(
            label=_("How it stands"),
            required=False,
            choices=[("", OPEN), *Drift.State.choices[1:]],
        )


class ComplianceFilter(_AtSchool):
    def __init__(self, data: Any, *, sites: QuerySet[Site]) -> None:
        super().__init__(data, sites=sites)
        choices = [("", _("All")), *((name, one.title.text.in_language(get_language())) for name, one in rules().items())]
        self.fields["rule"] = forms.ChoiceField(label=_("Rule"), required=False, choices=choices)


class VersionForm(_Filter):
    """What to look for in a version, or against which other one to hold it."""

    search = forms.CharField(label=_("Search in this version"), required=False, max_length=100)

    def __init__(self, data: Any, others: Sequence[tuple[int, str]]) -> None:
        super().__init__(data)
        self.fields["against"] = forms.ChoiceField(
            label=_("Compare with"), required=False, choices=[("", "–"), *((str(pk), label) for pk, label in others)]
        )


class AdoptForm(forms.Form):
    level = forms.ChoiceField(
        label=_("For"),
        choices=[(one.value, one.label) for one in reversed(Baseline.Level)],
        help_text=_("What the device has becomes what is wanted there."),
    )


class IgnoreForm(forms.Form):
    until = DayField(label=_("Until"))
    reason = forms.CharField(label=_("Why"), max_length=300)


class ValueForm(SomewhereForm):
    """One value at one level: a school's, or that of an authority, a platform or a zone.

    Lists have an entry a line; a Wi-Fi is `name | encryption | network | key`.
    """

    field_order = ("key", "school", "everywhere", "value")
    key = forms.ChoiceField(label=_("Setting"))
    everywhere = forms.ChoiceField(label=_("Everywhere"), required=False)
    value = forms.CharField(
        label=_("Value"),
        strip=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Of lists one entry a line. A Wi-Fi is: name | encryption | network | key."),
    )

    def __init__(self, authorities: Sequence[Authority], sites: QuerySet[Site], data: Any = None) -> None:
        super().__init__(data)
        offer(self, "key", labels().items())
        places: list[tuple[str, Any]] = [("", _("No, at this school only"))]
        places += [(f"authority:{one.pk}", one.name) for one in authorities]
        platforms = sorted({platform for key in keys().values() for platform in key.where})
        places += [(f"platform:{one.pk}:{name}", f"{one.name} · {name}") for one in authorities for name in platforms]
        zones = Zone.objects.filter(authority__in=authorities).select_related("authority")
        places += [(f"zone:{one.pk}", f"{one.authority.name} · {one.name}") for one in zones]
        offer(self, "everywhere", places)
        self.offer_somewhere(sites, everywhere=bool(authorities))

    def parsed(self) -> Any:
        return from_text(keys()[self.cleaned_data["key"]], self.cleaned_data["value"])


class ZoneForm(forms.Form):
    authority = forms.TypedChoiceField(label=_("Authority"), coerce=int)
    name = forms.CharField(label=_("Name of the zone"), max_length=60)
    networks = forms.CharField(
        label=_("Networks"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=4000,
        help_text=_("One a line, such as 192.0.2.0/24. Devices with an address in them belong to the zone."),
    )

    def __init__(self, authorities: Sequence[Authority], data: Any = None) -> None:
        super().__init__(data, auto_id="zone_%s")
        self.fields["authority"].choices = [(one.pk, one.name) for one in authorities]  # type: ignore[attr-defined]  # its own


def labels() -> dict[str, str]:
    return {name: key.label.text.in_language(get_language()) for name, key in keys().items()}


def from_text(key: Key, text: str) -> Any:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if key.type == WIFIS:
        parts = [[part.strip() for part in line.split("|", 3)] for line in lines]
        return [dict(zip(("ssid", "encryption", "network", "psk"), one, strict=False)) for one in parts]
    return lines if key.type in LISTS else text.strip()


def shown(key: Key | None, value: Any) -> str:
    """A value in one line; a Wi-Fi without its key."""
    if isinstance(value, list):
        return ", ".join(_entry(one) for one in value)
    return "***" if key and key.secret and value is not None and not isinstance(value, list) else str(value)


def _entry(one: Any) -> str:
    return f"{one['ssid']} ({one['encryption']}, {one['network']})" if isinstance(one, Mapping) else str(one)
