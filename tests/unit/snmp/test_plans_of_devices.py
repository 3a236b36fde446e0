"""Of every made-up device: what its plan makes of its answers is what monitoring makes of its reading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.monitoring import metrics
from fleet.monitoring.rules import values
from fleet.monitoring.rules.series import Poll, Series, followed, telling
from fleet.snmp import profiles
from fleet.snmp.interpret import Answers, interpret
from fleet.snmp.plan import Plan, make
from fleet.snmp.types import Oid, Value
from tests.unit.snmp.test_devices import DEVICES, _column, _objects, _picked

KNOWN = metrics.known()
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = AT + timedelta(seconds=60)


@pytest.mark.parametrize("device", DEVICES)
def test_a_plan_makes_the_numbers_that_a_reading_makes(device: dict[str, Any]) -> None:
    objects = _objects(device)
    profile = _picked(device, objects)
    columns = {column: _column(column, objects) for group in profile.columns for column in group}
    said = _fetched(profile.oids, columns, objects)
    reading = interpret(profile, Answers(said, columns))

    made = make(profiles.default().by_name[profile.name], said, reading, followed(KNOWN), telling(KNOWN))
    plan = Plan.from_dict(json.loads(json.dumps(made.as_dict())))

    answered = {oid: said[oid] for oid in plan.oids if oid in said}
    numbers = plan.values(answered)
    series = Series(plan.cells, KNOWN)
    found = dict(zip(series.names, series.values(Poll(LATER, numbers), Poll(AT, numbers)), strict=True))
    read = reading.as_dict()
    wanted = values.measured(values.Said(read, LATER), values.Said(read | {"uptime_s": None}, AT), KNOWN)
    of_the_walk = {name for name, metric in KNOWN.items() if metric.source in plan.left_out}
    followed_alone = {name: value for name, value in wanted.items() if name.partition(".")[0] not in of_the_walk}
    assert set(plan.oids) <= set(said)
    assert found == pytest.approx(followed_alone, abs=1e-3) if followed_alone else not found


def _fetched(
    oids: tuple[Oid, ...], columns: Mapping[Oid, Mapping[str, Value]], objects: Mapping[Oid, Value]
) -> dict[Oid, Value]:
    walked = {f"{column}.{index}": value for column, cells in columns.items() for index, value in cells.items()}
    return {oid: objects[oid] for oid in oids if oid in objects} | walked
