"""Fetching: "these objects from this device". Knows nothing of what they mean; `profiles` and `read` do that.

Two libraries stand behind one Protocol: `PysnmpFetcher` is thorough (probes, verification, the odd device, inside asyncio),
`GufoFetcher` is quick (polling a city, inside a `Stream`). Both give the same for the same agent.
"""

from fleet.snmp.fetch.over_gufo import GufoFetcher
from fleet.snmp.fetch.over_pysnmp import IN_FLIGHT, PysnmpFetcher, usm_user
from fleet.snmp.fetch.protocol import MAX_ROWS, Fetcher
from fleet.snmp.fetch.stream import Stream

__all__ = ["IN_FLIGHT", "MAX_ROWS", "Fetcher", "GufoFetcher", "PysnmpFetcher", "Stream", "usm_user"]
