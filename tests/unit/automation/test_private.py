"""What a run is given: pinned keys, a directory for its eyes only, and text that Ansible must leave alone."""

import json
import stat
from dataclasses import replace
from io import StringIO
from pathlib import Path

import asyncssh
import pytest
import yaml
from django.conf import LazySettings
from django.core.management import call_command

from fleet.automation.checks import check_git, check_programs
from fleet.automation.execution import private
from fleet.automation.execution.agent import Agent, AgentError, public_key
from fleet.automation.execution.handover import Handover
from fleet.automation.execution.order import RunOrder
from fleet.automation.services.assembling import _known_host
from fleet.devices import services as devices
from fleet.devices.models import Credential, Device
from fleet.secrets.types import Secret
from tests.conftest import City

TRAP = "{{ lookup('pipe', 'id') }}"
KEY = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()


@pytest.mark.parametrize(
    ("address", "port", "key", "line"),
    [
        ("10.0.0.7", 22, "ssh-ed25519 AAAA", "10.0.0.7 ssh-ed25519 AAAA"),
        ("10.0.0.7", 2200, "ssh-ed25519 AAAA", "[10.0.0.7]:2200 ssh-ed25519 AAAA"),
        ("2001:db8::7", 2200, "ssh-ed25519 AAAA", "[2001:db8::7]:2200 ssh-ed25519 AAAA"),
        ("10.0.0.7", 22, "ssh-ed25519 AAAA comment\n* ssh-ed25519 BBBB", "10.0.0.7 ssh-ed25519 AAAA"),
        ("10.0.0.7", 22, "", ""),
    ],
)
def test_keys_are_pinned_as_openssh_looks_for_them(address: str, port: int, key: str, line: str) -> None:
    assert _known_host(Device(address=address, ssh_port=port, ssh_host_key=key)) == line


def order(tmp_path: Path, name: str = "run") -> RunOrder:
    (tmp_path / "group_vars").mkdir(exist_ok=True)
    host = {"groups": ["openwrt"], "vars": {"note": TRAP}, "key": "key-1", "known_host": "10.0.0.7 ssh-ed25519 AAAA"}
    return RunOrder(
        private_dir=str(tmp_path / name),
        playbook="playbook.yml",
        group_vars=str(tmp_path / "group_vars"),
        hosts={"device-1": host},
        keys={"key-1": KEY},
        arguments={"word": TRAP, "deep": [{"a": TRAP}], "number": 3, "digits": ["00012345", "1:30", "yes", "null"]},
        secrets=[],
        check=True,
        timeout_s=10,
        forks=1,
    )


def test_the_directory_is_for_nobody_else(tmp_path: Path) -> None:
    made = order(tmp_path)
    private.build(made)

    for path in [made.path, *made.path.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 or "group_vars" in path.parts, path
    with pytest.raises(FileExistsError):
        private.build(made)


def test_every_text_is_marked_and_stays_what_it_was(tmp_path: Path) -> None:
    made = order(tmp_path)
    private.build(made)

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!unsafe", lambda loader, node: ("unsafe", loader.construct_mapping(node, deep=True)))
    handed = private.given(made)
    given = yaml.load(handed[made.path / "env" / "extravars"], Loader)  # noqa: S506  (a safe loader, with one mark)
    hosts = yaml.load(handed[made.path / "inventory" / "hosts.yml"], Loader)  # noqa: S506

    assert given == ("unsafe", made.arguments)
    marked, variables = hosts["all"]["children"]["openwrt"]["hosts"]["device-1"]
    assert (marked, variables["note"]) == ("unsafe", TRAP)


def test_a_path_too_long_for_sockets_does_without(tmp_path: Path) -> None:
    short, long = replace(order(tmp_path), private_dir="/run/1"), order(tmp_path, "x" * 90)

    assert "ControlPersist=30s" in private._environment(short)["ANSIBLE_SSH_ARGS"]
    assert "ControlMaster=no" in private._environment(long)["ANSIBLE_SSH_ARGS"]
    for made in (short, long):
        assert "StrictHostKeyChecking=yes" in private._environment(made)["ANSIBLE_SSH_ARGS"]


def test_a_cut_off_event_is_left_out(tmp_path: Path) -> None:
    (tmp_path / private.EVENTS).write_text('{"counter": 1}\n{"counter": 2}\n{"counter": 3, "tex')

    assert [event["counter"] for event in private.events(tmp_path)] == [1, 2]
    assert private.events(tmp_path / "nothing") == []


def test_of_a_dead_run_only_the_redacted_events_stay(tmp_path: Path) -> None:
    made = order(tmp_path)
    private.build(made)
    (made.path / private.EVENTS).write_text("{}\n")

    private.forget_secrets(made.path)

    assert [path.name for path in made.path.iterdir()] == [private.EVENTS]


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        (Credential.Kind.SSH_PASSWORD, {"username": TRAP, "password": "planted"}),
        (Credential.Kind.SSH_KEY, {"username": TRAP, "private_key": "planted"}),
    ],
)
def test_every_text_of_the_inventory_is_marked_whoever_typed_it(
    city: City, kind: Credential.Kind, secret: dict[str, str]
) -> None:
    credential = devices.create_credential(authority=city.authority, name="typed", kind=kind, secret=secret)
    Device.objects.filter(pk=city.access_point_a.pk).update(name=TRAP, ssh_credential=credential)
    out = StringIO()

    call_command("inventory", "--list", stdout=out)

    variables = json.loads(out.getvalue())["_meta"]["hostvars"]
    assert variables[f"device-{city.access_point_a.pk}"]["ansible_user"] == {"__ansible_unsafe": TRAP}
    assert not [value for host in variables.values() for value in host.values() if isinstance(value, str)]
    assert "planted" not in out.getvalue()


def test_the_inventory_knows_devices_by_number_and_holds_no_secret(city: City) -> None:
    Device.objects.filter(pk=city.access_point_a.pk).update(name=TRAP)
    out = StringIO()

    call_command("inventory", "--list", stdout=out)

    said = json.loads(out.getvalue())
    name = f"device-{city.access_point_a.pk}"
    assert name in said["openwrt"]["hosts"]
    assert said["_meta"]["hostvars"][name]["fleetdesk_device_name"] == {"__ansible_unsafe": TRAP}
    assert f"device-{city.printer_a.pk}" not in said["_meta"]["hostvars"]
    assert "planted-password" not in out.getvalue()


def test_a_link_that_somebody_else_may_have_made_is_not_followed(tmp_path: Path) -> None:
    """The directory of all runs lies where everybody may write, and its name can be guessed."""
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "runs").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(private.ForeignDirectoryError, match="no link"):
        private.build(order(tmp_path, "runs/run"))

    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_directory_of_all_runs_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir(mode=0o755)

    private.build(order(tmp_path, "runs/run"))

    assert stat.S_IMODE((tmp_path / "runs").stat().st_mode) == 0o700


def test_what_is_handed_over_is_read_as_often_as_wanted_and_then_no_more(tmp_path: Path) -> None:
    place = tmp_path / "pipe"
    text = "geheim " * 50_000  # more than a pipe holds
    handed = Handover({place: text})
    handed.open()

    with place.open("rb") as reader:
        assert reader.read(2) == b"ge", "one that only looks at the beginning"
    for _ in range(3):
        assert place.read_text() == text

    handed.close()
    assert list(tmp_path.iterdir()) == [] or [path.name for path in tmp_path.iterdir()] == [".pipe.next"]


@pytest.mark.parametrize("key", ["-----KEY-----", "", KEY[: len(KEY) // 2]])
def test_a_key_that_is_not_whole_is_said_without_showing_it(tmp_path: Path, key: str) -> None:
    with pytest.raises(AgentError, match="not whole, or has a passphrase") as caught:
        private.build(replace(order(tmp_path), keys={"key-1": key}))

    assert KEY[60:80] not in str(caught.value)


def test_an_agent_holds_several_keys_in_memory(tmp_path: Path) -> None:
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_private_key().decode()
    folder = tmp_path / ("x" * 90)

    with Agent(folder, [Secret(KEY), Secret(other)]) as agent:
        known = {" ".join(line.split()[:2]) for line in agent.public_keys}
        assert known == {public_key(Secret(KEY)), public_key(Secret(other))}
        home = agent.socket.parent

    assert not home.exists()


@pytest.mark.parametrize(("sandbox", "present", "found"), [("", True, []), ("bwrap", False, ["automation.E002"])])
def test_a_sandbox_that_is_not_there_is_said_before_anything_runs(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, sandbox: str, present: bool, found: list[str]
) -> None:
    settings.RUN_SANDBOX = sandbox
    if not present:
        monkeypatch.setenv("PATH", "/nonexistent")

    assert [error.id for error in check_programs() if error.id == "automation.E002"] == found


@pytest.mark.parametrize(("version", "found"), [("2.34.1", ["automation.W004"]), ("2.37.0", [])])
def test_a_git_that_keeps_to_no_address_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, found: list[str]
) -> None:
    program = tmp_path / "git"
    program.write_text(f"#!/bin/sh\necho git version {version}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert [one.id for one in check_git()] == found


@pytest.mark.parametrize(
    "text", ["00012345", "yes", TRAP, "a\n\n b ", "\x7f\x85\u2028\x1b", "Öl 😀", "half \ud83d", "- a: '\"\\"]
)
def test_what_an_inventory_says_is_what_was_meant(text: str) -> None:
    class Loader(yaml.SafeLoader):
        """Knows `!unsafe`, as Ansible's does."""

    Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_mapping(node, deep=True))

    written = private.to_yaml({"hosts": private.unsafe({"psk": text, "twice": [text, text]})})

    assert yaml.load(written.encode(), Loader) == {"hosts": {"psk": text, "twice": [text, text]}}  # noqa: S506
