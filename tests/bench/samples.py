"""What it costs to keep a poll: our binary COPY of packed rows beside Django's bulk_create of the same rows.

Both write the same rows to the same table in transactions of the same size, in a database made for it beside that of
DATABASE_URL and dropped afterwards. Alone: `DATABASE_URL=postgres://… python -m tests.bench.samples`.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

DEVICES = 5_000
VALUES = 76
BATCH = 1_000
TURNS = 3
GOAL = 3.0
AGAINST = "bulk_create of the same packed rows, PostgreSQL, s per 5,000 rows of 76 values"


def samples_stored() -> list[tuple[str, float, float, float, str]]:
    """[(name, our seconds, the peer's, goal, against)]; none without a PostgreSQL to write to."""
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        print("samples_stored: left out, DATABASE_URL names no PostgreSQL")
        return []
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        environment = os.environ | {"MODE": "test", "VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "config.settings"}
        command = [sys.executable, "-m", "tests.bench.samples"]
        said = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    figures = json.loads(said)
    return [("samples_stored", figures["ours_s"], figures["peer_s"], GOAL, AGAINST)]


def _in_a_database_of_its_own() -> tuple[float, float]:
    import django

    django.setup()
    from django.test.runner import DiscoverRunner

    runner = DiscoverRunner(verbosity=0, interactive=False)
    made = runner.setup_databases()
    try:
        return _measured()
    finally:
        runner.teardown_databases(made)


def _measured() -> tuple[float, float]:
    from django.utils import timezone

    from fleet.monitoring.services import partitions

    now = timezone.now()
    partitions.make_ahead(now=now)
    ours, peer = float("inf"), float("inf")
    for turn in range(TURNS):
        at = now + timedelta(seconds=2 * turn)
        ours = min(ours, _timed(_ours, at))
        peer = min(peer, _timed(_peer, at + timedelta(seconds=1)))
    return ours, peer


def _timed(write: Callable[[datetime, Sequence[int]], None], at: datetime) -> float:
    from django.db import transaction

    begun = time.perf_counter()
    for first in range(0, DEVICES, BATCH):
        with transaction.atomic():
            write(at, range(first, first + BATCH))
    return time.perf_counter() - begun


NAMES = tuple(f"traffic_in_bps.{n}" for n in range(VALUES))
NUMBERS = [n * 1000.5 for n in range(VALUES)]


def _ours(at: datetime, devices: Sequence[int]) -> None:
    from fleet.monitoring.services import history

    history.record(samples=[history.NewSample(device, at, NAMES, NUMBERS) for device in devices])


def _peer(at: datetime, devices: Sequence[int]) -> None:
    """As anybody would write it, with layout and packing done alike."""
    from fleet.monitoring.models import Sample
    from fleet.monitoring.rules import packing
    from fleet.monitoring.services import history

    layout = history.layouts([NAMES])[NAMES]
    rows = [Sample(device_id=one, polled_at=at, layout_id=layout, values=packing.pack(NUMBERS)) for one in devices]
    Sample.objects.bulk_create(rows)


def main() -> None:
    ours, peer = _in_a_database_of_its_own()
    per_row = {"ours_us_per_row": ours / DEVICES * 1e6, "peer_us_per_row": peer / DEVICES * 1e6}
    print(json.dumps({"ours_s": ours, "peer_s": peer, "rows_per_s": DEVICES / ours} | per_row))


if __name__ == "__main__":
    main()
