"""What a request asks besides a playbook's arguments: checked with the file, asked where it matters."""

from pathlib import Path
from typing import Any

import pytest

from helpdesk.catalogue import offers
from helpdesk.catalogue.questions import Question, Words

PLAIN = """\
title = {de = "Leihgerät", en = "Loan device"}
summary = {de = "Auf Zeit.", en = "For a time."}
subject = {de = "Leihgerät", en = "Loan device"}
icon = "device-tablet"
targets = "site"
time_box = false
roles = ["coordinator"]

[[field]]
name = "kind"
type = "choice"
label = {de = "Was?", en = "What?"}
choices = [{value = "a", de = "A", en = "A"}, {value = "b", de = "B", en = "B"}]

[[field]]
name = "count"
type = "number"
label = {de = "Wie viele?", en = "How many?"}
when = {kind = "b"}
min = 1
max = 9
"""
ROTATE = """\
title = {de = "Schlüssel", en = "Key"}
summary = {de = "Neu.", en = "New."}
subject = {de = "Schlüssel", en = "Key"}
icon = "key"
playbook = "no-such-playbook"
else_plain = true
targets = "site-access-points"
time_box = false
roles = ["coordinator"]

[[ask]]
argument = "ssid"
label = {de = "Name", en = "Name"}

[[ask]]
argument = "psk"
generate = true
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "loan.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('type = "number"', 'type = "nummer"', 17, "type"),
        ('name = "count"', 'name = "kind"', 10, "asked twice"),
        ('name = "count"', 'name = "Wie viele"', 16, "name"),
        ("when = {kind", "when = {kidn", 16, "depends on kidn"),
        ('when = {kind = "b"}', 'when = {kind = "c"}', 16, "does not have"),
        ('when = {kind = "b"}', "when = {kind = []}", 16, "does not have"),
        ("min = 1", "min = 10", 16, "min lies above max"),
        ("min = 1", 'not_before = "kind"\nmin = 1', 16, "needs two dates"),
        ('type = "number"', 'type = "date"\nnot_before = "kind"', 16, "needs two dates"),
        ('type = "number"', 'type = "date"\nnot_before = "day"', 16, "needs two dates"),
        ('{value = "b",', '{value = "a",', 10, "same choice twice"),
        ('label = {de = "Wie viele?", en = "How many?"}', 'label = {de = "Wie viele?"}', 18, "en"),
        ('type = "number"', 'type = "choice"', 16, "choices exactly if"),
        ("time_box = false", 'time_box = false\nplaybook = "ap-restart"\napprovers = ["approver"]', 8, "people fulfil"),
        ("time_box = false", 'time_box = false\nplaybook = "ap-restart"\nrestricted = true', 8, "people fulfil"),
        ("time_box = false", "time_box = false\nelse_plain = true", 7, "fulfilled without it"),
        ('targets = "site"', 'targets = "city"', 5, "targets"),
    ],
)
def test_a_wrong_question_is_refused_with_its_line(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    assert old in PLAIN
    path = write(tmp_path, PLAIN.replace(old, new, 1))

    with pytest.raises(offers.OfferError) as refused:
        offers.load(path)

    assert says in str(refused.value)
    if line:
        assert str(refused.value).startswith(f"{path}:{line}: "), refused.value


@pytest.mark.django_db
def test_without_its_playbook_it_is_a_plain_ticket_with_the_same_questions(tmp_path: Path) -> None:
    offer = offers.load(write(tmp_path, ROTATE))

    assert (offer.playbook, offer.ask) == ("", [])
    assert [one.name for one in offer.field] == ["ssid"], "a key that would be made up is not asked for"


def test_without_its_playbook_every_question_needs_a_name(tmp_path: Path) -> None:
    nameless = ROTATE.replace('label = {de = "Name", en = "Name"}\n', "")

    with pytest.raises(offers.OfferError, match="needs a label"):
        offers.load(write(tmp_path, nameless))


@pytest.mark.parametrize(
    ("when", "answers", "wanted"),
    [
        ({}, {}, True),
        ({"kind": "b"}, {"kind": "b"}, True),
        ({"kind": "b"}, {"kind": "a"}, False),
        ({"kind": "b"}, {"kind": None}, False),
        ({"kind": "b"}, {}, False),
        ({"kind": ["a", "b"]}, {"kind": "b"}, True),
        ({"kind": "b", "sure": "yes"}, {"kind": "b", "sure": "no"}, False),
    ],
)
def test_a_question_is_asked_where_its_condition_holds(when: dict[str, Any], answers: dict[str, Any], wanted: bool) -> None:
    question = Question(name="count", type="number", label=Words(de="Wie viele?", en="How many?"), when=when)

    assert question.wanted(answers) is wanted


def test_there_are_the_requests_that_schools_order() -> None:
    slugs = {offer.slug for offer in offers.all_offers()}

    assert {
        "exam-wifi", "guest-wifi", "wifi-password", "socket-zone", "ap-restart", "poe-cycle", "printer-install",
        "loan-device", "new-device", "relocation", "software", "account-problem", "security-incident",
    } <= slugs  # fmt: skip
