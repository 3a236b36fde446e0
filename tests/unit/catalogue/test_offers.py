"""Requests are files, read strictly: whatever is wrong is an error that names file and line."""

from pathlib import Path

import pytest

from helpdesk.catalogue import offers
from helpdesk.catalogue.checks import check_offers

GOOD = """\
title = {de = "Prüfungs-WLAN", en = "Exam Wi-Fi"}
summary = {de = "Ein WLAN.", en = "A Wi-Fi."}
subject = {de = "Prüfungs-WLAN", en = "Exam Wi-Fi"}
icon = "academic-cap"
playbook = "ssid"
targets = "room-access-points"
time_box = true
roles = ["coordinator"]

[fixed]
state = "present"

[[ask]]
argument = "ssid"
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "exam.toml"
    path.write_text(text)
    return path


def test_the_committed_requests_are_right() -> None:
    assert check_offers() == []
    assert {"exam-wifi", "ap-restart", "poe-cycle", "baseline", "new-device", "other"} <= {
        offer.slug for offer in offers.all_offers()
    }


def test_a_good_file_is_read(tmp_path: Path) -> None:
    offer = offers.load(write(tmp_path, GOOD))

    assert (offer.slug, offer.playbook, offer.time_box) == ("exam", "ssid", True)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('icon = "academic-cap"', 'icno = "academic-cap"', 4, "icno"),
        ('icon = "academic-cap"', 'icon = "no-such-icon"', 4, "no icon no-such-icon"),
        ('playbook = "ssid"', 'playbook = "no-such-playbook"', 5, "no-such-playbook"),
        ('targets = "room-access-points"', 'targets = "everything"', 6, "targets"),
        ('roles = ["coordinator"]', 'roles = ["headmaster"]', 8, "roles"),
        ('state = "present"', 'stat = "present"', 11, "no argument stat"),
        ('state = "present"', 'state = "perhaps"', 11, "must be one of present, absent"),
        ('argument = "ssid"', 'argument = "ssdi"', 14, "no argument ssdi"),
        ('argument = "ssid"', 'argument = "ssid"\ntypo = 1', 15, "typo"),
        ('argument = "ssid"', 'argument = "state"', 11, "filled twice"),
        ('[[ask]]\nargument = "ssid"\n', "", 5, "nobody fills the playbook's argument ssid"),
        ('playbook = "ssid"', 'playbook = "ap-restart"', 14, "no argument ssid"),
        ("time_box = true", "time_box = perhaps", 7, "Invalid value"),
        ("subject =", 'done = {de = "{psk}", en = "x"}\nsubject =', 3, "{psk} has no value that may be shown"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))

    with pytest.raises(offers.OfferError) as refused:
        offers.load(path)

    assert str(refused.value).startswith(f"{path}:{line}: "), refused.value
    assert says in str(refused.value)


def test_an_order_without_a_playbook_asks_for_no_arguments(tmp_path: Path) -> None:
    with pytest.raises(offers.OfferError, match="needs a playbook"):
        offers.load(write(tmp_path, GOOD.replace('playbook = "ssid"\n', "")))


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ("{ssid} in {room}", {"ssid": "A", "room": "204"}, "A in 204"),
        ("{ssid}", {"ssid": "{room}", "room": "204"}, "{room}"),  # a value is never looked into
        ("{ssid.__class__} {0}", {"ssid": "A"}, "{ssid.__class__} –"),
        ("{gone}", {}, "–"),
    ],
)
def test_placeholders_are_filled_as_text(text: str, values: dict[str, str], filled: str) -> None:
    assert offers.fill(text, values) == filled


def test_a_wrong_file_takes_the_others_not_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, GOOD)
    (tmp_path / "broken.toml").write_text("title = ")
    monkeypatch.setattr(offers, "FOLDER", tmp_path)
    offers.all_offers.cache_clear()
    try:
        assert len(offers.all_offers()) == 1
        assert [problem.id for problem in check_offers()] == ["catalogue.E001"]
    finally:
        offers.all_offers.cache_clear()
