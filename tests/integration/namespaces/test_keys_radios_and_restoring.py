"""The playbooks that change what is there, and put it back, on an access point that has nothing but busybox and dropbear."""

import json
import re

import pytest

from tests.integration.namespaces.target import Player

pytestmark = pytest.mark.namespaces
PSK = "pl4nted key, 'quoted' {{ x }} $(id)"
ROTATION = {"ssid": "School", "psk": PSK}
PLAN = {"band": "5g", "channel": 48, "width_mhz": "40", "power_dbm": 17}


def test_a_rotated_key_and_a_plan_are_put_back_as_they_were(ap: Player) -> None:
    before = ap.target.configuration()
    kept = re.search(r'"fleetdesk_configuration": ("(?:[^"\\]|\\.)*")', ap.playbook("backup", None, "-v").out)
    assert kept

    checked, done, again = (ap.playbook("psk-rotate", ROTATION, *flags) for flags in (["--check"], [], []))
    planned = ap.playbook("radio-plan", PLAN)

    assert (checked.changed, done.changed, again.changed) == (1, 1, 0), checked.out + done.out + again.out
    assert checked.diff
    assert checked.diff == done.diff
    assert "pl4nted" not in checked.out + done.out + again.out
    assert planned.changed == 1, planned.out
    assert ap.target.said("uci get wireless.@wifi-iface[0].key") == PSK + "\n"
    assert ap.target.said("uci get wireless.radio1.channel") == "48\n"
    assert ap.target.said("uci get wireless.radio0.channel") == "1\n"

    text = {"backup": 1, "fleetdesk_configuration": json.loads(kept[1])}
    back, still = ap.playbook("restore", text), ap.playbook("restore", text)
    assert (back.changed, still.changed) == (1, 0), back.out + still.out
    assert "planted" not in back.out
    assert ap.target.configuration() == before
