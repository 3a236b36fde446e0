"""SECOND_FACTOR_ROLES: whoever holds such a role and has no second factor is led to one, and does nothing else."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client

from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from tests.conftest import PASSWORD, City, bearer, login


@pytest.fixture(autouse=True)
def _administrators_need_one(settings: Any) -> None:
    settings.SECOND_FACTOR_ROLES = frozenset({Role.ADMINISTRATOR})


def test_a_login_leads_to_setting_one_up(city: City, client: Client) -> None:
    city.administrator.set_password(PASSWORD)
    city.administrator.save()

    answer = client.post("/accounts/login/", {"login": city.administrator.email, "password": PASSWORD}, follow=True)

    assert answer.request["PATH_INFO"] == "/accounts/2fa/"
    assert "Ihre Rolle verlangt einen zweiten Faktor." in answer.content.decode()
    assert client.get("/accounts/2fa/totp/activate/", follow=True).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/devices/", "/people/", "/account/", "/account/tokens/", "/accounts/password/change/"]
)
def test_nothing_else_opens_until_then(city: City, client: Client, path: str) -> None:
    login(client, city.administrator)

    for method in (client.get, client.post):
        answer = method(path)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/accounts/2fa/")
    fragment = client.get(path, headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment.headers["HX-Refresh"]) == (403, "true")


@pytest.mark.parametrize("path", ["/metrics", "/metrics/devices"])
def test_measured_values_do_not_open_until_then(city: City, client: Client, path: str) -> None:
    token, headers = Client(), bearer(city.administrator)
    login(client, city.administrator)

    assert (client.get(path).status_code, token.get(path, headers=headers).status_code) == (401, 401)

    Authenticator.objects.create(user=city.administrator, type=Authenticator.Type.TOTP, data={})
    assert (client.get(path).status_code, token.get(path, headers=headers).status_code) == (200, 200)


def test_whoever_was_invited_sets_one_up_with_their_new_password(city: City, client: Client) -> None:
    kim = User.objects.create_user("kim@musterstadt.example", name="Kim")
    people.grant(user=kim, role=Role.ADMINISTRATOR, scope_id=city.authority.pk)
    people.invite(person=kim, by=city.administrator)
    link = re.search(r"https?://[^/\s]+(/accounts/password/reset/key/\S+)", str(mail.outbox[0].body))
    assert link
    form = client.get(link[1], follow=True)

    client.post(form.request["PATH_INFO"], {"password1": PASSWORD, "password2": PASSWORD})
    client.post("/accounts/login/", {"login": kim.email, "password": PASSWORD})
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})

    for path in ("/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"):
        assert client.get(path).status_code == 200


def test_neither_session_nor_token_opens_the_api(city: City, client: Client) -> None:
    by_token = Client().get("/api/v1/me", headers=bearer(city.administrator))
    by_session = login(client, city.administrator).get("/api/v1/me")

    for answer in (by_token, by_session):
        assert answer.status_code == 403
        assert "zweiten Faktor" in answer.json()["detail"] or "second factor" in answer.json()["detail"]


def test_the_way_out_stays_open(city: City, client: Client) -> None:
    login(client, city.administrator)

    assert client.post("/account/display/", {"theme": "dark", "next": "/"}).headers["Location"] == "/"
    assert client.post("/accounts/logout/").headers["Location"] == "/accounts/login/"


def test_with_a_factor_everything_is_open_and_recovery_codes_are_none(city: City, client: Client) -> None:
    login(client, city.administrator)
    Authenticator.objects.create(user=city.administrator, type=Authenticator.Type.RECOVERY_CODES, data={})
    assert client.get("/devices/").status_code == 302

    Authenticator.objects.create(user=city.administrator, type=Authenticator.Type.TOTP, data={})

    assert client.get("/devices/").status_code == 200
    assert Client().get("/api/v1/me", headers=bearer(city.administrator)).status_code == 200


def test_other_roles_are_not_asked(city: City, client: Client) -> None:
    assert login(client, city.technician).get("/devices/").status_code == 200
