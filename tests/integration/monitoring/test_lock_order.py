"""Who polls, who asks for a poll and who writes one down lock the same rows, never in a circle (on PostgreSQL)."""

import threading
import time
import uuid
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from fleet.devices.models import Device
from fleet.monitoring import services
from fleet.monitoring.models import Health
from fleet.monitoring.services import claims
from tests.conftest import City

MANY = 50


def wait_until_somebody_waits() -> None:
    """Statistics are kept for a transaction: they are asked for anew each time."""
    give_up_at = time.monotonic() + 10
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with connection.cursor() as cursor:
        while time.monotonic() < give_up_at:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(waiting)
            if cursor.fetchone() != (0,):
                return
            time.sleep(0.02)


@pytest.fixture
def ids(city: City) -> list[int]:
    """Devices whose rows lie in the table from the last to the first."""
    like = city.switch_a
    made = Device.objects.bulk_create(
        Device(
            authority=like.authority,
            site=like.site,
            type=like.type,
            kind=like.kind,
            name=f"sw-{n}",
            address=f"127.31.{n // 200}.{n % 200 + 1}",
            snmp_credential=like.snmp_credential,
        )
        for n in range(MANY)
    )
    rows = [Health(device=one, authority_id=one.authority_id, site_id=one.site_id) for one in reversed(made)]
    Health.objects.bulk_create(rows)  # nothing else tells an update where to begin
    return sorted(one.pk for one in made)


def ask(ids: list[int], _token: uuid.UUID) -> None:
    services.poll_soon(device_ids=ids)


def renew(ids: list[int], token: uuid.UUID) -> None:
    claims.renew([claims.Claim(token, timezone.now(), [], set(ids))])


@pytest.mark.skipif("connection.vendor != 'postgresql'")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", [ask, renew])
def test_many_rows_are_locked_in_the_order_of_everybody(ids: list[int], act: Callable[[list[int], uuid.UUID], None]) -> None:
    """Another, who has the first row, wants the last one next."""
    failed: list[Exception] = []
    token = uuid.uuid4()
    Health.objects.filter(pk__in=ids).update(claim=token)

    def other() -> None:
        try:
            act(ids, token)
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=other)
    try:
        with transaction.atomic():
            list(Health.objects.select_for_update().filter(pk=ids[0]))
            thread.start()
            wait_until_somebody_waits()
            list(Health.objects.select_for_update().filter(pk=ids[-1]))  # a circle, if the other one has it
    except OperationalError as error:
        failed.append(error)
    thread.join()

    assert failed == []


@pytest.mark.skipif("connection.vendor != 'postgresql'")
@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_being_written_is_not_waited_for(ids: list[int]) -> None:
    taken: list[claims.Claim] = []

    def take() -> None:
        taken.append(claims.take_these(ids))
        connection.close()

    with transaction.atomic():
        list(Health.objects.select_for_update().filter(pk=ids[7]))
        thread = threading.Thread(target=take)
        thread.start()
        thread.join()

    assert {row.device_id for row in taken[0].rows} == set(ids) - {ids[7]}
