"""The playbooks `ap-restart` and `baseline` on an access point that has nothing but busybox and dropbear."""

import pytest

from tests.integration.namespaces import hostile
from tests.integration.namespaces.target import Player

pytestmark = pytest.mark.namespaces
BASELINE = {
    "ntp_servers": ["ntp1.musterstadt.example", "192.0.2.9"],
    "syslog_host": "192.0.2.10",
    "snmp_contact": "IT der Stadt, Zimmer 12",
    "banner": "Nur für Befugte",
}


def boots(ap: Player) -> int:
    return int(ap.target.said("cat /var/log/boots 2>/dev/null | wc -l"))


def test_a_restart_is_waited_for_and_only_announced_in_check_mode(ap: Player) -> None:
    before = boots(ap)

    checked = ap.playbook("ap-restart", None, "--check")
    after_check = boots(ap)
    done = ap.playbook("ap-restart")

    assert (checked.status, checked.changed, after_check) == (0, 1, before), checked.out
    assert (done.status, done.changed, boots(ap)) == (0, 1, before + 1), done.out
    assert ap.playbook("ap-restart").changed == 1


def test_the_baseline_is_predicted_made_and_then_left_alone(ap: Player) -> None:
    before = ap.target.configuration()

    checked = ap.playbook("baseline", BASELINE, "--check")
    untouched = ap.target.configuration()
    done = ap.playbook("baseline", BASELINE)
    again = ap.playbook("baseline", BASELINE)

    assert untouched == before
    assert (checked.changed, done.changed, again.changed) == (1, 1, 0), done.out + again.out
    assert checked.diff == done.diff
    assert checked.diff
    assert again.round_trips == 1
    assert ap.target.said("uci get system.ntp.server") == "ntp1.musterstadt.example 192.0.2.9\n"
    assert ap.target.said("uci get system.@system[0].log_ip") == "192.0.2.10\n"
    assert ap.target.said("uci get snmpd.@system[0].sysContact") == "IT der Stadt, Zimmer 12\n"
    assert ap.target.said("cat /etc/banner") == "Nur für Befugte\n"


@pytest.mark.parametrize("text", hostile.TEXTS.values(), ids=hostile.TEXTS)
def test_banner_and_contact_arrive_as_text(ap: Player, text: str) -> None:
    started = boots(ap)

    done = ap.playbook("baseline", {**BASELINE, "banner": text, "snmp_contact": text})

    assert done.status == 0, done.out
    assert ap.target.said("cat /etc/banner") == text + "\n"
    assert ap.target.said("uci get snmpd.@system[0].sysContact") == text + "\n"
    assert boots(ap) == started
    assert "uid=" not in done.out
