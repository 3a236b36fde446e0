"""The answering side of SNMP: many agents behind one UDP socket, for the lab and for load tests. The wire only.

What a device says is a `View` that the caller brings; this package parses requests, checks who asks, and encodes.
"""

from fleet.snmp.agent import ber
from fleet.snmp.agent.model import Agent, Engine, View
from fleet.snmp.agent.pdu import answer
from fleet.snmp.agent.responder import Responder
from fleet.snmp.agent.table import Entry, Table
from fleet.snmp.agent.trap import notification

__all__ = ["Agent", "Engine", "Entry", "Responder", "Table", "View", "answer", "ber", "notification"]
