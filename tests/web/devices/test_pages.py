"""Keeping the books: credentials, a site's network, devices and how they are asked."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.devices import services
from fleet.devices.models import Credential, Device, Prefix, SiteCredential
from fleet.people import services as people
from fleet.people.rules import Role
from tests.conftest import City, login

V3 = {
    "user": "fleet",
    "auth_protocol": "sha256",
    "auth_key": "planted-auth-key",
    "priv_protocol": "aes128",
    "priv_key": "planted-priv-key",
}


@pytest.fixture
def ada(client: Client, city: City) -> Client:
    return login(client, city.administrator)


def page(client: Client, name: str, *args: Any, data: dict[str, Any] | None = None) -> tuple[int, str]:
    url = reverse(f"inventory:{name}", args=args)
    answer = client.get(url, HTTP_ACCEPT_LANGUAGE="en") if data is None else client.post(url, data)
    return answer.status_code, answer.content.decode()


def test_a_credential_is_made_and_its_secret_is_shown_nowhere(ada: Client, city: City) -> None:
    status, _text = page(ada, "new-credential", "snmp-v3", data={"name": "Switches", **V3})

    made = Credential.objects.get(name="Switches")
    assert (status, made.secret) == (302, V3)
    for name, args in (("credentials", ()), ("credential", (made.pk,)), ("network", (city.school_a.pk,))):
        status, text = page(ada, name, *args)
        assert status == 200
        assert "planted" not in text


def test_a_mistake_keeps_the_name_and_forgets_the_secret(ada: Client) -> None:
    status, text = page(ada, "new-credential", "snmp-v3", data={"name": "Switches", **V3, "auth_key": "short"})

    assert status == 422
    assert 'value="Switches"' in text
    assert "planted-priv-key" not in text
    assert not Credential.objects.filter(name="Switches").exists()


def test_only_a_key_that_ssh_could_use_is_taken(ada: Client) -> None:
    data = {"name": "Access points", "username": "root", "private_key": "-----BEGIN NONSENSE-----"}
    status, _text = page(ada, "new-credential", "ssh-key", data=data)
    assert status == 422


def test_who_manages_nothing_finds_no_credentials(client: Client, city: City) -> None:
    for person in (city.technician, city.coordinator_a, city.auditor, city.approver):
        login(client, person)
        assert page(client, "credentials")[0] == 404
        assert page(client, "credential", city.snmp.pk)[0] == 404
        assert page(client, "access", city.printer_a.pk)[0] == 404


def test_what_is_used_stays_although_somebody_deletes_it(ada: Client, city: City) -> None:
    assert page(ada, "delete-credential", city.snmp.pk, data={})[0] == 302
    assert Credential.objects.filter(pk=city.snmp.pk).exists()


def test_outside_of_the_management_prefixes_reason_and_end_are_asked_for(ada: Client, city: City) -> None:
    asked = {"address": "192.0.2.5", "port": 161, "snmp_credential": city.snmp.pk}
    assert page(ada, "access", city.printer_a.pk, data=asked)[0] == 422
    assert page(ada, "access", city.printer_a.pk, data=asked | {"clear_text_reason": "Old."})[0] == 422

    until = timezone.localdate() + timedelta(days=30)
    answer = page(ada, "access", city.printer_a.pk, data=asked | {"clear_text_reason": "Old.", "clear_text_until": until})

    assert answer[0] == 302
    city.printer_a.refresh_from_db()
    assert (city.printer_a.address, city.printer_a.clear_text_until) == ("192.0.2.5", until)
    assert "Old." in page(ada, "credentials")[1]


def test_a_device_is_added_to_its_site_and_follows_it(ada: Client, city: City) -> None:
    page(ada, "site-credentials", city.school_a.pk, data={"snmp_credential": city.snmp.pk, "ssh_credential": city.ssh.pk})
    fields = {
        "name": "AP-301",
        "kind": "access-point",
        "manufacturer": "Muster",
        "model": "W7",
        "room": city.room_a.pk,
        "lifecycle": "active",
    }
    answer = ada.post(reverse("inventory:new-device") + f"?site={city.school_a.pk}", fields)

    made = Device.objects.get(name="AP-301")
    assert answer.headers["Location"] == reverse("inventory:access", args=[made.pk])
    assert (made.room, made.snmp_credential, made.ssh_credential) == (city.room_a, city.snmp, city.ssh)


def test_a_room_of_another_school_is_not_offered(ada: Client, city: City) -> None:
    fields = {"name": "AP-301", "kind": "access-point", "manufacturer": "M", "model": "W", "lifecycle": "active"}
    url = reverse("inventory:new-device") + f"?site={city.school_a.pk}"
    assert ada.post(url, fields | {"room": city.room_b.pk}).status_code == 422


def test_a_device_is_changed_and_keeps_what_the_form_does_not_ask(ada: Client, city: City) -> None:
    device = city.access_point_a
    fields = {
        "name": "AP-204 neu",
        "kind": "access-point",
        "manufacturer": "Muster",
        "model": "W8",
        "serial": "{{ 7 * 7 }}",
        "lifecycle": "active",
    }
    assert page(ada, "edit-device", device.pk, data=fields)[0] == 302

    device.refresh_from_db()
    assert (device.name, device.type.model, device.serial, device.room) == ("AP-204 neu", "W8", "{{ 7 * 7 }}", None)
    assert (device.snmp_credential, device.ssh_credential) == (city.snmp, city.ssh)
    assert "{{ 7 * 7 }}" in page(ada, "edit-device", device.pk)[1]


def test_a_retired_device_keeps_its_page(ada: Client, city: City) -> None:
    assert page(ada, "retire-device", city.printer_a.pk, data={})[0] == 302
    assert page(ada, "retire-device", city.printer_a.pk, data={})[0] == 302
    city.printer_a.refresh_from_db()
    assert city.printer_a.lifecycle == Device.Lifecycle.RETIRED


def test_a_range_that_another_site_has_is_refused_with_its_name(ada: Client, city: City) -> None:
    taken = Prefix.objects.get(site=city.school_b)
    status, text = page(ada, "network", city.school_a.pk, data={"cidr": taken.cidr, "purpose": "management"})
    assert (status, taken.cidr in text) == (422, True)
    assert page(ada, "network", city.school_a.pk, data={"cidr": "10.99.0.7/24", "purpose": "management"})[0] == 302
    assert Prefix.objects.filter(site=city.school_a, cidr="10.99.0.0/24").exists()


def test_a_range_goes_unless_somebody_inside_is_asked_with_a_community(ada: Client, city: City) -> None:
    used = Prefix.objects.get(site=city.school_a)
    typo = Prefix.objects.create(authority=city.authority, site=city.school_a, cidr="10.99.0.0/24", purpose="management")

    for prefix in (used, typo):
        assert page(ada, "delete-prefix", prefix.pk, data={})[0] == 302

    assert list(Prefix.objects.filter(site=city.school_a)) == [used]


def test_who_manages_one_site_chooses_among_what_it_has_and_adds_private_ranges_only(client: Client, city: City) -> None:
    services.create_credential(
        authority=city.authority, name="Elsewhere", kind=Credential.Kind.SNMP_V2C, secret={"community": "planted-other"}
    )
    services.set_site_credential(site=city.school_a, use=SiteCredential.Use.SNMP, credential=city.snmp)
    people.grant(user=city.stranger, role=Role.ADMINISTRATOR, scope_id=city.school_a.pk)
    keeper = login(client, city.stranger)

    for name, pk in (("access", city.printer_a.pk), ("network", city.school_a.pk)):
        status, text = page(keeper, name, pk)
        assert (status, "SNMP" in text, "Elsewhere" in text) == (200, True, False)
    searches = keeper.get(reverse("sites:searches", args=[city.school_a.pk])).content.decode()
    assert f'value="{city.snmp.pk}"' in searches
    assert "Elsewhere" not in searches

    for cidr, status in (("203.0.113.0/24", 422), ("2001:db8::/64", 422), ("10.20.7.0/24", 302), ("fd00:7::/64", 302)):
        assert page(keeper, "network", city.school_a.pk, data={"cidr": cidr, "purpose": "management"})[0] == status
    public = {"cidr": "203.0.113.0/24", "purpose": "management"}
    assert page(login(client, city.administrator), "network", city.school_a.pk, data=public)[0] == 302


@pytest.mark.parametrize("site", ["²", "9" * 30, "9" * 5000, "-1", "x"])
def test_a_site_that_cannot_be_is_no_fault_of_ours(ada: Client, site: str) -> None:
    assert ada.get(reverse("inventory:new-device"), {"site": site}).status_code in {200, 404}


def test_both_credentials_of_a_site_are_set_or_none(ada: Client, city: City) -> None:
    data = {"snmp_credential": city.snmp.pk, "ssh_credential": city.snmp.pk}
    assert page(ada, "site-credentials", city.school_a.pk, data=data)[0] == 422
    assert not SiteCredential.objects.exists()


@pytest.mark.parametrize(("name", "budget"), [("credentials", 12), ("network", 16)])
def test_pages_cost_a_fixed_number_of_queries(
    ada: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries, name: str, budget: int
) -> None:
    args = [city.school_a.pk] if name == "network" else []
    with django_assert_max_num_queries(budget):
        page(ada, name, *args)
