import json
import re
import unicodedata
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


JUERGEN = Replacement("Jürgen Müller", (), "X", "x@erased.invalid", called="Jürgen")
SPELLED = [
    "Jürgen Müller",
    "Jürgen\nMüller",
    "Jürgen\xa0Müller",
    "Jürgen  Müller",
    "Jürgen MÜLLER",
    unicodedata.normalize("NFD", "Jürgen Müller"),
    unicodedata.normalize("NFD", "JÜRGEN MÜLLER"),
    "Krankmeldung_Jürgen_Müller.pdf",
    "Müller, Jürgen",
    "MÜLLER Jürgen",
    "Klasse 5a;Müller,Jürgen;R 101",
    "Müller_Jürgen.docx",
    "krank-jürgen-müller-2.pdf",
    "@jürgen, bitte",
]


@pytest.mark.parametrize("text", SPELLED)
def test_however_a_name_is_spelled_it_goes(text: str) -> None:
    without = JUERGEN.text(text)

    assert "X" in without
    assert "rgen" not in without.casefold()
    assert "ller" not in without.casefold()


@pytest.mark.parametrize(
    "text",
    ["Jürgen Müllers", "Jürgen Mülleré", "Hansjürgen Müller", "Jürgen Meier", "a@Jürgen", "@Jürgens"],
)
def test_what_is_another_name_stays(text: str) -> None:
    assert JUERGEN.text(text) == text


@pytest.mark.parametrize(
    "html",
    [
        "<p>J&uuml;rgen M&uuml;ller</p>",
        "<p>J&#252;rgen M&#xFC;ller</p>",
        "<p>Jürgen <b>Müller</b></p>",
        "<td>Jürgen</td><td>Müller</td>",
        "Jürgen&nbsp;Mül&shy;ler",
        '<a title="J&uuml;rgen M&uuml;ller">er</a>',
    ],
)
def test_formatted_text_that_hides_a_name_is_given_up(html: str) -> None:
    assert JUERGEN.markup(html) == ""
    assert JUERGEN.markup("<p>Jürgen Müller</p>") == "<p>X</p>"
    assert JUERGEN.markup("<p>Hallo &amp; guten Tag</p>") == "<p>Hallo &amp; guten Tag</p>"


@pytest.mark.parametrize(
    "name", ["Jürgen Müller", "Almut Übel-Weiß", "Łukasz Wójcik", "Ayşe Yılmaz", "Олена Шевченко", "Bo Ås"]
)
def test_whatever_is_replaced_is_found_before(name: str) -> None:
    """As LIKE and `icontains` compare on a database that knows no capitals beyond ASCII."""
    person = Replacement(name, (), "X", "x")
    spelled = [name, name.upper(), name.lower(), unicodedata.normalize("NFD", name), name.replace(" ", "\n")]
    in_columns = [
        *spelled,
        *map(json.dumps, spelled),
        *(one.encode("ascii", "xmlcharrefreplace").decode() for one in spelled),
    ]

    for text in spelled:
        assert person.text(text) == "X"
    for column in in_columns:
        likes = [re.escape(one).replace("%", ".*") for one in person.likes()]
        found = [re.search(f"^{one}$", column, re.IGNORECASE | re.ASCII | re.DOTALL) for one in likes]
        assert any(found) or any(needle in column for needle in person.needles()), column


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
