"""The action `uci_config` itself: what it writes, and how the device takes back what cuts it off."""

from pathlib import Path

import pytest

from tests.integration.namespaces.hostile import TEXTS
from tests.integration.namespaces.target import Player

pytestmark = pytest.mark.namespaces

NTP = {"system": {"ntp": {"type": "timeserver", "options": {"server": ["192.0.2.9"]}}}}
TIMEOUT_S = 3


def test_a_configuration_that_cuts_the_device_off_is_restored_by_the_device(ap: Player) -> None:
    before = ap.target.configuration()
    wrong = {"network": {"lan": {"options": {"ipaddr": "198.51.100.7"}}}}

    done = ap.task("uci_config", {"packages": wrong, "reload": ["network"], "confirm_timeout_s": TIMEOUT_S})

    assert done.status != 0
    assert "rolled back" in done.out
    assert "not reachable with its new configuration" in done.out
    assert ap.target.configuration() == before
    assert ap.target.said("ls /tmp | grep -c '^fleetdesk$' || true") == "0\n"


def test_a_reload_that_fails_is_taken_back_at_once(ap: Player) -> None:
    before = ap.target.configuration()

    done = ap.task("uci_config", {"packages": NTP, "reload": ["broken"], "confirm_timeout_s": 60})

    assert done.status != 0
    assert "rolled back" in done.out
    assert ap.target.configuration() == before


def test_unconfirmed_changes_are_restored_without_the_controller(ap: Player) -> None:
    """The controller is killed after it has written: it never confirms."""
    before = ap.target.configuration()
    ap.environment["ANSIBLE_SSH_EXECUTABLE"] = str(_mute_after_writing(ap))

    done = ap.task("uci_config", {"packages": NTP, "confirm_timeout_s": TIMEOUT_S})

    assert done.status != 0
    assert "rolled back" in done.out
    assert ap.target.configuration() == before


def _mute_after_writing(ap: Player) -> Path:
    """An ssh whose third connection and those of the next seconds fail, as if the path had died."""
    log, wrapper = ap.home / "connections", ap.home / "ssh-dying"
    wrapper.write_text(
        "#!/bin/sh\n"
        'case " $* " in *" -O "*) exec ssh "$@" ;; esac\n'
        f"echo . >>'{log}'\n"
        f"[ $(wc -l <'{log}') -le 2 ] && exec ssh \"$@\"\n"
        f"[ -e '{log}.end' ] || date +%s >'{log}.end'\n"
        f"[ $(($(date +%s) - $(cat '{log}.end'))) -gt {TIMEOUT_S + 2} ] && exec ssh \"$@\"\n"
        "exit 255\n"
    )
    wrapper.chmod(0o755)
    return wrapper


def test_what_somebody_staged_is_neither_committed_nor_lost(ap: Player) -> None:
    before = ap.target.said("cat /etc/config/system")
    ap.target.said("uci set system.ntp.enabled=0")
    try:
        refused = ap.task("uci_config", {"packages": {"system": {"ntp": {"options": {"enable_server": True}}}}})

        assert refused.status != 0
        assert "staged" in refused.out
        assert ap.target.said("uci changes system").strip() == "system.ntp.enabled='0'"
        assert ap.target.said("cat /etc/config/system") == before
    finally:
        ap.target.said("uci revert system")


def test_a_second_change_waits_for_the_first_to_be_confirmed(ap: Player) -> None:
    ap.target.said("mkdir /tmp/fleetdesk")
    before = ap.target.configuration()
    try:
        done = ap.task("uci_config", {"packages": {"system": {"ntp": {"options": {"server": ["192.0.2.77"]}}}}})

        assert done.status != 0
        assert "waits for its confirmation" in done.out
        assert ap.target.configuration() == before
    finally:
        ap.target.said("rmdir /tmp/fleetdesk")


def test_every_hostile_text_is_kept_as_it_is(ap: Player) -> None:
    packages = {"wireless": {"hostile": {"type": "test", "options": {**TEXTS, "all": list(TEXTS.values())}}}}

    done = ap.task("uci_config", {"packages": "{{ packages }}"}, variables={"packages": packages})

    assert done.changed == 1, done.out
    for name, text in TEXTS.items():
        assert ap.target.said(f"uci get wireless.hostile.{name}") == text + "\n"
    assert ap.task("uci_config", {"packages": "{{ packages }}"}, variables={"packages": packages}).changed == 0
    ap.task("uci_config", {"packages": {"wireless": {"hostile": {"state": "absent"}}}})


def test_a_line_break_cannot_begin_a_second_command(ap: Player) -> None:
    before = ap.target.configuration()
    packages = {"wireless": {"hostile": {"type": "test", "options": {"text": "a'\nset wireless.evil=test\n'b"}}}}

    refused = ap.task("uci_config", {"packages": packages})

    assert refused.status != 0
    assert "line break" in refused.out
    assert ap.target.configuration() == before


def test_anonymous_sections_are_reached_by_index(ap: Player) -> None:
    add = {"wireless": {"@wifi-note[0]": {"type": "wifi-note", "options": {"text": "first"}}}}
    change = {"wireless": {"@wifi-note[0]": {"options": {"text": "second", "more": ["a", "b"]}}}}

    made = ap.task("uci_config", {"packages": add})
    changed = ap.task("uci_config", {"packages": change})
    again = ap.task("uci_config", {"packages": change})
    shown = ap.target.said("uci show wireless | grep wifi-note")
    removed = ap.task("uci_config", {"packages": {"wireless": {"@wifi-note[0]": {"state": "absent"}}}})

    assert [made.changed, changed.changed, again.changed, removed.changed] == [1, 1, 0, 1], made.out + removed.out
    assert "text='second'" in shown
    assert "more='a' 'b'" in shown
    assert ap.target.ssh("uci get wireless.@wifi-note[0]").returncode != 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"packages": {"../passwd": {}}}, "not a name of a UCI package"),
        ({"packages": {"system": {"a; reboot": {"type": "x"}}}}, "not a name of a UCI section"),
        ({"packages": {"system": {"ntp": {"options": {"x=1\nreboot": "1"}}}}}, "not a name of a UCI option"),
        ({"packages": {"system": {"nope": {"options": {"x": "1"}}}}}, "without a type"),
        ({"packages": {"nope": {"x": {"type": "y"}}}}, "no UCI package nope"),
        ({"packages": {"system": {"ntp": {"state": "maybe"}}}}, "present or absent"),
        ({"reload": ["$(reboot)"]}, "not the name of a service"),
        ({"files": {"/etc/../etc/passwd": "x"}}, "not a plain absolute path"),
    ],
)
def test_what_cannot_be_said_is_refused(ap: Player, arguments: dict[str, object], why: str) -> None:
    refused = ap.task("uci_config", arguments)

    assert refused.status != 0
    assert why in refused.out


def test_files_are_written_and_taken_back(ap: Player) -> None:
    before = ap.target.said("cat /etc/banner")
    text = "It's {{ 1 }}\n$(id)\n"

    done = ap.task("uci_config", {"files": "{{ files }}"}, variables={"files": {"/etc/banner": text}})
    again = ap.task("uci_config", {"files": "{{ files }}"}, variables={"files": {"/etc/banner": text}})
    shown = ap.target.said("cat /etc/banner")
    failing = ap.task("uci_config", {"files": {"/etc/banner": "other\n", "/etc/new": "new\n"}, "reload": ["broken"]})

    assert (done.changed, again.changed, shown) == (1, 0, text), done.out
    assert "rolled back" in failing.out
    assert ap.target.said("cat /etc/banner") == text
    assert ap.target.ssh("cat /etc/new").returncode != 0
    ap.task("uci_config", {"files": {"/etc/banner": before}})
