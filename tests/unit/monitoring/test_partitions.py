"""Partitions begin and end in UTC, whatever the clock on the wall does."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.monitoring.rules.partitions import Step, expired, partition, wanted

BERLIN = ZoneInfo("Europe/Berlin")
DAYS = timedelta(days=1)


@pytest.mark.parametrize(
    ("step", "at", "name", "begin", "end"),
    [
        (Step.DAY, datetime(2026, 11, 25, 23, 59, tzinfo=UTC), "s_20261125", (2026, 11, 25), (2026, 11, 26)),
        (Step.DAY, datetime(2026, 11, 26, 0, 30, tzinfo=BERLIN), "s_20261125", (2026, 11, 25), (2026, 11, 26)),
        (Step.DAY, datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=BERLIN), "s_20261025", (2026, 10, 25), (2026, 10, 26)),
        (Step.DAY, datetime(2026, 12, 31, 12, tzinfo=UTC), "s_20261231", (2026, 12, 31), (2027, 1, 1)),
        (Step.MONTH, datetime(2028, 2, 29, tzinfo=UTC), "s_202802", (2028, 2, 1), (2028, 3, 1)),
        (Step.MONTH, datetime(2026, 12, 1, tzinfo=UTC), "s_202612", (2026, 12, 1), (2027, 1, 1)),
        (Step.YEAR, datetime(2028, 6, 1, tzinfo=UTC), "s_2028", (2028, 1, 1), (2029, 1, 1)),
    ],
)
def test_a_partition_is_named_after_what_it_holds(
    step: Step, at: datetime, name: str, begin: tuple[int, int, int], end: tuple[int, int, int]
) -> None:
    found = partition("s", step, at)
    assert (found.name, found.begin, found.end) == (name, datetime(*begin, tzinfo=UTC), datetime(*end, tzinfo=UTC))


instants = st.integers(1_600_000_000, 3_800_000_000).map(lambda s: datetime.fromtimestamp(s, BERLIN))


@given(instants, st.sampled_from(Step))
def test_partitions_follow_each_other_without_gap_or_overlap(at: datetime, step: Step) -> None:
    one = partition("s", step, at)
    assert one.begin <= at < one.end
    assert partition("s", step, one.end).begin == one.end


def test_today_and_the_next_days_are_made_ahead() -> None:
    now = datetime(2026, 12, 30, 23, 0, tzinfo=UTC)
    names = [one.name for one in wanted("s", Step.DAY, now, 3 * DAYS)]
    assert names == ["s_20261230", "s_20261231", "s_20270101", "s_20270102"]
    assert [one.name for one in wanted("s", Step.YEAR, now, 3 * DAYS)] == ["s_2026", "s_2027"]


def test_only_what_is_wholly_too_old_is_dropped_and_only_what_is_ours() -> None:
    names = ["s_20261103", "s_20261101", "s_default", "s_20261102", "s_2026", "t_20261101", "s_20261102_kept"]
    cutoff = datetime(2026, 11, 3, 0, 0, tzinfo=UTC)
    assert expired(names, "s", Step.DAY, cutoff) == ["s_20261101", "s_20261102"]
    assert expired(names, "s", Step.DAY, cutoff - timedelta(seconds=1)) == ["s_20261101"]
