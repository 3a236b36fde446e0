"""Device types, devices, interfaces, addresses and how they hang together."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.people.models import ScopedQuerySet, User
from fleet.people.rules import Action
from fleet.secrets.fields import EncryptedJSONField
from fleet.sites.models import Authority, Room, Site, SiteScoped


class DeviceType(models.Model):
    """A make and model; `platform` names how it is configured (the inventory group)."""

    class Kind(models.TextChoices):
        ACCESS_POINT = "access-point", _("Access point")
        CONTROLLER = "wireless-controller", _("Wireless controller")
        SWITCH = "switch", _("Switch")
        ROUTER = "router", _("Router")
        FIREWALL = "firewall", _("Firewall")
        PRINTER = "printer", _("Printer")
        UPS = "ups", _("UPS")
        SERVER = "server", _("Server")
        NAS = "nas", _("NAS")
        OTHER = "other", _("Other")

    manufacturer = models.CharField(_("manufacturer"), max_length=100)
    model = models.CharField(_("model"), max_length=100)
    kind = models.CharField(_("kind"), max_length=30, choices=Kind.choices)
    platform = models.SlugField(max_length=40, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["manufacturer", "model"], name="device_type_unique"),)

    def __str__(self) -> str:
        return f"{self.manufacturer} {self.model}"


class CredentialQuerySet(models.QuerySet["Credential"]):
    """A credential belongs to an authority as a whole: only who manages that sees it."""

    def managed_by(self, user: User | AnonymousUser) -> Self:
        return self.filter(authority__in=user.access.scopes(Action.MANAGE)) if isinstance(user, User) else self.none()

    def offered_to(self, user: User, site: Site, *held: int | None) -> Self:
        """What this person may choose at the site: what they manage, what the site has, and `held` (ids) by the device."""
        given = SiteCredential.objects.filter(site=site).values("credential")
        there = Q(pk__in=given) | Q(pk__in=[pk for pk in held if pk is not None])
        return self.filter(Q(authority__in=user.access.scopes(Action.MANAGE)) | there, authority=site.authority_id)

    def for_snmp(self) -> Self:
        return self.filter(kind__in=Credential.SNMP_KINDS)

    def for_git(self) -> Self:
        return self.filter(kind__in=Credential.GIT_KINDS)


class Credential(models.Model):
    """How devices are spoken to. `secret` keys by kind: snmp-v1, snmp-v2c {community}; snmp-v3 {user, auth_protocol,
    auth_key, priv_protocol, priv_key}; ssh-key {username, private_key}; ssh-password, git {username, password}; enable,
    vault {password}; ssh-ca {private_key}."""

    class Kind(models.TextChoices):
        SNMP_V1 = "snmp-v1", "SNMPv1"
        SNMP_V2C = "snmp-v2c", "SNMPv2c"
        SNMP_V3 = "snmp-v3", "SNMPv3"
        SSH_KEY = "ssh-key", _("SSH key")
        SSH_PASSWORD = "ssh-password", _("SSH password")
        ENABLE = "enable", _("Enable secret")
        VAULT = "vault", _("Vault password")
        SSH_CA = "ssh-ca", _("SSH certificate authority")
        GIT = "git", _("Login to git repositories")

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    secret = EncryptedJSONField()
    secret_changed_at = models.DateTimeField(default=timezone.now)

    SNMP_KINDS = frozenset({Kind.SNMP_V1, Kind.SNMP_V2C, Kind.SNMP_V3})
    SSH_KINDS = frozenset({Kind.SSH_KEY, Kind.SSH_PASSWORD})
    GIT_KINDS = frozenset({Kind.SSH_KEY, Kind.GIT})
    """A server that asks for a password learns it, so devices' own never go there."""
    IN_CLEAR = frozenset({Kind.SNMP_V1, Kind.SNMP_V2C})
    """Those whose secret travels readable (RFC 3584 §7)."""

    objects = CredentialQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["authority", "name"], name="credential_name_unique"),)

    def __str__(self) -> str:
        return self.name


class SiteCredential(SiteScoped):
    """What the devices of a site are spoken to with, unless one has a credential of its own."""

    class Use(models.TextChoices):
        SNMP = "snmp", "SNMP"
        SSH = "ssh", "SSH"

    use = models.CharField(max_length=4, choices=Use.choices)
    credential = models.ForeignKey(Credential, on_delete=models.PROTECT, related_name="sites")

    objects = ScopedQuerySet["SiteCredential"].as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["site", "use"], name="site_credential_unique"),)

    def __str__(self) -> str:
        return f"{self.site_id} {self.use}"


class Prefix(SiteScoped):
    """An address range of a site and what it is for; kept as CIDR text, reckoned with netaddr."""

    class Purpose(models.TextChoices):
        MANAGEMENT = "management", _("Management")
        USERS = "users", _("Users")

    cidr = models.CharField(max_length=43)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)

    objects = ScopedQuerySet["Prefix"].as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["authority", "cidr"], name="prefix_unique"),)

    def __str__(self) -> str:
        return self.cidr


def polled(through: str = "") -> Q:
    """Devices that SNMP can be asked about, and may be: a permission to ask in clear text ends with its last day.

    `through`: the way to the device (`device__`) from rows that have one. Conditions on the joined row rather than a list of
    ids, so that looking for a few rows never reads every device.
    """
    asked = Q(**{f"{through}address__isnull": False, f"{through}snmp_credential__isnull": False})
    permitted = Q(**{f"{through}clear_text_until__isnull": True})
    permitted |= Q(**{f"{through}clear_text_until__gte": timezone.localdate()})
    return asked & permitted & Q(**{f"{through}lifecycle": Device.Lifecycle.ACTIVE})


def listed(through: str = "") -> Q:
    """Devices that only their controller speaks of; `through` as for `polled`."""
    alone = Q(**{f"{through}address__isnull": True}) | Q(**{f"{through}snmp_credential__isnull": True})
    return alone & Q(**{f"{through}controller__isnull": False, f"{through}lifecycle": Device.Lifecycle.ACTIVE})


class DeviceQuerySet(ScopedQuerySet["Device"]):
    def in_service(self) -> Self:
        return self.filter(lifecycle=Device.Lifecycle.ACTIVE)

    def polled(self) -> Self:
        return self.filter(polled())

    def listed(self) -> Self:
        return self.filter(listed())


class Device(SiteScoped):
    class Lifecycle(models.TextChoices):
        PLANNED = "planned", _("Planned")
        ACTIVE = "active", _("In service")
        SPARE = "spare", _("Spare")
        RETIRED = "retired", _("Retired")

    type = models.ForeignKey(DeviceType, on_delete=models.PROTECT, related_name="devices")
    kind = models.CharField(max_length=30, choices=DeviceType.Kind.choices)
    room = models.ForeignKey(Room, null=True, blank=True, on_delete=models.PROTECT, related_name="devices")
    name = models.CharField(_("name"), max_length=100)
    serial = models.CharField(_("serial number"), max_length=100, blank=True)
    asset_tag = models.CharField(_("inventory number"), max_length=60, blank=True)
    lifecycle = models.CharField(max_length=10, choices=Lifecycle.choices, default=Lifecycle.ACTIVE)
    address = models.GenericIPAddressField(_("management address"), null=True, blank=True)
    snmp_port = models.PositiveIntegerField(default=161)
    ssh_port = models.PositiveIntegerField(default=22)
    snmp_credential = models.ForeignKey(
        Credential, null=True, blank=True, on_delete=models.PROTECT, related_name="snmp_devices"
    )
    ssh_credential = models.ForeignKey(
        Credential, null=True, blank=True, on_delete=models.PROTECT, related_name="ssh_devices"
    )
    snmp_follows_site = models.BooleanField(default=False)
    """`snmp_credential` is what the site says, and changes with it."""
    ssh_follows_site = models.BooleanField(default=False)
    clear_text_reason = models.CharField(max_length=300, blank=True)
    clear_text_until = models.DateField(null=True, blank=True)
    """Why and until when (that day included) a community may leave the management prefixes for this device."""
    controller = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="controlled")
    """The controller that lists this access point; for one without an address of ours the only one that knows of it."""
    ssh_host_key = models.TextField(blank=True)
    """The pinned public host key, `ssh-ed25519 AAAA…`; a device that shows another one is not talked to."""

    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=["site", "name"], name="device_name_unique"),
            models.UniqueConstraint(
                fields=["authority", "address"], condition=Q(lifecycle="active"), name="device_address_unique"
            ),
            models.UniqueConstraint(fields=["authority", "serial"], condition=~Q(serial=""), name="serial_unique"),
            models.CheckConstraint(
                condition=Q(clear_text_reason="", clear_text_until__isnull=True)
                | (~Q(clear_text_reason="") & Q(clear_text_until__isnull=False)),
                name="clear_text_has_reason_and_end",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Interface(models.Model):
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="interfaces")
    if_index = models.PositiveIntegerField(null=True, blank=True)
    name = models.CharField(max_length=100)
    alias = models.CharField(max_length=200, blank=True)
    mac = models.CharField(max_length=17, blank=True)
    """Lower case, colons: aa:bb:cc:dd:ee:ff."""
    poe = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["device", "name"], name="interface_name_unique"),)
        indexes = (models.Index(fields=["mac"], condition=~Q(mac=""), name="interface_mac"),)

    def __str__(self) -> str:
        return self.name


class Uplink(models.Model):
    """`device` hangs on the interface `port` of another device. With two uplinks it is cut off only when both fail."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="uplinks")
    port = models.ForeignKey(Interface, on_delete=models.CASCADE, related_name="downlinks")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["device", "port"], name="uplink_unique"),)

    def __str__(self) -> str:
        return f"{self.device_id} -> {self.port_id}"
