"""How devices are spoken to: credentials of an authority, what a site says, what a device has of its own."""

from collections.abc import Collection
from typing import Any, cast

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fleet.devices import rules
from fleet.devices.models import Credential, Device, Prefix, SiteCredential
from fleet.devices.services.errors import DeviceError
from fleet.events.services import Fact, emit
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority, Site

_V3 = frozenset({"user", "auth_protocol", "auth_key", "priv_protocol", "priv_key"})
SECRET_KEYS: dict[str, frozenset[str]] = {
    Credential.Kind.SNMP_V1: frozenset({"community"}),
    Credential.Kind.SNMP_V2C: frozenset({"community"}),
    Credential.Kind.SNMP_V3: _V3,
    Credential.Kind.SSH_KEY: frozenset({"username", "private_key"}),
    Credential.Kind.SSH_PASSWORD: frozenset({"username", "password"}),
    Credential.Kind.ENABLE: frozenset({"password"}),
    Credential.Kind.VAULT: frozenset({"password"}),
    Credential.Kind.SSH_CA: frozenset({"private_key"}),
    Credential.Kind.GIT: frozenset({"username", "password"}),
}
SNMP_KINDS = Credential.SNMP_KINDS
NAMED_AT_MOST = 5
"""So many devices are named in a refusal; of the rest the number is told."""


@transaction.atomic
def create_credential(
    *, authority: Authority, name: str, kind: Credential.Kind, secret: dict[str, Any], by: User | None = None
) -> Credential:
    """`secret` is encrypted at rest; its keys are SECRET_KEYS of the kind. Raises DeviceError."""
    _check_secret(kind, secret)
    try:
        with transaction.atomic():
            made = Credential.objects.create(authority=authority, name=name, kind=kind, secret=cast("Any", secret))
    except IntegrityError as error:
        raise DeviceError("name", _("There is a credential of this name already.")) from error
    _tell("credential.created", made, by)
    return made


@transaction.atomic
def replace_secret(*, credential: Credential, secret: dict[str, Any], by: User | None = None) -> None:
    """Everything that uses the credential uses the new secret from its next contact on. Raises DeviceError."""
    _check_secret(credential.kind, secret)
    credential.secret, credential.secret_changed_at = secret, timezone.now()
    credential.save(update_fields=["secret", "secret_changed_at"])
    _tell("credential.secret_replaced", credential, by)


@transaction.atomic
def part(
    *, credential: Credential, name: str, device_ids: Collection[int], use: SiteCredential.Use, by: User | None = None
) -> Credential:
    """A credential of their own, with the secret as it is, for devices that do not get a new one. Raises DeviceError.

    A device that followed its site, or had none of its own, does so no more.
    """
    authority = credential.authority
    made = create_credential(
        authority=authority, name=name, kind=Credential.Kind(credential.kind), secret=dict(credential.secret), by=by
    )
    rows = Device.objects.filter(authority=authority, pk__in=device_ids)
    rows.update(**{f"{use}_credential": made, f"{use}_follows_site": False})
    return made


@transaction.atomic
def delete_credential(*, credential: Credential, by: User | None = None) -> None:
    """Raises DeviceError while a device or a site uses it."""
    _tell("credential.deleted", credential, by)
    try:
        credential.delete()
    except ProtectedError as error:
        reason = _("Devices or sites still use this credential. Give them another one first.")
        raise DeviceError("credential", reason) from error


def _check_secret(kind: str, secret: dict[str, Any]) -> None:
    if frozenset(secret) != SECRET_KEYS[kind]:
        raise DeviceError("secret", _("This kind of credential needs: %s.") % ", ".join(sorted(SECRET_KEYS[kind])))


@transaction.atomic
def set_site_credential(
    *, site: Site, use: SiteCredential.Use, credential: Credential | None, by: User | None = None
) -> int:
    """What the site's devices are spoken to with; returns how many follow it. Raises DeviceError."""
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)  # a device that begins to follow sees the old or the new one
    following = Device.objects.filter(site=site, **{f"{use}_follows_site": True})
    if credential is not None:
        check_use(credential, use, site.authority_id)
        _check_prefixes(site, credential, following)
    changed = following.update(**{f"{use}_credential": credential})
    _keep(site, use, credential)
    named = {"use": str(use), "credential_id": credential.pk if credential else None, "devices": changed}
    emit(Fact("site.credential_changed", site, site.authority_id, site.pk, by.pk if by else None, named))
    return changed


def _keep(site: Site, use: SiteCredential.Use, credential: Credential | None) -> None:
    if credential is None:
        SiteCredential.objects.filter(site=site, use=use).delete()
        return
    values = {"credential": credential, "authority_id": site.authority_id}
    SiteCredential.objects.update_or_create(site=site, use=use, defaults=values)


def of_site(site_id: int, use: SiteCredential.Use) -> Credential | None:
    row = (
        SiteCredential.objects.filter(site=site_id, use=use).select_related("credential").defer("credential__secret").first()
    )
    return row.credential if row else None


def check_use(credential: Credential, use: SiteCredential.Use, authority_id: int) -> None:
    """Raises DeviceError if the credential is another authority's, or for something else."""
    field = f"{use}_credential"
    if credential.authority_id != authority_id:
        raise DeviceError(field, _("This credential belongs to another authority."))
    if credential.kind not in (SNMP_KINDS if use == SiteCredential.Use.SNMP else Credential.SSH_KINDS):
        raise DeviceError(field, _("This credential is not for %s.") % use.label)


def _check_prefixes(site: Site, credential: Credential, following: Any) -> None:
    """A community for the whole site: every device that follows must lie inside the management prefixes, or be permitted."""
    if credential.kind not in Credential.IN_CLEAR:
        return
    prefixes = management_prefixes(site.pk)
    outside = [device for device in following.filter(address__isnull=False) if community_refusal(device, prefixes)]
    if outside:
        named = ", ".join(device.name for device in outside[:NAMED_AT_MOST])
        more = len(outside) - NAMED_AT_MOST
        rest = ngettext(" and %(n)d more", " and %(n)d more", more) % {"n": more} if more > 0 else ""
        raise DeviceError(
            "snmp_credential",
            _("Outside of the management prefixes, where no community may be sent: %s. Use SNMPv3 for them.")
            % (named + rest),
        )


def management_prefixes(site_id: int) -> list[str]:
    management = Prefix.objects.filter(site_id=site_id, purpose=Prefix.Purpose.MANAGEMENT)
    return list(management.values_list("cidr", flat=True))


def manages_authority(by: User | None, authority_id: int) -> bool:
    """Who answers for where secrets may go; None is the product itself."""
    return by is None or by.access.may(Action.MANAGE, authority_id)


def community_refusal(device: Device, prefixes: list[str]) -> rules.SnmpRefusal | None:
    """For a device with an address."""
    permission = rules.ClearText(device.clear_text_reason, device.clear_text_until) if device.clear_text_until else None
    return rules.community_refusal(str(device.address), prefixes, permission, timezone.localdate())


def _tell(name: str, credential: Credential, by: User | None) -> None:
    """Which credential, never what it holds."""
    facts = {"name": credential.name, "kind": credential.kind}
    emit(Fact(name, credential, credential.authority_id, None, by.pk if by else None, facts))
