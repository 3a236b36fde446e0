"""The key of a Wi-Fi on paper: for whoever ordered it and the school's coordinators, written down, and nowhere else."""

import base64
import logging
import re
import zlib
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from fleet.automation.models import Change, Drift, Target
from fleet.devices.models import Device
from fleet.events.models import Event
from fleet.people.models import Grant, User
from fleet.secrets.types import Secret
from helpdesk.catalogue.services import vouchers
from helpdesk.catalogue.voucher_sheet import Wifi, payload
from tests.conftest import City, login

pytestmark = pytest.mark.django_db
KEY = "gepflanzt-7Kx2-9mQw-abcd"


def rotated(device: Device, by: User, **other: Any) -> Change:
    """A school's Wi-Fi that has a new key, measured."""
    usual: dict[str, Any] = {"playbook": "psk-rotate", "arguments": {"ssid": "Schule"}, "secret_arguments": {"psk": KEY}}
    usual |= {"state": "confirmed", "starts_at": timezone.now(), "playbook_digest": "0" * 64, "digest": "1" * 64}
    usual |= {"authority_id": device.authority_id, "site_id": device.site_id, "risk": "medium", "requested_by": by}
    change = Change.objects.create(**usual | other)
    Target.objects.create(change=change, device=device)
    return change


def pages(pdf: bytes) -> bytes:
    """What is drawn, out of reportlab's streams (Flate in ASCII85)."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    return b"".join(
        zlib.decompress(base64.a85decode(b"<~" + one.strip(), adobe=True)) for one in streams if one.strip().endswith(b"~>")
    )


def sheet(client: Client, change: Change) -> Any:
    return client.post(reverse("catalogue:voucher", args=[change.pk]))


def test_who_ordered_it_and_the_coordinator_print_it_and_each_time_is_written_down(
    city: City, alma: Client, theo: Client, caplog: pytest.LogCaptureFixture
) -> None:
    change = rotated(city.access_point_a, city.technician)
    caplog.set_level(logging.DEBUG)

    answers = [sheet(client, change) for client in (alma, theo)]

    for answer in answers:
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
        assert "no-store" in answer["Cache-Control"]
        assert f"({KEY}) Tj".encode() in pages(answer.content)
        assert KEY not in str(answer.headers)
    told = Event.objects.filter(name=vouchers.PRINTED).order_by("pk")
    assert [row.actor_id for row in told] == [city.coordinator_a.pk, city.technician.pk]
    assert KEY not in str(list(told.values())) + caplog.text


def test_nobody_else_gets_it(city: City, client: Client) -> None:
    change = rotated(city.access_point_a, city.technician)
    for other in (city.coordinator_b, city.administrator, city.approver, city.auditor, city.security, city.stranger):
        assert sheet(login(client, other), change).status_code == 404, other
    client.logout()

    assert sheet(client, change).status_code == 302
    assert login(client, city.coordinator_a).get(reverse("catalogue:voucher", args=[change.pk])).status_code == 405
    assert not Event.objects.filter(name=vouchers.PRINTED).exists()


def test_who_may_order_there_no_more_prints_no_more(city: City, client: Client) -> None:
    change = rotated(city.access_point_a, city.technician)
    Grant.objects.filter(user=city.technician, scope_id=city.school_a.pk).delete()

    assert sheet(login(client, city.technician), change).status_code == 404


@pytest.mark.parametrize(
    "other",
    [
        {"state": "refuted"},
        {"state": "awaiting-approval"},
        {"state": "cancelled"},
        {"secret_arguments": None},
        {"playbook": "ssid", "arguments": {"ssid": "Schule", "state": "absent"}},
        {"playbook": "baseline"},
        {
            "playbook": "ssid",
            "arguments": {"ssid": "Schule", "state": "present"},
            "ends_at": timedelta(1),
            "box": "reverted",
        },
    ],
)
def test_a_key_that_is_not_in_force_is_not_printed(city: City, alma: Client, other: dict[str, Any]) -> None:
    if "ends_at" in other:
        other = other | {"ends_at": timezone.now() + other["ends_at"]}

    assert sheet(alma, rotated(city.access_point_a, city.coordinator_a, **other)).status_code == 404


def test_a_wifi_with_an_end_is_printed_before_it_begins(city: City, alma: Client) -> None:
    ends_at = timezone.now() + timedelta(days=2)
    arguments = {"ssid": "Klausur", "state": "present"}
    change = rotated(
        city.access_point_a,
        city.technician,
        playbook="ssid",
        arguments=arguments,
        state="approved",
        ends_at=ends_at,
        box="pending",
    )

    assert sheet(alma, change).status_code == 200


def test_what_was_set_anew_later_is_printed_no_more_but_another_rooms_is(city: City, alma: Client) -> None:
    first = rotated(city.access_point_a, city.coordinator_a, state_since=timezone.now() - timedelta(days=2))
    elsewhere = rotated(city.access_point_b, city.technician, site_id=city.school_b.pk)
    assert sheet(alma, first).status_code == 200

    second = rotated(city.access_point_a, city.coordinator_a)

    assert [sheet(alma, change).status_code for change in (first, second, elsewhere)] == [404, 200, 404]
    assert [one.change for one in vouchers.printable_at(user=city.coordinator_a, site_id=city.school_a.pk)] == [second]


def test_pages_offer_it_to_those_and_tell_the_audit_who_printed(city: City, alma: Client, client: Client) -> None:
    change = rotated(city.access_point_a, city.technician, arguments={"ssid": "<b>{{ 7*7 }}"})
    panel = f"/panels/change/voucher/{change.pk}/"
    offered = alma.get(panel, headers={"HX-Request": "true"}).content.decode()
    school = alma.get(f"/panels/site/vouchers/{city.school_a.pk}/").content.decode()
    assert reverse("catalogue:voucher", args=[change.pk]) in offered
    assert reverse("catalogue:voucher", args=[change.pk]) in school
    assert "&lt;b&gt;{{ 7*7 }}" in offered
    sheet(alma, change)

    told = login(client, city.auditor).get(panel).content.decode()

    assert "Gedruckt von Alma" in told
    assert reverse("catalogue:voucher", args=[change.pk]) not in told
    for page in (offered, school, told, alma.get(f"/changes/{change.pk}/").content.decode()):
        assert KEY not in page
    assert login(client, city.coordinator_b).get(panel).status_code == 404
    assert client.get(f"/panels/site/vouchers/{city.school_a.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("ssid", "key", "said"),
    [
        ("Schule", "abcd-efgh", "WIFI:T:WPA;S:Schule;P:abcd-efgh;;"),
        ('a;b,c:"d\\', "x;T:nopass", 'WIFI:T:WPA;S:a\\;b,c\\:\\"d\\\\;P:x\\;T\\:nopass;;'),
    ],
)
def test_the_code_says_exactly_name_and_key(ssid: str, key: str, said: str) -> None:
    assert payload(Wifi(ssid, Secret(key))) == said


def test_a_key_that_somebody_else_gave_is_not_printed_for_who_asked_again(city: City, alma: Client, theo: Client) -> None:
    """Begun anew, or put right by what is wanted of the whole city: whoever pressed the button never knew the key."""
    first = rotated(city.access_point_a, city.administrator)
    again = rotated(city.access_point_a, city.technician, relaunch_of=first)
    once_more = rotated(city.access_point_a, city.technician, relaunch_of=again)
    mended = rotated(city.access_point_a, city.technician)
    where = {"authority_id": mended.authority_id, "site_id": mended.site_id, "device": city.access_point_a}
    Drift.objects.create(**where, key="wifi:Schule", change=mended)

    for change in (again, once_more, mended):
        assert [sheet(client, change).status_code for client in (alma, theo)] == [404, 404]
