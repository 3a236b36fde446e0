"""Forms that are about a school have it typed: what is unknown, meant by several, or another's is said and does nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from fleet.automation.models import Baseline, CredentialUse, Freeze, RemedyPolicy, Schedule
from fleet.devices import services as devices
from fleet.devices.models import Credential
from fleet.events.models import Webhook
from fleet.monitoring.models import GroupedSite, PollGroup
from fleet.people import services as people
from fleet.people.rules import Role
from fleet.sites import services as sites
from fleet.sites.models import Site
from helpdesk.mail.models import Mailbox
from tests.conftest import City, login

SPAN = {"starts_at": "2040-01-01T10:00", "ends_at": "2040-01-01T12:00", "reason": "Wahl"}
REMEDY = "power-cycle-access-point"
UNKNOWN = "So heißt keine Schule."


def freeze(city: City) -> tuple[str, dict[str, Any], type]:
    return "/policy/freezes/new/", SPAN, Freeze


def remedy(city: City) -> tuple[str, dict[str, Any], type]:
    return "/remedies/", {"remedy": REMEDY, "wanted": "off"}, RemedyPolicy


def value(city: City) -> tuple[str, dict[str, Any], type]:
    return "/intent/", {"key": "country", "value": "DE"}, Baseline


def standing_order(city: City) -> tuple[str, dict[str, Any], type]:
    said = {
        "name": "Gast", "kind": "", "devices": "AP-204-A", "starts_at": "2040-01-01T06:30", "repeats": "daily",
        "argument-ssid": "Gast",
    }  # fmt: skip
    return "/schedules/new/?playbook=psk-rotate", said, Schedule


def credential_use(city: City) -> tuple[str, dict[str, Any], type]:
    kind, secret = Credential.Kind.SSH_PASSWORD, {"username": "x", "password": "planted-use"}
    mine = devices.create_credential(authority=city.authority, name="Schulen", kind=kind, secret=secret)
    return "/credentials/uses/", {"use": "ssh", "credential": mine.pk}, CredentialUse


def mailbox(city: City) -> tuple[str, dict[str, Any], type]:
    said = {
        "address": "it@musterstadt.example", "host": "", "port": "993", "security": "tls", "username": "", "password": "",
        "folder": "INBOX", "processed_folder": "",
    }  # fmt: skip
    return "/mail/mailboxes/new/", said, Mailbox


def group(city: City) -> tuple[str, dict[str, Any], type]:
    return f"/sites/poll-groups/{PollGroup.objects.create(name='Insel', queue='insel').pk}/", {}, GroupedSite


Wish = Callable[[City], tuple[str, dict[str, Any], type]]
FORMS = (freeze, remedy, value, standing_order, credential_use, mailbox, group)


def errors(answer: Any) -> str:
    """What the page says at the field."""
    assert answer.status_code == 422
    text: str = answer.content.decode()
    return text.partition('name="school"')[2].partition('class="errors"')[2].partition("</ul>")[0]


@pytest.mark.parametrize("wish", FORMS)
def test_the_school_is_typed_and_what_is_not_clear_is_said(wish: Wish, ada: Client, city: City) -> None:
    path, said, made = wish(city)
    before = made._default_manager.count()
    sites.create_site(
        authority=sites.create_authority(name="Anderswo"),
        details=sites.SiteDetails(Site.Kind.SCHOOL, "Schule Zuletzt", "zuletzt", city="Anderswo"),
    )

    for foreign in ("Schule Zuletzt", "zuletzt", "Gymnasium"):
        assert UNKNOWN in errors(ada.post(path, said | {"school": foreign})), foreign
    several = errors(ada.post(path, said | {"school": "Schule"}))
    assert "Schule A, Schule B" in several
    assert "Zuletzt" not in several
    Site.objects.filter(pk=city.school_b.pk).update(name="Schule A")
    assert "schule-a, schule-b" in errors(ada.post(path, said | {"school": "Schule A"}))
    assert made._default_manager.count() == before

    assert ada.post(path, said | {"school": "schule-a"}).status_code == 302
    assert made._default_manager.latest("pk").site == city.school_a


@pytest.mark.parametrize("wish", [freeze, remedy, value])
def test_at_one_school_or_everywhere(wish: Wish, ada: Client, city: City) -> None:
    path, said, made = wish(city)
    everywhere = {"everywhere": f"authority:{city.authority.pk}" if wish is value else city.authority.pk}

    assert "Bitte nennen Sie die Schule." in errors(ada.post(path, said))
    assert ada.post(path, said | everywhere | {"school": "Schule A"}).status_code == 422
    assert ada.post(path, said | everywhere).status_code == 302
    assert made._default_manager.get().site is None


@pytest.mark.parametrize("wish", [standing_order, mailbox, group])
def test_where_there_has_to_be_one_it_is_asked_for(wish: Wish, ada: Client, city: City) -> None:
    path, said, _made = wish(city)
    assert "Bitte nennen Sie die Schule." in errors(ada.post(path, said | {"school": " "}))


def test_a_credential_of_no_school_is_that_of_all(ada: Client, city: City) -> None:
    path, said, _made = credential_use(city)
    assert ada.post(path, said | {"school": ""}).status_code == 302
    assert CredentialUse.objects.get().site is None


@pytest.mark.parametrize(
    "path", ["/policy/freezes/new/", "/intent/", "/remedies/", "/schedules/new/?playbook=ssid", "/mail/mailboxes/new/"]
)
def test_whoever_has_one_school_finds_it_there(path: str, client: Client, city: City) -> None:
    people.grant(user=city.stranger, role=Role.ADMINISTRATOR, scope_id=city.school_b.pk)

    page = login(client, city.stranger).get(path).content.decode()

    assert 'name="school" value="Schule B"' in page
    assert 'name="everywhere"' not in page
    assert "Schule A" not in page


class TestDevicesOfAChange:
    def names(self, answer: Any) -> set[str]:
        return set(answer.context.get("names", ()))

    def test_typed_or_linked_or_all(self, ada: Client, city: City) -> None:
        at_a, at_b = city.access_point_a.name, city.access_point_b.name
        whose = {"choose": 1, "kind": "access-point"}

        assert self.names(ada.get("/changes/new/", whose | {"school": ""})) == {at_a, at_b}
        assert self.names(ada.get("/changes/new/", whose | {"school": "schule b"})) == {at_b}
        assert self.names(ada.get("/changes/new/", whose | {"site": city.school_b.pk})) == {at_b}

    @pytest.mark.parametrize("said", [{"school": "Gymnasium"}, {"school": "Schule"}, {"site": "999999"}, {"site": "x"}])
    def test_what_is_not_clear_means_no_device_at_all(self, said: dict[str, str], ada: Client) -> None:
        answer = ada.get("/changes/new/", {"choose": 1} | said)

        assert self.names(answer) == set()
        assert answer.context["filter_form"].errors.keys() == {"school"}
        assert answer.context["filter_form"].errors["school"][0] in answer.content.decode()

    def test_another_persons_school_is_no_school(self, client: Client, city: City) -> None:
        people.grant(user=city.stranger, role=Role.TECHNICIAN, scope_id=city.school_b.pk)
        login(client, city.stranger)

        for said in ({"school": "Schule A"}, {"site": city.school_a.pk}):
            answer = client.get("/changes/new/", {"choose": 1} | said)
            assert answer.context["filter_form"].errors["school"] == [UNKNOWN]
            assert city.access_point_a.name not in answer.content.decode()


def test_a_webhook_hears_of_a_place_that_is_typed(ada: Client, city: City) -> None:
    said = {"name": "Leitstelle", "url": "https://a.example/x", "events": "alert.*"}
    sites.create_authority(name="Schulträger Anderswo")

    for place, problem in (("Schulträger Anderswo", "keinen Ort"), ("Schule", "Mehrere Orte"), ("", "")):
        answer = ada.post("/account/webhooks/", said | {"place": place})
        assert (answer.status_code, problem in answer.content.decode()) == (422, True)
    assert not Webhook.objects.exists()

    ada.post("/account/webhooks/", said | {"place": "schule b"})
    ada.post("/account/webhooks/", said | {"place": city.authority.name})
    assert list(Webhook.objects.order_by("pk").values_list("site_id", flat=True)) == [city.school_b.pk, None]


def test_a_mailbox_keeps_its_school_until_another_is_typed(ada: Client, city: City) -> None:
    path, said, _made = mailbox(city)
    ada.post(path, said | {"school": "Schule A"})
    row = Mailbox.objects.get()
    page = ada.get(f"/mail/mailboxes/{row.pk}/").content.decode()
    assert 'name="school" value="Schule A"' in page

    ada.post(f"/mail/mailboxes/{row.pk}/", said | {"school": "Schule B"})

    row.refresh_from_db()
    assert (row.site, row.authority) == (city.school_b, city.authority)


def test_a_closed_schools_name_never_means_another_of_that_name(ada: Client, city: City) -> None:
    path, said, _made = mailbox(city)
    ada.post(path, said | {"school": "Schule A"})
    Site.objects.filter(pk=city.school_a.pk).update(closed_at="2026-01-01T00:00:00Z")
    Site.objects.filter(pk=city.school_b.pk).update(name="Schule A")

    form = ada.get(f"/mail/mailboxes/{Mailbox.objects.get().pk}/").context["form"]

    assert form.initial["school"] == "schule-a"
