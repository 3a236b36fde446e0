"""How a recorded device would be read if nobody had known it: an honest guess at devices that are in no recording.

`unprofiled`: every profile that names this device (by sysObjectID, sysDescr or an object of its maker) is left out, so that
only the standards and the fall-backs for kinds read it. `sibling`: a model nobody listed, with the same agent; the product
part of sysObjectID is another, so that what hangs on exact identifiers does not match.
"""

from __future__ import annotations

from collections.abc import Mapping

from fleet.snmp import values
from fleet.snmp.profiles import Profiles
from fleet.snmp.read import SYS_DESCR, SYS_OBJECT_ID
from fleet.snmp.types import Oid, Value

GENERAL = ("generic", "standard/")
ENTERPRISES = "1.3.6.1.4.1."
NOT_BY_MODEL = ("1.3.6.1.4.1.8072.3.2", "1.3.6.1.4.1.311.1.1.3.1")  # net-snmp's and Microsoft's say which system it is
ELSEWHERE = "64999"  # an arc that no product has
MODEL_AT = 9  # 1.3.6.1.4.1, the enterprise, and at least two arcs more


def unprofiled(known: Profiles, answered: Mapping[Oid, Value]) -> Profiles:
    """Profiles without those that name this device."""
    sys_object_id, sys_descr = answered.get(SYS_OBJECT_ID), answered.get(SYS_DESCR)
    fitting = known.candidates(
        str(sys_object_id) if sys_object_id is not None else None,
        values.text(sys_descr) if sys_descr is not None else None,
    )
    named = {profile.name for profile, _ in fitting if not profile.name.startswith(GENERAL)}
    return Profiles({name: profile for name, profile in known.by_name.items() if name not in named})


def sibling(answered: Mapping[Oid, Value]) -> dict[Oid, Value]:
    """The same answers of another model; as they are where sysObjectID names none, or has the device's objects below it."""
    own = str(answered.get(SYS_OBJECT_ID, ""))
    by_model = own.startswith(ENTERPRISES) and own.count(".") + 1 >= MODEL_AT and not own.startswith(NOT_BY_MODEL)
    if not by_model or any(oid.startswith(f"{own}.") for oid in answered):
        return dict(answered)
    return {**answered, SYS_OBJECT_ID: f"{own.rpartition('.')[0]}.{ELSEWHERE}"}
