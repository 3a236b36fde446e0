"""The synthetic demo city as plain values: no Django, no I/O, nothing that lives.

Everything here is invented. Addresses are loopback (127.20.<site>.<n>), MAC addresses are locally administered, mail
addresses end in `.example`.
"""

from fleet.lab.city.build import large_city
from fleet.lab.city.demo import demo_city
from fleet.lab.city.model import (
    Bell,
    Building,
    City,
    Device,
    Kind,
    LabPorts,
    Link,
    Period,
    Person,
    Platform,
    Role,
    Room,
    Site,
    SnmpV2c,
    SnmpV3,
)
from fleet.lab.city.year import SchoolYear, school_year

__all__ = [
    "Bell",
    "Building",
    "City",
    "Device",
    "Kind",
    "LabPorts",
    "Link",
    "Period",
    "Person",
    "Platform",
    "Role",
    "Room",
    "SchoolYear",
    "Site",
    "SnmpV2c",
    "SnmpV3",
    "demo_city",
    "large_city",
    "school_year",
]
