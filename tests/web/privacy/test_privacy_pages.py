from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from fleet.people import services as people
from fleet.people.rules import Role
from helpdesk.privacy.models import Erasure, Export, Keeping, Period
from helpdesk.privacy.services import erasing, exporting
from tests.conftest import City, bearer, login
from tests.integration.privacy.conftest import close_old


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_an_administrator_looks_first_and_then_puts_the_periods_in_force(
    ada: Client, city: City, django_assert_max_num_queries: Any
) -> None:
    (ticket, *_rest) = close_old(city, 2)

    with django_assert_max_num_queries(30):
        overview = text_of(ada, "/privacy/")
    dry_run = text_of(ada, f"/privacy/today/?authority={city.authority.pk}")
    ada.post(f"/privacy/{city.authority.pk}/switch/", {"on": "yes"})

    assert "Es wird nichts gelöscht" in overview
    assert "Art. 6 Abs. 1 lit. e DSGVO" in overview
    assert str(ticket) in dry_run
    assert Keeping.objects.filter(authority=city.authority, by=city.administrator).exists()


def test_a_period_outside_of_its_limits_is_refused_in_words(ada: Client, city: City) -> None:
    url = f"/privacy/{city.authority.pk}/periods/tickets/"

    refused = ada.post(url, {"days": "³"}, follow=True).content.decode()
    ada.post(url, {"days": "400"})

    assert "30 bis 3650 Tage" in refused
    assert Period.objects.get().days == 400


def test_my_data_are_gathered_and_downloaded_by_nobody_else(alma: Client, bruno: Client, ada: Client, city: City) -> None:
    alma.post("/privacy/me/")
    exporting.work()
    export = Export.objects.get()
    page = text_of(alma, "/privacy/me/")

    for ending, kind in (("json", "application/json"), ("pdf", "application/pdf")):
        url = f"/privacy/exports/{export.uid}/{ending}/"
        answer = alma.get(url)
        assert url in page
        assert (answer.headers["Content-Type"], answer.headers["X-Content-Type-Options"]) == (kind, "nosniff")
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        assert [client.get(url).status_code for client in (bruno, ada)] == [404, 404]
    Export.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert alma.get(url).status_code == 404


def test_erasing_takes_two_administrators_and_a_typed_address(ada: Client, city: City) -> None:
    second = login(Client(), city.stranger)
    people.grant(user=city.stranger, role=Role.ADMINISTRATOR, scope_id=city.authority.pk)
    url = f"/privacy/people/{city.coordinator_a.pk}/erase/"

    asked = text_of(ada, url)
    slip = ada.post(url, {"address": "bruno@musterstadt.example", "final": "on"})
    ada.post(url, {"address": city.coordinator_a.email, "final": "on"})
    erasure = Erasure.objects.get()
    ada.post(f"/privacy/erasures/{erasure.pk}/act/", {"act": "agree", "final": "yes"})
    erasure.refresh_from_db()
    assert "kann nicht rückgängig gemacht werden" in asked
    assert (slip.status_code, erasure.state) == (422, "asked")

    second.post(f"/privacy/erasures/{erasure.pk}/act/", {"act": "agree", "final": "yes"})
    running = text_of(second, f"/privacy/erasures/{erasure.pk}/?part=progress")
    erasing.work()
    done = text_of(ada, f"/privacy/erasures/{erasure.pk}/")

    assert "Anhalten" in running
    assert "Ehemalige Person" in done
    assert "Alma" not in done


def test_the_last_administrator_is_told_why_not(ada: Client, city: City) -> None:
    said = text_of(ada, f"/privacy/people/{city.administrator.pk}/erase/")

    assert "Niemand entscheidet über die eigene Löschung" in said


def test_programs_do_the_same(client: Client, city: City) -> None:
    people.grant(user=city.stranger, role=Role.ADMINISTRATOR, scope_id=city.authority.pk)
    ada, nora, alma = (bearer(one) for one in (city.administrator, city.stranger, city.coordinator_a))
    base, json = "/api/v1/privacy", {"content_type": "application/json"}
    wish = {"person_id": city.coordinator_a.pk, "address": city.coordinator_a.email}

    export = client.post(f"{base}/exports", {}, **json, headers=alma)
    erasure = client.post(f"{base}/erasures", wish, **json, headers=ada).json()
    url = f"{base}/erasures/{erasure['id']}"
    again = client.post(f"{base}/erasures", wish, **json, headers=nora)
    alone = client.post(f"{url}/agree", headers=ada)
    stopped = client.post(f"{url}/stop", headers=ada)
    agreed = client.post(f"{url}/agree", headers=nora)
    short = client.put(f"{base}/retention/{city.authority.pk}/tickets", {"days": 1}, **json, headers=ada)

    assert (export.status_code, export.json()["state"]) == (202, "waiting")
    assert [one.status_code for one in (again, alone, stopped, short)] == [409, 409, 409, 422]
    assert agreed.json()["state"] == "running"
    assert client.get(url, headers=bearer(city.technician)).status_code == 404


def test_people_are_found_by_a_part_of_name_or_address(ada: Client, city: City) -> None:
    said = text_of(ada, f"/privacy/people/?q={city.coordinator_a.email[:6]}")

    assert city.coordinator_a.email in said
    assert "1 Person<" in said
    assert city.technician.email not in said
    assert "Keine Person gefunden." in text_of(ada, "/privacy/people/?q=gibtesnicht")
