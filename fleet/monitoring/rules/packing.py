"""A poll's values as octets, in the order of their layout's names.

Single precision (IEEE 754 binary32), little-endian. Its 24 bits of mantissa are a relative error of at most 6e-8: less than
any sensor, counter interval or person resolves, and whole numbers (clients, seconds of the first half year of uptime) stay
exact up to 16,777,216. Double precision would say nothing more and double what every sample, every roll-up and every
page read from disk costs: 76 values are 304 octets instead of 608.
"""

import hashlib
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

SIZE = 4
"""Octets of one value."""
NOT_SAID = math.nan
"""The device did not say this value in this poll."""
LARGEST = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
"""What single precision reaches. Nothing measured comes near; what lies beyond is kept as not said."""
DIGITS = 3
"""Decimals with which values enter (rules.values rounds to them) and leave again: 0.1 comes back as 0.1."""


@dataclass(frozen=True, slots=True)
class NewSample:
    """One answered poll, to be kept.

    A name is a metric of metrics.toml (folded over the device) or `<metric>.<element key>` for one element of it (an
    ifIndex, the number of a radio). `values` stand in the same order; None: not said this time. `names` should be what is
    known of the device, not what one answer happens to hold: each new combination of names becomes a Layout row, and polls
    with the same names share one.
    """

    device_id: int
    polled_at: datetime
    names: tuple[str, ...]
    values: Sequence[float | None]


def pack(values: Sequence[float | None]) -> bytes:
    numbers = [NOT_SAID if value is None else value for value in values]
    try:
        return _format(len(numbers)).pack(*numbers)
    except (OverflowError, struct.error):
        return _format(len(numbers)).pack(*(one if abs(one) <= LARGEST else NOT_SAID for one in numbers))


def unpack(packed: bytes) -> tuple[float, ...]:
    """The values in the order of the layout; NaN: not said."""
    return _format(len(packed) // SIZE).unpack(packed)


def value_at(packed: bytes, position: int) -> float | None:
    """One value alone; None: not said."""
    value: float = _format(1).unpack_from(packed, position * SIZE)[0]
    return value if math.isfinite(value) else None


def said(names: Sequence[str], packed: bytes) -> dict[str, float]:
    """{name: value} of what the device said."""
    pairs = zip(names, unpack(packed), strict=True)
    return {name: round(value, DIGITS) for name, value in pairs if math.isfinite(value)}


def digest(names: Sequence[str]) -> str:
    """SHA-256 (hex) by which a layout is found again."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


@lru_cache(maxsize=1024)
def _format(count: int) -> struct.Struct:
    return struct.Struct(f"<{count}f")
