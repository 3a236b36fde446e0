"""Tokens of the API: shown once, kept as a digest, limited in reach and time, revoked at once."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from fleet.people import services
from fleet.people.models import ApiToken
from tests.conftest import City, bearer

PAGE = "/account/tokens/"
ME = "/api/v1/me"


def made(client: Client, **changes: Any) -> str:
    answer = client.post(PAGE, {"name": "Inventur", "reach": "read", "days": "30"} | changes)
    found = re.search(r'id="fresh-token">([^<]+)<', answer.content.decode())
    assert found is not None
    return found[1]


def test_a_token_is_shown_once_and_kept_as_a_digest(alma: Client) -> None:
    clear = made(alma)

    assert clear not in alma.get(PAGE).content.decode()
    assert ApiToken.objects.get().digest != clear
    assert clear not in str(ApiToken.objects.values())


def test_it_opens_the_api_for_its_owner(alma: Client, city: City) -> None:
    answer = Client().get(ME, headers={"Authorization": f"Bearer {made(alma)}"})

    me = answer.json()
    assert me["email"] == city.coordinator_a.email
    assert me["roles"] == [{"role": "coordinator", "scope_id": city.school_a.pk, "scope": "Schule A"}]
    assert me["actions"] == ["order-service", "report-problem", "view-site"]


def test_a_revoked_token_opens_nothing(alma: Client) -> None:
    clear = made(alma, name="Zählwerk")

    alma.post(f"{PAGE}{ApiToken.objects.get().pk}/revoke/")

    assert Client().get(ME, headers={"Authorization": f"Bearer {clear}"}).status_code == 401
    assert "„Zählwerk“ öffnet nichts mehr" in alma.get(PAGE).content.decode()
    assert "Zählwerk" not in alma.get(PAGE).content.decode()


def test_nobody_revokes_another_s_token(alma: Client, bruno: Client) -> None:
    made(bruno)

    assert alma.post(f"{PAGE}{ApiToken.objects.get().pk}/revoke/").status_code == 404
    assert ApiToken.objects.get().revoked_at is None


def test_an_expired_token_opens_nothing(city: City) -> None:
    headers = bearer(city.coordinator_a)
    now = timezone.now()
    ApiToken.objects.update(created_at=now - timedelta(days=2), expires_at=now - timedelta(seconds=1))

    assert Client().get(ME, headers=headers).status_code == 401


def test_a_locked_account_s_token_opens_nothing(city: City) -> None:
    headers = bearer(city.coordinator_a)
    city.coordinator_a.is_active = False
    city.coordinator_a.save()

    assert Client().get(ME, headers=headers).status_code == 401


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Bearer fdk_wrong", "Basic YTpi", "nonsense"])
def test_what_is_no_token_opens_nothing(city: City, authorization: str) -> None:
    answer = Client().get(ME, headers={"Authorization": authorization})

    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")


def test_use_is_noted_at_most_once_a_minute(city: City) -> None:
    now = timezone.now()
    _row, clear = services.issue_token(
        user=city.coordinator_a, name="x", reach=ApiToken.Reach.READ, valid_for=timedelta(days=1)
    )

    noted = []
    for seconds in (0, 30, 59, 61):
        services.use_token(clear=clear.reveal(), now=now + timedelta(seconds=seconds))
        noted.append(ApiToken.objects.get().last_used_at)

    assert noted == [now, now, now, now + timedelta(seconds=61)]


def test_a_refused_form_keeps_what_was_typed(alma: Client) -> None:
    answer = alma.post(PAGE, {"name": "Mein Skript", "reach": "everything", "days": "30"})

    assert answer.status_code == 422
    assert 'value="Mein Skript"' in answer.content.decode()


def test_the_session_works_too_but_writing_asks_for_the_csrf_token(city: City) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(city.technician, backend="allauth.account.auth_backends.AuthenticationBackend")

    assert client.get(ME).status_code == 200
    refused = client.post(f"/api/v1/health/{city.access_point_a.pk}/poll")
    assert (refused.status_code, refused.headers["Content-Type"]) == (403, "application/problem+json")


def test_who_i_am_costs_a_fixed_number_of_queries(city: City, django_assert_max_num_queries: Any) -> None:
    headers = bearer(city.technician)

    with django_assert_max_num_queries(4):
        Client().get(ME, headers=headers)
