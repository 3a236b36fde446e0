"""Changes on pages: who sees what, who may do what and why not, in how many queries."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from fleet.automation import panels
from fleet.automation.models import Approval, Change, Run
from fleet.devices.models import Device
from fleet.people import services as people
from fleet.people.rules import Role
from tests.conftest import City
from tests.web.automation.conftest import KEY, add_run, decided, make_change


def page(client: Client, name: str, change: Change | None = None) -> str:
    answer = client.get(reverse(f"automation:{name}", args=[change.pk] if change else []))
    assert answer.status_code == 200, (name, answer.status_code)
    return answer.content.decode()


@pytest.mark.parametrize("name", ["change", "progress", "log", "decide", "cancel", "check-and-retry"])
def test_another_schools_change_is_not_there(alma: Client, change_b: Change, name: str) -> None:
    url = reverse(f"automation:{name}", args=[change_b.pk])
    method = alma.get if name in {"change", "progress", "log"} else alma.post

    answer = method(url, {"digest": change_b.digest, "decision": "approve"})

    assert answer.status_code == 404
    assert Change.objects.get(pk=change_b.pk).state == Change.State.AWAITING_APPROVAL


def test_the_list_holds_ones_own(alma: Client, theo: Client, change_a: Change, change_b: Change) -> None:
    assert f"/changes/{change_a.pk}/" in page(alma, "changes")
    assert f"/changes/{change_b.pk}/" not in page(alma, "changes")
    assert f"/changes/{change_b.pk}/" in page(theo, "changes")


def test_the_list_filters_by_state(theo: Client, change_a: Change, change_b: Change) -> None:
    Change.objects.filter(pk=change_b.pk).update(state="lost")

    shown = theo.get(reverse("automation:changes"), {"state": "lost"}).content.decode()

    assert f"/changes/{change_b.pk}/" in shown
    assert f"/changes/{change_a.pk}/" not in shown


def test_lists_take_a_fixed_number_of_queries(
    city: City, theo: Client, franka: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(30):
        make_change(city.access_point_a, city.coordinator_a)
    with django_assert_max_num_queries(10):
        page(theo, "changes")
    with django_assert_max_num_queries(10):
        page(franka, "approvals")


def test_one_change_takes_a_fixed_number_of_queries(
    city: City, theo: Client, change_a: Change, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    Change.objects.filter(pk=change_a.pk).update(state="confirmed")
    add_run(change_a, city.access_point_a, "apply")
    add_run(change_a, city.access_point_a, "revert")
    decided(change_a, city.approver)
    with django_assert_max_num_queries(16):
        page(theo, "change", change_a)
    with django_assert_max_num_queries(16):
        page(theo, "progress", change_a)


def test_a_coordinator_reads_sentences_and_no_log(alma: Client, theo: Client, city: City, change_a: Change) -> None:
    Change.objects.filter(pk=change_a.pk).update(state="running")
    add_run(change_a, city.access_point_a, "apply", "running", state="pending", message="ssh: no")

    for name in ("change", "progress"):
        lay, technical = page(alma, name, change_a), page(theo, name, change_a)
        assert "Die Geräte werden gerade geändert." in lay
        assert "line 3" not in lay
        assert "ssid=Klausur" not in lay
        assert "ssh: no" not in lay
        assert "line 3" in technical
    assert alma.get(reverse("automation:log", args=[change_a.pk])).status_code == 404


def test_secrets_are_named_and_never_shown(theo: Client, ada: Client, change_a: Change) -> None:
    for client in (theo, ada):
        for name in ("change", "progress"):
            shown = page(client, name, change_a)
            assert KEY not in shown
    assert "***" in page(theo, "change", change_a)


def test_the_progress_asks_again_only_while_something_is_to_come(theo: Client, city: City, change_a: Change) -> None:
    Change.objects.filter(pk=change_a.pk).update(state="running")
    run = add_run(change_a, city.access_point_a, "apply", "running")
    asks = f'hx-get="{reverse("automation:progress", args=[change_a.pk])}'
    assert asks in page(theo, "progress", change_a)

    Run.objects.filter(pk=run.pk).update(state="succeeded")
    Change.objects.filter(pk=change_a.pk).update(state="confirmed")

    assert asks not in page(theo, "progress", change_a)


def test_a_changes_own_page_is_loaded_anew_when_there_is_something_else_to_do(
    franka: Client, alma: Client, change_a: Change
) -> None:
    Change.objects.filter(pk=change_a.pk).update(state="previewing")
    url = reverse("automation:progress", args=[change_a.pk])
    asks = f'hx-get="{url}?here=previewing&amp;mark='
    assert asks in page(franka, "change", change_a)
    assert "HX-Refresh" not in franka.get(url, {"here": "previewing"}).headers

    Change.objects.filter(pk=change_a.pk).update(state="awaiting-approval")

    assert franka.get(url, {"here": "previewing"}).headers["HX-Refresh"] == "true"
    assert "HX-Refresh" not in alma.get(url).headers, "a ticket's page, where somebody may be typing, stays"


def test_the_log_tells_htmx_to_stop_when_the_run_is_over(theo: Client, city: City, change_a: Change) -> None:
    Change.objects.filter(pk=change_a.pk).update(state="running")
    run = add_run(change_a, city.access_point_a, "apply", "running")
    url = reverse("automation:log", args=[change_a.pk])
    assert theo.get(url).status_code == 200

    Run.objects.filter(pk=run.pk).update(state="succeeded")

    answer = theo.get(url)
    assert answer.status_code == 286
    assert b"line 7" in answer.content


def test_a_waiting_run_says_what_it_waits_for(alma: Client, city: City, change_a: Change) -> None:
    Change.objects.filter(pk=change_a.pk).update(state="approved")
    run = add_run(change_a, city.access_point_a, "apply", "queued", state="pending")
    Run.objects.filter(pk=run.pk).update(waits_for=f"#12 · {city.access_point_a.name}")

    assert f"Es wartet auf die Änderung #12 · {city.access_point_a.name}" in page(alma, "progress", change_a)


class TestDeciding:
    def decide(self, client: Client, change: Change, decision: str = "approve", digest: str | None = None) -> str:
        url = reverse("automation:decide", args=[change.pk])
        sent = {"decision": decision, "digest": digest or change.digest, "comment": "In Ordnung."}
        answer = client.post(url, sent, follow=True)
        change.refresh_from_db()
        return answer.content.decode()

    def test_an_approver_sees_the_form_and_approves(self, franka: Client, city: City, change_a: Change) -> None:
        assert 'name="decision"' in page(franka, "change", change_a)

        self.decide(franka, change_a)

        assert change_a.state == Change.State.APPROVED
        approval = change_a.approvals.get()
        assert (approval.approver, approval.comment) == (city.approver, "In Ordnung.")
        assert "In Ordnung." in page(franka, "change", change_a)

    def test_and_rejects(self, franka: Client, change_a: Change) -> None:
        self.decide(franka, change_a, "reject")
        assert change_a.state == Change.State.REJECTED

    def test_not_their_own_and_the_page_says_why(self, ada: Client, city: City) -> None:
        change = make_change(city.access_point_a, city.administrator)
        shown = page(ada, "change", change)
        assert 'name="decision"' not in shown
        assert "Niemand gibt" in shown

        self.decide(ada, change)

        assert change.state == Change.State.AWAITING_APPROVAL

    def test_who_has_no_such_role_is_told_so(self, theo: Client, alma: Client, change_a: Change) -> None:
        for client in (theo, alma):
            assert 'name="decision"' not in page(client, "change", change_a)
            self.decide(client, change_a)
            assert change_a.state == Change.State.AWAITING_APPROVAL

    def test_what_was_changed_meanwhile_is_looked_at_again(self, franka: Client, change_a: Change) -> None:
        self.decide(franka, change_a, digest="2" * 64)
        assert change_a.state == Change.State.AWAITING_APPROVAL

    def test_a_word_that_is_no_decision_decides_nothing(self, franka: Client, change_a: Change) -> None:
        self.decide(franka, change_a, decision="perhaps")
        assert change_a.state == Change.State.AWAITING_APPROVAL
        assert not Approval.objects.exists()

    def test_an_approver_of_another_city_does_not_even_see_it(self, client: Client, city: City, change_a: Change) -> None:
        from fleet.sites import services as sites
        from tests.conftest import login

        elsewhere = sites.create_authority(name="Anderswo")
        people.grant(user=city.stranger, role=Role.APPROVER, scope_id=elsewhere.pk)
        other = login(client, city.stranger)
        assert other.get(reverse("automation:change", args=[change_a.pk])).status_code == 404
        assert f"/changes/{change_a.pk}/" not in page(other, "approvals")


class TestControl:
    def test_a_technician_stops_it(self, theo: Client, change_a: Change) -> None:
        assert reverse("automation:cancel", args=[change_a.pk]) in page(theo, "change", change_a)

        theo.post(reverse("automation:cancel", args=[change_a.pk]))

        change_a.refresh_from_db()
        assert change_a.state == Change.State.CANCELLED

    @pytest.mark.parametrize("name", ["cancel", "check-and-retry"])
    def test_a_coordinator_and_an_approver_do_not(self, alma: Client, franka: Client, change_a: Change, name: str) -> None:
        for client in (alma, franka):
            assert reverse(f"automation:{name}", args=[change_a.pk]) not in page(client, "change", change_a)
            assert client.post(reverse(f"automation:{name}", args=[change_a.pk])).status_code == 404

    def test_a_lost_change_offers_to_check_and_retry(self, theo: Client, city: City, change_a: Change) -> None:
        Change.objects.filter(pk=change_a.pk).update(state="lost")
        add_run(change_a, city.access_point_a, "apply", "lost", state="unknown")
        assert "Prüfen und erneut versuchen" in page(theo, "change", change_a)

        theo.post(reverse("automation:check-and-retry", args=[change_a.pk]))

        change_a.refresh_from_db()
        assert change_a.state == Change.State.APPROVED
        assert change_a.runs.filter(kind="apply", state="queued", attempt=2).exists()

    def test_a_second_click_starts_no_second_attempt(self, theo: Client, city: City, change_a: Change) -> None:
        Change.objects.filter(pk=change_a.pk).update(state="lost")
        add_run(change_a, city.access_point_a, "apply", "lost", state="unknown")
        for _ in range(2):
            theo.post(reverse("automation:check-and-retry", args=[change_a.pk]))

        assert change_a.runs.filter(kind="apply").count() == 2

    def test_when_its_time_is_over_the_page_says_so(self, theo: Client, city: City) -> None:
        change = make_change(city.access_point_a, city.coordinator_a, "lost")
        add_run(change, city.access_point_a, "apply", "lost", state="unknown")
        now = timezone.now()
        begun, over = now - timedelta(hours=2), now - timedelta(hours=1)
        Change.objects.filter(pk=change.pk).update(starts_at=begun, ends_at=over, box="reverted")

        answer = theo.post(reverse("automation:check-and-retry", args=[change.pk]), follow=True)

        assert "Bitte bestellen Sie es neu." in answer.content.decode()


class TestDevicePanel:
    def shown(self, client: Client, device: Device) -> str:
        answer = client.get(f"/panels/device/changes/{device.pk}/", headers={"HX-Request": "true"})
        assert answer.status_code == 200
        return answer.content.decode()

    @pytest.mark.usefixtures("change_b")
    def test_it_holds_the_devices_own_changes(self, theo: Client, city: City, change_a: Change) -> None:
        found = panels.of_device(city.technician, city.access_point_a.pk)

        assert found is not None
        assert [row["change"].pk for row in found["rows"]] == [change_a.pk]
        assert f"/changes/{change_a.pk}/" in self.shown(theo, city.access_point_a)

    def test_it_is_only_offered_to_whoever_sees_devices_in_detail(self, alma: Client, theo: Client, city: City) -> None:
        address = f"/panels/device/changes/{city.access_point_a.pk}/"

        assert address in theo.get(f"/devices/{city.access_point_a.pk}/").content.decode()
        assert address not in alma.get(f"/devices/{city.access_point_a.pk}/").content.decode()
        assert alma.get(address).status_code == 404

    def test_an_action_that_is_not_allowed_says_why_not(
        self, theo: Client, ada: Client, franka: Client, city: City, change_a: Change
    ) -> None:
        role = "Das gehört nicht zu Ihrer Rolle."
        stop = reverse("automation:cancel", args=[change_a.pk])
        technician, administrator, approver = (self.shown(one, city.access_point_a) for one in (theo, ada, franka))

        assert f"Ansehen und entscheiden:</span> {role}" in technician
        assert f'action="{stop}"' in technician
        assert "Was hier geändert werden kann" in technician
        assert "Ansehen und entscheiden:</span>" not in administrator
        assert f"Anhalten:</span> {role}" in approver
        assert f"Änderung bestellen:</span> {role}" in approver
        assert f'action="{stop}"' not in approver

    def test_nobody_is_offered_to_approve_their_own(self, ada: Client, city: City) -> None:
        make_change(city.access_point_a, city.administrator)

        assert "Niemand gibt frei, was er selbst bestellt hat." in self.shown(ada, city.access_point_a)

    def test_a_device_that_cannot_be_changed_says_why_not(self, theo: Client, city: City) -> None:
        assert "Für diese Art von Gerät gibt es kein Playbook." in self.shown(theo, city.printer_a)
        Device.objects.filter(pk=city.access_point_a.pk).update(ssh_credential=None)
        assert "kein Zugang bekannt" in self.shown(theo, city.access_point_a)
        Device.objects.filter(pk=city.access_point_a.pk).update(lifecycle=Device.Lifecycle.RETIRED)
        assert "nicht in Betrieb" in self.shown(theo, city.access_point_a)

    def test_it_costs_a_fixed_number_of_queries(
        self, theo: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for _ in range(5):
            make_change(city.access_point_a, city.coordinator_a)

        with django_assert_max_num_queries(8):
            self.shown(theo, city.access_point_a)


@pytest.mark.parametrize("state", Change.State.values)
def test_every_state_has_its_page_for_everybody(alma: Client, theo: Client, city: City, state: str) -> None:
    change = make_change(city.access_point_a, city.coordinator_a, state)
    for client in (alma, theo):
        assert len(page(client, "change", change)) > 1000
