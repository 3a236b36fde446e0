"""What the evidence card says."""

import pytest
from django.utils import translation

from fleet.automation import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, None),
        (1.0, "1 Sekunde"),
        (7.9, "7 Sekunden"),
        (119.0, "119 Sekunden"),
        (120.0, "2 Minuten"),
        (1_839_594.0, "21 Tage"),
    ],
)
def test_how_long_a_device_has_been_running(seconds: float | None, said: str | None) -> None:
    with translation.override("de"):
        assert words.running_for(seconds) == said


def test_a_restart_is_shown_in_words() -> None:
    one = {"reading": "uptime_s", "holds": "restarted", "device": "AP-1", "wanted": None, "verdict": "confirmed"}
    with translation.override("de"):
        row = words.evidence_row(one | {"before": 1_839_594.0, "after": 7.0})

    assert (row["label"], row["before"], row["after"]) == ("Läuft seit", "21 Tage", "7 Sekunden")
