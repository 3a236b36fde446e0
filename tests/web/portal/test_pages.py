"""Home by role, my school, and reporting a problem."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from fleet.devices import services as devices
from fleet.devices.models import Device
from fleet.events.models import Event
from fleet.monitoring.models import Alert, Health
from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from fleet.sites import services as sites
from fleet.sites.models import Site
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Attachment, Queue, Ticket
from tests.conftest import City, login

pytestmark = pytest.mark.django_db


def down(device: Device) -> Ticket:
    """As monitoring finds it: not answering, alerted, with its ticket."""
    scope = {"authority_id": device.authority_id, "site_id": device.site_id}
    Health.objects.filter(device=device).update(status=Health.Status.DOWN)
    alert = Alert.objects.create(**scope, device=device, kind="unreachable", severity="critical", opened_at=timezone.now())
    opening = tickets.Opening(site=device.site, subject=f"{device.name} antwortet nicht", room=device.room, alert=alert)
    return tickets.open_ticket(opening=opening)


def text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer
    return answer.content.decode()


# --- home -----------------------------------------------------------------------------------------------


def test_a_coordinator_sees_how_the_school_is(alma: Client, city: City) -> None:
    Health.objects.filter(site=city.school_a).update(status=Health.Status.UP)
    assert "Alles läuft." in text(alma, "/")

    ticket = down(city.access_point_a)

    page = text(alma, "/")
    assert "In 1 Raum gibt es eine Störung" in page
    assert "Das WLAN in Raum 204 ist gestört." in page
    assert ticket.number in page
    assert "Schule B" not in page


def test_an_open_fault_keeps_all_is_well_from_being_said(alma: Client, city: City) -> None:
    down(city.access_point_a)
    Health.objects.filter(site=city.school_a).update(status=Health.Status.UP)

    page = text(alma, "/")

    assert "Alles läuft." not in page
    assert "Was gestört war, beobachten wir noch." in page


def test_what_comes_and_goes_is_said_to_work_at_the_moment(alma: Client, city: City) -> None:
    ticket = down(city.access_point_a)
    Health.objects.filter(device=city.access_point_a).update(status=Health.Status.UP)
    Alert.objects.filter(pk=ticket.alert_id).update(flapping=True, quiet_since=timezone.now())
    page = text(alma, "/")
    assert "Das kommt und geht; gerade geht es." in page
    assert "notice-down" not in page


def test_another_schools_faults_are_not_told(alma: Client, city: City) -> None:
    down(city.access_point_b)

    assert "gestört" not in text(alma, "/")


def test_own_tickets_are_sentences(alma: Client, city: City) -> None:
    ticket = tickets.open_ticket(
        opening=tickets.Opening(site=city.school_a, subject="Drucker", requester=city.coordinator_a)
    )
    assert "Ist angekommen. Bald kümmert sich jemand darum." in text(alma, "/")

    tickets.take(ticket=ticket, by=city.technician)

    assert "Theo kümmert sich darum." in text(alma, "/")


def test_each_role_begins_where_its_work_is(theo: Client, ada: Client, franka: Client, city: City) -> None:
    assert theo.get("/").headers["Location"] == "/faults/"
    assert "Freigaben warten" in text(ada, "/")
    assert "Freigaben warten" in text(franka, "/")
    assert "Sie haben noch keine Rolle" in text(login(Client(), city.stranger), "/")
    assert "Freigaben warten" not in text(login(Client(), city.auditor), "/")


def test_the_mornings_numbers_lead_to_what_they_count(ada: Client, city: City) -> None:
    ticket = down(city.access_point_a)

    page = text(ada, "/")

    counts = dict(re.findall(r'class="figure" href="([^"]+)"><strong>(\d+)<', page))
    assert counts["/faults/"] == counts["/devices/?state=down"] == counts["/tickets/"] == "1"
    assert ticket.number in page


def test_home_costs_the_same_for_a_large_school(
    alma: Client, ada: Client, city: City, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(20):
        details = devices.DeviceDetails(city.access_point_a.type, f"AP-{number}", room=city.room_a, serial=f"X{number}")
        devices.create_device(site=city.school_a, details=details)
        opening = tickets.Opening(
            site=city.school_a, subject=f"Nr. {number}", requester=city.coordinator_a, room=city.room_a
        )
        tickets.open_ticket(opening=opening)

    with django_assert_max_num_queries(11):
        alma.get("/")
    with django_assert_max_num_queries(18):
        ada.get("/")


def test_my_school_is_only_mine(alma: Client, bruno: Client, city: City) -> None:
    assert "AP-204-A" in text(alma, f"/my-school/{city.school_a.pk}/")
    assert bruno.get(f"/my-school/{city.school_a.pk}/").status_code == 404


# --- reporting -----------------------------------------------------------------------------------------------


def answers(client: Client, city: City, **more: str) -> dict[str, str]:
    token = re.search(r'name="token" value="(\w+)"', text(client, f"/report/?site={city.school_a.pk}"))
    assert token
    wish = {"token": token.group(1), "site": str(city.school_a.pk), "room": str(city.room_a.pk), "trouble": "wifi"}
    return wish | {"device": "", "blocks_lesson": "", "body": ""} | more


def test_a_report_is_a_ticket_with_number_and_what_happens_next(alma: Client, city: City) -> None:
    wish = answers(
        alma, city, device=str(city.printer_a.pk), trouble="printer", blocks_lesson="yes", body="Zieht nicht ein."
    )

    answer = alma.post("/report/", wish, follow=True)

    ticket = Ticket.objects.get()
    assert ticket.number in answer.content.decode()
    assert "steht Ihre Meldung ganz oben" in answer.content.decode()
    assert ticket.subject == "Drucker druckt nicht · DR-204-A"
    assert (ticket.priority, ticket.room, list(ticket.devices.all())) == (4, city.room_a, [city.printer_a])
    assert ticket.articles.get().body == "Zieht nicht ein."


def test_sending_twice_reports_once(alma: Client, city: City) -> None:
    wish = answers(alma, city)

    for _ in range(2):
        assert alma.post("/report/", wish).status_code == 302

    assert Ticket.objects.count() == 1


@pytest.mark.parametrize(("sent", "kept"), [(["a", ""], "a"), (["", "a"], "a"), (["a", "a"], "a"), (["a", "b"], "ab")])
def test_sent_again_with_other_files_it_is_one_report_with_all(alma: Client, city: City, sent: list[str], kept: str) -> None:
    wish = answers(alma, city)

    for name in sent:
        files = {"attachments": SimpleUploadedFile(name, name.encode())} if name else {}
        assert alma.post("/report/", wish | files).status_code == 302

    assert sorted(one.name for one in Ticket.objects.get().articles.get().attachments.all()) == list(kept)


def test_files_that_come_later_are_told(alma: Client, city: City) -> None:
    wish = answers(alma, city)
    alma.post("/report/", wish)
    version = Ticket.objects.get().version

    for _ in range(2):
        alma.post("/report/", wish | {"attachments": SimpleUploadedFile("a", b"a")})

    assert Event.objects.filter(name="ticket.files-added").count() == 1
    assert Ticket.objects.get().version == version + 1


def test_files_that_come_with_the_report_are_part_of_it(alma: Client, city: City) -> None:
    alma.post("/report/", answers(alma, city) | {"attachments": SimpleUploadedFile("a", b"a")})

    assert Ticket.objects.get().articles.get().attachments.count() == 1
    assert not Event.objects.filter(name="ticket.files-added").exists()


def test_files_that_come_after_a_merge_are_with_what_was_reported(alma: Client, city: City) -> None:
    earlier, wish = answers(alma, city, body="Auch dort."), answers(alma, city, body="Hier.")
    alma.post("/report/", earlier)
    alma.post("/report/", wish)
    into, source = Ticket.objects.order_by("pk")
    tickets.merge(source=source, into=into, by=city.technician)

    answer = alma.post("/report/", wish | {"attachments": SimpleUploadedFile("a", b"a")})

    article = Attachment.objects.get().article
    assert answer.headers["Location"].endswith(f"/{source.number}/")
    assert (article.body, article.notice, article.ticket) == ("Hier.", "reported", into)
    assert Event.objects.get(name="ticket.files-added").subject_id == into.pk


def test_more_files_than_a_report_takes_are_told_and_it_is_not_reported_twice(
    alma: Client, city: City, settings: LazySettings
) -> None:
    settings.FILES_PER_ARTICLE = 1
    wish = answers(alma, city)
    alma.post("/report/", wish | {"attachments": SimpleUploadedFile("a", b"a")})

    answer = alma.post("/report/", wish | {"attachments": SimpleUploadedFile("b", b"b")})

    assert (answer.status_code, Ticket.objects.count()) == (422, 1)
    assert "passen nicht mehr dazu" in answer.content.decode()


@pytest.mark.parametrize(("field", "value"), [("room", ""), ("room", "nonsense"), ("trouble", ""), ("trouble", "nonsense")])
def test_what_is_missing_is_said_and_nothing_typed_is_lost(alma: Client, city: City, field: str, value: str) -> None:
    answer = alma.post("/report/", answers(alma, city, body="Mein Text", **{field: value}))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Mein Text" in page
    assert "steps-all" in page, "after a mistake every question is shown, also on the phone"
    assert not Ticket.objects.exists()


def test_places_of_another_school_are_not_there(alma: Client, city: City) -> None:
    for more in ({"room": str(city.room_b.pk)}, {"device": str(city.access_point_b.pk)}, {"site": str(city.school_b.pk)}):
        alma.post("/report/", answers(alma, city, **more))

    assert not Ticket.objects.filter(site=city.school_b).exists()
    assert "AP-204-B" not in text(alma, f"/report/?site={city.school_b.pk}&device={city.access_point_b.pk}")


def test_devices_stand_worst_first_with_their_state(alma: Client, city: City) -> None:
    Health.objects.filter(site=city.school_a).update(status=Health.Status.UP)
    down(city.switch_a)

    page = text(alma, "/report/")

    names = re.findall(r'name="device" value="\d+"[^>]*><span class="cluster">([\w-]+)', page)
    assert names[0] == "SW-1-A"
    assert set(names) == {"SW-1-A", "AP-204-A", "DR-204-A"}


def test_a_device_that_is_named_is_chosen_with_its_room(alma: Client, city: City) -> None:
    page = text(alma, f"/report/?device={city.printer_a.pk}")

    assert f'id="room-{city.room_a.pk}" value="{city.room_a.pk}" checked' in page
    assert f'name="device" value="{city.printer_a.pk}" checked' in page


def test_who_looks_after_several_schools_says_first_at_which(theo: Client, city: City) -> None:
    page = text(theo, "/report/")

    assert f'href="?site={city.school_a.pk}"' in page
    assert f'href="?site={city.school_b.pk}"' in page


def test_kindergartens_get_few_words(alma: Client, city: City) -> None:
    Site.objects.filter(pk=city.school_a.pk).update(kind=Site.Kind.KINDERGARTEN)

    page = text(alma, "/report/")

    assert "Brauchen Sie es jetzt gleich?" in page
    assert "Unterricht" not in page
    assert len(re.findall(r'name="trouble"', page)) == 4


def test_those_who_report_nothing_have_no_such_page(franka: Client) -> None:
    assert franka.get("/report/").status_code == 404
    assert franka.post("/report/").status_code == 404


def test_the_report_costs_the_same_for_a_large_school(
    alma: Client, city: City, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    for number in range(20):
        details = devices.DeviceDetails(city.access_point_a.type, f"AP-{number}", room=city.room_a, serial=f"X{number}")
        devices.create_device(site=city.school_a, details=details)

    with django_assert_max_num_queries(11):
        alma.get("/report/")


@pytest.mark.parametrize("body", ["{{ lookup('pipe','id') }}", "; reboot", "<script>alert(1)</script>"])
def test_words_are_shown_as_text(alma: Client, city: City, body: str) -> None:
    alma.post("/report/", answers(alma, city, body=body))

    assert Ticket.objects.get().articles.get().body == body
    assert "<script>alert" not in text(alma, f"/tickets/{Ticket.objects.get().number}/")


def test_who_is_hit_too_says_so_in_the_ticket_that_is_there(alma: Client, bruno: Client, city: City) -> None:
    ticket = down(city.access_point_a)
    address = f"/report/{ticket.number}/me-too/"
    assert "Betrifft mich auch" in text(alma, "/")
    assert "Betrifft mich auch" in text(alma, "/report/")

    for _ in range(2):
        assert alma.post(address).status_code == 302
    assert bruno.post(address).status_code == 404
    assert alma.get(address).status_code == 405

    (article,) = ticket.articles.filter(notice="me-too")
    assert (article.author, article.internal) == (city.coordinator_a, False)
    assert Ticket.objects.count() == 1
    assert "Das betrifft mich auch." in text(alma, f"/tickets/{ticket.number}/")
    assert "dass es auch Sie betrifft" in text(alma, "/")
    Ticket.objects.update(state="resolved")
    assert alma.post(address).status_code == 404


def cut_off(device: Device, cause: Alert) -> None:
    """As monitoring finds it behind a fault that has been found."""
    scope = {"authority_id": device.authority_id, "site_id": device.site_id}
    Alert.objects.create(
        **scope, device=device, kind="unreachable", severity="critical", opened_at=timezone.now(), suppressed_by=cause
    )


def test_a_cause_at_another_school_gets_one_case_here(alma: Client, bruno: Client, city: City) -> None:
    incident = down(city.switch_b)
    assert "Betrifft mich auch" not in text(alma, "/")
    assert incident.alert is not None
    cut_off(city.switch_a, incident.alert)
    address, here = f"/report/{incident.number}/me-too/", {"site": city.school_a.pk}

    for path in ("/", "/report/"):
        page = text(alma, path)
        assert "Eine größere Störung betrifft auch diese Schule." in page
        assert not any(secret in page for secret in ("Schule B", city.switch_b.name, f"/tickets/{incident.number}"))
    answers = [alma.post(address, here) for _ in range(2)]

    (case,) = Ticket.objects.filter(site=city.school_a)
    assert [answer["Location"] for answer in answers] == [f"/tickets/{case.number}/"] * 2
    assert (case.parent, case.requester, case.devices.count()) == (incident, city.coordinator_a, 0)
    assert case.articles.filter(notice="me-too").count() == 1
    page = text(alma, "/")
    assert "dass es auch Sie betrifft" in page
    assert f"/tickets/{case.number}/" in page
    assert not any(secret in text(alma, f"/tickets/{case.number}/") for secret in ("Schule B", city.switch_b.name))
    assert alma.get(f"/tickets/{incident.number}/").status_code == 404
    assert not incident.articles.filter(notice="me-too").exists()


def test_a_case_opens_anew_though_an_older_one_is_deleted(alma: Client, city: City) -> None:
    incident = down(city.switch_b)
    assert incident.alert is not None
    cut_off(city.switch_a, incident.alert)
    address, here = f"/report/{incident.number}/me-too/", {"site": city.school_a.pk}
    cases = Ticket.objects.filter(site=city.school_a)
    for _ in range(2):
        alma.post(address, here)
        cases.update(state=Ticket.State.CLOSED)
    cases.earliest("pk").delete()

    alma.post(address, here)

    assert cases.open().count() == 1


def test_a_colleague_is_noted_in_the_case_that_is_there(alma: Client, city: City) -> None:
    colleague = User.objects.create_user("anton@musterstadt.example", name="Anton")
    people.grant(user=colleague, role=Role.COORDINATOR, scope_id=city.school_a.pk)
    incident = down(city.switch_b)
    assert incident.alert is not None
    cut_off(city.switch_a, incident.alert)
    address = f"/report/{incident.number}/me-too/"
    alma.post(address)

    login(Client(), colleague).post(address)

    case = Ticket.objects.get(site=city.school_a)
    assert [one.author for one in case.articles.filter(notice="me-too")] == [city.coordinator_a, colleague]


def test_a_larger_incident_is_offered_where_it_has_cases(alma: Client, bruno: Client, city: City) -> None:
    incident = tickets.open_ticket(opening=tickets.Opening(site=city.school_b, subject="Kein Internet in der Stadt"))
    address = f"/report/{incident.number}/me-too/"
    assert alma.post(address).status_code == 404
    for site in (city.school_a, city.school_b):
        case = tickets.open_ticket(opening=tickets.Opening(site=site, subject="Kein Internet"))
        tickets.set_parent(ticket=case, parent=incident, by=city.technician)

    assert "Kein Internet in der Stadt" not in text(alma, "/")
    assert "Kein Internet in der Stadt" in text(bruno, "/")
    assert [client.post(address).status_code for client in (alma, bruno)] == [302, 302]

    assert Ticket.objects.filter(site=city.school_a, parent=incident, requester=city.coordinator_a).count() == 1
    assert incident.articles.get(notice="me-too").author == city.coordinator_b
    Ticket.objects.filter(pk=incident.pk).update(state="resolved")
    assert [client.post(address).status_code for client in (alma, bruno)] == [404, 404]


@pytest.mark.parametrize("why", ["restricted", "another authority", "not reached"])
def test_what_does_not_reach_this_school_is_not_offered(alma: Client, city: City, why: str) -> None:
    incident = down(city.switch_b)
    assert incident.alert is not None
    if why != "not reached":
        cut_off(city.switch_a, incident.alert)
    if why == "restricted":
        secret = Queue.objects.create(authority=city.authority, slug="geheim", name_de="Geheim", restricted=True)
        Ticket.objects.filter(pk=incident.pk).update(queue=secret)
    if why == "another authority":
        Ticket.objects.filter(pk=incident.pk).update(authority=sites.create_authority(name="Anderstadt"))

    assert "Eine größere Störung" not in text(alma, "/")
    assert alma.post(f"/report/{incident.number}/me-too/", {"site": city.school_a.pk}).status_code == 404
    assert alma.post(f"/report/{incident.number}/me-too/", {"site": city.school_b.pk}).status_code == 404
    assert not Ticket.objects.filter(site=city.school_a).exists()


def test_a_report_without_answers_says_which_are_missing(alma: Client) -> None:
    token = alma.get("/report/").context["form"]["token"].value()

    page = alma.post("/report/", {"token": token})

    assert page.status_code == 422
    said = page.content.decode()
    assert "Bitte wählen Sie einen Raum." in said
    assert "Bitte wählen Sie, was nicht stimmt." in said
    assert "Frage 4 von 4" in said
