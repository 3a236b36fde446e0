"""No profile may fall over what an agent answers: whatever it says of an object, the rest of the reading is there."""

import pytest

from fleet.snmp import profiles
from fleet.snmp.interpret import Answers, interpret
from fleet.snmp.types import Value

INDICES = ("1", "6.87.76.65.78.45.49", "1.2.0.0.0.0.9.300")


@pytest.mark.parametrize(
    "answer",
    [b"", b"\xff\x00\x9f", b"1e999", "1.3.6.1.4.1.9", -1, 2**64, 1e300, float("nan")],
    ids=["empty", "octets", "huge text", "identifier", "negative", "huge", "huge float", "nan"],
)
def test_every_profile_survives_any_answer(answer: Value) -> None:
    for profile in profiles.default().by_name.values():
        device = profile.of_device("1.3.6.1.4.1.99999.1")
        scalars = dict.fromkeys(device.oids, answer)
        columns = {column: dict.fromkeys(INDICES, answer) for group in device.columns for column in group}

        reading = interpret(device, Answers(scalars, columns))

        assert reading.as_dict()["profile"] == profile.name
