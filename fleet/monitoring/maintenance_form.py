"""Planning maintenance: where, for what, when, why."""

from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Device, DeviceType
from fleet.monitoring.models import MaintenanceWindow
from fleet.monitoring.rules.maintenance import LONGEST
from fleet.monitoring.services.maintenance import Planned
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.sites.somewhere import SomewhereForm
from fleet.sites.typed import SchoolField, named
from fleet.web.instants import DayField, InstantField
from fleet.web.offers import offer_rows

PLAN = Action.PLAN_MAINTENANCE
Covers = MaintenanceWindow.Covers


class MaintenanceForm(SomewhereForm):
    """The devices to choose from are those of the chosen site: they appear when it has been sent once."""

    covers = forms.ChoiceField(label=_("For what"), choices=Covers.choices, widget=forms.RadioSelect)
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("Choose, if it is for one kind")), *DeviceType.Kind.choices]
    )
    devices = forms.ModelMultipleChoiceField(
        Device.objects.none(), label=_("Devices"), required=False, widget=forms.CheckboxSelectMultiple
    )
    starts_at = InstantField(label=_("Begins"))
    ends_at = InstantField(label=_("Ends"), help_text=_("The first time, if it repeats."))
    repeats = forms.ChoiceField(label=_("Repeats"), choices=MaintenanceWindow.Repeating.choices)
    repeats_until = DayField(
        label=_("Last day"),
        required=False,
        help_text=_("Without one it repeats until somebody ends it."),
    )
    reason = forms.CharField(label=_("Reason"), max_length=200, help_text=_("The school reads this too."))

    def __init__(self, data: Any, *, user: User, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        self.offer_places(user, PLAN)
        school = cast("SchoolField", self.fields["school"])
        if site := self.initial.get("site") or self._only(school.sites):
            self.initial["school"] = school.spelt(site)
        if data is not None:
            found = named(school.sites, str(data.get("school") or "").strip()) if data.get("school") else []
            site = found[0] if len(found) == 1 else None
        self._offer_devices(site)

    def _only(self, sites: QuerySet[Site]) -> Site | None:
        """Whoever plans for one school alone need not name it."""
        first = list(sites[:2])
        return first[0] if len(first) == 1 else None

    def _offer_devices(self, site: Site | None) -> None:
        if site is None:
            self.fields["devices"].widget = forms.MultipleHiddenInput()
            return
        rows = Device.objects.in_service().filter(site=site).select_related("room").order_by("room__number", "name")
        offer_rows(self, "devices", rows)
        self.fields["devices"].label_from_instance = _named  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        if not {"school", "everywhere"} & self.errors.keys() and "covers" in said:
            self._check_scope(said)
        begins, ends = said.get("starts_at"), said.get("ends_at")
        if begins and ends and ends <= begins:
            self.add_error("ends_at", gettext("The maintenance ends before it begins."))
        elif begins and ends and ends - begins > LONGEST:
            self.add_error("ends_at", gettext("One time may take 31 days at most. Take the devices out of service instead."))
        if said.get("repeats") == MaintenanceWindow.Repeating.NEVER:
            said["repeats_until"] = None
        elif begins and said.get("repeats_until") and said["repeats_until"] < begins.date():
            self.add_error("repeats_until", gettext("The last day lies before the first."))
        return said

    def _check_scope(self, said: dict[str, Any]) -> None:
        site = said.get("school")
        covers = said["covers"]
        if covers != Covers.KIND:
            said["kind"] = ""
            if site is None:
                self.add_error("covers", gettext("Everywhere only one kind of device can be maintained at a time."))
        elif not said.get("kind"):
            self.add_error("kind", gettext("Choose a kind of device."))
        if covers != Covers.DEVICES:
            said["devices"] = []
        elif site and not said.get("devices"):
            self.add_error("devices", ValidationError(gettext("Choose the devices.")))

    @property
    def planned(self) -> Planned:
        said = self.cleaned_data
        return Planned(
            covers=said["covers"],
            starts_at=said["starts_at"],
            ends_at=said["ends_at"],
            reason=said["reason"],
            site=said["school"],
            kind=said["kind"],
            device_ids=[device.pk for device in said["devices"]],
            repeats=said["repeats"],
            repeats_until=said["repeats_until"],
        )


def _named(device: Device) -> str:
    return f"{device.name} · {device.room}" if device.room else device.name
