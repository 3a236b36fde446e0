"""Devices without a room, and schools whose rooms nobody has entered: seen and reported all the same."""

import pytest
from django.test import Client

from fleet.devices.models import Device
from fleet.sites.models import Room
from helpdesk.tickets.models import Ticket
from tests.conftest import City
from tests.web.portal.test_pages import answers, text

pytestmark = pytest.mark.django_db


def test_a_device_without_a_room_can_be_reported(alma: Client, city: City) -> None:
    Device.objects.filter(pk=city.printer_a.pk).update(room=None)
    page = text(alma, f"/report/?device={city.printer_a.pk}")
    assert 'id="room-none" value="none" checked' in page
    assert "Ohne Raum" in page
    assert f'name="device" value="{city.printer_a.pk}" checked' in page
    wish = answers(alma, city, room="none", trouble="printer")

    assert alma.post("/report/", wish | {"device": str(city.access_point_a.pk)}).status_code == 422, "it is elsewhere"
    assert alma.post("/report/", wish | {"device": str(city.printer_a.pk)}).status_code == 302

    ticket = Ticket.objects.get()
    assert (ticket.room, list(ticket.devices.all())) == (None, [city.printer_a])


def test_my_school_shows_devices_without_a_room(alma: Client, city: City) -> None:
    school = f"/my-school/{city.school_a.pk}/"
    assert "Ohne Raum" not in text(alma, school)
    Device.objects.filter(pk=city.printer_a.pk).update(room=None)

    page = text(alma, school)

    assert city.printer_a.name in page
    assert f'href="{school}#room-none"' in page
    assert f'href="/report/?site={city.school_a.pk}&amp;room=none"' in page


@pytest.mark.parametrize("equipped", [True, False])
def test_a_school_whose_rooms_nobody_entered_can_report(alma: Client, city: City, equipped: bool) -> None:
    devices_here = Device.objects.filter(site=city.school_a)
    devices_here.update(room=None, **({} if equipped else {"lifecycle": Device.Lifecycle.RETIRED}))
    Room.objects.filter(site=city.school_a).delete()
    assert ("noch keine Räume" in text(alma, "/report/")) is not equipped

    assert alma.post("/report/", answers(alma, city, room="")).status_code == 302

    assert (Ticket.objects.get().subject, Ticket.objects.get().room) == ("WLAN geht nicht · Schule A", None)
