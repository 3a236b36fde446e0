"""What of devices keeps a school open and a room where it is."""

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Device
from fleet.sites import hanging
from fleet.sites.models import Room

RETIRED = Device.Lifecycle.RETIRED


def register() -> None:
    hanging.register(hanging.SITE, "devices", hanging.Thing(_("Devices"), _at_site, _listed_of_site, 10))
    hanging.register(hanging.ROOM, "devices", hanging.Thing(_("Devices"), _in_room, _listed_of_room, 10, _leave_room))


def _at_site(pk: int) -> int:
    return Device.objects.exclude(lifecycle=RETIRED).filter(site=pk).count()


def _in_room(pk: int) -> int:
    return Device.objects.exclude(lifecycle=RETIRED).filter(room=pk).count()


def _leave_room(pk: int) -> int:
    return Device.objects.filter(room=pk, lifecycle=RETIRED).update(room=None)


def _listed_of_site(pk: int) -> str:
    return f"{reverse('devices:list')}?site={pk}"


def _listed_of_room(pk: int) -> str:
    room = Room.objects.get(pk=pk)
    return f"{reverse('devices:list')}?{urlencode({'site': room.site_id, 'q': room.number})}"
