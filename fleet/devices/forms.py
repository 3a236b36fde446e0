"""Forms of credentials, of a device, of how it is asked, and of a site's network."""

from collections.abc import Mapping
from datetime import date
from typing import Any, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Credential, Device, DeviceType, Prefix
from fleet.devices.rules import ClearText
from fleet.devices.services import DeviceDetails, DeviceError, SnmpAccess, chosen_type
from fleet.sites.models import Room, Site
from fleet.sites.typed import SchoolField
from fleet.web.instants import DayField
from fleet.web.offers import offer, offer_rows

PASS_PHRASE_MIN = 8
"""RFC 3414 §11.2."""
AUTH_PROTOCOLS = [
    ("sha256", "SHA-256"),
    ("sha512", "SHA-512"),
    ("sha384", "SHA-384"),
    ("sha224", "SHA-224"),
    ("sha1", "SHA-1"),
    ("md5", "MD5"),
]
PRIV_PROTOCOLS = [("aes128", "AES-128"), ("aes192", "AES-192"), ("aes256", "AES-256"), ("des", "DES")]
FOLLOWS_SITE, NOT_ASKED = "site", "none"


class Fallible(forms.Form):
    """A form whose service may refuse: the reason is shown at the field that it is about."""

    def refuse(self, error: DeviceError) -> None:
        self.add_error(error.field if error.field in self.fields else None, error.reason)


def _hidden(label: Any, **more: Any) -> forms.CharField:
    """A secret is typed unseen, never shown again, and never kept by the browser."""
    return forms.CharField(
        label=label,
        max_length=255,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        **more,
    )


def _secret_fields(kind: str) -> dict[str, forms.Field]:
    if kind in Credential.IN_CLEAR:
        return {"community": _hidden(_("Community"))}
    if kind == Credential.Kind.SNMP_V3:
        help_text = _("At least 8 characters.")
        return {
            "user": forms.CharField(label=_("User (USM)"), max_length=32),
            "auth_protocol": forms.ChoiceField(label=_("Authentication"), choices=AUTH_PROTOCOLS),
            "auth_key": _hidden(_("Authentication pass phrase"), min_length=PASS_PHRASE_MIN, help_text=help_text),
            "priv_protocol": forms.ChoiceField(label=_("Encryption"), choices=PRIV_PROTOCOLS),
            "priv_key": _hidden(_("Encryption pass phrase"), min_length=PASS_PHRASE_MIN, help_text=help_text),
        }
    user = {"username": forms.CharField(label=_("User name"), max_length=64)}
    if kind in {Credential.Kind.ENABLE, Credential.Kind.VAULT}:
        return {"password": _hidden(_("Password"))}
    if kind in {Credential.Kind.SSH_PASSWORD, Credential.Kind.GIT}:
        return {**user, "password": _hidden(_("Password"))}
    area = forms.Textarea(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false"})
    label, hint = (
        _("Private key"),
        _("OpenSSH format, without a pass phrase. It is encrypted at once and never shown again."),
    )
    key = forms.CharField(label=label, max_length=16_384, strip=False, widget=area, help_text=hint)
    return {"private_key": key} if kind == Credential.Kind.SSH_CA else {**user, "private_key": key}


class SecretForm(Fallible):
    """What a credential of this kind holds. Nothing of it is ever filled in beforehand."""

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        self._secret = _secret_fields(kind)
        self.fields.update(self._secret)

    def clean_private_key(self) -> str:
        """Raises ValidationError unless OpenSSH could use it as it stands."""
        written = str(self.cleaned_data["private_key"]).replace("\r\n", "\n").strip() + "\n"
        try:
            load_ssh_private_key(written.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ValidationError(_("This is no private key in OpenSSH format, or it has a pass phrase.")) from error
        return written

    def secret(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in self._secret}


class CredentialForm(SecretForm):
    name = forms.CharField(label=_("Name"), max_length=100, help_text=_("For example: switches, read only."))


class PrefixForm(Fallible):
    cidr = forms.CharField(label=_("Address range"), max_length=43, help_text=_("For example 10.20.7.0/24."))
    purpose = forms.ChoiceField(label=_("What for"), choices=Prefix.Purpose.choices, initial=Prefix.Purpose.MANAGEMENT)


class SiteCredentialForm(Fallible):
    snmp_credential = forms.ModelChoiceField(
        Credential.objects.none(), label=_("SNMP"), required=False, empty_label=_("none"), blank=True
    )
    ssh_credential = forms.ModelChoiceField(
        Credential.objects.none(), label=_("SSH"), required=False, empty_label=_("none"), blank=True
    )

    def __init__(self, *args: Any, known: QuerySet[Credential], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_rows(self, "snmp_credential", known.filter(kind__in=Credential.SNMP_KINDS))
        offer_rows(self, "ssh_credential", known.filter(kind__in=Credential.SSH_KINDS))


class AccessForm(Fallible):
    """Where and how a device is asked over SNMP."""

    address = forms.CharField(label=_("Management address"), max_length=45, required=False)
    port = forms.IntegerField(label=_("SNMP port"), min_value=1, max_value=65_535, initial=161)
    snmp_credential = forms.ChoiceField(label=_("Asked with"))
    clear_text_reason = forms.CharField(
        label=_("Why a community may leave the management prefixes"),
        max_length=300,
        required=False,
        help_text=_("Only for SNMPv1 and v2c, whose community anybody on the way can read. Needs an end as well."),
    )
    clear_text_until = DayField(
        label=_("Until (this day included)"),
        required=False,
    )

    def __init__(self, *args: Any, known: QuerySet[Credential], of_site: Credential | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._known = {str(row.pk): row for row in known.filter(kind__in=Credential.SNMP_KINDS)}
        as_site = _("as the site says: %s") % (of_site.name if of_site else _("none"))
        choices = [
            (FOLLOWS_SITE, as_site),
            *((pk, row.name) for pk, row in self._known.items()),
            (NOT_ASKED, _("not at all")),
        ]
        offer(self, "snmp_credential", choices)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        reason, until = cleaned.get("clear_text_reason"), cleaned.get("clear_text_until")
        if bool(reason) != bool(until) and "clear_text_until" not in self.errors:
            self.add_error("clear_text_until" if reason else "clear_text_reason", _("Reason and end belong together."))
        return cleaned

    def access(self) -> SnmpAccess:
        data, chosen = self.cleaned_data, self.cleaned_data["snmp_credential"]
        return SnmpAccess(
            data["address"] or None,
            data["port"],
            self._known.get(chosen),
            follows_site=chosen == FOLLOWS_SITE,
            clear_text=_permission(data["clear_text_reason"], data["clear_text_until"]),
        )


def _permission(reason: str, until: date | None) -> ClearText | None:
    return ClearText(reason, until) if reason and until else None


def access_of(device: Device) -> dict[str, Any]:
    """What the form shows of a device as it is."""
    own = str(device.snmp_credential_id) if device.snmp_credential_id else NOT_ASKED
    return {
        "address": device.address or "",
        "port": device.snmp_port,
        "snmp_credential": FOLLOWS_SITE if device.snmp_follows_site else own,
        "clear_text_reason": device.clear_text_reason,
        "clear_text_until": device.clear_text_until,
    }


class WhereForm(forms.Form):
    """The school at which a device stands: its rooms and credentials are offered then."""

    school = SchoolField(label=_("Site"))

    def __init__(self, data: Any, *, sites: QuerySet[Site]) -> None:
        super().__init__(data)
        cast("SchoolField", self.fields["school"]).sites = sites


class DeviceForm(Fallible):
    """What a device is and where it stands."""

    name = forms.CharField(label=_("Name"), max_length=100)
    kind = forms.ChoiceField(label=_("Kind"), choices=DeviceType.Kind.choices)
    manufacturer = forms.CharField(label=_("Manufacturer"), max_length=100)
    model = forms.CharField(label=_("Model"), max_length=100)
    room = forms.ModelChoiceField(
        Room.objects.none(), label=_("Room"), required=False, empty_label=_("no room, or not known")
    )
    serial = forms.CharField(label=_("Serial number"), max_length=100, required=False)
    asset_tag = forms.CharField(label=_("Inventory number"), max_length=60, required=False)
    lifecycle = forms.ChoiceField(label=_("Life cycle"), choices=Device.Lifecycle.choices, initial=Device.Lifecycle.ACTIVE)

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_rows(
            self, "room", Room.objects.filter(site=site).select_related("building").order_by("building__name", "number")
        )

    def details(self, device: Device | None = None) -> DeviceDetails:
        """Of a device that is there, what this form does not ask stays. Raises DeviceError."""
        data = self.cleaned_data
        kind = DeviceType.Kind(data["kind"])
        made_type = chosen_type(manufacturer=data["manufacturer"], model=data["model"], kind=kind, device=device)
        kept = _kept(device) if device else {"snmp_follows_site": True, "ssh_follows_site": True}
        plain = {name: data[name] for name in ("name", "room", "serial", "asset_tag")}
        return DeviceDetails(made_type, **plain, lifecycle=Device.Lifecycle(data["lifecycle"]), **kept)


def _kept(device: Device) -> Mapping[str, Any]:
    names = ("ssh_port", "ssh_credential", "ssh_host_key", "ssh_follows_site")
    return {name: getattr(device, name) for name in names}


def details_of(device: Device) -> dict[str, Any]:
    plain = {name: getattr(device, name) for name in ("name", "kind", "room", "serial", "asset_tag", "lifecycle")}
    return plain | {"manufacturer": device.type.manufacturer, "model": device.type.model}
