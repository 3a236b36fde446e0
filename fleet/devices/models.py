"""Device types, devices, interfaces, addresses and how they hang together."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fleet.people.models import ScopedQuerySet
from fleet.secrets.fields import EncryptedJSONField
from fleet.sites.models import Authority, Room, SiteScoped


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


class Credential(models.Model):
    """How devices are spoken to. `secret` keys by kind: snmp-v2c {community}; snmp-v3 {user, auth_protocol, auth_key,
    priv_protocol, priv_key}; ssh-key {username, private_key}; ssh-password {username, password}."""

    class Kind(models.TextChoices):
        SNMP_V2C = "snmp-v2c", "SNMPv2c"
        SNMP_V3 = "snmp-v3", "SNMPv3"
        SSH_KEY = "ssh-key", "SSH key"
        SSH_PASSWORD = "ssh-password", "SSH password"

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    secret = EncryptedJSONField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["authority", "name"], name="credential_name_unique"),)

    def __str__(self) -> str:
        return self.name


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


class DeviceQuerySet(ScopedQuerySet["Device"]):
    def in_service(self) -> Self:
        return self.filter(lifecycle=Device.Lifecycle.ACTIVE)

    def polled(self) -> Self:
        """Those that SNMP can be asked about."""
        return self.in_service().filter(address__isnull=False, snmp_credential__isnull=False)


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
