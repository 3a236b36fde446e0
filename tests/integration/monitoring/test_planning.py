"""What a process keeps of plans is bounded."""

import pytest

from fleet.monitoring.services import planning
from fleet.snmp import profiles
from fleet.snmp.plan import Cell, Plan, digest_of

GENERIC = profiles.default().by_name["generic"]


def plan(number: int) -> Plan:
    cell = Cell("uptime_s", None, {"oid": f"1.3.6.1.2.1.1.3.{number}"})
    return Plan("generic", digest_of(GENERIC), None, (cell,))


@pytest.mark.django_db(transaction=True)
def test_those_not_seen_for_longest_are_forgotten_by_number_and_by_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "MOST_KEPT", 3)
    made = {number: planning.remembered({number: plan(number)})[number].pk for number in range(6)}

    assert len(planning._known) == len(planning._by_digest) == 3
    assert planning.remembered({0: plan(0)})[0].pk == made[0], "it is in the database all the same"
