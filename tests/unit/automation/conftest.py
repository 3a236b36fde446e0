"""A playbook's folder as it must be, to be spoilt by the tests one way at a time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from kombu import Connection, Queue

from config.celery import app

PLAYBOOK = "- hosts: all\n  gather_facts: false\n  tasks: []\n"
SPECS = """---
argument_specs:
  main:
    options:
      ssid: {type: str, required: true}
      psk: {type: str, no_log: true}
      state: {type: str, choices: [present, absent], default: present}
      port: {type: int, default: 1}
"""
MANIFEST = """title = {de = "WLAN", en = "Wi-Fi"}
summary = {de = "Schaltet ein WLAN.", en = "Switches a Wi-Fi."}
platforms = ["openwrt"]
risk = "medium"
check_mode = "honest"
expected_duration_s = 15
timeout_s = 300
max_targets = 2

[arguments]
ssid = {label = {de = "Name", en = "Name"}}
psk = {label = {de = "Schlüssel", en = "Key"}}
state = {label = {de = "Zustand", en = "State"}}
port = {label = {de = "Port", en = "Port"}}

[verification]
within_s = 60

[[verification.expect]]
reading = "wireless.ssids"
holds = "contains"
value = "{ssid}"
when = {state = "present"}

[[verification.expect]]
reading = "poe[ifIndex={port}].power_w"
holds = "at_least"
value = 1.5

[rollback]
arguments = {state = "absent"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "exam-wifi"
    (made / "meta").mkdir(parents=True)
    (made / "playbook.yml").write_text(PLAYBOOK)
    (made / "meta" / "argument_specs.yml").write_text(SPECS)
    (made / "manifest.toml").write_text(MANIFEST)
    return made


def spoil(table: str, column: str, pk: int) -> None:
    """Make a secret one that no key opens."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {column} = %s WHERE id = %s", ["gAAAAAnonsense", pk])  # noqa: S608  (our tables)


def messages() -> list[tuple[str, int]]:
    """(task, run) of each message that waits for a worker; they are gone then."""
    with app.connection_for_write() as broker:
        return [one for name in ("automation", "default") for one in _taken(app.amqp.queues[settings.QUEUES[name]], broker)]


def _taken(of: Queue, broker: Connection) -> Iterator[tuple[str, int]]:
    queue = of(broker.default_channel)
    queue.declare()
    while message := queue.get(no_ack=True):
        if (arguments := message.decode()[0]) and (name := message.headers["task"]).startswith("fleet.automation."):
            yield name.removeprefix("fleet.automation."), arguments[0]  # what is for no run is nobody's here
