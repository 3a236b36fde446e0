"""A site's calendar as people see it, change it and ask for it."""

import re
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from fleet.sites import services
from fleet.sites.models import BellPeriod, CalendarImport, ExamPeriod, FreePeriod, Site
from tests.conftest import City, bearer, login

BERLIN = ZoneInfo("Europe/Berlin")
SUMMER = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:s\r\nSUMMARY:Grosse Ferien\r\nDTSTART;VALUE=DATE:20270802\r\n"
    b"DTEND;VALUE=DATE:20270914\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def address(city: City, rest: str = "") -> str:
    return f"/sites/{city.school_a.pk}/calendar/{rest}"


def uploaded(ada: Client, city: City, data: bytes, content: str = "holidays", **more: Any) -> Any:
    file = SimpleUploadedFile("ferien.ics", data, content_type="text/calendar")
    return ada.post(address(city, "upload/"), {"content": content, "file": file, **more}, follow=True)


class TestSheet:
    def test_a_coordinator_reads_it_and_is_offered_no_change(self, alma: Client, city: City) -> None:
        page = alma.get(address(city) + "?month=2026-08").content.decode()

        assert "Sommerferien" in page
        assert "Mariä Himmelfahrt" in page
        assert "08:00–08:45" in page
        assert "Kalender hochladen" not in page
        assert alma.get(address(city, "upload/")).status_code == 404
        assert alma.post(address(city, "closures/"), {}).status_code == 404

    def test_what_nobody_has_said_is_told(self, alma: Client, city: City) -> None:
        BellPeriod.objects.all().delete()
        Site.objects.filter(pk=city.school_a.pk).update(kind=Site.Kind.KINDERGARTEN)

        page = alma.get(address(city)).content.decode()

        assert "Es sind keine Schließtage bekannt" in page
        assert "Es sind keine Klingelzeiten eingetragen" in page

    @pytest.mark.parametrize("month", ["", "2026-13", "1900-01", "9999-12", "x"])
    def test_any_month_is_answered(self, alma: Client, city: City, month: str) -> None:
        assert alma.get(address(city), {"month": month}).status_code == 200

    def test_it_costs_few_queries(
        self, ada: Client, city: City, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        for day in range(1, 29):
            closure = services.Closure(f"zu {day}", date(2026, 6, day), date(2026, 6, day))
            services.enter_closure(where=services.Where(city.school_a), closure=closure, by=None)
        with django_assert_max_num_queries(18):
            ada.get(address(city) + "?month=2026-06")


class TestUpload:
    def test_first_a_look_then_taken_over_then_undone(self, ada: Client, city: City) -> None:
        answer = uploaded(ada, city, SUMMER)
        assert "Grosse Ferien" in answer.content.decode()
        assert not FreePeriod.objects.exists()

        page = ada.post(answer.redirect_chain[-1][0], follow=True).content.decode()
        assert FreePeriod.objects.get().last_day == date(2027, 9, 13)
        assert "ferien.ics" in page

        row = CalendarImport.objects.get()
        ada.post(address(city, f"uploads/{row.pk}/undo/"))
        assert not FreePeriod.objects.exists()

    def test_a_broken_file_is_explained_and_what_was_chosen_stays(self, ada: Client, alma: Client, city: City) -> None:
        broken = SUMMER.replace(b"20270802", b"2027XX02")
        page = uploaded(ada, city, broken, "closures").content.decode()

        assert "Zeile 3" in page
        assert "Grosse Ferien" in page
        assert re.search(r'value="closures"[^>]* checked', page)
        assert "konnte nicht gelesen werden" in ada.get(address(city)).content.decode()
        assert "konnte nicht gelesen werden" not in alma.get(address(city)).content.decode()  # she can do nothing about it

        uploaded(ada, city, SUMMER, "closures")
        assert "konnte nicht gelesen werden" not in ada.get(address(city)).content.decode()

    def test_a_calendar_without_lessons_does_not_offer_to_drop_them_all(self, ada: Client, city: City) -> None:
        empty = b"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nEND:VCALENDAR\n"
        for data, name in ((empty, "a.ics"), (b"wochentag;stunde;von;bis\n", "a.csv")):
            file = SimpleUploadedFile(name, data)
            answer = ada.post(address(city, "upload/"), {"content": "bells", "file": file})
            assert answer.status_code == 422
            assert "keine Stunde" in answer.content.decode()
        assert not CalendarImport.objects.exists()

    def test_all_mistakes_are_named_at_once(self, ada: Client, city: City) -> None:
        file = SimpleUploadedFile("a.csv", b"von;bis;name\nx;;Fest\n01.08.2026;;gut\ny;;Feier\n")
        page = ada.post(address(city, "upload/"), {"content": "closures", "file": file}).content.decode()
        assert "Zeile 2" in page
        assert "Zeile 4" in page
        assert "Zeile 3" not in page

    def test_for_all_sites_only_by_whoever_may_there(self, ada: Client, city: City) -> None:
        answer = uploaded(ada, city, SUMMER, everywhere="on")
        ada.post(answer.redirect_chain[-1][0])

        assert FreePeriod.objects.get().site is None
        assert (
            "Bells are of one site"
            in uploaded(
                login(Client(headers={"Accept-Language": "en"}), _english(city)), city, SUMMER, "bells", everywhere="on"
            ).content.decode()
        )


def _english(city: City) -> Any:
    city.administrator.language = "en"
    city.administrator.save()
    return city.administrator


class TestByHand:
    def test_a_closure_comes_and_goes(self, ada: Client, city: City) -> None:
        ada.post(address(city, "closures/"), {"name": "Sturm", "first_day": "2026-06-10", "last_day": "2026-06-11"})
        row = FreePeriod.objects.get()
        assert (row.site, row.entered_by, row.kind) == (city.school_a, city.administrator, "closure")

        ada.post(address(city, f"closures/{row.pk}/remove/"))
        assert not FreePeriod.objects.exists()

    def test_what_cannot_be_stays_on_the_page(self, ada: Client, city: City) -> None:
        said = {"name": "Sturm", "first_day": "2026-06-10", "last_day": "2026-06-09"}
        answer = ada.post(address(city, "closures/"), said)
        page = answer.content.decode()

        assert answer.status_code == 422
        assert "Der letzte Tag liegt vor dem ersten." in page
        assert 'value="2026-06-10"' in page

    def test_an_exam_is_local_time(self, ada: Client, city: City) -> None:
        said = {"name": "Abitur", "starts_at": "2026-05-04T08:30", "ends_at": "2026-05-04T13:00", "buffer_days": "1"}
        ada.post(address(city, "exams/"), said)

        row = ExamPeriod.objects.get()
        assert row.starts_at == datetime(2026, 5, 4, 8, 30, tzinfo=BERLIN)
        ada.post(address(city, f"exams/{row.pk}/remove/"))
        assert not ExamPeriod.objects.exists()

    def test_bells_are_lines(self, ada: Client, city: City) -> None:
        page = ada.get(address(city, "bells/")).content.decode()
        assert "Mo-Fr;1;08:00;08:45;Stunde" in page

        ada.post(address(city, "bells/"), {"lines": "Mo-Do;1;09:00;09:45;Stunde\nMo;1;12:00;13:00;Schlaf"})
        assert BellPeriod.objects.filter(site=city.school_a).count() == 5
        page = ada.post(address(city, "bells/"), {"lines": "Mo;1;09:00;09:45\nMo;x;12:00;13:00"}).content.decode()
        assert "Zeile 2" in page
        assert BellPeriod.objects.filter(site=city.school_a).count() == 5

    def test_habits(self, ada: Client, city: City) -> None:
        said = {"federal_state": "SN", "catholic": "yes", "opens_0": "07:00", "closes_0": "00:00", "opens_1": "09:00"}
        assert "Geben Sie an, von wann bis wann" in ada.post(address(city, "habits/"), said).content.decode()

        ada.post(address(city, "habits/"), said | {"opens_1": ""})
        site = Site.objects.get(pk=city.school_a.pk)
        assert (site.federal_state, site.catholic_holidays, site.serviceperiods.count()) == ("SN", True, 1)


class TestApi:
    def test_what_kind_of_time_it_is(self, client: Client, city: City) -> None:
        headers = bearer(city.coordinator_a)
        url = f"/api/v1/sites/{city.school_a.pk}/calendar"

        said = client.get(f"{url}/moment?at=2026-06-10T08:10:00", headers=headers).json()

        assert (said["moment"], said["lesson"]["number"], said["next_lesson"]["number"]) == ("lesson", 1, 2)
        assert client.get(f"{url}/moment?at=2026-08-10T06:10:00Z", headers=headers).json()["why_free"] == "Sommerferien"
        assert len(client.get(f"{url}/lessons?day=2026-06-10", headers=headers).json()) == 2
        found = client.get(f"{url}/free-days?since=2026-08-01&until=2026-09-30", headers=headers).json()
        assert [(one["name"], one["source"]) for one in found] == [
            ("Sommerferien", "state"),
            ("Mariä Himmelfahrt", "public"),
        ]
        assert client.get(url, headers=headers).json()["service_hours"][0] == {
            "weekday": 0, "begins": "08:00:00", "ends": "16:00:00",
        }  # fmt: skip

    def test_closures_and_exams_are_entered_by_administrators_only(self, client: Client, city: City) -> None:
        url = f"/api/v1/sites/{city.school_a.pk}/calendar"
        closure = {"name": "Sturm", "first_day": "2026-06-10", "last_day": "2026-06-10"}
        exam = {"name": "Abitur", "starts_at": "2036-05-04T08:30:00+02:00", "ends_at": "2036-05-04T13:00:00+02:00"}
        ada, alma = bearer(city.administrator), bearer(city.coordinator_a)

        def post(path: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
            return client.post(f"{url}/{path}", body, content_type="application/json", headers=headers)

        assert post("closures", closure, alma).status_code == 404
        made = post("closures", closure, ada)
        assert made.status_code == 201
        assert post("closures", closure, ada).json() == made.json()
        assert post("closures", closure | {"last_day": "2026-06-09"}, ada).status_code == 422
        held = post("exams", exam, ada).json()
        assert [one["id"] for one in client.get(f"{url}/exams", headers=alma).json()] == [held["id"]]
        assert client.delete(f"{url}/exams/{held['id']}", headers=alma).status_code == 404
        assert client.delete(f"{url}/exams/{held['id']}", headers=ada).status_code == 204
        assert client.delete(f"{url}/closures/{made.json()['id']}", headers=ada).status_code == 204
        assert not FreePeriod.objects.exists()
