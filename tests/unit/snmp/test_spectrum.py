import pytest

from fleet.snmp import spectrum


@pytest.mark.parametrize(
    ("mhz", "band", "channel"),
    [
        (2412, "2.4", 1),
        (b"2462", "2.4", 11),
        (2484, "2.4", 14),
        (5180, "5", 36),
        (5825, "5", 165),
        (4940, None, None),
        (5955, "6", 1),
        (7115, "6", 233),
        (58320, "60", 1),
        (62640, "60", 3),
        (0, None, None),
        (b"auto", None, None),
    ],
)
def test_frequency(mhz: int | bytes, band: str | None, channel: int | None) -> None:
    assert (spectrum.band_of_frequency(mhz), spectrum.channel_of_frequency(mhz)) == (band, channel)


@pytest.mark.parametrize(
    ("channel", "band"),
    [(1, "2.4"), (14, "2.4"), (b"36", "5"), (177, "5"), (0, None), (15, None), (233, None), (b"auto", None)],
)
def test_band_of_a_channel_number(channel: int | bytes, band: str | None) -> None:
    assert spectrum.band_of_channel(channel) == band
