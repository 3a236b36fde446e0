"""Credentials on the way to devices: certificates for one run, and renewing without ever being locked out."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any, Self

import asyncssh
import pytest
from django.db import connection

from fleet.automation.models import Change, CredentialUse, HostResult, Rotation, RotationStep, Run
from fleet.automation.services import credentials
from fleet.automation.services.credentials import RotationError, rotate, set_use, settle
from fleet.automation.services.retiring import old_left
from fleet.devices import services as devices
from fleet.devices.models import Credential, Device
from fleet.devices.services import DeviceError
from fleet.events.models import Event
from fleet.people.models import User
from fleet.people.rules import Role
from tests.integration.automation.conftest import School, wire
from tests.integration.lab_ssh.conftest import free_port

__all__ = ["wire"]


class Sshd(asyncssh.SSHServer):
    """Who may come in stands in `authorized`; the command `authorize …` adds somebody while the device is `willing`."""

    def __init__(self, device: "Machine") -> None:
        self._device = device

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        del username
        self._connection.set_authorized_keys(asyncssh.import_authorized_keys("\n".join(self._device.authorized) + "\n"))
        return True


class Machine:
    def __init__(self, address: str) -> None:
        self.address, self.port = address, free_port()
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.authorized: list[str] = []
        self.said: list[str] = []
        self.willing = True
        self._loop, self._ready = asyncio.new_event_loop(), threading.Event()
        self._thread = threading.Thread(target=self._run)

    @property
    def host_key(self) -> str:
        return self.key.export_public_key().decode().strip()

    def _command(self, process: asyncssh.SSHServerProcess[str]) -> None:
        words = process.command or ""
        self.said.append(words)
        if "authorize " in words and self.willing:
            self.authorized.append(words.split("authorize ", 1)[1].strip().strip("'\""))
        process.exit(0)

    def _run(self) -> None:
        async def serve() -> None:
            self._stop = asyncio.Event()
            options: dict[str, Any] = {"server_host_keys": [self.key], "process_factory": self._command}
            async with asyncssh.listen(self.address, self.port, server_factory=lambda: Sshd(self), **options):
                self._ready.set()
                await self._stop.wait()

        self._loop.run_until_complete(serve())

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def machine(school: School) -> Iterator[Machine]:
    """The school's access point behind another SSH server."""
    with Machine(str(school.ap.address)) as made:
        Device.objects.filter(pk=school.ap.pk).update(ssh_port=made.port, ssh_host_key=made.host_key)
        yield made


@pytest.fixture
def administrator(school: School) -> User:
    return school._person("Ada", Role.ADMINISTRATOR, school.ap.authority_id)


@pytest.fixture
def old(school: School, machine: Machine) -> Credential:
    key = asyncssh.generate_private_key("ssh-ed25519")
    machine.authorized.append(key.export_public_key().decode().strip())
    secret = {"username": "root", "private_key": key.export_private_key().decode()}
    made = devices.create_credential(authority=school.ap.authority, name="old", kind=Credential.Kind.SSH_KEY, secret=secret)
    Device.objects.filter(pk=school.ap.pk).update(ssh_credential=made)
    return made


def renewing(school: School, more: str = "") -> None:
    slug = school.playbook("renew", "    - raw: 'authorize {{ new_public_key }}'", options="new_public_key: {type: str}")
    manifest = school.playbooks / slug / "manifest.toml"
    manifest.write_text(f'rotates = "ssh"\n{more}' + manifest.read_text())


def private(credential: Credential) -> str:
    return str(Credential.objects.get(pk=credential.pk).secret["private_key"])


def test_the_new_key_counts_once_every_device_lets_us_in_with_it(
    school: School, machine: Machine, old: Credential, administrator: User
) -> None:
    renewing(school)
    before = private(old)

    rotation = rotate(credential=old, by=administrator)
    with pytest.raises(RotationError, match="running"):
        rotate(credential=old, by=administrator)
    settle(rotation_id=rotation.pk)
    assert private(old) == before, "nothing was carried out yet"
    change = school.work(Change.objects.get())
    assert private(old) == before

    credentials.settle_all()

    rotation.refresh_from_db()
    assert (change.state, rotation.state, rotation.new_secret) == (Change.State.CONFIRMED, Rotation.State.DONE, None)
    assert RotationStep.objects.get().state == RotationStep.State.VERIFIED
    after = private(old)
    assert after != before
    public = asyncssh.import_private_key(after).export_public_key().decode().split()[1]
    assert public in " ".join(machine.authorized)
    assert "PRIVATE" not in " ".join(machine.said)
    assert Event.objects.get(name="credential.old-left").payload["device_ids"] == [school.ap.pk]
    assert old_left(rotation) == {school.ap.pk: None}, "no playbook has taken it away"
    assert school.work(Change.objects.get()).state == Change.State.CONFIRMED, "and nothing more was asked for"


def test_a_playbook_that_puts_the_new_one_in_the_place_of_the_old_leaves_none(
    school: School, machine: Machine, old: Credential, administrator: User
) -> None:
    renewing(school, more='predecessor = "replaced"\n')
    rotation = rotate(credential=old, by=administrator)
    school.work(Change.objects.get())

    credentials.settle_all()

    rotation.refresh_from_db()
    assert (rotation.state, old_left(rotation)) == (Rotation.State.DONE, {})
    assert not Event.objects.filter(name="credential.old-left").exists()


def retiring(school: School) -> str:
    options = "public_keys: {type: list, required: true}\nretired_keys: {type: list}\nusername: {type: str, required: true}"
    slug = school.playbook("renew", "    - raw: 'authorize {{ public_keys | last }}'", options=options)
    manifest = school.playbooks / slug / "manifest.toml"
    manifest.write_text('rotates = "ssh"\n' + manifest.read_text())
    return slug


def public(private_key: str) -> str:
    return asyncssh.import_private_key(private_key).export_public_key().decode().split()[1]


def test_the_old_key_is_taken_away_once_the_new_one_counts(
    school: School, machine: Machine, old: Credential, administrator: User
) -> None:
    slug, before = retiring(school), private(old)

    rotate(credential=old, by=administrator)
    first = Change.objects.get()
    assert "retired_keys" not in first.arguments, "nothing is taken away before"
    school.work(first)
    for _ in range(2):
        credentials.settle_all()

    second = Change.objects.exclude(pk=first.pk).get()
    assert (second.playbook, second.requested_by) == (slug, administrator)
    assert [key.split()[1] for key in second.arguments["public_keys"]] == [public(private(old))]
    assert [key.split()[1] for key in second.arguments["retired_keys"]] == [public(before)]
    assert second.arguments["username"] == "root"
    rotation = Rotation.objects.get()
    assert old_left(rotation) == {school.ap.pk: second}
    assert school.work(second).state == Change.State.CONFIRMED
    assert old_left(rotation) == {}


def test_a_community_is_set_beside_the_old_one_tried_and_then_the_old_one_goes(school: School, administrator: User) -> None:
    targets = [school.ap, school.switch]
    machines = [next(one for one in school.wire.world.machines if one.device.address == row.address) for row in targets]
    for machine in machines[1:]:
        assert machine.communities == machines[0].communities
    (old_one,) = machines[0].communities
    kind = Credential.Kind.SNMP_V2C
    mine = devices.create_credential(authority=school.ap.authority, name="reading", kind=kind, secret={"community": old_one})
    Device.objects.filter(pk__in=[row.pk for row in targets]).update(snmp_credential=mine)

    rotation = rotate(credential=mine, by=administrator)
    for change in Change.objects.order_by("pk"):
        school.approved(change)
    assert all(old_one in machine.communities and len(machine.communities) == 2 for machine in machines)
    credentials.settle_all()

    rotation.refresh_from_db()
    assert rotation.state == Rotation.State.DONE
    new_one = Credential.objects.get(pk=mine.pk).secret["community"]
    assert all(machine.communities == {old_one, new_one} for machine in machines), "nothing taken away yet"
    for change in Change.objects.filter(rotation_steps=None).order_by("pk"):
        assert school.approved(change).state == Change.State.CONFIRMED
    assert all(machine.communities == {new_one} for machine in machines)


def test_where_nobody_may_take_the_old_one_away_an_event_says_so(
    school: School, machine: Machine, old: Credential, administrator: User
) -> None:
    retiring(school)
    rotation = rotate(credential=old, by=administrator)
    school.work(Change.objects.get())
    Rotation.objects.filter(pk=rotation.pk).update(started_by=None)

    credentials.settle_all()

    rotation.refresh_from_db()
    assert rotation.state == Rotation.State.DONE
    assert Change.objects.count() == 1
    left = Event.objects.get(name="credential.old-left")
    assert left.payload["device_ids"] == [school.ap.pk]
    assert "PRIVATE" not in str(left.payload)


def test_where_a_device_does_not_take_it_the_old_one_stays(
    school: School, machine: Machine, old: Credential, administrator: User
) -> None:
    renewing(school)
    machine.willing, before = False, private(old)

    rotation = rotate(credential=old, by=administrator)
    school.work(Change.objects.get())
    settle(rotation_id=rotation.pk)

    rotation.refresh_from_db()
    assert rotation.state == Rotation.State.FAILED
    assert private(old) == before
    assert rotation.new_secret is not None, "a device may know only this one"
    with connection.cursor() as cursor:
        cursor.execute("SELECT new_secret FROM automation_rotation")
        assert "PRIVATE" not in str(cursor.fetchall())


def test_without_a_playbook_nothing_is_begun(old: Credential, administrator: User) -> None:
    """Ours renews keys; none of ours sets a password."""
    old.kind, old.secret = Credential.Kind.SSH_PASSWORD, {"username": "root", "password": "x" * 20}
    old.save()
    with pytest.raises(RotationError, match="no-playbook"):
        rotate(credential=old, by=administrator)

    assert not Rotation.objects.exists()


def test_a_certificate_lets_one_run_in(school: School, machine: Machine) -> None:
    authority = asyncssh.generate_private_key("ssh-ed25519")
    secret = {"private_key": authority.export_private_key().decode()}
    kind = Credential.Kind.SSH_CA
    ca = devices.create_credential(authority=school.ap.authority, name="ca", kind=kind, secret=secret)
    with pytest.raises(DeviceError):
        set_use(credential=ca, use=CredentialUse.Use.ENABLE)
    slug = school.playbook("quick", "    - raw: 'true'", check_mode="none")

    machine.authorized = [f'cert-authority,principals="root" {authority.export_public_key().decode().strip()}']
    refused = school.work(school.order(slug))
    assert school.run(refused).hosts.get().state == HostResult.State.UNREACHABLE
    set_use(credential=ca, use=CredentialUse.Use.CA, platform="openwrt")
    change = school.work(school.order(slug))

    assert school.run(change).state == Run.State.SUCCEEDED, school.run(change).error
    assert any("true" in command for command in machine.said)
