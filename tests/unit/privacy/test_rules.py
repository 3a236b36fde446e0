from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from helpdesk.privacy.rules import periods
from helpdesk.privacy.rules.masking import Masker
from helpdesk.privacy.rules.pseudonyms import Reach, Replacement, address, pseudonym, reach
from helpdesk.privacy.rules.refusals import Facts, may_agree, refusals

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_period_counts_whole_local_days_also_over_daylight_saving() -> None:
    before = periods.cutoff(date(2026, 3, 30), 2, BERLIN)

    assert before.isoformat() == "2026-03-28T00:00:00+01:00"


@pytest.mark.parametrize(
    ("now", "done", "next_at"),
    [
        (datetime(2026, 5, 4, 1, tzinfo=BERLIN), False, "2026-05-04T02:00:00+02:00"),
        (datetime(2026, 5, 4, 9, tzinfo=BERLIN), False, "2026-05-04T09:00:00+02:00"),
        (datetime(2026, 5, 4, 9, tzinfo=BERLIN), True, "2026-05-05T02:00:00+02:00"),
    ],
)
def test_deleting_begins_at_night(now: datetime, done: bool, next_at: str) -> None:
    assert periods.next_run(now, done).isoformat() == next_at


MASKER = [(1, "Alma Berger"), (2, "Bruno Öz"), (3, "Theo"), (4, "Theo Lang"), (5, "Alma Berger")]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Alma Berger, alma@a.example", "Alma Berger, alma@a.example"),
        ("bruno öz war da", "Person 1 war da"),
        ("Theo Lang und Theo", "Person 1 und Person 2"),
        ("Theodor schrieb an x.y@b.example.", "Theodor schrieb an …@…."),
        ("<script>{{ Theo }}", "<script>{{ Person 1 }}"),
    ],
)
def test_other_people_are_masked_and_oneself_is_not(text: str, masked: str) -> None:
    assert Masker(1, ["alma@a.example"], MASKER).text(text) == masked


def test_a_person_is_called_the_same_all_the_way_through() -> None:
    hide = Masker(1, [], MASKER)

    assert hide.value({"owner": "Bruno Öz", "seen": ["Theo", 7]}) == {"owner": "Person 1", "seen": ["Person 2", 7]}
    assert (hide.person(2), hide.person(3), hide.person(1), hide.person(None)) == ("Person 1", "Person 2", "self", None)


REPLACED = Replacement("Alma Berger", ("alma@a.example",), "Ehemalige Person 7f3a", "ehemalig-7f3a@erased.invalid")


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("Gruß\nAlma Berger\nalma@a.example", "Gruß\nEhemalige Person 7f3a\nehemalig-7f3a@erased.invalid"),
        ("ALMA  BERGER <Alma@A.example>", "Ehemalige Person 7f3a <ehemalig-7f3a@erased.invalid>"),
        ("Alma Bergermann, palma@a.example, alma@a.example.org", "Alma Bergermann, palma@a.example, alma@a.example.org"),
        ("Schreiben Sie alma@a.example.", "Schreiben Sie ehemalig-7f3a@erased.invalid."),
    ],
)
def test_name_and_address_are_replaced_where_they_stand_whole(text: str, without: str) -> None:
    assert REPLACED.text(text) == without


def test_a_name_of_one_word_is_no_other_word() -> None:
    stark = Replacement("Stark", ("s@a.example",), "X", "x@erased.invalid")

    assert stark.text("Stark sagt: stark verrauscht, Starkstrom") == "X sagt: stark verrauscht, Starkstrom"


def test_json_is_looked_for_as_it_is_stored() -> None:
    assert "J\\u00f6rg M\\u00fcller" in Replacement("Jörg Müller", (), "X", "x").needles()


def test_how_far_a_name_is_looked_for() -> None:
    assert reach("Alma Berger", has_namesake=False) is Reach.EVERYWHERE
    assert reach("Alma", has_namesake=False) is Reach.TEXTS
    assert reach("Alma Berger", has_namesake=True) is Reach.OWN


def test_a_pseudonym_is_short_and_longer_where_it_is_taken() -> None:
    assert (pseudonym("7f3ab"), address("7f3ab", 5)) == ("Ehemalige Person 7f3a", "ehemalig-7f3ab@erased.invalid")


@pytest.mark.parametrize(
    ("facts", "reasons"),
    [
        (Facts(), []),
        (Facts(is_self=True), ["self"]),
        (Facts(last_administrator=True, running_changes=2), ["last-administrator", "running-changes"]),
        (Facts(open_approvals=1, schedules=1), ["open-approvals", "schedules"]),
        (Facts(erased=True, underway=True, elsewhere=True), ["erased", "underway", "elsewhere"]),
    ],
)
def test_what_stands_against_erasing(facts: Facts, reasons: list[str]) -> None:
    assert refusals(facts) == reasons


@pytest.mark.parametrize(("who", "may"), [(1, False), (2, True), (3, False)])
def test_four_eyes(who: int, may: bool) -> None:
    assert may_agree(asked_by_id=1, agreeing_id=who, person_id=3) is may
