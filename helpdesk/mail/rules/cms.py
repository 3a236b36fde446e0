"""A mail inside of its own signature (RFC 8551, 3.5.2): what was signed is readable by anybody, though few programs show it.

Read as BER (X.690), as far as that takes: whether the signature is good is not asked.
"""

from dataclasses import dataclass, field

TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
"""id-signedData (RFC 5652, 5.1)."""
OID, OCTETS, SEQUENCE, CONTENT = 0x06, 0x04, 0x10, 0x00
"""Tag numbers; CONTENT is of the context."""
DEEPEST = 30
CONSTRUCTED, TAG, MORE, LONG = 0x20, 0x1F, 0x1F, 0x80


@dataclass(frozen=True)
class _Node:
    tag: int
    value: bytes = b""
    inside: list["_Node"] = field(default_factory=list)


def signed_content(cms: bytes) -> bytes:
    """The MIME entity that was signed; empty when this is something else, or cannot be read."""
    try:
        root, _end = _node(cms, 0, 0)
        kind, wrapped = root.inside[:2]
        if kind.value != SIGNED_DATA:
            return b""
        (signed,) = wrapped.inside
        content = next(one for one in signed.inside if one.tag == SEQUENCE)
        return _octets(content.inside[1].inside[0])
    except (IndexError, ValueError, StopIteration):
        return b""


def _octets(node: _Node) -> bytes:
    """In one piece or in many."""
    if node.tag != OCTETS:
        raise ValueError("no octets")
    return node.value + b"".join(map(_octets, node.inside))


def _node(data: bytes, place: int, depth: int) -> tuple[_Node, int]:
    """The element that begins at `place`, and where it ends. Raises IndexError and ValueError."""
    first, length, place = data[place], data[place + 1], place + 2
    if depth > DEEPEST or first & TAG == MORE:
        raise ValueError("not as in a mail")
    endless = length == LONG
    if length > LONG:
        count = length - LONG
        length, place = int.from_bytes(data[place : place + count], "big"), place + count
    end = len(data) if endless else place + length
    if end > len(data):
        raise ValueError("cut off")
    if not first & CONSTRUCTED:
        return _Node(first & TAG, data[place:end]), end
    inside, place = _nodes(data, place, end, depth, endless=endless)
    return _Node(first & TAG, inside=inside), place


def _nodes(data: bytes, place: int, end: int, depth: int, *, endless: bool) -> tuple[list[_Node], int]:
    """What stands between there and the end; without a length that is where two zero bytes are (X.690, 8.1.5)."""
    found: list[_Node] = []
    while place < end:
        if endless and data[place : place + 2] == b"\0\0":
            return found, place + 2
        one, place = _node(data, place, depth + 1)
        found.append(one)
    return found, place
