"""Forms about credentials: where one counts, and why it is renewed."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fleet.automation.models import CredentialUse
from fleet.automation.services.credentials import KINDS
from fleet.devices.models import Credential, Device, DeviceType
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.sites.typed import SchoolField, SchoolInput, offer_schools
from fleet.web.offers import offer, offer_rows


class UseForm(forms.Form):
    """A credential and how far it reaches: everything, a platform, a site, both, or one device."""

    use = forms.ChoiceField(label=_("What for"), choices=CredentialUse.Use.choices)
    credential = forms.ModelChoiceField(Credential.objects.none(), label=_("Credential"))
    platform = forms.ChoiceField(label=_("Platform"), required=False)
    school = SchoolField(label=_("Site"), required=False, widget=SchoolInput({"placeholder": _("All sites")}))
    device = forms.CharField(
        label=_("Only this device"),
        required=False,
        max_length=200,
        help_text=_("Its name; then platform and site stay empty. A school's name in brackets tells two of one name apart."),
    )

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data)
        unused = [*Credential.SNMP_KINDS, Credential.Kind.GIT]
        known = Credential.objects.managed_by(user).defer("secret").exclude(kind__in=unused).order_by("name")
        offer_rows(self, "credential", known)
        offer_schools(self, Site.objects.allowing(user, Action.MANAGE))
        names = DeviceType.objects.exclude(platform="").order_by("platform").values_list("platform", flat=True).distinct()
        offer(self, "platform", [("", _("All platforms")), *((one, one) for one in names)])
        self._user = user

    def clean_device(self) -> Device | None:
        typed = self.cleaned_data["device"].strip()
        if not typed:
            return None
        name, _bracket, school = typed.removesuffix(")").partition(" (")
        rows = Device.objects.allowing(self._user, Action.MANAGE).in_service().filter(name__iexact=name)
        found = list(rows.filter(site__name__iexact=school)[:2] if school else rows[:2])
        if not found:
            raise forms.ValidationError(_("There is no such device in service."))
        if len(found) > 1:
            raise forms.ValidationError(
                _("Several devices have this name. Add the school: “Switch 1 (Name of the school)”.")
            )
        return found[0]

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        credential, use = said.get("credential"), said.get("use")
        if credential and use and credential.kind not in KINDS[CredentialUse.Use(use)]:
            self.add_error("credential", _("A credential of this kind cannot be used for that."))
        if said.get("device") and (said.get("platform") or said.get("school")):
            self.add_error("device", _("For one device, leave platform and site empty."))
        places = [place for place in (said.get("school"), said.get("device")) if place]
        if credential and any(place.authority_id != credential.authority_id for place in places):
            self.add_error("credential", _("This credential belongs to another authority."))
        return said

    def wanted(self) -> dict[str, Any]:
        said = dict(self.cleaned_data)
        said["site"] = said.pop("school")
        return {**said, "use": CredentialUse.Use(self.cleaned_data["use"])}


class RotateForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=300, required=False)
