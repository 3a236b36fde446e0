"""Reports on a page and as files: for staff, of what they see, in a fixed number of queries."""

import csv
import io
import zipfile
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from django.utils.formats import date_format

from fleet.automation.models import Change
from fleet.monitoring.models import Outage
from fleet.people import services as people
from fleet.people.rules import Role
from fleet.sites import services as sites
from fleet.sites.models import Site
from helpdesk.catalogue.models import ServiceRequest
from helpdesk.finding import reports
from helpdesk.tickets import schools, services
from helpdesk.tickets.models import Category, Ticket
from helpdesk.tickets.services import sla
from tests.conftest import City, scope_of
from tests.web.plans import plan, repeats

Budget = Callable[[int], AbstractContextManager[object]]
BERLIN = ZoneInfo("Europe/Berlin")


def solved(city: City, subject: str, *, hours: float = 2, school: str = "a") -> Ticket:
    site, device = (city.school_a, city.printer_a) if school == "a" else (city.school_b, city.switch_b)
    opening = services.Opening(
        site=site, subject=subject, body="Es geht nicht.", devices=[device], requester=city.coordinator_a
    )
    ticket = services.open_ticket(opening=opening)
    note = services.Contribution(author=city.technician, body="Kennwort 4711", internal=True)
    services.add_article(ticket=ticket, contribution=note)
    services.add_article(ticket=ticket, contribution=services.Contribution(author=city.technician, body="Erledigt."))
    ticket.refresh_from_db()
    services.transition(ticket=ticket, to=Ticket.State.RESOLVED, actor=city.technician)
    Ticket.objects.filter(pk=ticket.pk).update(created_at=timezone.now() - timedelta(hours=hours))
    return ticket


def rows(client: Client) -> list[dict[str, str]]:
    answer = client.get("/reports/tickets.csv")
    text = answer.getvalue().decode()
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_page_says_how_it_was(city: City, theo: Client) -> None:
    ticket = solved(city, "Drucker", hours=3)
    change = Change.objects.create(
        authority=city.authority, site=city.school_a, playbook="x", risk="low", starts_at=timezone.now(),
        state=Change.State.CONFIRMED,
    )  # fmt: skip
    ServiceRequest.objects.create(ticket=ticket, change=change, slug="x")
    solved(city, "Switch", hours=5, school="b")

    page = theo.get("/reports/").content.decode()

    assert "Muster P2" in page
    assert "50 %" in page, "one of two by a playbook"
    assert "3,0 h" in page
    assert "5,0 h" in page


def test_a_coordinator_has_no_reports(alma: Client) -> None:
    assert alma.get("/reports/").status_code == 404
    assert alma.get("/reports/tickets.csv").status_code == 404
    assert alma.get("/reports/tickets.xlsx").status_code == 404


def test_a_technician_of_one_school_exports_nothing_of_another(city: City, theo: Client) -> None:
    solved(city, "Drucker der Schule A")
    solved(city, "Switch der Schule B", school="b")
    city.technician.grants.filter(scope_id=city.school_b.pk).delete()

    assert [row["Betreff"] for row in rows(theo)] == ["Drucker der Schule A"]
    assert "Schule B" not in theo.get("/reports/").content.decode()
    assert theo.get("/reports/", {"first": "2026-01-01", "last": "2026-02-01", "site": city.school_b.pk}).status_code == 422


def test_no_cell_is_a_formula_and_no_note_leaves(city: City, theo: Client) -> None:
    solved(city, '=HYPERLINK("http://elsewhere.example")')

    (row,) = rows(theo)
    xlsx = theo.get("/reports/tickets.xlsx").getvalue()

    assert row["Betreff"].startswith("'=")
    assert "4711" not in str(row)
    with zipfile.ZipFile(io.BytesIO(xlsx)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "HYPERLINK" in sheet
    assert "4711" not in sheet


def test_the_first_ticket_of_a_school_may_come_while_a_table_is_made(
    city: City, theo: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    solved(city, "Drucker der Schule A")
    labels = schools.labels

    def labels_and_a_ticket(ids: Collection[int]) -> dict[int, str]:
        found = labels(ids)
        solved(city, "Switch der Schule B", school="b")
        return found

    monkeypatch.setattr(schools, "labels", labels_and_a_ticket)

    assert [row["Betreff"] for row in rows(theo)] == ["Drucker der Schule A"]


def test_minutes_of_lessons_lost(city: City, theo: Client) -> None:
    scope = {"authority": city.authority, "site": city.school_a, "device": city.access_point_a}
    begin = datetime(2026, 3, 2, 8, 15, tzinfo=BERLIN)  # a Monday; lessons 8:00 to 8:45 and 8:50 to 9:35
    Outage.objects.create(**scope, started_at=begin, ended_at=begin + timedelta(minutes=40), cause=Outage.Cause.OWN)
    other = scope | {"device": city.printer_a}
    Outage.objects.create(**other, started_at=begin, ended_at=begin + timedelta(minutes=40), cause=Outage.Cause.OWN)
    late = begin + timedelta(days=1)
    Outage.objects.create(**scope, started_at=late, ended_at=late + timedelta(minutes=9), cause=Outage.Cause.MAINTENANCE)

    page = theo.get("/reports/?first=2026-03-01&last=2026-03-31").content.decode()

    assert "35 min" in page, "30 of the first lesson and 5 of the second, the room once"


def test_no_outage_is_left_out_however_many_there_are(city: City, theo: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "CHUNK", 2)
    scope = {"authority": city.authority, "site": city.school_a, "cause": Outage.Cause.OWN}
    begin = datetime(2026, 3, 2, 8, 0, tzinfo=BERLIN)
    for number in range(5):
        for device in (city.access_point_a, city.printer_a):
            at = begin + timedelta(minutes=5 * number)
            Outage.objects.create(**scope, device=device, started_at=at, ended_at=at + timedelta(minutes=2))

    (lost,) = theo.get("/reports/?first=2026-03-01&last=2026-03-31").context["lost"]

    assert (lost["row"].minutes, lost["row"].rooms) == (10, 1)


def test_what_went_into_another_ticket_is_counted_there(city: City, theo: Client) -> None:
    opening = services.Opening(site=city.school_a, subject="Auch Drucker", requester=city.coordinator_a)
    twice, ticket = services.open_ticket(opening=opening), solved(city, "Drucker")
    services.merge(source=twice, into=ticket, by=city.technician)

    page = theo.get("/reports/")

    assert page.context["total"] == 1
    assert [row["Betreff"] for row in rows(theo)] == ["Drucker"]


def test_what_a_remedy_has_repaired_by_itself_was_done_by_a_playbook(city: City, theo: Client) -> None:
    services.notify(ticket=solved(city, "Wieder da"), notice="remedy-helped")
    services.notify(ticket=solved(city, "Nicht geholfen"), notice="remedy-ordered")

    page = theo.get("/reports/").content.decode()

    assert "50 %" in page
    assert {row["Betreff"]: row["Durch ein Playbook erledigt"] for row in rows(theo)} == {
        "Wieder da": "ja",
        "Nicht geholfen": "nein",
    }


def test_categories_are_named_and_told_apart(city: City, ada: Client) -> None:
    elsewhere = sites.create_authority(name="Anderstadt")
    people.grant(user=city.administrator, role=Role.ADMINISTRATOR, scope_id=elsewhere.pk)
    for authority, subject in ((city.authority, "a"), (elsewhere, "b")):
        category = Category.objects.create(authority=authority, slug="netz", name_de="Netz und WLAN", name_en="Network")
        Ticket.objects.filter(pk=solved(city, subject).pk).update(category=category)

    tables = ada.get("/reports/").context["tables"]

    assert sorted(one["row"].label for one in tables[1]["rows"]) == [
        "Netz und WLAN (Anderstadt)",
        "Netz und WLAN (Stadt Musterstadt)",
    ]


def test_schools_of_the_same_name_are_not_added_up(city: City, theo: Client) -> None:
    Site.objects.update(name="Grundschule")
    solved(city, "a")
    for device in (city.access_point_a, city.access_point_b):
        begin = datetime(2026, 3, 2, 8, 15, tzinfo=BERLIN)
        Outage.objects.create(
            **scope_of(device),
            device=device,
            started_at=begin,
            ended_at=begin + timedelta(minutes=10),
            cause=Outage.Cause.OWN,
        )
    device = city.access_point_b
    device.room = city.room_b
    device.save()

    lost = theo.get("/reports/?first=2026-03-01&last=2026-03-31").context["lost"]

    assert sorted(one["row"].site for one in lost) == ["Grundschule (schule-a)", "Grundschule (schule-b)"]
    assert {row["Schule"] for row in rows(theo)} == {"Grundschule"}, "where only one of them is among the rows"


@pytest.mark.parametrize(
    "query", ["first=2026-02-01&last=2026-01-01", "first=2020-01-01&last=2026-01-01", "first=x&last=y", "first=&last="]
)
def test_a_period_that_is_none_is_said_so(query: str, theo: Client) -> None:
    assert theo.get(f"/reports/?{query}").status_code == 422
    assert theo.get(f"/reports/tickets.csv?{query}").status_code == 404


@pytest.mark.parametrize("count", [1, 6])
def test_many_tickets_cost_no_more_queries(count: int, city: City, theo: Client, django_assert_num_queries: Budget) -> None:
    for number in range(count):
        solved(city, f"Drucker {number}")
    theo.get("/reports/")

    with django_assert_num_queries(11):
        theo.get("/reports/")
    with django_assert_num_queries(10):
        assert len(rows(theo)) == count


def test_nothing_is_asked_ticket_by_ticket(city: City, theo: Client) -> None:
    """Of a hundred thousand tickets that would be most of the time."""
    solved(city, "Drucker")
    with CaptureQueriesContext(connection) as captured:
        theo.get("/reports/")

    asked = [one["sql"].partition(" FOR SELECT ")[2] or one["sql"] for one in captured if "tickets_ticket" in one["sql"]]
    plans = [plan(sql if sql.startswith("SELECT") else f"SELECT {sql}") for sql in asked]

    assert plans
    assert not [found for found in plans if repeats(found)]


def test_with_and_without_reckoned_deadlines_the_numbers_are_the_same(city: City, theo: Client) -> None:
    ticket = solved(city, "Drucker", hours=7)
    for state in (Ticket.State.OPEN, Ticket.State.RESOLVED):
        ticket.refresh_from_db()
        services.transition(ticket=ticket, to=state, actor=city.technician)
    other = solved(city, "Offen", hours=3)
    other.refresh_from_db()
    services.transition(ticket=other, to=Ticket.State.OPEN, actor=city.technician)
    assert Ticket.objects.filter(reckon_at=None).count() == 0
    before, exported = theo.get("/reports/").context, rows(theo)

    sla.reckon_due()

    after = theo.get("/reports/").context
    assert Ticket.objects.filter(reckon_at=None).count() == 2
    assert [after[name] for name in ("total", "months", "tables")] == [
        before[name] for name in ("total", "months", "tables")
    ]
    assert rows(theo)[0]["Stunden bis zur Lösung"] == exported[0]["Stunden bis zur Lösung"] != ""
    assert rows(theo)[1]["Stunden bis zur Lösung"] == ""


def test_a_report_of_one_school_is_asked_for_by_its_name(city: City, ada: Client) -> None:
    solved(city, "Drucker der Schule A")
    solved(city, "Switch der Schule B", school="b")

    page = ada.get("/reports/?school=schule+b").content.decode()
    same = ada.get(f"/reports/?site={city.school_b.pk}").content.decode()

    assert "1 Ticket<" in page
    assert "1 Ticket<" in same
    assert "school=schule+b" in page  # the files are of the same school
    assert "Filter zurücksetzen" in page
    assert "Filter zurücksetzen" not in ada.get("/reports/").content.decode()


def test_a_school_that_is_not_there_is_said(ada: Client) -> None:
    answer = ada.get("/reports/?school=Gymnasium")

    assert answer.status_code == 422
    assert "Keine Schule heißt so." in answer.content.decode()


def test_months_and_short_times_are_said_as_people_say_them(city: City, ada: Client) -> None:
    solved_at = solved(city, "Schnell").transitions.latest("at").at
    created_at = solved_at - timedelta(minutes=30)
    Ticket.objects.update(created_at=created_at)

    page = ada.get("/reports/").content.decode()

    assert "30 min" in page
    with translation.override("de"):
        assert date_format(timezone.localtime(created_at), "YEAR_MONTH_FORMAT") in page
