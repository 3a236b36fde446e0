"""An administrator at the command line: our playbooks and our inventory, without the product's workers."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from django.db import connection

from tests.integration.automation.conftest import School

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 150
SECRET = "gepflanzt-7Kx2-9mQw"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
BOOKS = {
    "openwrt": (
        "ap-restart backup baseline firmware psk-rotate radio-plan radius snmp-credential-rotate ssh-key-rotate ssid",
        {
            "ntp_servers": "ntp1.musterstadt.example, 192.0.2.9",
            "snmp_contact": "IT",
            "public_keys": KEY,
            "version": "25.1",
            "url": "http://127.0.0.1:9/image",
            "sha256": "a" * 64,
            "psk": SECRET,
            "radius_server": "192.0.2.9",
            "radius_secret": SECRET,
            "new_community": SECRET,
            "band": "5g",
            "channel": "48",
            "width_mhz": "40",
        },
    ),
    "labswitch": (
        "backup baseline lldp-enable poe-cycle poe-on port-label port-quarantine port-vlan snmp-credential-rotate",
        {
            "ntp_servers": ["ntp1.musterstadt.example"],
            "banner": "Nur für Befugte",
            "new_community": SECRET,
            "port": "5",
            "label": "Dose 204-1",
            "vlan": "20",
            "zone": "Verwaltung",
        },
    ),
}
ELSEWHERE = "linux-updates printer-queue radius-certificate radius-switch"
"""For platforms of which the small school has no device."""


def database_url() -> str:
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    return f"postgres://{database['USER']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


def ansible_playbook(school: School, home: Path, control: str, *words: str) -> subprocess.CompletedProcess[str]:
    lines = [f"[{device.address}]:{device.ssh_port} {device.ssh_host_key}\n" for device in (*school.aps, school.switch)]
    (home / "known_hosts").write_text("".join(lines))
    options = f"-F none -o UserKnownHostsFile={home}/known_hosts -i {school.wire.keys.directory}/client_ed25519"
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "DATABASE_URL": database_url(),
        "ANSIBLE_SSH_COMMON_ARGS": options,
        "ANSIBLE_SSH_CONTROL_PATH_DIR": control,
    }
    command = ["ansible-playbook", "-i", "inventory/", *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def test_a_playbook_runs_at_the_top_of_the_checkout_with_our_inventory(school: School, tmp_path: Path) -> None:
    given = ["-e", "port=10", "-e", "label=Dose-204", "--limit", "labswitch"]

    with tempfile.TemporaryDirectory(prefix="cp") as control:
        played = ansible_playbook(school, tmp_path, control, "playbooks/port-label/playbook.yml", *given)

    assert played.returncode == 0, played.stdout + played.stderr
    assert f"device-{school.switch.pk}" in played.stdout
    assert "changed=1" in played.stdout
    switch = school.wire.world.device(str(school.switch.address))
    assert switch.running_config.ports[10].description == "Dose-204"  # type: ignore[union-attr]
    assert "group names" not in played.stderr


def test_secrets_come_from_a_file_and_a_second_run_changes_nothing(school: School, tmp_path: Path) -> None:
    ssid = min(school.on_air(school.ap))
    given = tmp_path / "new-key.yml"
    given.write_text(f"ssid: {ssid}\npsk: gepflanzt-7Kx2-9mQw\n")
    words = ["playbooks/psk-rotate/playbook.yml", "--limit", f"device-{school.ap.pk}", "-e", f"@{given}", "--diff"]

    with tempfile.TemporaryDirectory(prefix="cp") as control:
        checked, done, again = (ansible_playbook(school, tmp_path, control, *words, *more) for more in (["--check"], [], []))

    assert [one.returncode for one in (checked, done, again)] == [0, 0, 0], done.stdout + done.stderr
    assert ["changed=1" in one.stdout for one in (checked, done, again)] == [True, True, False]
    assert all("gepflanzt" not in one.stdout + one.stderr for one in (checked, done, again))


@pytest.mark.parametrize("group", BOOKS)
def test_each_playbook_tells_beforehand_what_it_would_do(school: School, tmp_path: Path, group: str) -> None:
    slugs, given = BOOKS[group]
    before = school.configured()
    file = tmp_path / "given.yml"
    file.write_text(json.dumps({"ssid": min(school.on_air(school.ap))} | given))
    paths = [f"playbooks/{slug}/playbook.yml" for slug in slugs.split()]

    with tempfile.TemporaryDirectory(prefix="cp") as control:
        words = ["--check", "--diff", "--limit", group, "-e", f"@{file}"]
        checked = ansible_playbook(school, tmp_path, control, *paths, *words)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    warnings = re.findall(r"WARNING\]: (.*)", checked.stderr)
    assert [one for one in warnings if "reserved name 'port'" not in one] == [], "Ansible has a keyword of that name"
    assert "gepflanzt" not in checked.stdout + checked.stderr
    plays = checked.stdout.split("\nPLAY [")[1:]
    silent = [slug for slug, play in zip(slugs.split(), plays, strict=True) if "changed: [" not in play]
    assert silent == [slug for slug in ("backup", "lldp-enable", "poe-on") if slug in slugs], checked.stdout
    assert school.configured() == before


def test_what_is_for_none_of_our_devices_says_so(school: School, tmp_path: Path) -> None:
    paths = [f"playbooks/{slug}/playbook.yml" for slug in ELSEWHERE.split()]

    with tempfile.TemporaryDirectory(prefix="cp") as control:
        played = ansible_playbook(school, tmp_path, control, *paths, "--check")

    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout.count("skipping: no hosts matched") == len(paths)


def test_restoring_says_what_it_lacks_and_no_playbook_is_forgotten_here(school: School, tmp_path: Path) -> None:
    words = ["playbooks/restore/playbook.yml", "--check", "--limit", "labswitch"]

    with tempfile.TemporaryDirectory(prefix="cp") as control:
        bare, alone = (ansible_playbook(school, tmp_path, control, *words, *more) for more in ([], ["-e", "backup=0"]))

    assert (bare.returncode, alone.returncode) == (2, 2)
    assert "missing required arguments: backup" in bare.stdout
    assert "by hand, give it with -e @file" in alone.stdout
    tried = {*" ".join(slugs for slugs, _ in BOOKS.values()).split(), *ELSEWHERE.split(), "restore"}
    assert tried == {path.parent.name for path in (ROOT / "playbooks").glob("*/manifest.toml")}


def test_without_a_limit_it_goes_over_all_it_is_for_and_nothing_else(school: School, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="cp") as control:
        kept = ansible_playbook(school, tmp_path, control, "playbooks/backup/playbook.yml")
        given = ["-e", "band=5g", "-e", "channel=48", "--check"]
        planned = ansible_playbook(school, tmp_path, control, "playbooks/radio-plan/playbook.yml", *given)

    for played, devices in ((kept, [*school.aps, school.switch]), (planned, school.aps)):
        assert played.returncode == 0, played.stdout + played.stderr
        recap = played.stdout.partition("PLAY RECAP")[2]
        assert sorted(re.findall(r"^device-\d+", recap, re.MULTILINE)) == sorted(f"device-{one.pk}" for one in devices)
        assert "WARNING" not in played.stderr
    assert "config wifi-iface" not in kept.stdout, "what is fetched holds keys, and is shown only with -v"
