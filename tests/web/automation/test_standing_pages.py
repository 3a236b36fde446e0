"""Pages and API of remedies, standing orders, webhooks and the audit: who sees them, and what they do."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.automation.models import Change, Override, RemedyPolicy, Run, Schedule
from fleet.automation.services import remedies
from fleet.automation.services.telling import tell
from fleet.events.models import Webhook
from tests.conftest import City, bearer, login
from tests.web.automation.conftest import KEY, add_run, decided, make_change

REMEDY = "power-cycle-access-point"
SCHEDULE = {
    "name": "Gäste-WLAN", "kind": "", "starts_at": "2030-01-01T06:30", "repeats": "monthly", "lasts_minutes": "60",
    "argument-ssid": "Gast {{ x }}", "argument-psk": KEY, "argument-state": "present", "argument-encryption": "sae-mixed",
    "argument-isolate": "true",
}  # fmt: skip


def test_a_remedy_is_switched_on_for_all_and_off_for_one(city: City, client: Client) -> None:
    ada, url = login(client, city.administrator), reverse("automation:remedies")
    assert "Überall aus." in ada.get(url).content.decode()

    for place, wanted in (({"everywhere": city.authority.pk}, "on"), ({"school": "schule a"}, "off")):
        assert ada.post(url, {"remedy": REMEDY, "wanted": wanted} | place).status_code == 302

    assert remedies.policy_for(REMEDY, city.authority.pk, city.school_b.pk)
    assert not remedies.policy_for(REMEDY, city.authority.pk, city.school_a.pk)
    ada.post(url, {"remedy": REMEDY, "school": "Schule A", "wanted": "above"})
    assert remedies.policy_for(REMEDY, city.authority.pk, city.school_a.pk)
    assert ada.post(url, {"remedy": "../x", "everywhere": city.authority.pk, "wanted": "on"}).status_code == 422


def test_only_administrators_switch_remedies(city: City, theo: Client, alma: Client) -> None:
    url = reverse("automation:remedies")

    assert theo.get(url).status_code == 200
    assert theo.post(url, {"remedy": REMEDY, "school": "Schule A", "wanted": "on"}).status_code == 404
    assert alma.get(url).status_code == 404
    ask = {"content_type": "application/json", "headers": bearer(city.technician)}
    body = {"scope_id": city.school_a.pk, "enabled": True}
    assert Client().put(f"/api/v1/remedies/{REMEDY}", body, **ask).status_code == 404
    ask["headers"] = bearer(city.administrator)
    assert Client().put(f"/api/v1/remedies/{REMEDY}", body, **ask).status_code == 204
    assert RemedyPolicy.objects.get().site == city.school_a


def test_a_standing_order_is_kept_and_its_key_is_nowhere(city: City, theo: Client) -> None:
    url = reverse("automation:schedule-new") + "?playbook=ssid"
    wish = SCHEDULE | {"school": "Schule A", "devices": "AP-204-A\n"}
    assert theo.get(url).status_code == 200
    refused = theo.post(url, wish | {"devices": "AP-999"})
    assert (refused.status_code, "AP-999" in refused.content.decode()) == (422, True)

    assert theo.post(url, wish).status_code == 302

    row = Schedule.objects.get()
    assert (row.rule, row.device_ids, row.lasts_s) == ("FREQ=MONTHLY;BYMONTHDAY=1", [city.access_point_a.pk], 3600)
    assert row.secret_arguments == {"psk": KEY}
    page = theo.get(reverse("automation:schedules")).content.decode()
    said = Client().get("/api/v1/schedules/", headers=bearer(city.technician)).content.decode()
    assert "Gäste-WLAN" in page
    assert KEY not in page + said
    theo.post(reverse("automation:schedule-act", args=[row.pk]), {"act": "off"})
    row.refresh_from_db()
    assert not row.enabled
    theo.post(reverse("automation:schedule-act", args=[row.pk]), {"act": "remove"})
    assert not Schedule.objects.exists()


def test_a_key_that_is_made_up_each_time_is_not_asked_for(city: City, theo: Client) -> None:
    url = reverse("automation:schedule-new") + "?playbook=psk-rotate"
    page = theo.get(url).content.decode()
    assert "argument-psk" not in page
    assert "Wird jedes Mal neu erzeugt" in page
    wish = {name: SCHEDULE[name] for name in ("name", "kind", "starts_at", "repeats", "argument-ssid")}

    wish |= {"school": "Schule A", "devices": "AP-204-A", "argument-psk": KEY}
    assert theo.post(url, wish).status_code == 302

    assert Schedule.objects.get().secret_arguments is None
    body = {"site_id": city.school_a.pk, "name": "x", "playbook": "psk-rotate", "rule": "FREQ=DAILY"}
    body |= {
        "starts_at": "2030-01-01T06:30:00Z",
        "device_ids": [city.access_point_a.pk],
        "arguments": {"ssid": "x", "psk": KEY},
    }
    ask = {"content_type": "application/json", "headers": bearer(city.technician)}
    refused = Client().post("/api/v1/schedules/", body, **ask)
    assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (422, ["psk"])


def test_a_coordinator_has_no_standing_orders(alma: Client) -> None:
    assert alma.get(reverse("automation:schedules")).status_code == 404
    assert alma.get(reverse("automation:schedule-new") + "?playbook=ssid").status_code == 404


def test_a_webhooks_key_is_shown_once(city: City, client: Client, theo: Client) -> None:
    ada, url = login(Client(), city.administrator), reverse("people:webhooks")
    wish = {"name": "Leitstelle", "place": city.authority.name, "url": "https://a.example/x", "events": "alert.*\nchange.*"}

    made = ada.post(url, wish).content.decode()

    hook = Webhook.objects.get()
    assert hook.secret["key"] in made
    assert hook.secret["key"] not in ada.get(url).content.decode()
    assert hook.secret["key"] not in str(Webhook.objects.extra(select={"raw": "secret"}).values("raw"))
    assert ada.post(url, wish | {"url": "ftp://x"}).status_code == 422
    assert theo.get(url).status_code == 404
    assert theo.get(reverse("people:webhook", args=[hook.pk])).status_code == 404
    ada.post(reverse("people:webhook-act", args=[hook.pk]), {"act": "off"})
    hook.refresh_from_db()
    assert not hook.enabled


def test_webhooks_by_the_api(city: City) -> None:
    ask = {"content_type": "application/json", "headers": bearer(city.administrator)}
    body = {"name": "x", "url": "https://a.example/", "scope_id": city.school_a.pk, "events": ["alert.*"]}

    made = Client().post("/api/v1/webhooks/", body, **ask)

    assert made.status_code == 201
    assert made.json()["key"].startswith("whk_")
    assert (made.json()["authority_id"], made.json()["site_id"]) == (city.authority.pk, city.school_a.pk)
    assert Client().post("/api/v1/webhooks/", body | {"url": "x"}, **ask).status_code == 422
    assert Client().post("/api/v1/webhooks/", body, **ask | {"headers": bearer(city.technician)}).status_code == 422
    listed = Client().get("/api/v1/webhooks/", headers=bearer(city.administrator))
    assert "key" not in listed.json()["results"][0]


def test_the_audit_tells_who_asked_who_agreed_what_it_did_and_whether_it_held(
    city: City, client: Client, theo: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(20):
        change = make_change(city.access_point_a, city.coordinator_a, state="confirmed", reason="=1+1")
        decided(change, city.approver)
        with transaction.atomic():
            tell(change, "retried", actor_id=city.technician.pk)
        Override.objects.create(change=change, digest=change.digest, reason="Notfall", asked_by=city.security)
        add_run(change, city.access_point_a, verdict="confirmed")
    rita = login(Client(), city.auditor)

    with django_assert_max_num_queries(16):
        page = rita.get(reverse("automation:audit", args=[city.access_point_a.pk])).content.decode()
    sheet = rita.get(reverse("automation:audit-csv", args=[city.access_point_a.pk])).getvalue().decode()
    said = Client().get(f"/api/v1/devices/{city.access_point_a.pk}/audit", headers=bearer(city.auditor)).json()

    assert all(said in page + sheet for said in ("Alma", "Franka", "Bestätigt", "Theo", "Notfall", "ssid = Klausur"))
    assert len(sheet.splitlines()) == 21
    assert "'=1+1" in sheet
    assert len(said) == 20
    assert (said[0]["asked_by"], said[0]["approvals"][0]["who"], said[0]["held"]) == ("Alma", "Franka", "Bestätigt")
    assert [act["who"] for act in said[0]["acts"]] == ["Theo", "Sven"]
    assert KEY not in page + sheet + str(said)
    assert theo.get(reverse("automation:audit", args=[city.access_point_a.pk])).status_code == 404
    assert rita.get(reverse("automation:audit", args=[city.printer_a.pk])).status_code == 200


@pytest.mark.parametrize("name", ["extend", "end-now"])
def test_the_end_of_a_box_is_changed_by_those_who_control(city: City, theo: Client, alma: Client, name: str) -> None:
    later = timezone.now() + timedelta(hours=5)
    change = make_change(city.access_point_a, city.coordinator_a, state="confirmed", ends_at=later, box="pending")
    add_run(change, city.access_point_a)
    Change.objects.filter(pk=change.pk).update(starts_at=timezone.now() - timedelta(hours=1))
    Run.objects.update(started_at=timezone.now())
    url, body = reverse(f"automation:{name}", args=[change.pk]), {"ends_at": "2040-01-01T10:00"}

    assert alma.post(url, body).status_code == 404
    assert theo.post(url, body).status_code == 302
    change.refresh_from_db()
    assert change.ends_at == later, "as many others have to agree"
    page, proposal = reverse("automation:change", args=[change.pk]), change.proposals.get()
    agree = reverse("automation:agree", args=[change.pk, proposal.pk])
    franka = login(Client(), city.approver)
    assert agree in franka.get(page).content.decode()
    assert page in franka.get(reverse("automation:approvals")).content.decode(), "it waits for her"
    said = theo.get(page).content.decode()
    assert ("Theo möchte es" in said, "Noch eine Person muss zustimmen" in said, agree in said) == (True, True, False)
    assert alma.post(agree).status_code == 302
    assert change.proposals.get().over_at is None, "it is not hers to decide"
    listed = Client().get(f"/api/v1/changes/{change.pk}/proposals", headers=bearer(city.technician)).json()
    assert [(one["act"], one["asked_by"], one["left"]) for one in listed] == [("end", "Theo", 1)]
    agreeing = f"/api/v1/changes/{change.pk}/proposals/{proposal.pk}/agree"
    assert Client().post(agreeing, headers=bearer(city.technician)).status_code == 409, "nobody agrees to their own"
    assert franka.post(agree).status_code == 302

    change.refresh_from_db()
    assert change.ends_at != later
    again = {"content_type": "application/json", "headers": bearer(city.technician)}
    said = Client().post(f"/api/v1/changes/{change.pk}/{name}", {"ends_at": "2020-01-01T10:00:00Z"}, **again)
    assert said.status_code == 409
    if name == "extend":
        assert theo.post(url, {"ends_at": "x"}).status_code == 302
