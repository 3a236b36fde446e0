"""A city in the database whose devices are the simulator's. Django must be set up."""

from datetime import timedelta

from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import Credential, Device, DeviceType
from fleet.monitoring.models import Health, Latest
from fleet.people import services as people
from fleet.people.models import Scope
from fleet.sites.models import Authority, Site
from tests.bench.simulator import COMMUNITY, address, silent

PER_SITE = 250


def found(count: int, port: int) -> None:
    """So many access points, spread over schools."""
    scope = people.create_scope(kind=Scope.Kind.AUTHORITY, name="Messstadt")
    authority = Authority.objects.create(scope=scope, name="Messstadt")
    kind = DeviceType.Kind.ACCESS_POINT
    model = devices.ensure_type(manufacturer="Muster", model="W6", kind=kind, platform="openwrt")
    credential = devices.create_credential(
        authority=authority, name="Messung", kind=Credential.Kind.SNMP_V2C, secret={"community": COMMUNITY}
    )
    sites = [_school(authority, scope, number) for number in range(-(-count // PER_SITE))]
    rows = Device.objects.bulk_create(
        [
            Device(
                authority=authority,
                site=sites[number // PER_SITE],
                type=model,
                kind=kind,
                name=f"ap-{number}",
                address=address(number),
                snmp_port=port,
                snmp_credential=credential,
            )
            for number in range(count)
        ],
        batch_size=2_000,
    )
    Health.objects.bulk_create(
        [Health(device=row, authority=authority, site_id=row.site_id) for row in rows], batch_size=2_000
    )


def _school(authority: Authority, parent: Scope, number: int) -> Site:
    scope = people.create_scope(kind=Scope.Kind.SITE, name=f"Schule {number}", parent=parent)
    return Site.objects.create(scope=scope, authority=authority, kind="school", name=f"Schule {number}", slug=f"s{number}")


def all_due(spread_s: float = 0.0) -> None:
    """Due now, or over the next seconds."""
    now = timezone.now()
    if not spread_s:
        Health.objects.update(next_poll_at=now)
        return
    ids = list(Health.objects.order_by("pk").values_list("pk", flat=True))
    for part in range(60):
        Health.objects.filter(pk__in=ids[part::60]).update(next_poll_at=now + timedelta(seconds=spread_s * part / 60))


def pilot(count: int) -> None:
    """Only the first so many devices are due; the others wait for `taught`."""
    first = Health.objects.order_by("pk")[:count].values("pk")
    Health.objects.exclude(pk__in=first).update(next_poll_at=timezone.now() + timedelta(days=1))


def taught(dead: float, interval_s: float, walk_s: float) -> None:
    """As if every device that answers had been walked as the first one was.

    Its next poll comes within the interval, its next walk within the time between two walks.
    """
    teacher = Latest.objects.select_related("health").order_by("pk").first()
    assert teacher is not None, "nothing was walked"
    now = timezone.now()
    names = Health.objects.filter(answered_at=None).order_by("pk").values_list("pk", "device__name")
    pupils = [pk for pk, name in names if not silent(int(name.removeprefix("ap-")), dead)]
    up = {"status": Health.Status.UP, "answered_at": now, "polled_at": now, "reading": teacher.health.reading}
    for start in range(0, len(pupils), 2_000):
        Health.objects.filter(pk__in=pupils[start : start + 2_000]).update(**up)
    said = {"plan_id": teacher.plan_id, "at": now, "numbers": teacher.numbers, "walked_at": now}
    apart = timedelta(seconds=walk_s / len(pupils))
    Latest.objects.bulk_create([Latest(health_id=pk, **said) for pk in pupils], batch_size=2_000, ignore_conflicts=True)
    due = [Health(pk=pk, walk_due_at=now + apart * place) for place, pk in enumerate(pupils)]
    Health.objects.bulk_update(due, ["walk_due_at"], batch_size=2_000)
    all_due(interval_s)
