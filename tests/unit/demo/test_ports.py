"""Ports taken? The demo says which and by whom, and takes others."""

import os
import socket
from collections.abc import Iterator

import pytest

from config.demo.ports import Wish, choose


@pytest.fixture(params=[False, True], ids=["tcp", "udp"])
def taken(request: pytest.FixtureRequest) -> Iterator[Wish]:
    udp: bool = request.param
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as holder:
        holder.bind(("127.0.0.1", 0))
        if not udp:
            holder.listen()
        yield Wish("WEB_PORT", holder.getsockname()[1], udp=udp)


def test_a_free_port_is_taken_as_wished_and_nothing_is_said() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]

    [port] = choose([Wish("WEB_PORT", number)])

    assert port.number == number
    assert port.sentence() == ""


def test_a_taken_port_is_named_with_its_holder_and_another_is_used(taken: Wish) -> None:
    [port] = choose([taken])

    assert port.number > taken.number
    assert f"port {taken.number} is taken by" in port.sentence()
    assert f"process {os.getpid()}" in port.sentence()
    assert str(port.number) in port.sentence()
