"""A plan: which instances to GET between two walks, and which number of the device each of them makes.

A walk (`read` with a `Recorder` around its Fetcher) tells what a device has. `make` turns it into a Plan for the paths of
the Reading that are followed over time. A Plan is data, the same for all devices of one model and build, and quick: `values`
takes microseconds where `interpret` takes a millisecond. It was compared with what `interpret` made of the same answers.
"""

from fleet.snmp.plan.comparing import still_holds
from fleet.snmp.plan.listing import ACCESS_POINTS, by_column, lister_of
from fleet.snmp.plan.making import make
from fleet.snmp.plan.model import Cell, Plan, digest_of
from fleet.snmp.plan.recording import Recorder

__all__ = ["ACCESS_POINTS", "Cell", "Plan", "Recorder", "by_column", "digest_of", "lister_of", "make", "still_holds"]
