"""Finding values in readings, and judging from them whether a change worked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.automation.catalogue import Expectation
from fleet.automation.rules.readings import PathError, fill, find, parse
from fleet.automation.rules.verification import Seen, Verdict, all_measured, is_effect, judge, overall, wanted

STARTED = datetime(2026, 11, 23, 8, tzinfo=UTC)
READING: dict[str, Any] = {
    "uptime_s": 30,
    "sysContact": "help@musterstadt.example",
    "wireless": {"ssids": ["Schule", "Exam"], "clients": 14},
    "poe": [{"ifIndex": 1, "admin": "on", "power_w": 4.5}, {"ifIndex": 3, "admin": "off", "power_w": 0}],
    "odd": [{"name": "a.b[c]", "value": "found"}],
}


def verdict(expectation: Expectation, arguments: dict[str, Any] | None = None, *, after_s: int = 60) -> Verdict:
    (wish,) = wanted([expectation], arguments or {})
    return judge(wish, Seen(STARTED + timedelta(seconds=after_s), READING), STARTED)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("sysContact", "help@musterstadt.example"),
        ("wireless.ssids", ["Schule", "Exam"]),
        ("poe[ifIndex=3].admin", "off"),
        ("poe[ifIndex=9].admin", None),
        ("nothing.at.all", None),
        ("sysContact.deeper", None),
        ("sysContact[a=b].c", None),
    ],
)
def test_a_path_finds_a_value(path: str, value: Any) -> None:
    assert find(READING, parse(path)) == value


@pytest.mark.parametrize("path", ["", ".", "a.", "a..b", "a[b]", "a[b=c", "a b", "a[b=c][d=e]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(PathError):
        parse(path)


@pytest.mark.parametrize("text", ["1].admin[x=", "../../etc/passwd", "{{ lookup('pipe','id') }}", "1.poe", "{port}"])
def test_an_argument_in_a_path_selects_a_row_and_nothing_else(text: str) -> None:
    steps = fill(parse("poe[ifIndex={port}].admin"), {"port": text})

    assert [step.name for step in steps] == ["poe", "admin"]
    assert find({"poe": [{"ifIndex": text, "admin": "on"}, *READING["poe"]]}, steps) == "on"


@pytest.mark.parametrize(
    ("expectation", "arguments", "expected"),
    [
        (Expectation("wireless.ssids", "contains", "{ssid}"), {"ssid": "Exam"}, "confirmed"),
        (Expectation("wireless.ssids", "contains", "{ssid}"), {"ssid": "Exa"}, "refuted"),
        (Expectation("wireless.ssids", "contains", "{ssid}"), {"ssid": "{state}", "state": "Exam"}, "refuted"),
        (Expectation("wireless.ssids", "lacks", "{ssid}"), {"ssid": "Other"}, "confirmed"),
        (Expectation("wireless.ssids", "lacks", "{ssid}"), {"ssid": "Exam"}, "refuted"),
        (Expectation("wifi.ssids", "lacks", "{ssid}"), {"ssid": "Exam"}, "unknown"),
        (Expectation("poe[ifIndex={port}].admin", "equals", "on"), {"port": 1}, "confirmed"),
        (Expectation("poe[ifIndex={port}].admin", "equals", "on"), {"port": 3}, "refuted"),
        (Expectation("poe[ifIndex={port}].admin", "equals", "on"), {"port": 7}, "unknown"),
        (Expectation("poe[ifIndex=1].power_w", "at_least", 4), {}, "confirmed"),
        (Expectation("poe[ifIndex=3].power_w", "at_least", 4), {}, "refuted"),
        (Expectation("wireless.clients", "at_least", "{few}"), {"few": 15}, "refuted"),
        (Expectation("sysContact", "at_least", 4), {}, "refuted"),
        (Expectation("", "reachable"), {}, "confirmed"),
    ],
)
def test_judging(expectation: Expectation, arguments: dict[str, Any], expected: str) -> None:
    assert verdict(expectation, arguments) == expected


@pytest.mark.parametrize(("after_s", "expected"), [(60, "confirmed"), (31, "confirmed"), (30, "refuted"), (5, "refuted")])
def test_restarted_means_up_for_a_shorter_time_than_since_the_start(after_s: int, expected: str) -> None:
    """The reading says: up for 30 s."""
    assert verdict(Expectation("uptime_s", "restarted"), after_s=after_s) == expected


@pytest.mark.parametrize("holds", ["contains", "lacks", "equals", "restarted", "reachable"])
def test_a_device_that_does_not_answer_leaves_it_open(holds: Any) -> None:
    (wish,) = wanted([Expectation("wireless.ssids", holds, "x")], {})

    assert judge(wish, Seen(STARTED, None), STARTED) == Verdict.UNKNOWN
    assert judge(wish, None, STARTED) == Verdict.UNKNOWN


def test_an_expectation_is_asked_only_when_its_arguments_are_so() -> None:
    both = [Expectation("a", "contains", "x", {"state": "present"}), Expectation("a", "lacks", "x", {"state": "absent"})]

    assert [wish.holds for wish in wanted(both, {"state": "absent"})] == ["lacks"]
    assert wanted(both, {}) == []


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["confirmed", "confirmed"], "confirmed"),
        (["confirmed", "unknown"], "unknown"),
        (["unknown", "refuted", "confirmed"], "refuted"),
        ([], "unknown"),
    ],
)
def test_one_word_for_many(verdicts: list[str], expected: str) -> None:
    assert overall(Verdict(one) for one in verdicts) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"port": 1, "label": "E 1.04"}, True),
        ({"port": 1, "label": "E 1.04", "zone": None}, True),
        ({"port": 1, "label": "E 1.04", "state": "present"}, True),
        ({"port": 1, "label": "E 1.04", "state": "absent"}, False),
        ({"port": 1, "label": "E 1.04", "psk": "new"}, False),
    ],
)
def test_what_no_expectation_speaks_of_is_not_measured(arguments: dict[str, Any], expected: bool) -> None:
    expectations = [
        Expectation("interfaces[ifIndex={port}].alias", "equals", "{label}"),
        Expectation("interfaces[ifIndex={port}].admin", "equals", "up", {"state": "present"}),
        Expectation("", "reachable", given=("psk",)),
    ]

    assert all_measured(expectations, arguments) == expected


@pytest.mark.parametrize(
    ("holds", "value", "before", "expected"),
    [
        ("contains", "Exam", ["Schule"], True),
        ("contains", "Exam", ["Schule", "Exam"], False),
        ("equals", "on", "off", True),
        ("equals", "on", None, False),
        ("restarted", None, 86_400, True),
        ("reachable", None, False, False),
    ],
)
def test_what_held_before_is_no_effect(holds: str, value: Any, before: Any, expected: bool) -> None:
    assert is_effect(holds, value, before) == expected
