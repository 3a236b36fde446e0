"""What the child keeps of Ansible's events: no secret in what people see, and every word by which the worker reads it."""

import json
from typing import Any

import pytest

from fleet.automation.execution.__main__ import _essence
from fleet.secrets.redact import Redactor

SECRET = "gepflanzt-3Kd9-w7Pq"
HOSTS = {"device-1", "device-2"}
OK = {
    "event": "runner_on_ok",
    "counter": 7,
    "created": "2026-03-02T08:00:00+00:00",
    "stdout": "changed: [device-1]",
    "event_data": {"host": "device-1", "task": "Set", "res": {"changed": True, "diff": {"before": "x", "after": "y"}}},
}
STATS = {
    "event": "playbook_on_stats",
    "counter": 8,
    "created": "2026-03-02T08:00:01+00:00",
    "stdout": "",
    "event_data": {"ok": {"device-1": 2}, "changed": {"device-1": 1}, "failures": {}, "dark": {"device-2": 1}},
}
WORDS = [
    "task",
    "host",
    "event",
    "counter",
    "changed",
    "message",
    "runner",
    "device-1",
    "before",
    "failures",
    "dark",
    "2026",
]


def essence(event: dict[str, Any], *secrets: str) -> dict[str, Any]:
    return _essence(event, HOSTS, Redactor(secrets))


@pytest.mark.parametrize("event", [OK, STATS])
@pytest.mark.parametrize("secret", [*WORDS, "playbook", "runner_on_ok", "stats"])
def test_what_the_worker_reads_by_name_stays_whatever_somebodys_secret_is(event: dict[str, Any], secret: str) -> None:
    told, usual = essence(event, secret), essence(event)

    assert told | {"text": "", "message": ""} == usual | {"text": "", "message": ""}
    assert secret not in told["text"]


def test_no_text_of_a_playbook_or_a_device_shows_a_secret() -> None:
    said = f"it is {SECRET}."
    diffs = [{"before": said, "after": "", "before_header": said}, {"before": "", "after": {"key": SECRET}}]
    results = [{"item": SECRET, "_ansible_item_label": said, "diff": {"before": [SECRET], "after": ""}}]
    about = {"msg": said, "diff": diffs, "results": results, "exception": said, "warnings": [said], "stderr": said}
    asked = {"host": said, "task": f"Set {SECRET}", "play": said, "role": said, "task_args": said, "res": about}

    for res in (about, {"stderr": said}, {"msg": {"key": SECRET}}):
        told = json.dumps(essence(OK | {"stdout": said, "event_data": asked | {"res": res}}, SECRET))
        assert SECRET not in told
        assert "it is ***." in told
    counts = {SECRET: 1, said: 1, "device-1": 1}
    told_stats = essence(STATS | {"event_data": {"ok": counts, "dark": counts}}, SECRET)
    assert told_stats["stats"] == {"ok": {"device-1": 1}, "dark": {"device-1": 1}}


def test_a_configuration_is_in_no_text_not_even_where_somebody_wants_more_words() -> None:
    event = OK | {"stdout": f'ok: [device-1] => {{"fleetdesk_configuration": "key {SECRET}"}}'}
    event["event_data"] = OK["event_data"] | {"res": {"fleetdesk_configuration": f"key {SECRET}"}}  # type: ignore[operator]

    assert essence(event)["text"] == "ok: [device-1]"
    assert SECRET not in json.dumps(essence(event))
