"""What can go wrong on the wire, and with a profile.

SnmpError
├── SnmpTimeout            nobody answered in time: device off, path broken, wrong community (v1/v2c are silent then)
│   └── SnmpTooLong        it answers, but all in all took longer than it was given
├── SnmpAuthError          the device answered and refused: unknown user, wrong key, wrong security level (RFC 3414)
├── SnmpRestarted          it restarted while it was asked: what it said before is of another life
├── SnmpUnreachable        our own machine cannot send there: no route, name does not resolve, network down
└── SnmpProtocolError      an answer came that cannot be used: garbage, a refusing error-status
    └── SnmpWalkError      a walk in circles, or one that grows beyond all bounds

ProfileError               a vendor profile is wrong; the message names file, line and key. Raised at load.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleet.snmp.types import Reading


class SnmpError(Exception):
    """Base of everything that asking a device can raise. The text is for a technician and holds no secret."""

    cause = "error"


class SnmpTimeout(SnmpError):  # noqa: N818 - as httpx and the standard library name theirs
    """No answer within timeout and retries."""

    cause = "timeout"


class SnmpTooLong(SnmpTimeout):
    """The conversation as a whole has used up its time: there is no sense in asking for the next part."""

    cause = "too-slow"
    so_far: Reading | None = None
    """What had been read by then, where it was a reading."""


class SnmpRestarted(SnmpError):  # noqa: N818 - what the device did
    """It counts from zero in the middle of a conversation. Whoever asks again from the beginning is told properly."""

    cause = "protocol"


class SnmpAuthError(SnmpError):
    """The device reported that it does not accept user, key or security level."""

    cause = "auth"


class SnmpUnreachable(SnmpError):  # noqa: N818 - a state of the world, said as one
    """The request never left: no route, unknown name, closed socket."""

    cause = "unreachable"


class SnmpProtocolError(SnmpError):
    """An answer came, but not one that can be used."""

    cause = "protocol"


class SnmpWalkError(SnmpProtocolError):
    """A walk whose object identifiers do not increase, or that does not end (RFC 3416 §4.2.2 demands both)."""


class ProfileError(Exception):
    """A profile file is not valid. The text names the file, the line where it could be found, and the key."""
