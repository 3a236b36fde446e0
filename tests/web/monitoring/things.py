"""What addresses name of monitoring: an alert, a search, maintenance, who polls."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from fleet.devices.models import Device, Prefix
from fleet.monitoring.models import Alert, GroupedSite, MaintenanceWindow, PollGroup, Search
from tests.conftest import scope_of


@dataclass(frozen=True)
class MonitoringThings:
    alert: Alert
    search: Search
    maintenance_window: MaintenanceWindow
    poll_group: PollGroup


def make(device: Device) -> MonitoringThings:
    now, scope = timezone.now(), scope_of(device)
    group = PollGroup.objects.create(name=f"Gruppe {device.site}", queue=f"gruppe-{device.pk}")
    GroupedSite.objects.create(site=device.site, group=group)
    return MonitoringThings(
        alert=Alert.objects.create(**scope, device=device, kind="unreachable", severity="critical", opened_at=now),
        search=Search.objects.create(
            **scope,
            prefix=Prefix.objects.get(site=device.site),
            credential=device.snmp_credential,
            total=254,
            state="done",
        ),
        maintenance_window=MaintenanceWindow.objects.create(
            **scope,
            covers="site",
            starts_at=now + timedelta(days=9),
            ends_at=now + timedelta(days=10),
            over_at=now + timedelta(days=10),
            reason=f"Umbau {device.site}",
        ),
        poll_group=group,
    )
