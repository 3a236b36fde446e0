"""From a datagram to the datagram that answers it, versions 1 and 2c (RFC 1157, RFC 3584); version 3 is in `usm`."""

from fleet.snmp.agent import ber, pdu, usm
from fleet.snmp.agent.model import Agent

VERSIONS = (0, 1)
V3 = 3


def reply(agent: Agent, datagram: bytes) -> bytes | None:
    """None where a real agent keeps silent: garbage, a wrong community, a response nobody asked for."""
    try:
        _, at, _ = ber.read(datagram, 0, ber.SEQUENCE)
        version, after_version = ber.read_integer(datagram, at)
        if version == V3:
            return usm.reply(agent, datagram, after_version)
        if version not in VERSIONS:
            return None
        community, after_community = ber.read_octets(datagram, after_version)
        if community not in agent.communities:
            return None
        answered = pdu.answer(pdu.parse(datagram, after_community), agent.view(), version)
    except ber.Malformed:
        return None
    return answered and ber.tlv(ber.SEQUENCE, datagram[at:after_community] + answered)
