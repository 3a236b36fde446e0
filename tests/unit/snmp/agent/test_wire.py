"""Our encoding against pysnmp's and the rules of RFC 3416."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pyasn1.type import univ
from pysnmp.proto import rfc1902

from fleet.snmp.agent import Table, ber, message, pdu

arcs = st.builds(
    lambda first, second, rest: (first, second, *rest),
    st.integers(0, 1),
    st.integers(0, 39),
    st.lists(st.integers(0, 2**32 - 1), max_size=20),
)


@given(st.integers(-(2**63), 2**64 - 1))
def test_integers_as_pysnmp_reads_them(value: int) -> None:
    assert int(decoder.decode(ber.integer(value))[0]) == value
    if value >= 0:  # pyasn1 spends an octet too many on some negative numbers
        assert ber.integer(value) == encoder.encode(univ.Integer(value))
    assert ber.read_integer(ber.integer(value), 0)[0] == value


@given(st.integers(0, 2**64 - 1))
def test_unsigned_types_as_pysnmp_writes_them(value: int) -> None:
    assert ber.counter64(value) == encoder.encode(rfc1902.Counter64(value))
    assert ber.counter32(value) == encoder.encode(rfc1902.Counter32(value & (2**32 - 1)))


@given(arcs)
def test_object_identifiers_as_pysnmp_writes_them(path: tuple[int, ...]) -> None:
    encoded = ber.oid_octets(path)
    assert ber.tlv(ber.OID, encoded) == encoder.encode(univ.ObjectIdentifier(path))
    assert ber.oid_arcs(encoded) == path


@given(st.binary(max_size=70_000))
def test_lengths_as_pysnmp_writes_them(content: bytes) -> None:
    encoded = ber.octets(content)
    assert encoded == encoder.encode(univ.OctetString(content))
    assert ber.read_octets(encoded, 0) == (content, len(encoded))


@given(st.lists(arcs, unique=True, min_size=1, max_size=30))
def test_walking_a_table_gives_every_object_once_in_the_order_of_arcs(paths: list[tuple[int, ...]]) -> None:
    table = Table((path, ber.integer(n)) for n, path in enumerate(paths))
    found, at = [], ber.oid_octets((0, 0))
    first = table.get(at)
    if first is not None:
        found.append((0, 0))
    while step := table.after(at):
        at = step[0]
        found.append(ber.oid_arcs(at))
    assert found == sorted(paths)


class Deaf:
    """An agent that must not be asked anything but who it listens to."""

    reachable, delay_s, loss, user = True, 0.0, 0.0, None
    communities = frozenset({b"right"})

    @property
    def engine(self) -> None:
        raise AssertionError

    def view(self) -> Table:
        return Table([(ber.arcs("1.3.6.1.2.1.1.5.0"), ber.text("here"))])


@given(st.binary(max_size=300))
def test_garbage_gets_no_answer_and_breaks_nothing(datagram: bytes) -> None:
    assert message.reply(Deaf(), b"\x30" + datagram) is None  # type: ignore[arg-type]  # deaf on purpose


def get(community: bytes, kind: int = pdu.GET, version: int = 1) -> bytes:
    binding = ber.tlv(ber.SEQUENCE, ber.oid("1.3.6.1.2.1.1.5.0") + b"\x05\x00")
    body = pdu.response(ber.integer(7), binding, kind=kind)
    return ber.tlv(ber.SEQUENCE, ber.integer(version) + ber.octets(community) + body)


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_request_that_was_cut_short_gets_no_answer(cut: int) -> None:
    whole = get(b"right")
    assert message.reply(Deaf(), whole) is not None  # type: ignore[arg-type]  # deaf on purpose
    assert message.reply(Deaf(), whole[:-cut]) is None  # type: ignore[arg-type]  # deaf on purpose


@pytest.mark.parametrize(
    "datagram", [get(b"wrong"), get(b"right", pdu.RESPONSE), get(b"right", pdu.TRAP), get(b"right", version=2)]
)
def test_what_no_agent_answers(datagram: bytes) -> None:
    assert message.reply(Deaf(), datagram) is None  # type: ignore[arg-type]  # deaf on purpose
