"""What addresses name of events: a webhook, and what was told to it."""

from dataclasses import dataclass

from fleet.devices.models import Device
from fleet.events.models import Delivery, Event, Webhook
from tests.conftest import scope_of


@dataclass(frozen=True)
class EventThings:
    webhook: Webhook
    delivery: Delivery


def make(device: Device) -> EventThings:
    scope = scope_of(device)
    hook = Webhook.objects.create(
        **scope, name=f"Leitstelle {device.site}", url="https://a.example/", events=["*"], secret={"key": "k"}
    )
    event = Event.objects.create(**scope, name="device.changed", subject_type="devices.device", subject_id=device.pk)
    return EventThings(hook, Delivery.objects.create(webhook=hook, event=event, state="delivered"))
