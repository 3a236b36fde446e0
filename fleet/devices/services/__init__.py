"""Everything that writes device types, devices, interfaces, uplinks, prefixes and credentials."""

from fleet.devices.services.cables import (
    InterfaceDetails,
    add_interface,
    add_interfaces,
    connect,
    disconnect,
    learn_interfaces,
)
from fleet.devices.services.credentials import (
    SECRET_KEYS,
    SNMP_KINDS,
    create_credential,
    delete_credential,
    part,
    replace_secret,
    set_site_credential,
)
from fleet.devices.services.devices import (
    DeviceDetails,
    SnmpAccess,
    change_device,
    chosen_type,
    create_device,
    ensure_type,
    move,
    retire,
    set_snmp,
)
from fleet.devices.services.errors import DeviceError
from fleet.devices.services.networks import create_prefix, delete_prefix, next_address

__all__ = [
    "SECRET_KEYS",
    "SNMP_KINDS",
    "DeviceDetails",
    "DeviceError",
    "InterfaceDetails",
    "SnmpAccess",
    "add_interface",
    "add_interfaces",
    "change_device",
    "chosen_type",
    "connect",
    "create_credential",
    "create_device",
    "create_prefix",
    "delete_credential",
    "delete_prefix",
    "disconnect",
    "ensure_type",
    "learn_interfaces",
    "move",
    "next_address",
    "part",
    "replace_secret",
    "retire",
    "set_site_credential",
    "set_snmp",
]
