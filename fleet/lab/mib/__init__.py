"""What each kind of lab device says over SNMP: standard MIBs over the living state of `fleet.lab.world`."""

from fleet.lab.mib.agent import MachineAgent, TrapSender, agents
from fleet.lab.mib.tables import objects

__all__ = ["MachineAgent", "TrapSender", "agents", "objects"]
