"""What autovacuum does in service, where a machine's PostgreSQL has it switched off. Django must be set up."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

EVERY_S = 60.0
"""PostgreSQL's autovacuum_naptime: tables that change as much as these are due at each look."""


@contextmanager
def vacuumed() -> Iterator[None]:
    if connection.vendor != "postgresql" or _looked_after():
        yield
        return
    print("autovacuum is off: vacuuming once a minute in its stead", flush=True)
    _vacuum()
    over = threading.Event()
    worker = threading.Thread(target=_keep_vacuuming, args=[over], daemon=True)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()


def _looked_after() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SHOW autovacuum")
        return bool(cursor.fetchone()[0] == "on")


def _keep_vacuuming(over: threading.Event) -> None:
    try:
        while not over.wait(EVERY_S):
            _vacuum()
    finally:
        connection.close()


def _vacuum() -> None:
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
