"""A world whose clock the test turns by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from fleet.lab.city import demo_city
from fleet.lab.world import World


class HandClock:
    """Monday, third lesson, until told otherwise."""

    def __init__(self) -> None:
        self.present = datetime(2026, 11, 23, 9, 10, tzinfo=UTC)

    def now(self) -> datetime:
        return self.present

    def advance(self, seconds: float) -> None:
        self.present += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def world(clock: HandClock) -> World:
    return World(demo_city(), clock)
