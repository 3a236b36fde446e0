"""An administrator at the command line: our playbooks and our inventory, without the product's workers."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from django.db import connection

from tests.integration.automation.conftest import School

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 150


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
