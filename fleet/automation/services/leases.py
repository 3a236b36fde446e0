"""Leases: whoever works on a row says so again and again. A dead worker's row is seen, a slow one's is left alone."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, connections


def lease(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.RUN_LEASE_S)


@contextmanager
def kept(prolong: Callable[[], object]) -> Iterator[None]:
    """`prolong`, in a thread of its own, beside slow work such as asking devices that do not answer.

    A dead worker prolongs nothing.
    """
    over = threading.Event()

    def beat() -> None:
        while not over.wait(settings.RUN_LEASE_S / 3):
            with suppress(DatabaseError, InterfaceError):
                prolong()
            close_old_connections()  # one that broke is made anew for the next beat
        connections.close_all()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
