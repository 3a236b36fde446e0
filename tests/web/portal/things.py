"""What addresses name of the portal: the label on a device."""

from dataclasses import dataclass
from types import SimpleNamespace

from fleet.devices.models import Device
from helpdesk.portal.services import labels


@dataclass(frozen=True)
class PortalThings:
    label: SimpleNamespace


def make(device: Device) -> PortalThings:
    return PortalThings(SimpleNamespace(token=labels.token(device)))
