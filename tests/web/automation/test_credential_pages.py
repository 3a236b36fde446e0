"""Pages and API of where credentials count and of renewing them: administrators alone, and what is touched is named."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from fleet.automation.models import Change, CredentialUse, PlaybookSource, Rotation, RotationStep
from fleet.automation.rules.credentials import new_private_key
from fleet.automation.services import credentials as services
from fleet.devices import services as devices
from fleet.devices.models import Credential, Device
from tests.conftest import City, bearer, login
from tests.web.automation.conftest import make_change

SECRET = {"username": "gepflanzt-3Qd8", "private_key": new_private_key()}


@pytest.fixture
def shared(city: City) -> Credential:
    """School A's access point follows the platform's credential; nothing else says a login."""
    made = devices.create_credential(
        authority=city.authority, name="Alle OpenWrt", kind=Credential.Kind.SSH_KEY, secret=SECRET
    )
    Device.objects.filter(pk=city.access_point_a.pk).update(ssh_credential=None, ssh_follows_site=False)
    return made


def test_a_use_is_set_listed_and_taken_away(city: City, ada: Client, shared: Credential) -> None:
    url = reverse("automation:credential-uses")
    platform = city.access_point_a.type.platform

    assert ada.post(url, {"use": "ssh", "credential": shared.pk, "platform": platform}).status_code == 302
    page = ada.get(url).content.decode()
    use = CredentialUse.objects.get()
    refused = ada.post(url, {"use": "enable", "credential": shared.pk})
    both = ada.post(url, {"use": "ssh", "credential": shared.pk, "platform": platform, "device": "AP-204-A"})

    assert (use.platform, use.site, use.device, use.credential) == (platform, None, None, shared)
    assert "Alle OpenWrt" in page
    assert SECRET["username"] not in page
    assert (refused.status_code, both.status_code) == (422, 422)
    assert "AP-204-A" in both.content.decode(), "what was typed is still there"
    ada.post(reverse("automation:end-use", args=[use.pk]))
    assert not CredentialUse.objects.exists()


def test_renewing_names_what_it_touches_and_follows_it(city: City, ada: Client, shared: Credential) -> None:
    services.set_use(credential=shared, use=CredentialUse.Use.SSH, platform=city.access_point_a.type.platform)
    assert [one.pk for one in services.users_of(shared)] == [city.access_point_a.pk]
    url = reverse("automation:rotate", args=[shared.pk])

    page = ada.get(url).content.decode()
    answer = ada.post(url, {"reason": "Jemand ging"})

    assert "Es betrifft 1 Gerät" in page
    assert "AP-204-A" in page
    rotation = Rotation.objects.get()
    assert answer.headers["Location"] == reverse("automation:rotation", args=[rotation.pk])
    assert Change.objects.get().reason == "Jemand ging"
    shown = ada.get(answer.headers["Location"]).content.decode()
    assert "AP-204-A" in shown
    assert "gepflanzt" not in shown + page
    assert "Sie werden bereits erneuert" in ada.get(url).content.decode()


@pytest.mark.parametrize("lifecycle", [Device.Lifecycle.ACTIVE, Device.Lifecycle.SPARE, Device.Lifecycle.PLANNED])
@pytest.mark.parametrize("own", [True, False])
def test_who_was_not_asked_keeps_the_old_one(
    city: City, ada: Client, shared: Credential, lifecycle: Device.Lifecycle, *, own: bool
) -> None:
    """In stock, planned, or come while it was under way; with the credential itself, or by its platform."""
    asked, other = city.access_point_a, Device.objects.get(pk=city.access_point_b.pk)
    services.set_use(credential=shared, use=CredentialUse.Use.SSH, platform=asked.type.platform)
    Device.objects.filter(pk=other.pk).update(lifecycle=lifecycle, ssh_credential=shared if own else None)
    source = PlaybookSource.objects.create(
        authority=city.authority, name="Q", url="git@git.example:p.git", credential=shared, added_by=city.administrator
    )
    rotation = Rotation.objects.create(
        credential=shared, new_secret=SECRET | {"private_key": new_private_key()}, started_by=city.administrator
    )
    change = make_change(asked, city.administrator, "confirmed")
    RotationStep.objects.create(rotation=rotation, device=asked, change=change, state=RotationStep.State.VERIFIED)

    services.settle(rotation_id=rotation.pk)

    shared.refresh_from_db()
    other.refresh_from_db()
    source.refresh_from_db()
    assert shared.secret["private_key"] != SECRET["private_key"]
    assert other.ssh_credential is not None
    assert (other.ssh_credential.secret, source.credential) == (SECRET, other.ssh_credential)
    assert [one.pk for one in services.users_of(shared)] == [asked.pk]
    page = ada.get(reverse("automation:rotation", args=[rotation.pk])).content.decode()
    assert other.name in page
    assert f"Alle OpenWrt (vor Nr. {rotation.pk})" in page
    said = ada.get(f"/api/v1/rotations/{rotation.pk}").json()
    assert (said["kept_as"], said["kept_for"]) == (other.ssh_credential.pk, [other.pk])


def test_where_everybody_was_asked_nothing_is_kept(city: City, ada: Client, shared: Credential) -> None:
    Device.objects.filter(pk=city.access_point_a.pk).update(ssh_credential=shared)
    Device.objects.filter(pk=city.access_point_b.pk).update(ssh_credential=shared, lifecycle=Device.Lifecycle.RETIRED)
    new = SECRET | {"private_key": new_private_key()}
    rotation = Rotation.objects.create(credential=shared, new_secret=new, started_by=city.administrator)
    change = make_change(city.access_point_a, city.administrator, "confirmed")
    RotationStep.objects.create(
        rotation=rotation, device=city.access_point_a, change=change, state=RotationStep.State.VERIFIED
    )

    services.settle(rotation_id=rotation.pk)

    assert ada.get(f"/api/v1/rotations/{rotation.pk}").json()["kept_as"] is None
    assert not any(one.secret == SECRET for one in Credential.objects.all())


def test_only_administrators_see_and_do_any_of_it(city: City, theo: Client, alma: Client, shared: Credential) -> None:
    use = services.set_use(credential=shared, use=CredentialUse.Use.SSH)
    pages = [reverse("automation:credential-uses"), reverse("automation:rotate", args=[shared.pk])]

    for client in (theo, alma):
        for url in (*pages, reverse("automation:end-use", args=[use.pk])):
            assert client.post(url).status_code == 404
    assert CredentialUse.objects.exists()
    assert not Rotation.objects.exists()


def test_the_api_does_the_same(city: City, shared: Credential) -> None:
    ask = {"content_type": "application/json", "headers": bearer(city.administrator)}
    wish = {"use": "ssh", "credential_id": shared.pk, "device_id": city.access_point_a.pk}

    made = Client().post("/api/v1/credential-uses/", wish, **ask)
    wrong = Client().post("/api/v1/credential-uses/", {**wish, "platform": "openwrt"}, **ask)
    begun = Client().post("/api/v1/rotations/", {"credential_id": shared.pk}, **ask)
    again = Client().post("/api/v1/rotations/", {"credential_id": shared.pk}, **ask)
    gone = Client().delete(f"/api/v1/credential-uses/{made.json()['id']}", **ask)
    barred = Client().get("/api/v1/rotations/", headers=bearer(city.technician))

    assert (made.status_code, wrong.status_code, begun.status_code) == (201, 422, 201), begun.content
    assert [one["device_id"] for one in begun.json()["steps"]] == [city.access_point_a.pk]
    assert "gepflanzt" not in begun.content.decode()
    assert (again.status_code, gone.status_code, barred.status_code) == (409, 204, 403)


def test_the_list_costs_the_same_for_many(
    city: City, ada: Client, shared: Credential, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        services.set_use(credential=shared, use=CredentialUse.Use.SSH, platform=f"p{number}")

    with django_assert_max_num_queries(14):
        login(ada, city.administrator).get(reverse("automation:credential-uses"))
