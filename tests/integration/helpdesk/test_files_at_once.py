"""The same content let go by one and attached by another at the same instant: what a row speaks of lies on disk."""

import io
import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from helpdesk.tickets import services
from helpdesk.tickets.models import Attachment, LooseFile, Ticket
from helpdesk.tickets.services import attachments
from helpdesk.tickets.services.attachments import Kept, attach, keep, remove, sweep
from tests.conftest import City

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = b"the same photo"
LATER = timedelta(hours=2)
together = pytest.mark.skipif(
    not os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="SQLite lets nobody write beside another"
)


@pytest.fixture(autouse=True)
def _files_of_their_own(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def ticket(city: City) -> Ticket:
    return services.open_ticket(opening=services.Opening(city.school_a, "Drucker", requester=city.coordinator_a))


def kept() -> Kept:
    return keep(source=io.BytesIO(CONTENT), name="foto.jpg")


def attached(ticket: Ticket, one: Kept) -> Attachment:
    (row,) = attach(article=ticket.articles.get(), files=[one])
    return row


def beside(act: Callable[[], object]) -> threading.Thread:
    """`act` on a connection of its own."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_attached_while_the_last_row_goes_stays(ticket: Ticket) -> None:
    first = attached(ticket, kept())
    meanwhile = kept()  # by somebody whose row is not written yet
    remove(attachments=[first])
    sweep()

    row = attached(ticket, meanwhile)

    assert Path(row.file.path).read_bytes() == CONTENT
    assert sweep(now=timezone.now() + LATER) == 0
    assert Path(row.file.path).exists()


@together
def test_a_row_that_is_written_in_another_transaction_keeps_its_file(ticket: Ticket) -> None:
    first = attached(ticket, kept())
    remove(attachments=[first])
    taken, go_on = threading.Event(), threading.Event()

    def attaches() -> None:
        one = kept()
        with transaction.atomic():
            attached(ticket, one)
            taken.set()
            assert go_on.wait(60)

    other = beside(attaches)
    assert taken.wait(60)
    sweep()
    go_on.set()
    other.join(60)

    row = Attachment.objects.get()
    assert Path(row.file.path).read_bytes() == CONTENT


@together
def test_whoever_keeps_it_while_it_is_being_swept_waits_and_has_it(ticket: Ticket) -> None:
    remove(attachments=[attached(ticket, kept())])
    swept, go_on, mine = threading.Event(), threading.Event(), []

    def sweeps() -> None:
        with transaction.atomic():
            assert sweep(now=timezone.now() + LATER) == 1
            swept.set()
            assert go_on.wait(60)

    sweeper = beside(sweeps)
    assert swept.wait(60)
    keeper = beside(lambda: mine.append(kept()))
    until(_somebody_waits)
    assert not mine
    go_on.set()
    for one in (sweeper, keeper):
        one.join(60)

    assert Path(attached(ticket, mine[0]).file.path).read_bytes() == CONTENT
    assert LooseFile.objects.count() == 1


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


def test_what_nobody_attached_goes_after_an_hour(ticket: Ticket, tmp_path: Path) -> None:
    needed = attached(ticket, kept())
    left = keep(source=io.BytesIO(b"nobody attached this"), name="x")
    begun = tmp_path / "files" / "attachments" / "draft-killed"
    begun.write_bytes(b"half")
    os.utime(begun, times=(0, 0))
    assert sweep() == 0

    assert sweep(now=timezone.now() + LATER) == 1

    assert Path(needed.file.path).exists()
    assert not (tmp_path / "files" / left.file).exists()
    assert not begun.exists()
    assert not LooseFile.objects.exists()


def test_many_go_in_several_goes(ticket: Ticket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "AT_ONCE", 2)
    for number in range(5):
        keep(source=io.BytesIO(f"{number}".encode()), name="x")

    assert sweep(now=timezone.now() + LATER) == 5


def test_a_rolled_back_removal_leaves_the_file(ticket: Ticket) -> None:
    row = attached(ticket, kept())
    sweep(now=timezone.now() + LATER)

    with transaction.atomic():
        remove(attachments=[row])
        transaction.set_rollback(True)
    sweep(now=timezone.now() + LATER)

    assert Path(Attachment.objects.get().file.path).exists()
