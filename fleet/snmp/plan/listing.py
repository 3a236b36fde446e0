"""Of a profile only what a controller lists as its access points: read at every poll, not only at a walk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from fleet.snmp.profiles.loading import Resolved
from fleet.snmp.types import Oid, Value

ACCESS_POINTS = "wireless.access_points"
_MOST_KEPT = 256

_known: OrderedDict[tuple[int, Oid | None], tuple[Resolved, Resolved]] = OrderedDict()
"""By identity: profiles are loaded once and hold what cannot be hashed."""


def lister_of(profile: Resolved, sys_object_id: Oid | None) -> Resolved:
    """The profile with its tables of access points alone, as of this device."""
    key = (id(profile), sys_object_id)
    if key not in _known:
        tables = tuple(table for table in profile.tables if table.into == ACCESS_POINTS)
        _known[key] = (profile, replace(profile, fields={}, tables=tables).of_device(sys_object_id))
        while len(_known) > _MOST_KEPT:
            _known.popitem(last=False)
    return _known[key][1]


def by_column(columns: Iterable[Oid], said: Mapping[Oid, Value]) -> dict[Oid, dict[str, Value]]:
    """{column: {index: value}} of what a walk of these columns found."""
    heads = {column: f"{column}." for column in columns}
    return {
        column: {oid[len(head) :]: value for oid, value in said.items() if oid.startswith(head)}
        for column, head in heads.items()
    }
