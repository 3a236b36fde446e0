"""When a refused event is tried again."""

LONGEST_S = 3600


def retry_delay_s(attempts: int) -> int:
    """Seconds until the next try after `attempts` failures: 2, 4, 8 … up to an hour."""
    return min(LONGEST_S, 1 << min(attempts, 12))
