"""Backups and drift on devices that answer: fetched, kept once, changed by hand, seen, brought back; no secret leaks."""

import json
import subprocess
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from fleet.automation import services
from fleet.automation.models import Backup, BackupState, Change, Configuration, Drift
from fleet.automation.services import backups, drift, intent
from fleet.devices.models import Device
from fleet.events.models import Event
from fleet.events.services import deliver
from fleet.people import services as people
from fleet.people.models import User
from fleet.people.rules import Role
from tests.conftest import login
from tests.integration.automation.conftest import PSK, School

HAND_MADE = f"""
uci set wireless.by_hand=wifi-iface
uci set wireless.by_hand.device='radio1'
uci set wireless.by_hand.mode='ap'
uci set wireless.by_hand.network='lan'
uci set wireless.by_hand.ssid='Von Hand'
uci set wireless.by_hand.encryption='psk2'
uci set wireless.by_hand.key='{PSK}'
uci commit wireless
wifi reload
"""
TYPED = """configure terminal
ntp server 127.0.0.66
hostname von-hand
interface port2
shutdown
description gepflanzt
end
exit
"""


@pytest.fixture
def ada(school: School) -> User:
    user = User.objects.create_user("ada@eichstadt.example", name="Ada")
    people.grant(user=user, role=Role.ADMINISTRATOR, scope_id=school.ap.site.authority_id)
    return user


def by_hand(school: School, device: Device, user: str, typed: str) -> None:
    """What somebody types on a device over OpenSSH's own client."""
    options = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"]
    key = str(school.wire.keys.directory / "client_ed25519")
    command = ["ssh", *options, "-i", key, "-p", str(school.wire.ssh), f"{user}@{device.address}"]
    done = subprocess.run(command, input=typed, text=True, capture_output=True, timeout=30, check=False)
    assert "%" not in done.stdout, done.stdout
    assert done.returncode == 0, done.stderr


def everything_stored() -> Iterator[str]:
    """Every row of every table as it stands, and every file below VAR_DIR that a run may have left."""
    with connection.cursor() as cursor:
        for model in apps.get_models():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608
            yield str(cursor.fetchall())
    for path in settings.RUN_DIR.rglob("*") if settings.RUN_DIR.exists() else ():
        if path.is_file():
            yield path.read_text(errors="replace")


def test_changed_by_hand_seen_and_brought_back(school: School, ada: User) -> None:
    ap, switch = school.ap, school.switch
    first = backups.fetch([ap.pk, switch.pk])
    assert set(first) == {ap.pk, switch.pk}, list(BackupState.objects.values())
    again = backups.fetch([ap.pk, switch.pk])

    assert again == first, "unchanged: no new version"
    assert again[ap.pk].last_seen_at > first[ap.pk].last_seen_at

    files = school.machine(ap).files
    by_hand(school, ap, "root", HAND_MADE)
    by_hand(school, switch, "admin", TYPED)
    assert "Von Hand" in school.on_air(ap)
    changed = backups.fetch([ap.pk, switch.pk])
    assert changed[ap.pk].pk != first[ap.pk].pk
    assert changed[switch.pk].pk != first[switch.pk].pk
    assert Event.objects.filter(name="backup.changed", payload__first=False).count() == 2

    client = login(Client(), ada)
    page = client.get(f"/backups/{changed[ap.pk].pk}/?against={first[ap.pk].pk}")
    assert "Von Hand" in page.content.decode()
    assert PSK not in page.content.decode()

    change = school.approved(backups.restore(backup=first[ap.pk], by=school.asker))
    assert change.state == Change.State.CONFIRMED, [run.error for run in change.runs.all()]
    preview = json.dumps([row.diff for run in change.runs.all() for row in run.hosts.all()])
    assert "Von Hand" in preview
    assert "by_hand" not in files["/etc/config/wireless"]
    assert "Von Hand" not in school.on_air(ap)
    deliver()
    backups.keep()
    assert Backup.objects.filter(device=ap).count() == 3
    last = backups.latest(ap)
    assert last is not None
    assert (last.kind, last.change_id, last.configuration_id) == ("change", change.pk, first[ap.pk].configuration_id)

    back = school.approved(backups.restore(backup=first[switch.pk], by=school.asker))
    assert back.state == Change.State.CONFIRMED, [run.error for run in back.runs.all()]
    assert backups.fetch([switch.pk])[switch.pk].configuration_id == first[switch.pk].configuration_id
    leaked = [text[:200] for text in everything_stored() if PSK in text]
    assert not leaked


def test_drift_is_found_told_once_and_restored(school: School) -> None:
    switch = school.switch
    for key, value in {
        "ntp_servers": ["ntp1.musterstadt.example"],
        "syslog_host": "log.musterstadt.example",
        "snmp_contact": "IT der Stadt",
    }.items():
        intent.set_value(place=intent.Place(switch.site.authority), key=key, value=value)
    backups.fetch([switch.pk])
    drift.compare([switch.pk])
    drift.compare([switch.pk])
    assert set(Drift.objects.values_list("key", "state")) == {
        ("ntp_servers", "open"), ("syslog_host", "open"), ("snmp_contact", "open"),
    }  # fmt: skip
    assert Event.objects.filter(name="drift.found").count() == 3
    assert drift.drift_count(school.asker) == 3

    change = school.approved(drift.restore(drift=Drift.objects.get(key="ntp_servers"), by=school.asker))
    assert change.state == Change.State.CONFIRMED, [run.error for run in change.runs.all()]
    deliver()
    backups.keep()
    deliver()
    assert set(Drift.objects.filter(device=switch).values_list("state", flat=True)) == {"gone"}


def test_a_backup_of_another_device_is_not_put_back(school: School) -> None:
    foreign = backups.fetch([school.aps[1].pk])[school.aps[1].pk]
    change = school.work(school.order("restore", [school.ap], arguments={"backup": foreign.pk}))

    assert change.state == Change.State.FAILED
    assert school.run(change, services.running.Run.Kind.PREVIEW).error == "ForeignBackupError"


def test_a_device_that_does_not_answer_says_so_and_keeps_what_it_had(school: School) -> None:
    Device.objects.filter(pk=school.ap.pk).update(ssh_host_key="")
    assert backups.fetch([school.ap.pk]) == {}

    state = BackupState.objects.get(pk=school.ap.pk)
    assert state.problem
    assert (state.succeeded_at, Configuration.objects.count()) == (None, 0)
    assert state.tried_at <= timezone.now()
