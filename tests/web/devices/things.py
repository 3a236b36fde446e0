"""What addresses name of devices and of what opens them."""

from dataclasses import dataclass

from fleet.devices.models import Credential, Device


@dataclass(frozen=True)
class DeviceThings:
    device: Device
    credential: Credential


def make(device: Device) -> DeviceThings:
    assert device.snmp_credential is not None
    return DeviceThings(device, device.snmp_credential)
