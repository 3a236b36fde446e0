"""How quickly the lab answers, beside the quickest that can answer at all."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from fleet.lab.city import SnmpV2c, demo_city
from fleet.snmp.agent import ber
from tests.bench.rows import Row, best, free_port, row


def answers_per_s(port: int, request: bytes, addresses: list[str], count: int = 6000) -> float:
    """Requests that are answered per second, a hundred in flight."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(5)
        begun = time.perf_counter()
        for number in range(count):
            asker.sendto(request, (addresses[number % len(addresses)], port))
            if number >= 100:
                asker.recv(65535)
        for _ in range(100):
            asker.recv(65535)
        return count / (time.perf_counter() - begun)


@contextmanager
def echo() -> Iterator[int]:
    """The limit: a process that sends each datagram back without looking at it."""
    code = (
        "import socket,sys\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);s.bind(('0.0.0.0',int(sys.argv[1])))\n"
        "print('ready',flush=True)\nwhile 1:\n d,a=s.recvfrom(65535);s.sendto(d,a)"
    )
    port = free_port(socket.SOCK_DGRAM)
    with subprocess.Popen([sys.executable, "-c", code, str(port)], stdout=subprocess.PIPE) as process:
        if process.stdout is not None:
            process.stdout.readline()
        try:
            yield port
        finally:
            process.kill()


def get_request(community: str) -> bytes:
    """A v2c GET of sysDescr, sysUpTime and sysName."""
    names = ("1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.3.0", "1.3.6.1.2.1.1.5.0")
    binds = b"".join(ber.tlv(0x30, ber.oid(name) + b"\x05\x00") for name in names)
    pdu = ber.tlv(0xA0, ber.integer(7) + ber.integer(0) + ber.integer(0) + ber.tlv(0x30, binds))
    return ber.tlv(0x30, ber.integer(1) + ber.octets(community.encode()) + pdu)


def lab_answers(port: int) -> Row:
    credentials = {device.address: device.snmp for device in demo_city().devices}
    community = next(one for one in credentials.values() if isinstance(one, SnmpV2c)).community
    addresses = [address for address, one in credentials.items() if one == SnmpV2c(community)]
    request = get_request(community)
    with echo() as limit:
        ours, peer = best(
            lambda: 1000 / answers_per_s(port, request, addresses), lambda: 1000 / answers_per_s(limit, request, addresses)
        )
    return row("lab_1000_answers", ours, peer, 0.15, "UDP echo in Python, the limit")
