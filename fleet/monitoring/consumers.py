"""What monitoring hears from the devices: who is new, and who is to be asked in another way, is asked at once."""

from fleet.devices.models import Device
from fleet.events.models import Event
from fleet.monitoring import services

NAME = "fleet.monitoring"
EVENTS = {"device.created", "device.snmp_changed", "site.credential_changed"}


def consume(event: Event) -> None:
    devices = Device.objects.polled()
    if event.name == "site.credential_changed":
        devices = devices.filter(site=event.subject_id, snmp_follows_site=True)
    else:
        devices = devices.filter(pk=event.subject_id)
    chosen = list(devices)
    for device in chosen:
        services.watch(device=device)
    services.poll_soon(device_ids=[device.pk for device in chosen])
