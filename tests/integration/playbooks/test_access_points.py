"""Every playbook that changes an access point's configuration, several in one process, predicted and done."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fleet.lab.ssh import uci
from tests.integration.playbooks.conftest import Player

PSK = 'pl4nted key, "quo\'ted" {{ x }} $(id)'
SECRET = "pl4nted-{{x}}';$(id)`id`"
IMAGE = "lab firmware 24.10.9\n" + "x" * 5000
BOOKS = ["psk-rotate", "radius", "radio-plan", "snmp-credential-rotate", "ssh-key-rotate"]


def given(player: Player) -> dict[str, Any]:
    return {
        "ssid": player.lab.ap.on_air[0].ssid,
        "psk": PSK,
        "radius_server": "radius.musterstadt.example",
        "radius_secret": SECRET,
        "band": "5g",
        "channel": 48,
        "width_mhz": "40",
        "power_dbm": 17,
        "new_community": SECRET,
        "public_keys": [" ".join(player.lab.keys.client_public_key().split()[:2])],
    }


def wireless(player: Player, kind: str) -> list[dict[str, Any]]:
    return [dict(one.options) for one in uci.parse(player.lab.ap.files["/etc/config/wireless"]) if one.type == kind]


async def test_a_plan_without_a_power_leaves_the_one_that_is_there(player: Player) -> None:
    power = [radio.get("txpower") for radio in wireless(player, "wifi-device")]
    plan = {"band": "2g", "channel": 11}

    checked = await player.play("radio-plan", plan, "--check")
    done = await player.play("radio-plan", plan)
    again = await player.play("radio-plan", plan)

    assert (checked.changed, done.changed, again.changed) == (1, 1, 0), checked.out + done.out + again.out
    radios = wireless(player, "wifi-device")
    assert [radio["channel"] for radio in radios if radio["band"] == "2g"] == ["11"]
    assert [radio.get("txpower") for radio in radios] == power


async def test_predicted_done_done_again_and_taken_back(player: Player) -> None:
    asked, factory, community = given(player), dict(player.lab.ap.files), player.lab.ap.communities

    kept = await player.play("backup", None, "-v")
    checked = await player.all_of(BOOKS, asked, "--check")
    assert player.lab.ap.files == factory
    done = await player.all_of(BOOKS, asked)
    again = await player.all_of(BOOKS, asked)

    assert (checked.status, done.status, again.status) == (0, 0, 0), checked.out + done.out + again.out
    assert [played.tasks()["ap"].count("changed") for played in (checked, done, again)] == [5, 5, 0], again.out
    assert checked.out == done.out
    assert "pl4nted" not in checked.out + done.out + again.out
    assert ".key=*** (changed)" in done.out
    radios, wifis = wireless(player, "wifi-device"), wireless(player, "wifi-iface")
    assert [radio["channel"] for radio in radios if radio["band"] == "5g"] == ["48"]
    assert [radio.get("txpower") for radio in radios] == [None, "17"]
    assert [(wifi["key"], wifi["auth_secret"]) for wifi in wifis] == [(PSK, SECRET)] * 2
    assert player.lab.ap.communities == community | {SECRET}, "the new one stands beside the old one"
    assert player.lab.ap.files["/etc/dropbear/authorized_keys"] == asked["public_keys"][0] + "\n"

    text = re.search(r'"fleetdesk_configuration": ("(?:[^"\\]|\\.)*")', kept.out)
    assert text
    for expected in (1, 0):
        back = await player.play("restore", {"backup": 1, "fleetdesk_configuration": json.loads(text[1])})
        assert (back.status, back.changed) == (0, expected), back.out
        assert "pl4nted" not in back.out
    assert wireless(player, "wifi-iface") == [
        dict(one.options) for one in uci.parse(factory["/etc/config/wireless"]) if one.type == "wifi-iface"
    ]
    assert player.lab.ap.communities == community


async def test_the_old_community_goes_and_only_that(player: Player) -> None:
    ap = player.lab.ap
    (old,) = ap.communities
    ap.files["/etc/config/snmpd"] += (
        "\nconfig com2sec\n\toption secname ro\n\toption source default\n\toption community Fremde\n"
    )
    ap.reload("snmpd")
    rotation = {"new_community": SECRET, "retired_community": old}

    await player.play("snmp-credential-rotate", {"new_community": SECRET})
    assert ap.communities == {old, "Fremde", SECRET}
    checked = await player.play("snmp-credential-rotate", rotation, "--check")
    done = await player.play("snmp-credential-rotate", rotation)
    again = await player.play("snmp-credential-rotate", rotation)

    assert [one.changed for one in (checked, done, again)] == [1, 1, 0], done.out + again.out
    assert checked.out == done.out
    assert ap.communities == {"Fremde", SECRET}
    assert old not in done.out
    assert "pl4nted" not in done.out


async def test_other_peoples_keys_stay_whatever_stands_beside_them(player: Player) -> None:
    ap, ours = player.lab.ap, " ".join(player.lab.keys.client_public_key().split()[:2])
    alien, old = (f"ssh-ed25519 {'A' * 40}{letter}" for letter in "BC")
    ap.files["/etc/dropbear/authorized_keys"] = (
        f'no-pty,command="echo {{{{ x }}}}" {alien} Fremde\n# note\n{old} old\n{ours} ours\n'
    )
    rotation = {"public_keys": [ours], "retired_keys": [old]}

    checked = await player.play("ssh-key-rotate", rotation, "--check")
    done = await player.play("ssh-key-rotate", rotation)
    again = await player.play("ssh-key-rotate", rotation)

    assert [one.changed for one in (checked, done, again)] == [1, 1, 0], done.out + again.out
    assert checked.out == done.out
    expected = f'no-pty,command="echo {{{{ x }}}}" {alien} Fremde\n# note\n{ours} ours\n'
    assert ap.files["/etc/dropbear/authorized_keys"] == expected


async def test_keys_that_lock_us_out_are_taken_back_by_the_device(player: Player) -> None:
    stranger = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

    ours = " ".join(player.lab.keys.client_public_key().split()[:2])
    player.lab.ap.files["/etc/dropbear/authorized_keys"] = f"{ours}\n"
    given = {"public_keys": [stranger], "retired_keys": [ours], "confirm_timeout_s": 3}

    played = await player.play("ssh-key-rotate", given)

    assert played.status != 0
    assert "rolled back: the device has its old configuration again" in played.out
    assert player.lab.ap.files["/etc/dropbear/authorized_keys"] == f"{ours}\n"


@pytest.fixture
def images(tmp_path: Path) -> Iterator[str]:
    """Serves images of firmware; the address."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "ap.bin").write_text(IMAGE)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "www")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/ap.bin"
    server.shutdown()
    thread.join()
    server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Tests are quiet."""


async def test_firmware_is_put_in_place_first_and_installed_later(player: Player, images: str) -> None:
    asked = {"version": "24.10.9", "url": images, "sha256": hashlib.sha256(IMAGE.encode()).hexdigest()}
    booted_at, ap = player.lab.ap.booted_at, player.lab.ap

    wrong = await player.play("firmware", asked | {"sha256": "0" * 64})
    checked = await player.play("firmware", asked, "--check")
    assert "/tmp/fleetdesk-firmware.bin" not in ap.files  # noqa: S108 - a path on the device
    prepared = await player.play("firmware", asked)
    assert ap.booted_at == booted_at
    installed = await player.play("firmware", asked | {"step": "install"})
    again = await player.play("firmware", asked | {"step": "install"})

    assert "the image is not the one that was meant" in wrong.out
    assert (prepared.status, prepared.changed) == (0, 1), prepared.out
    assert checked.out == prepared.out
    assert (installed.status, installed.changed, again.changed) == (0, 1, 0), installed.out + again.out
    assert "+version 24.10.9" in installed.out
    assert ap.booted_at > booted_at
    assert ap.firmware == "OpenWrt 24.10.9"


@pytest.mark.parametrize(
    ("slug", "wrong"),
    [
        ("psk-rotate", {"ssid": "No such Wi-Fi"}),
        ("psk-rotate", {"psk": "too short"}),
        ("radius", {"radius_server": "x; reboot"}),
        ("radio-plan", {"channel": 14}),
        ("ssh-key-rotate", {"public_keys": ['command="reboot" ssh-ed25519 AAAA']}),
        ("ssh-key-rotate", {"public_keys": [f"ssh-ed25519 {'A' * 48}"], "retired_keys": [f"ssh-ed25519 {'A' * 48} x"]}),
        ("snmp-credential-rotate", {"retired_community": SECRET}),
        ("snmp-credential-rotate", {"new_community": "with blank"}),
    ],
)
async def test_what_cannot_be_is_refused(player: Player, slug: str, wrong: dict[str, object]) -> None:
    before = dict(player.lab.ap.files)

    played = await player.play(slug, given(player) | wrong)

    assert (played.status != 0, played.changed) == (True, 0), played.out
    assert player.lab.ap.files == before
