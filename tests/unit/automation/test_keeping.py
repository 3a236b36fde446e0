"""When configurations are fetched, and which are kept."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from fleet.automation.models import Backup, BackupState, Change, Configuration, DeviceLock, Run
from fleet.automation.rules.keeping import NIGHT, Known, is_due, night_of, superfluous, turn
from fleet.automation.services import backups
from tests.conftest import City

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 3, 10, 12, tzinfo=BERLIN)
NIGHT_BEGAN = datetime(2026, 3, 10, 1, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("hour", "day"),
    [(0, 9), (1, 10), (12, 10), (23, 10)],
)
def test_the_night_that_has_begun_last(hour: int, day: int) -> None:
    assert night_of(NOON.replace(hour=hour)) == NIGHT_BEGAN.replace(day=day)


def test_turns_are_spread_over_the_night_and_always_the_same() -> None:
    turns = [turn(pk, NIGHT_BEGAN) - NIGHT_BEGAN for pk in range(1, 2001)]

    assert all(timedelta(0) <= one < NIGHT for one in turns)
    assert max(turns.count(one) for one in set(turns)) <= 9, "2,000 devices in 240 minutes"


@pytest.mark.parametrize(
    ("due", "known"),
    [
        (True, Known(1)),
        (True, Known(1, NOON - timedelta(days=1), NOON - timedelta(days=1))),
        (False, Known(1, NIGHT_BEGAN + timedelta(hours=2), NIGHT_BEGAN + timedelta(hours=2))),
        (False, Known(1, NOON - timedelta(minutes=5), NOON - timedelta(days=1))),  # did not answer just now
        (True, Known(1, NOON - timedelta(minutes=31), NOON - timedelta(days=1))),
        (True, Known(1, NOON - timedelta(minutes=5), NOON - timedelta(minutes=5), NOON - timedelta(minutes=1))),
        (False, Known(1, NOON, NOON - timedelta(days=1), NOON - timedelta(minutes=1))),
    ],
)
def test_due(due: bool, known: Known) -> None:
    assert is_due(known, NOON) is due


def test_before_its_turn_a_device_waits() -> None:
    before = turn(100, NIGHT_BEGAN) - timedelta(minutes=1)
    known = Known(100, before - timedelta(hours=20), before - timedelta(hours=20))

    assert not is_due(known, before)
    assert is_due(known, before + timedelta(minutes=1))


def test_all_of_the_last_days_stay_then_one_a_month_and_always_the_latest() -> None:
    now = datetime(2026, 12, 31, tzinfo=UTC)
    at = [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 20, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)]
    recent = [(pk, now - timedelta(days=pk)) for pk in range(10, 20)]

    assert superfluous([*enumerate(at, start=1), *recent], now) == [1]
    assert superfluous([(1, at[0])], now) == []
    assert superfluous([], now) == []


def test_superfluous_versions_and_their_texts_go_device_by_device(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "PRUNED_AT_ONCE", 1)
    monkeypatch.setattr(backups, "TEXTS_AT_ONCE", 1)
    now = timezone.now()
    for device in (city.access_point_a, city.access_point_b):
        for number, day in enumerate((1, 2, 3)):
            text = f"package system\n\nconfig system\n\toption hostname '{device.name}-{number}'\n"
            made = backups.store(device=device, text=text, why=backups.Why())
            Backup.objects.filter(pk=made.pk).update(fetched_at=now.replace(year=now.year - 1, month=1, day=day))

    assert backups.prune(now=now) == 2, "of each the latest stays, and one of its month before"
    assert backups.prune(now=now) == 0
    assert Backup.objects.count() == Configuration.objects.count() == 4


@pytest.mark.django_db
def test_what_was_changed_comes_before_the_night_and_first_what_waits_for_the_longest(city: City) -> None:
    first, second = city.access_point_b, city.access_point_a
    backups.want(device_ids=[first.pk], change_id=None, now=NOON - timedelta(minutes=9))
    assert _due() == [first.pk, second.pk], "the other one has no backup of this night"

    backups.want(device_ids=[second.pk], change_id=None, now=NOON - timedelta(minutes=5))
    assert _due() == [first.pk, second.pk]
    backups.want(device_ids=[second.pk], change_id=None, now=NOON - timedelta(minutes=12))
    assert _due() == [second.pk, first.pk]


def _due() -> list[int]:
    return [device.pk for batch in backups._due(NOON) for device in batch]


@pytest.mark.django_db
def test_nothing_is_due_of_devices_that_a_run_holds_or_that_were_fetched_tonight(city: City) -> None:
    fetched, held = city.access_point_a, city.access_point_b
    BackupState.objects.create(device=fetched, tried_at=NOON, succeeded_at=NOON)
    backups.want(device_ids=[held.pk], change_id=None, now=NOON)
    change = Change.objects.create(authority=city.authority, playbook="ssid", starts_at=NOON)
    DeviceLock.objects.create(device=held, run=Run.objects.create(change=change, kind=Run.Kind.APPLY))

    assert not {fetched.pk, held.pk} & set(_due())
