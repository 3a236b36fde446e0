"""What a run is given: pinned keys, a directory for its eyes only, and text that Ansible must leave alone."""

import json
import stat
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command

from fleet.automation.execution import private
from fleet.automation.execution.order import RunOrder
from fleet.automation.services.running import _known_host
from fleet.devices import services as devices
from fleet.devices.models import Credential, Device
from tests.conftest import City

TRAP = "{{ lookup('pipe', 'id') }}"


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
        keys={"key-1": "-----KEY-----"},
        arguments={"word": TRAP, "deep": [{"a": TRAP}], "number": 3},
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

    Loader.add_constructor("!unsafe", lambda loader, node: ("unsafe", loader.construct_scalar(node)))
    given = yaml.load((made.path / "env" / "extravars").read_text(), Loader)  # noqa: S506  (a safe loader, with one mark)
    hosts = yaml.load((made.path / "inventory" / "hosts.yml").read_text(), Loader)  # noqa: S506

    assert given == {"word": ("unsafe", TRAP), "deep": [{"a": ("unsafe", TRAP)}], "number": 3}
    assert hosts["all"]["children"]["openwrt"]["hosts"]["device-1"]["note"] == ("unsafe", TRAP)


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
