"""`manage.py lab` as people and the demo use it: a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.lab.city import Device, SnmpV2c, demo_city, large_city
from fleet.lab.server import Options
from fleet.lab.world import AccessPoint, World
from tests.bench.snmp import get_request

BASE_DIR = Path(__file__).resolve().parents[3]
START_LIMIT_S = 30
AP = demo_city().by_key["lindenhain-ap-204"]


@pytest.fixture
def environment(options: Options) -> dict[str, str]:
    return os.environ | {
        "VAR_DIR": str(options.directory.parent),
        "LAB_SNMP_PORT": str(options.ports.snmp),
        "LAB_SSH_PORT": str(options.ports.ssh),
        "TRAP_PORT": str(options.trap_receiver[1]),
        "DATABASE_URL": "",
        "BROKER_URL": "",
    }


@pytest.fixture
def served(options: Options, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = _serve(options, environment)
    yield process
    process.kill()
    process.wait()


def _serve(options: Options, environment: dict[str, str], *more: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "manage.py", "lab", "serve", *more], cwd=BASE_DIR, env=environment)
    deadline = time.monotonic() + START_LIMIT_S
    while not options.ready.exists():
        assert process.poll() is None, "the lab ended by itself"
        assert time.monotonic() < deadline, "the lab did not start in time"
        time.sleep(0.05)
    return process


def manage(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "lab", *arguments]
    return subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=False)


def snmp_name(options: Options) -> str:
    """sysName of the access point, asked by net-snmp's own tool; empty when nothing comes back."""
    assert isinstance(AP.snmp, SnmpV2c)
    address = f"{AP.address}:{options.ports.snmp}"
    command = ["snmpget", "-r0", "-t1", "-Oqv", "-v2c", "-c", AP.snmp.community, address, "1.3.6.1.2.1.1.5.0"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().strip('"')


def ssh(options: Options, command: str) -> str:
    key = str(options.keys / "client_ed25519")
    flags = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-i", key]
    full = ["ssh", *flags, "-F", "none", "-p", str(options.ports.ssh), f"root@{AP.address}", command]
    return subprocess.run(full, capture_output=True, text=True, check=True, timeout=20).stdout


@pytest.mark.skipif(not Path("/usr/bin/snmpget").exists(), reason="net-snmp's tools are not installed")
def test_fault_and_heal_from_the_command_line(
    options: Options, environment: dict[str, str], served: subprocess.Popen[bytes]
) -> None:
    assert served.poll() is None
    assert snmp_name(options) == AP.key
    assert "dead: lindenhain-gw" in manage(environment, "fault", "dead", "lindenhain-gw").stdout
    deadline = time.monotonic() + 5
    while snmp_name(options) and time.monotonic() < deadline:
        pass
    assert snmp_name(options) == ""
    assert "dead: lindenhain-gw" in manage(environment, "status").stdout
    assert manage(environment, "heal").stdout == "Nothing is broken.\n"
    deadline = time.monotonic() + 5
    while not snmp_name(options) and time.monotonic() < deadline:
        pass
    assert snmp_name(options) == AP.key


def test_what_was_changed_over_ssh_survives_a_stop_and_a_start(
    options: Options, environment: dict[str, str], served: subprocess.Popen[bytes]
) -> None:
    ssh(options, "uci set system.system.hostname=kept; uci set wireless.radio0.disabled=1; uci commit; wifi reload")
    served.send_signal(signal.SIGTERM)
    assert served.wait(timeout=10) == 0
    assert not options.ready.exists()

    world = World(demo_city())
    assert world.load(options.state)
    machine = world.by_key(AP.key)
    assert isinstance(machine, AccessPoint)
    assert "option hostname 'kept'" in machine.files["/etc/config/system"]
    assert list(machine.active_ssids) == ["radio1"]

    again = _serve(options, environment)
    try:
        assert ssh(options, "uci get wireless.radio0.disabled") == "1\n"
    finally:
        again.terminate()
        again.wait(timeout=10)


def test_nonsense_is_refused_in_words(options: Options, environment: dict[str, str]) -> None:
    wrong = manage(environment, "fault", "dead", "no-such-device")
    assert wrong.returncode != 0
    assert "No device matches 'no-such-device'." in wrong.stderr
    assert not options.faults.exists()
    assert "The lab is not running." in manage(environment, "status").stdout


def test_a_taken_port_is_named(options: Options, environment: dict[str, str], served: subprocess.Popen[bytes]) -> None:
    second = manage(environment | {"VAR_DIR": str(options.directory.parent / "second")}, "serve")
    assert second.returncode != 0
    assert f"UDP port {options.ports.snmp}" in second.stderr
    assert served.poll() is None


def test_one_process_answers_for_five_hundred_devices(options: Options, environment: dict[str, str]) -> None:
    devices = large_city(500).devices
    process = _serve(options, environment, "--devices", "500")
    try:
        assert len(devices) == 500
        assert {device.address for device in devices if _answers(device, options.ports.snmp)} == {
            device.address for device in devices
        }
    finally:
        process.kill()
        process.wait()


def _answers(device: Device, port: int) -> bool:
    assert isinstance(device.snmp, SnmpV2c)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(5)
        asker.connect((device.address, port))
        asker.send(get_request(device.snmp.community))
        return bool(asker.recv(65535))
