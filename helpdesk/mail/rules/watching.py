"""How long a line that broke is left alone."""

FIRST_S, LONGEST_S = 2.0, 300.0


def pause(failures: int) -> float:
    """Seconds after so many failures in a row: 2, 4, 8 … 300."""
    return min(LONGEST_S, FIRST_S * (1 << min(failures - 1, 10)))
