"""Centre frequencies and channel numbers of Wi-Fi radios (IEEE 802.11-2020 annex E). Pure; None means "no such channel"."""

from __future__ import annotations

from fleet.snmp import values
from fleet.snmp.types import Value

_JAPAN_CHANNEL_14 = 2484  # MHz, off the raster
_HIGHEST_2_4 = 14  # channel numbers
_LOWEST_5, _HIGHEST_5 = 32, 177
_BANDS = (  # GHz; in MHz: first and last centre frequency, where channel 0 would be, between two channel numbers
    ("2.4", 2412, 2484, 2407, 5),
    ("5", 5005, 5924, 5000, 5),
    ("6", 5925, 7125, 5950, 5),
    ("60", 57_000, 71_000, 56_160, 2160),
)


def band_of_frequency(mhz: Value) -> str | None:
    """``2.4``, ``5``, ``6`` or ``60`` from a centre frequency in MHz."""
    number = values.number(mhz)
    if number is None:
        return None
    return next((band for band, first, last, *_ in _BANDS if first <= number <= last), None)


def channel_of_frequency(mhz: Value) -> int | None:
    """The channel number of a centre frequency in MHz."""
    number = values.number(mhz)
    if number is None:
        return None
    if number == _JAPAN_CHANNEL_14:
        return _HIGHEST_2_4
    found = (int(number - zero) // spacing for _, first, last, zero, spacing in _BANDS if first <= number <= last)
    return next(found, None)


def band_of_channel(channel: Value) -> str | None:
    """``2.4`` or ``5`` from a channel number. The 6 GHz band numbers its channels anew: no number means it alone."""
    number = values.number(channel)
    if number is None:
        return None
    if 1 <= number <= _HIGHEST_2_4:
        return "2.4"
    return "5" if _LOWEST_5 <= number <= _HIGHEST_5 else None
