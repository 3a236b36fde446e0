"""What holds for every profile that comes with the product."""

import pytest

from fleet.snmp import profiles
from fleet.snmp.interpret import Answers, interpret
from fleet.snmp.profiles import Resolved
from fleet.snmp.types import KINDS, Value

ALL = [pytest.param(profile, id=name) for name, profile in sorted(profiles.default().by_name.items())]
PICKED = [pytest.param(profile, id=name) for name, profile in sorted(profiles.default().by_name.items()) if profile.match]
ODD: list[Value] = [-1, 2**64 - 1, b"", b"\0\xff\x80", "1.3.6.1"]


@pytest.mark.parametrize("profile", PICKED)
def test_a_profile_that_takes_devices_says_their_kind(profile: Resolved) -> None:
    assert interpret(profile, Answers()).kind in KINDS


@pytest.mark.parametrize("profile", ALL)
def test_no_answer_upsets_a_profile(profile: Resolved) -> None:
    """Every object says the same nonsense; indices have the lengths that MIBs use."""
    device = profile.of_device("1.3.6.1.4.1.99999.1.2.3")
    indices = ("1", "1.2.3.4.5.6.7", "3.97.98.99")
    for odd in ODD:
        columns = {column: dict.fromkeys(indices, odd) for group in device.columns for column in group}

        reading = interpret(device, Answers(dict.fromkeys(device.oids, odd), columns))

        assert reading.reachable, odd
        assert all(0 <= percent <= 100 for percent in reading.cpu_percent or ()), odd


@pytest.mark.parametrize("profile", PICKED)
def test_no_two_profiles_claim_the_same_devices(profile: Resolved) -> None:
    """A tie would be decided by the alphabet."""
    claims = [(oid, match.sysDescr, tuple(match.present)) for match in profile.match for oid in match.sysObjectID]
    others = {
        (oid, match.sysDescr, tuple(match.present)): other.name
        for other in profiles.default().by_name.values()
        if other.name != profile.name
        for match in other.match
        for oid in match.sysObjectID
    }

    assert {claim: others[claim] for claim in claims if claim in others} == {}
