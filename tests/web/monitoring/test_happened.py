"""What happened to a device, on its page and over the API."""

from datetime import timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fleet.monitoring.models import Outage, Trap
from tests.conftest import City
from tests.web.monitoring.test_pages import silence

API = "/api/v1"


def test_silences_alerts_and_notifications_stand_on_one_line(theo: Client, city: City) -> None:
    cause = silence(city.switch_a)
    now = timezone.now()
    device = city.access_point_a
    outage = Outage.objects.create(
        authority=city.authority, site=city.school_a, device=device, started_at=now - timedelta(hours=2),
        ended_at=now - timedelta(hours=1), cause="suppressed", reason="timeout", alert=cause,
    )  # fmt: skip
    Trap.objects.create(device=device, source_address="127.20.1.2", oid="1.3.6.1.6.3.1.1.5.3", if_index=7)
    Trap.objects.create(device=device, source_address="127.20.1.2", oid="1.3.6.1.4.1.99999.1")
    silence(device, cause=cause)

    page = theo.get(reverse("devices:happened", args=[device.pk]), headers={"HX-Request": "true"}).content.decode()
    for said in (
        "Gemeldet: Verbindung an einem Port weg (linkDown, Port 7)",
        "Gemeldet: 1.3.6.1.4.1.99999.1",
        "Schweigt: antwortet nicht. Ursache: das, woran es hängt (SW-1-A)",
        "AP-204-A antwortet nicht",
    ):
        assert said in page

    listed = theo.get(f"{API}/outages/?cause=suppressed").json()["results"]
    assert [(one["id"], one["alert_id"]) for one in listed] == [(outage.pk, cause.pk)]
    assert theo.get(f"{API}/outages/", {"since": now.isoformat()}).json()["results"] == []
