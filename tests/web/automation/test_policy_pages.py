"""Pages and API of policy: why not now, freezes and windows, leave, exceptions, and the list of what waits."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.automation.models import Change, ChangeWindow, Delegation, Freeze, Override, PolicyRule
from fleet.events.models import Event
from tests.conftest import City, bearer, login
from tests.web.automation.conftest import decided, make_change


@pytest.fixture(autouse=True)
def usual_policy(city: City) -> None:
    PolicyRule.objects.all().delete()


API = "/api/v1"
HOUR = timedelta(hours=1)


def clock(instant: datetime) -> str:
    return timezone.localtime(instant).strftime("%Y-%m-%dT%H:%M")


def frozen(city: City, **other: Any) -> Freeze:
    now = timezone.now()
    values = {"site": city.school_a, "starts_at": now - HOUR, "ends_at": now + 24 * HOUR, "reason": "Umzug"} | other
    return Freeze.objects.create(authority=city.authority, **values)


class TestWhyNotNow:
    def test_the_changes_page_says_why_not_and_when_next(
        self, alma: Client, theo: Client, city: City, change_a: Change
    ) -> None:
        frozen(city)

        for client in (alma, theo):
            shown = client.get(f"/changes/{change_a.pk}/").content.decode()
            assert "Schule A: Bis" in shown
            assert "wird nichts geändert: Umzug." in shown
            assert "Frühestens wieder:" in shown
            assert "Um eine Ausnahme bitten" not in shown

    def test_what_is_over_asks_nothing_of_the_school_day(
        self, theo: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        waiting, over = (make_change(city.access_point_a, city.coordinator_a, one) for one in ("approved", "confirmed"))
        with django_assert_max_num_queries(17):
            assert "Wann es geschehen darf" not in theo.get(f"/changes/{over.pk}/").content.decode()
        with django_assert_max_num_queries(38):
            assert "Wann es geschehen darf" in theo.get(f"/changes/{waiting.pk}/").content.decode()

    def test_for_programs(self, alma: Client, bruno: Client, city: City, change_a: Change) -> None:
        freeze = frozen(city)
        said = alma.get(f"{API}/changes/{change_a.pk}/policy").json()

        assert (said["allowed"], said["override"]) == (False, None)
        reason = next(one for one in said["reasons"] if one["key"] == "frozen")
        assert reason["site_id"] == city.school_a.pk
        assert abs(datetime.fromisoformat(reason["until"]) - freeze.ends_at) < timedelta(seconds=1)
        assert datetime.fromisoformat(said["next_at"]) > freeze.ends_at - timedelta(seconds=1)
        later = freeze.ends_at + timedelta(days=400)
        assert alma.get(f"{API}/changes/{change_a.pk}/policy", {"at": later.isoformat()}).status_code == 422
        assert bruno.get(f"{API}/changes/{change_a.pk}/policy").status_code == 404


class TestFreezesAndWindows:
    def form(self, **other: Any) -> dict[str, Any]:
        now = timezone.now()
        return {"starts_at": clock(now + HOUR), "ends_at": clock(now + 3 * HOUR), "reason": "Wahl"} | other

    def test_an_administrator_freezes_the_city_and_ends_it(self, ada: Client, city: City) -> None:
        ada.post("/policy/freezes/new/", self.form(everywhere=city.authority.pk))
        row = Freeze.objects.get()
        assert (row.site, row.made_by) == (None, city.administrator)
        assert "Überall in Stadt Musterstadt" in ada.get("/policy/").content.decode()

        ada.post(f"/policy/freezes/{row.pk}/end/")
        assert "Wahl" not in ada.get("/policy/").content.decode()
        told = list(Event.objects.filter(name__startswith="policy.").order_by("pk").values_list("name", flat=True))
        assert told == ["policy.frozen", "policy.thawed"]

    def test_and_opens_an_evening_each_week_for_one_kind(self, ada: Client, city: City) -> None:
        ada.post("/policy/windows/new/", self.form(school="Schule A", kind="switch", repeats="weekly"))
        row = ChangeWindow.objects.get()

        assert (row.site, row.kind, row.repeats, row.timezone) == (city.school_a, "switch", "weekly", "Europe/Berlin")
        assert "Wöchentlich" in ada.get("/policy/").content.decode()
        ada.post(f"/policy/windows/{row.pk}/end/")
        assert "Wahl" not in ada.get("/policy/").content.decode()

    @pytest.mark.parametrize(
        "spoilt",
        [
            {"ends_at": "2020-01-01T00:00"},
            {"ends_at": "9999-12-31T23:59"},
            {"reason": ""},
            {"school": "", "everywhere": "1000000"},
        ],
    )
    def test_what_is_wrong_stays_in_the_form(self, ada: Client, spoilt: dict[str, str]) -> None:
        answer = ada.post("/policy/freezes/new/", self.form(school="Schule A") | spoilt)

        assert answer.status_code == 422
        assert not Freeze.objects.exists()

    def test_others_look_or_do_not_even_that(self, theo: Client, alma: Client, city: City) -> None:
        row = frozen(city)
        shown = theo.get("/policy/").content.decode()
        assert "Umzug" in shown
        assert "/end/" not in shown
        assert theo.post(f"/policy/freezes/{row.pk}/end/").status_code == 404
        assert theo.post("/policy/freezes/new/", self.form(school="Schule A")).status_code == 404
        assert alma.get("/policy/").status_code == 404

    def test_what_an_authority_agrees_otherwise(self, ada: Client, city: City) -> None:
        said = {"authority": city.authority.pk, "risk": "high", "times": "windows", "exam_margin_days": 5}
        assert ada.post("/policy/rules/", said | {"exam_margin_days": 99}).status_code == 422
        ada.post("/policy/rules/", said)
        assert PolicyRule.objects.values_list("risk", "times", "exam_margin_days").get() == ("high", "windows", 5)

        ada.post("/policy/rules/", said | {"times": ""})
        assert not PolicyRule.objects.exists()

    def test_for_programs(self, ada: Client, theo: Client, city: City) -> None:
        begins = timezone.now() + HOUR
        sent = {"starts_at": begins.isoformat(), "ends_at": (begins + HOUR).isoformat(), "reason": "Wahl"}
        headers = bearer(city.administrator)
        for path, where in (("freezes", {"authority_id": city.authority.pk}), ("windows", {"site_id": city.school_a.pk})):
            url = f"{API}/policy/{path}"
            far = sent | where | {"ends_at": "9999-12-31T23:59:59Z"}
            assert ada.post(url, far, content_type="application/json", headers=headers).status_code == 422
            made = ada.post(url, sent | where, content_type="application/json", headers=headers)
            assert made.status_code == 201, made.content
            assert [one["id"] for one in theo.get(url).json()["results"]] == [made.json()["id"]]
            assert theo.post(url, sent | where, content_type="application/json").status_code == 422
            end = f"{url}/{made.json()['id']}/end"
            assert theo.post(end).status_code == 404
            assert ada.post(end, headers=headers).json()["ended_at"]
            assert ada.post(end, headers=headers).status_code == 409
            assert theo.get(url).json()["results"] == []


class TestException:
    def test_two_people_on_the_page(self, ada: Client, franka: Client, city: City, change_a: Change) -> None:
        frozen(city)
        url = f"/changes/{change_a.pk}/override/"
        sent = {"digest": change_a.digest, "reason": "Die Klausur fällt sonst aus."}
        assert "Um eine Ausnahme bitten" in ada.get(f"/changes/{change_a.pk}/").content.decode()
        ada.post(url, sent)
        assert "Der Ausnahme zustimmen" not in ada.get(f"/changes/{change_a.pk}/").content.decode()
        assert "Der Ausnahme zustimmen" in franka.get(f"/changes/{change_a.pk}/").content.decode()

        franka.post(f"{url}agree/", {"digest": change_a.digest})

        assert Override.objects.get().agreed_by == city.approver
        shown = franka.get(f"/changes/{change_a.pk}/").content.decode()
        assert "Ausnahme durch Ada und Franka:" in shown
        assert "Jetzt nicht" not in shown

    def test_for_programs(self, ada: Client, franka: Client, theo: Client, city: City, change_a: Change) -> None:
        frozen(city)
        url = f"{API}/changes/{change_a.pk}/override"
        sent = {"digest": change_a.digest, "reason": "eilt"}
        assert theo.post(url, sent, content_type="application/json").status_code == 404
        headers = [bearer(city.administrator), bearer(city.approver)]
        assert not ada.post(url, sent, content_type="application/json", headers=headers[0]).json()["allowed"]
        again = ada.post(f"{url}/agree", sent, content_type="application/json", headers=headers[0])
        assert again.status_code == 409
        said = franka.post(f"{url}/agree", sent, content_type="application/json", headers=headers[1]).json()

        assert said["allowed"]
        assert (said["override"]["asked_by"], said["override"]["agreed_by"]) == ("Ada", "Franka")


class TestLeave:
    def form(self, person: Any, deputy: Any) -> dict[str, Any]:
        now = timezone.now()
        return {"person": person.pk, "deputy": deputy.pk, "starts_at": clock(now - HOUR), "ends_at": clock(now + HOUR)}

    def test_ones_own_leave_and_what_the_deputy_then_sees(self, franka: Client, city: City, change_a: Change) -> None:
        rita = login(Client(), city.auditor)
        assert f"/changes/{change_a.pk}/" not in rita.get("/approvals/").content.decode()
        assert franka.post("/leave/", self.form(city.approver, city.auditor)).status_code == 302

        assert "Sie entscheiden für: Franka." in rita.get("/leave/").content.decode()
        assert "für Franka" in rita.get("/approvals/").content.decode()
        assert "Sie entscheiden für Franka" in rita.get(f"/changes/{change_a.pk}/").content.decode()
        rita.post(f"/changes/{change_a.pk}/decide/", {"decision": "approve", "digest": change_a.digest})
        shown = franka.get(f"/changes/{change_a.pk}/").content.decode()
        assert "Rita für Franka" in shown
        said = franka.get(f"{API}/changes/{change_a.pk}").json()["approvals"]
        assert [(one["approver"], one["on_behalf_of"]) for one in said] == [("Rita", "Franka")]

        row = Delegation.objects.get()
        assert rita.post(f"/leave/{row.pk}/end/").status_code == 404
        franka.post(f"/leave/{row.pk}/end/")
        assert Delegation.objects.get().ended_at is not None

    def test_a_double_click_enters_one(self, franka: Client, city: City) -> None:
        token = franka.get("/leave/").context["token"]
        sent = self.form(city.approver, city.auditor) | {"token": token}

        assert [franka.post("/leave/", sent).status_code for _click in range(2)] == [302, 302]
        assert Delegation.objects.count() == 1

    def test_not_that_of_another_and_nobody_unseen(self, franka: Client, ada: Client, alma: Client, city: City) -> None:
        assert franka.post("/leave/", self.form(city.administrator, city.auditor)).status_code == 422
        assert franka.post("/leave/", self.form(city.approver, city.stranger)).status_code == 422
        assert "Die Vertretung sieht nicht jeden Ort" in (
            franka.post("/leave/", self.form(city.approver, city.coordinator_a)).content.decode()
        )
        assert alma.post("/leave/", self.form(city.coordinator_a, city.coordinator_b)).status_code == 422
        assert not Delegation.objects.exists()
        assert ada.post("/leave/", self.form(city.approver, city.auditor)).status_code == 302

    def test_for_programs(self, franka: Client, alma: Client, city: City) -> None:
        now = timezone.now()
        sent = {"deputy_id": city.auditor.pk, "starts_at": now.isoformat(), "ends_at": (now + HOUR).isoformat()}
        headers = bearer(city.approver)
        made = franka.post(f"{API}/policy/delegations", sent, content_type="application/json", headers=headers)
        assert (made.status_code, made.json()["person"], made.json()["deputy"]) == (201, "Franka", "Rita")
        assert alma.get(f"{API}/policy/delegations").json()["results"] == []
        assert (
            franka.post(f"{API}/policy/delegations", sent, content_type="application/json", headers=headers).status_code
            == 422
        )
        end = f"{API}/policy/delegations/{made.json()['id']}/end"
        assert franka.post(end, headers=headers).json()["ended_at"]


class TestApprovals:
    def test_it_filters_and_says_how_old_how_risky_and_until_when(
        self, franka: Client, city: City, change_a: Change
    ) -> None:
        other = make_change(city.access_point_b, city.technician)
        Change.objects.filter(pk=other.pk).update(risk="high", approvals_needed=2)
        decided(other, city.administrator)
        shown = franka.get("/approvals/").content.decode()
        assert "1 von 2" in shown
        assert shown.count('name="decision" value="approve"') == 2

        for chosen in ({"risk": "high"}, {"site": city.school_b.pk}, {"asked_by": "theo"}):
            found = franka.get("/approvals/", chosen).content.decode()
            assert f"/changes/{other.pk}/" in found
            assert f"/changes/{change_a.pk}/" not in found
