"""Wi-Fi keys that are made up: long enough for our own compliance report, and to be read out loud."""

import math
import secrets

from fleet.automation.rules.compliance import SHORTEST_KEY

LETTERS = "abcdefghkmnpqrstuvwxyz23456789"
"""Without those that look alike: i, j, l, o, 0 and 1."""
GROUP = 4


def wifi_key(at_least: int = SHORTEST_KEY) -> str:
    """Groups of four with hyphens between, `at_least` characters in all (8 to 63 are possible, IEEE 802.11, annex J.4).

    Each letter is worth log2(30), about 4.9 bits.
    """
    groups = math.ceil((at_least + 1) / (GROUP + 1))
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(groups))
