"""The ablations of `python -m tests.recordings --as-if …`: what a device nobody saw would be read as."""

import pytest

from fleet.snmp import profiles
from fleet.snmp.read import SYS_DESCR, SYS_OBJECT_ID
from fleet.snmp.types import Oid, Value
from tests.recordings.unseen import sibling, unprofiled


def test_unprofiled_leaves_out_what_names_the_device_and_keeps_the_general_ones() -> None:
    answered: dict[Oid, Value] = {SYS_OBJECT_ID: "1.3.6.1.4.1.9.1.1208", SYS_DESCR: b"Cisco IOS Software, C2960S Software"}

    known = unprofiled(profiles.default(), answered).by_name

    assert "cisco/ios" not in known
    assert {"generic", "generic/switch", "generic/printer", "juniper/junos"} <= known.keys()


@pytest.mark.parametrize(
    ("own", "others"),
    [
        ("1.3.6.1.4.1.9.1.1208", "1.3.6.1.4.1.9.1.64999"),
        ("1.3.6.1.4.1.8072.3.2.10", "1.3.6.1.4.1.8072.3.2.10"),
        ("1.3.6.1.4.1.4413", "1.3.6.1.4.1.4413"),
    ],
    ids=["a model", "a system", "a maker"],
)
def test_a_sibling_is_another_model_of_the_same_maker(own: str, others: str) -> None:
    assert sibling({SYS_OBJECT_ID: own, SYS_DESCR: b"x"}) == {SYS_OBJECT_ID: others, SYS_DESCR: b"x"}


def test_a_device_whose_objects_hang_below_its_own_number_has_no_sibling() -> None:
    answered: dict[Oid, Value] = {SYS_OBJECT_ID: "1.3.6.1.4.1.890.1.5.8.20", "1.3.6.1.4.1.890.1.5.8.20.1.1.0": 4}

    assert sibling(answered) == answered
