"""The playbook `ssid` on an OpenWrt."""

import hashlib

import pytest

from tests.integration.namespaces import hostile
from tests.integration.namespaces.target import Player

pytestmark = pytest.mark.namespaces

EXAM = {"ssid": "Exam 204", "psk": "planted-exam-key"}
OFF = {**EXAM, "state": "absent"}


def section(ssid: str) -> str:
    return f"fleetdesk_{hashlib.sha256(ssid.encode()).hexdigest()[:12]}"


def test_check_mode_changes_nothing_and_says_what_will_change(ap: Player) -> None:
    ap.playbook("ssid", OFF)
    before = ap.target.configuration()

    checked = ap.playbook("ssid", EXAM, "--check")
    untouched = ap.target.configuration()
    done = ap.playbook("ssid", EXAM)

    assert untouched == before
    assert checked.changed == 1
    assert checked.diff
    assert checked.diff == done.diff


def test_a_second_run_changes_nothing_in_one_round_trip(ap: Player) -> None:
    ap.playbook("ssid", EXAM)

    again = ap.playbook("ssid", EXAM)

    assert again.status == 0, again.out
    assert again.changed == 0
    assert again.round_trips == 1


def test_writing_takes_three_round_trips(ap: Player) -> None:
    ap.playbook("ssid", OFF)

    done = ap.playbook("ssid", EXAM)

    assert done.changed == 1, done.out
    assert done.round_trips == 3  # read, write, confirm


def test_it_leads_only_into_a_network_that_the_device_has(ap: Player) -> None:
    ap.playbook("ssid", OFF)
    before = ap.target.configuration()

    refused = ap.playbook("ssid", {**EXAM, "network": "guest"})
    untouched = ap.target.configuration()
    done = ap.playbook("ssid", {**EXAM, "network": "lan"})

    assert refused.status != 0
    assert "the device has no interface 'guest'" in refused.out
    assert untouched == before
    assert (done.status, done.changed) == (0, 1), done.out


def test_a_wifi_is_made_on_every_radio_and_taken_away_again(ap: Player) -> None:
    without = ap.playbook("ssid", OFF).status, ap.target.configuration()

    ap.playbook("ssid", EXAM)
    made = ap.target.configuration()
    ap.playbook("ssid", OFF)

    assert made.count("option ssid 'Exam 204'") == 2
    assert made.count("option encryption 'sae-mixed'") == without[1].count("option encryption 'sae-mixed'") + 2
    assert made.count("option isolate '1'") == 2
    assert (0, ap.target.configuration()) == without


def test_the_key_is_seen_nowhere(ap: Player) -> None:
    ap.playbook("ssid", OFF)

    made = ap.playbook("ssid", EXAM, "-vvvv")
    changed = ap.playbook("ssid", {**EXAM, "psk": "another-exam-key"}, "-vvvv")

    assert made.changed == changed.changed == 1
    assert "planted-exam-key" not in made.out + changed.out
    assert "another-exam-key" not in changed.out
    assert "*** (changed)" in changed.diff


@pytest.mark.parametrize("ssid", hostile.SHORT)
def test_a_name_arrives_as_text(ap: Player, ssid: str) -> None:
    done = ap.playbook("ssid", {"ssid": ssid, "psk": "planted-exam-key"})

    assert done.status == 0, done.out
    assert ap.target.said(f"uci get wireless.{section(ssid)}_radio0.ssid") == ssid + "\n"
    assert "uid=" not in done.out


@pytest.mark.parametrize("psk", [text for text in hostile.ASCII if len(text) >= 8])
def test_a_key_arrives_as_text(ap: Player, psk: str) -> None:
    done = ap.playbook("ssid", {"ssid": "Keys", "psk": psk})

    assert done.status == 0, done.out
    assert ap.target.said(f"uci get wireless.{section('Keys')}_radio0.key") == psk + "\n"
    assert psk not in done.out


@pytest.mark.parametrize(
    "arguments",
    [
        {"psk": "planted-exam-key"},
        {**EXAM, "ssid": "x" * 33},
        {**EXAM, "ssid": "two\nlines"},
        {**EXAM, "ssid": ""},
        {**EXAM, "psk": "short"},
        {**EXAM, "psk": "planted-exam-key\n"},
        {"ssid": "No key"},
        {**EXAM, "state": "{{ lookup('pipe','id') }}"},
        {**EXAM, "encryption": "none"},
        {**EXAM, "isolate": "; reboot"},
    ],
)
def test_wrong_arguments_never_reach_the_device(ap: Player, arguments: dict[str, str]) -> None:
    refused = ap.playbook("ssid", arguments)

    assert refused.failed
    assert refused.round_trips == 0
    assert "planted-exam-key" not in refused.out
    assert "uid=" not in refused.out
