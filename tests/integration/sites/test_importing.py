"""Uploaded calendars: looked at, taken over, replaced, refused, undone."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from fleet.events.models import Event
from fleet.sites import selectors, services
from fleet.sites.models import BellPeriod, CalendarFeed, CalendarImport, ExamPeriod, FreePeriod
from fleet.sites.rules import Calendar, Moment, in_exam, moment
from fleet.sites.rules.files import Upload
from fleet.sites.rules.told import FileError
from fleet.sites.services import importing
from fleet.sites.services.importing import Outcome
from tests.conftest import City

TODAY = date(2026, 6, 1)
BERLIN = ZoneInfo("Europe/Berlin")
SUMMER = ("sommer", "Sommerferien", "20260803", "20260915")
"""As in Bavaria in 2026: 3 August until 14 September."""


def ics(*events: tuple[str, str, str, str]) -> bytes:
    body = "".join(
        f"BEGIN:VEVENT\r\nUID:{uid}\r\nSUMMARY:{name}\r\nDTSTART;VALUE=DATE:{begin}\r\nDTEND;VALUE=DATE:{end}\r\nEND:VEVENT\r\n"
        for uid, name, begin, end in events
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//DE\r\n{body}END:VCALENDAR\r\n".encode()


def looked_at(city: City, data: bytes, content: str = "holidays", *, everywhere: bool = False) -> CalendarImport:
    upload = Upload(content, "ferien.ics" if b"VCALENDAR" in data else "ferien.csv", data)
    where = services.Where(city.school_a, everywhere=everywhere)
    return importing.draft(where=where, upload=upload, by=city.administrator, today=TODAY)


def taken_over(city: City, data: bytes, content: str = "holidays", *, everywhere: bool = False) -> CalendarImport:
    row = looked_at(city, data, content, everywhere=everywhere)
    assert importing.apply(draft=row, site=city.school_a, by=city.administrator) is Outcome.DONE
    return row


def calendar(city: City) -> Calendar:
    return selectors.calendars(site_ids=[city.school_a.pk], today=TODAY)[city.school_a.pk]


def free(city: City, *days: date) -> list[bool]:
    known = calendar(city)
    return [day in known.free_days for day in days]


def test_all_days_of_a_six_week_holiday_count(city: City) -> None:
    taken_over(city, ics(SUMMER))

    named = [day for day, name in calendar(city).free_days.items() if name == "Sommerferien" and day.year == 2026]
    assert (min(named), max(named), len(named)) == (date(2026, 8, 3), date(2026, 9, 14), 43 - 1)  # one day has its own name
    assert calendar(city).free_days[date(2026, 8, 15)] == "Mariä Himmelfahrt"


def test_a_day_taken_out_of_the_file_is_gone_although_the_state_still_has_it(city: City) -> None:
    taken_over(city, ics(SUMMER))
    taken_over(city, ics(("sommer", "Sommerferien", "20260804", "20260914")))

    assert free(city, date(2026, 8, 3), date(2026, 8, 4), date(2026, 9, 13), date(2026, 9, 14)) == [False, True, True, False]
    assert free(city, date(2026, 11, 4), date(2026, 12, 28)) == [True, True]  # of which the file says nothing


def test_no_file_takes_back_what_the_law_gives_pupils(city: City) -> None:
    repentance, holidays, between = date(2026, 11, 18), date(2026, 11, 3), date(2026, 11, 17)
    assert free(city, repentance) == [True]

    taken_over(city, ics(("h", "Herbstferien", "20261102", "20261107"), ("w", "Weihnachtsferien", "20261224", "20270109")))

    assert free(city, repentance, holidays, between) == [True, True, False]


def test_an_entry_taken_out_of_the_file_is_gone(city: City) -> None:
    bridge = ("b", "Brückentag", "20260612", "20260613")
    taken_over(city, ics(bridge), "closures")
    assert free(city, date(2026, 6, 12)) == [True]

    taken_over(city, ics(), "closures")
    assert FreePeriod.objects.count() == 0


def test_the_same_file_again_changes_nothing(city: City) -> None:
    taken_over(city, ics(SUMMER))
    before = list(FreePeriod.objects.values())

    again = looked_at(city, ics(SUMMER))

    assert importing.preview(draft=again).nothing
    assert importing.apply(draft=again, site=city.school_a, by=None) is Outcome.DONE
    assert list(FreePeriod.objects.values()) == before


@pytest.mark.parametrize("dead", [b"", b"<html>503</html>", ics(SUMMER)[:-30], ics(SUMMER).replace(b"0803", b"08XX")])
def test_a_dead_file_keeps_the_last_good_state_and_says_so(city: City, dead: bytes) -> None:
    taken_over(city, ics(SUMMER))

    with pytest.raises(FileError):
        importing.draft(where=services.Where(city.school_a), upload=Upload("holidays", "a.ics", dead), by=None, today=TODAY)

    assert free(city, date(2026, 8, 10)) == [True]
    assert CalendarFeed.objects.get(content="holidays").failed_at is not None
    taken_over(city, ics(SUMMER))
    assert CalendarFeed.objects.get(content="holidays").failed_at is None


def test_the_last_file_can_be_undone_and_then_the_one_before(city: City) -> None:
    first, second = taken_over(city, ics(SUMMER)), taken_over(city, ics(("sommer", "Sommer", "20260901", "20260910")))
    undo = lambda row: importing.undo(row=row, site=city.school_a, by=city.administrator)  # noqa: E731

    assert undo(first) is Outcome.TOO_LATE
    assert undo(second) is Outcome.DONE
    assert free(city, date(2026, 8, 10), date(2026, 9, 14)) == [True, True]
    assert undo(second) is Outcome.TOO_LATE
    assert undo(first) is Outcome.DONE
    assert not FreePeriod.objects.exists()
    assert free(city, date(2026, 8, 3)) == [True]  # the federal state speaks again


def test_a_draft_that_somebody_overtook_is_not_taken_over(city: City) -> None:
    mine = looked_at(city, ics(SUMMER))
    taken_over(city, ics(("sommer", "Sommer", "20260901", "20260910")))

    assert importing.apply(draft=mine, site=city.school_a, by=None) is Outcome.CHANGED_MEANWHILE
    again = looked_at(city, ics(SUMMER))
    assert importing.apply(draft=again, site=city.school_a, by=None) is Outcome.DONE
    assert importing.apply(draft=again, site=city.school_a, by=None) is not Outcome.DONE


def test_a_file_of_the_authority_holds_for_every_school(city: City) -> None:
    taken_over(city, ics(("b", "Stadtfest", "20260612", "20260613")), "closures", everywhere=True)

    both = selectors.calendars(site_ids=[city.school_a.pk, city.school_b.pk], today=TODAY)

    assert [one.free_days.get(date(2026, 6, 12)) for one in both.values()] == ["Stadtfest", "Stadtfest"]


def test_exams_and_bells_come_as_files_too(city: City) -> None:
    exam = b"von;bis;name\n04.05.2026 08:30;04.05.2026 13:00;Abitur\n"
    taken_over(city, exam, "exams")
    bells = taken_over(city, b"wochentag;stunde;von;bis\nMo-Mi;1;10:00;10:45\n", "bells")

    known = calendar(city)
    assert in_exam(known, datetime(2026, 5, 4, 9, tzinfo=BERLIN))
    assert moment(known, datetime(2026, 6, 10, 10, 10, tzinfo=BERLIN)) is Moment.LESSON
    assert importing.undo(row=bells, site=city.school_a, by=None) is Outcome.DONE
    assert set(BellPeriod.objects.filter(site=city.school_a).values_list("starts_at", flat=True)) == {time(8), time(8, 50)}
    assert ExamPeriod.objects.count() == 1


def test_a_timetable_of_weekly_lessons_gives_the_bells(city: City) -> None:
    lesson = (
        "BEGIN:VEVENT\r\nUID:{0}\r\nSUMMARY:{0}. Stunde\r\nDTSTART;TZID=Europe/Berlin:20260302T{1}00\r\n"
        "DTEND;TZID=Europe/Berlin:20260302T{2}00\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,TU\r\nEND:VEVENT\r\n"
    )
    body = lesson.format(2, "0850", "0935") + lesson.format(1, "0800", "0845")
    taken_over(city, f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{body}END:VCALENDAR\r\n".encode(), "bells")

    rows = BellPeriod.objects.filter(site=city.school_a).values_list("weekday", "number", "starts_at", "ends_at")
    assert list(rows) == [
        (day, number, *clock)
        for day in (0, 1)
        for number, clock in ((1, (time(8), time(8, 45))), (2, (time(8, 50), time(9, 35))))
    ]


def test_bells_changed_by_hand_since_are_not_undone_with_a_file(city: City) -> None:
    row = taken_over(city, b"wochentag;stunde;von;bis\nMo-Mi;1;10:00;10:45\n", "bells")
    services.set_bell(site=city.school_a, lessons=[services.Lesson(1, time(9), time(10))])

    assert importing.undo(row=row, site=city.school_a, by=None) is Outcome.CHANGED_MEANWHILE


def test_each_change_is_told_and_drafts_are_forgotten(city: City) -> None:
    row = taken_over(city, ics(SUMMER))
    importing.undo(row=row, site=city.school_a, by=city.administrator)
    left = looked_at(city, ics(SUMMER))
    CalendarImport.objects.filter(pk=left.pk).update(made_at=left.made_at - timedelta(days=2))
    looked_at(city, ics(SUMMER))

    told = list(Event.objects.filter(name__startswith="calendar.").values_list("name", "actor_id", "payload__added"))
    assert told == [
        ("calendar.imported", city.administrator.pk, 1),
        ("calendar.import-undone", city.administrator.pk, 0),
    ]
    assert not CalendarImport.objects.filter(pk=left.pk).exists()
