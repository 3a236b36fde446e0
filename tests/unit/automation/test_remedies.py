"""Remedies: what their files may say, and when one may run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fleet.automation import remedybook
from fleet.automation.rules.remedies import Case, Step, filled, next_step, not_helped, suits
from fleet.sites.rules import Moment

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
REMEDY = remedybook.known()["power-cycle-access-point"]
TEXT = (remedybook.FOLDER / "power-cycle-access-point.toml").read_text()


def case(**other: Any) -> Case:
    usual: dict[str, Any] = {"moment": Moment.LESSON, "exam": False, "last_ordered_at": None, "uplinks": 1}
    return Case(**usual | {"uplink_answers": True} | other)


@pytest.mark.parametrize(
    ("now", "step"),
    [
        (case(), (Step.ORDER, "")),
        (case(last_ordered_at=NOW - timedelta(hours=25)), (Step.ORDER, "")),
        (case(last_ordered_at=NOW - timedelta(hours=23)), (Step.LIMITED, "tried-recently")),
        (case(last_ordered_at=NOW, exam=True), (Step.LIMITED, "tried-recently")),
        (case(exam=True), (Step.WAIT, "exam")),
        (case(uplinks=2), (Step.UNFIT, "no-single-uplink")),
        (case(uplinks=0), (Step.UNFIT, "no-single-uplink")),
        (case(uplink_answers=False), (Step.UNFIT, "uplink-silent")),
        (case(bound=False), (Step.UNFIT, "unsigned")),
        (case(most_a_day=3, ordered_lately=2), (Step.ORDER, "")),
        (case(most_a_day=3, ordered_lately=3), (Step.LIMITED, "most-a-day")),
    ],
)
def test_when_it_runs(now: Case, step: tuple[Step, str]) -> None:
    assert next_step(REMEDY, now, NOW) == step


def test_what_it_is_for() -> None:
    assert suits(REMEDY, alert="unreachable", kind="access-point", platform="openwrt")
    assert not suits(REMEDY, alert="unreachable", kind="printer", platform="")
    assert not suits(REMEDY, alert="temperature_c", kind="access-point", platform="openwrt")


def test_arguments_are_filled_and_what_is_put_in_stays_text() -> None:
    values = {"uplink.if_index": 7, "device.name": "{uplink.if_index} {{ x }}"}

    assert filled({"port": "{uplink.if_index}", "text": "an {device.name}", "n": 3}, values) == {
        "port": 7,
        "text": "an {uplink.if_index} {{ x }}",
        "n": 3,
    }


def test_how_long_help_is_waited_for() -> None:
    assert not not_helped(change_ended_at=None, wait_s=1, now=NOW)
    assert not not_helped(change_ended_at=NOW - timedelta(seconds=9), wait_s=10, now=NOW)
    assert not_helped(change_ended_at=NOW - timedelta(seconds=10), wait_s=10, now=NOW)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('alert = "unreachable"', 'alert = "unreachabel"', "there is no alert"),
        ('playbook = "poe-cycle"', 'playbook = "../ssid"', "playbook"),
        ('playbook = "poe-cycle"', 'playbook = "ssid"', "has no port"),
        ('playbook = "poe-cycle"\n', 'playbook = "psk-rotate"\n', "arguments"),
        ('port = "{uplink.if_index}"', "", "needs port"),
        ('port = "{uplink.if_index}"', 'port = 1\nx = "y"', "has no x"),
        ("{uplink.if_index}", "{uplink.color}", "nothing fills uplink.color"),
        ("wait_s = 300", "wait_s = 300\nforce = true", "force: Extra inputs"),
        ('kinds = ["access-point"]', "kinds = []", "device.kinds"),
        ("once_per_hours = 24", "once_per_hours = 0", "once_per_hours"),
        ('hours = ["lesson"', 'hours = ["noon"', "hours.0"),
        ("title = {", "title = ", "Invalid"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in TEXT
    (tmp_path / "wrong.toml").write_text(TEXT.replace(old, new))

    with pytest.raises(remedybook.RemedyError) as caught:
        remedybook.load(tmp_path)

    assert "wrong.toml" in str(caught.value)
    assert says in str(caught.value)
