"""Reading iCalendar files: every day counts, repetitions are written out, broken and hostile files are refused whole."""

from datetime import date

import pytest

from fleet.sites.rules import ics
from fleet.sites.rules.told import MOST_BYTES, FileError, Problem, difference

SETTING = ics.Setting("Europe/Berlin", date(2026, 6, 1))
EXAMS = ics.Setting("Europe/Berlin", date(2026, 6, 1), whole_days=False)


def calendar(*events: str) -> bytes:
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Test//DE\n{body}END:VCALENDAR\n".replace("\n", "\r\n").encode()


SUMMER = "UID:sommer\nSUMMARY:Sommerferien\nDTSTART;VALUE=DATE:20260803\nDTEND;VALUE=DATE:20260915"


def spans(data: bytes) -> list[tuple[str, str, str]]:
    return [(one.name, one.begins.isoformat(), one.ends.isoformat()) for one in ics.read(data, SETTING)]


def test_a_six_week_holiday_counts_all_its_days() -> None:
    (summer,) = ics.read(calendar(SUMMER), SETTING)

    assert (summer.begins, summer.ends) == (date(2026, 8, 3), date(2026, 9, 14))  # DTEND is exclusive
    assert (summer.ends - summer.begins).days + 1 == 43


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("DTSTART;VALUE=DATE:20260605", ("2026-06-05", "2026-06-05")),
        ("DTSTART;VALUE=DATE:20260605\nDTEND;VALUE=DATE:20260605", ("2026-06-05", "2026-06-05")),
        ("DTSTART;VALUE=DATE:20260605\nDURATION:P2D", ("2026-06-05", "2026-06-06")),
        (
            "DTSTART;TZID=Europe/Berlin:20260605T000000\nDTEND;TZID=Europe/Berlin:20260606T000000",
            ("2026-06-05", "2026-06-05"),
        ),
        ("DTSTART:20260604T220000Z\nDTEND:20260605T220000Z", ("2026-06-05", "2026-06-05")),  # midnight to midnight, in UTC
        ("DTSTART:20260605T080000\nDTEND:20260606T120000", ("2026-06-05", "2026-06-06")),  # a floating time
    ],
)
def test_which_days_an_event_takes(event: str, expected: tuple[str, str]) -> None:
    assert spans(calendar(f"UID:1\nSUMMARY:Brückentag\n{event}")) == [("Brückentag", *expected)]


def test_repetitions_exceptions_and_moved_days_are_written_out() -> None:
    master = "UID:p\nSUMMARY:Putztag\nDTSTART;VALUE=DATE:20260605\nRRULE:FREQ=WEEKLY;COUNT=4\nEXDATE;VALUE=DATE:20260612"
    moved = "UID:p\nSUMMARY:Putztag verlegt\nRECURRENCE-ID;VALUE=DATE:20260619\nDTSTART;VALUE=DATE:20260618"

    assert spans(calendar(master, moved)) == [
        ("Putztag", "2026-06-05", "2026-06-05"),
        ("Putztag verlegt", "2026-06-18", "2026-06-18"),
        ("Putztag", "2026-06-26", "2026-06-26"),
    ]


def test_what_is_called_off_does_not_count() -> None:
    assert ics.read(calendar(SUMMER + "\nSTATUS:CANCELLED"), SETTING) == []


WEEKLY = "UID:s\nSUMMARY:Studientag\nDTSTART;VALUE=DATE:20260605\nRRULE:FREQ=WEEKLY;COUNT=3"


@pytest.mark.parametrize("day", ["RECURRENCE-ID;VALUE=DATE:20260612", "RECURRENCE-ID:20260612T000000"])
def test_a_day_of_a_series_that_is_called_off_does_not_count(day: str) -> None:
    called_off = f"UID:s\nSUMMARY:Studientag\n{day}\nDTSTART;VALUE=DATE:20260612\nSTATUS:CANCELLED"

    assert [begins for _name, begins, _ends in spans(calendar(WEEKLY, called_off))] == ["2026-06-05", "2026-06-19"]
    assert [begins for _name, begins, _ends in spans(calendar(called_off, WEEKLY))] == ["2026-06-05", "2026-06-19"]


def test_a_series_that_is_called_off_takes_its_moved_days_along() -> None:
    moved = "UID:s\nSUMMARY:Verlegt\nRECURRENCE-ID;VALUE=DATE:20260612\nDTSTART;VALUE=DATE:20260611"

    assert spans(calendar(WEEKLY + "\nSTATUS:CANCELLED", moved)) == []
    assert len(spans(calendar(WEEKLY, moved))) == 3


def test_the_last_revision_counts() -> None:
    old, new = (f"UID:1\nSEQUENCE:{number}\nSUMMARY:Nr. {number}\nDTSTART;VALUE=DATE:2026060{number}" for number in (2, 3))
    moved = [
        f"UID:s\nSEQUENCE:{number}\nSUMMARY:Verlegt\nRECURRENCE-ID;VALUE=DATE:20260612\nDTSTART;VALUE=DATE:2026061{number}"
        for number in (3, 4)
    ]

    assert [name for name, _begins, _ends in spans(calendar(new, old))] == ["Nr. 3"]
    assert spans(calendar(new + "\nSTATUS:CANCELLED", old)) == []
    assert [begins for _name, begins, _ends in spans(calendar(WEEKLY, *reversed(moved)))] == [
        "2026-06-05",
        "2026-06-14",
        "2026-06-19",
    ]


def test_an_empty_calendar_is_one() -> None:
    assert ics.read(calendar(), SETTING) == []


def test_the_same_file_says_the_same_again_and_a_day_taken_out_is_gone() -> None:
    bridge = "UID:b\nSUMMARY:Brückentag\nDTSTART;VALUE=DATE:20260605"
    before = ics.read(calendar(SUMMER, bridge), SETTING)

    assert difference(before, ics.read(calendar(SUMMER, bridge), SETTING)).nothing
    less = difference(before, ics.read(calendar(SUMMER), SETTING))
    assert ([one.name for one in less.removed], less.added, less.changed, less.kept) == (["Brückentag"], (), (), 1)
    longer = difference(before, ics.read(calendar(SUMMER.replace("0915", "0916"), bridge), SETTING))
    assert [(was.ends, will.ends) for was, will in longer.changed] == [(date(2026, 9, 14), date(2026, 9, 15))]


def test_events_without_or_with_the_same_uid_are_all_kept() -> None:
    nameless = "SUMMARY:Erster\nDTSTART;VALUE=DATE:20260601"
    same = ["UID:1\nSUMMARY:A\nDTSTART;VALUE=DATE:20260602", "UID:1\nSUMMARY:B\nDTSTART;VALUE=DATE:20260603"]

    told = ics.read(calendar(nameless, *same), SETTING)

    assert [one.name for one in told] == ["Erster", "A", "B"]
    assert len({one.uid for one in told}) == 3


def test_exams_are_instants() -> None:
    exam = "UID:1\nSUMMARY:Abitur\nDTSTART;TZID=Europe/Berlin:20260504T083000\nDTEND;TZID=Europe/Berlin:20260504T130000"
    days = "UID:2\nSUMMARY:Mündliche\nDTSTART;VALUE=DATE:20260608\nDTEND;VALUE=DATE:20260610"

    assert [(one.begins.isoformat(), one.ends.isoformat()) for one in ics.read(calendar(exam, days), EXAMS)] == [
        ("2026-05-04T08:30:00+02:00", "2026-05-04T13:00:00+02:00"),
        ("2026-06-08T00:00:00+02:00", "2026-06-10T00:00:00+02:00"),
    ]


@pytest.mark.parametrize(
    ("data", "problem", "line"),
    [
        (b"", Problem.NOT_A_CALENDAR, 1),
        (b"<!doctype html><title>503</title>", Problem.NOT_A_CALENDAR, 1),
        (calendar(SUMMER)[:-20], Problem.CUT_OFF, 9),
        (calendar("UID:1\nSUMMARY:X\nDTSTART;VALUE=DATE:2026XX01"), Problem.BROKEN_VALUE, 4),
        (calendar(SUMMER + "\nDTSTART;VALUE=DATE:20260804"), Problem.BROKEN_VALUE, 4),
        (calendar(SUMMER + "\nSEQUENCE:eins"), Problem.BROKEN_VALUE, 4),
        (calendar(SUMMER, "UID:1\nSUMMARY:X"), Problem.NO_BEGIN, 10),
        (
            calendar("UID:1\nSUMMARY:X\nDTSTART;VALUE=DATE:20260602\nDTEND;VALUE=DATE:20260601"),
            Problem.ENDS_BEFORE_IT_BEGINS,
            4,
        ),
        (calendar("UID:1\nSUMMARY:X\nDTSTART;VALUE=DATE:20260602\nDTEND;VALUE=DATE:20290601"), Problem.TOO_LONG, 4),
        (calendar("UID:1\nSUMMARY:X\nDTSTART;VALUE=DATE:20260602\nDURATION:P9999999D"), Problem.TOO_LONG, 4),
        (calendar("UID:1\nSUMMARY:X\nDTSTART;VALUE=DATE:99991231"), Problem.TOO_FAR, 4),
        (calendar("UID:1\nSUMMARY:X\nDTSTART;TZID=America/New_York:99991231T230000"), Problem.TOO_FAR, 4),
        (calendar("UID:1\nSUMMARY:X\nDTSTART;VALUE=DATE:20260602\nDTEND;VALUE=DATE:99991231"), Problem.TOO_FAR, 4),
        (calendar(WEEKLY + "\nEXDATE;TZID=America/New_York:99991231T230000"), Problem.TOO_FAR, 4),
        (calendar(SUMMER + "\nRRULE:FREQ=SECONDLY"), Problem.RULE_TOO_FAST, 4),
        (calendar(SUMMER + "\nRRULE:FREQ=YEARLY;BYHOUR=1,2,3;BYMINUTE=1,2,3"), Problem.RULE_TOO_FAST, 4),
        (calendar(SUMMER.replace("DATE:2026", "DATE:1999") + "\nRRULE:FREQ=DAILY"), Problem.RULE_TOO_FAST, 4),
        (calendar(*[SUMMER + "\nRRULE:FREQ=DAILY"] * 51), Problem.TOO_MANY_RULES, 354),
        (calendar(*[f"UID:{n}\nDTSTART;VALUE=DATE:20260601\nRRULE:FREQ=DAILY" for n in range(6)]), Problem.TOO_MANY, None),
        (b"BEGIN:VCALENDAR\r\n" + b"x" * MOST_BYTES, Problem.TOO_LARGE, None),
        (b"BEGIN:VCALENDAR\0", Problem.NOT_TEXT, None),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_place(data: bytes, problem: Problem, line: int | None) -> None:
    with pytest.raises(FileError) as refused:
        ics.read(data, SETTING)

    assert (refused.value.problem, refused.value.line) == (problem, line)


def test_the_refusal_names_the_event() -> None:
    with pytest.raises(FileError) as refused:
        ics.read(calendar("UID:1\nSUMMARY:Wandertag\nDTSTART;VALUE=DATE:2026XX01"), SETTING)

    assert "Wandertag" in refused.value.detail
