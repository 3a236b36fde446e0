"""What is said of a run whose child has died, and how its end waits for the database."""

import pytest
from django.conf import LazySettings
from django.db import OperationalError

from fleet.automation.services.running import _ended_by_itself, patiently


@pytest.mark.parametrize(
    ("last_words", "begun", "end"),
    [
        ("OSError: [Errno 28] No space left on device", False, ("failed", "disk-full-before", "")),
        ("OSError: [Errno 28] No space left on device", True, ("lost", "disk-full-midway", "")),
        ("Killed", False, ("lost", "process-ended", "Killed")),
    ],
)
def test_a_full_disk_is_named(last_words: str, begun: bool, end: tuple[str, str, str]) -> None:
    found = _ended_by_itself(last_words, begun=begun)

    assert (found.state, found.problem, found.error) == end


@pytest.mark.django_db
def test_the_end_of_a_run_waits_for_the_database(settings: LazySettings) -> None:
    settings.RUN_LEASE_S = 5
    tries = iter([OperationalError("away"), None])

    def write() -> str:
        if error := next(tries):
            raise error
        return "written"

    assert patiently(write) == "written"


def test_but_not_without_end(settings: LazySettings) -> None:
    settings.RUN_LEASE_S = 0

    def write() -> None:
        raise OperationalError("away")

    with pytest.raises(OperationalError):
        patiently(write)
