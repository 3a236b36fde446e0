"""Loaded by pytest before Django reads its settings (`-p tests.environment`): a world of their own for the tests.

Each process (each xdist worker too) gets its own VAR_DIR and its own queues, gone afterwards. DATABASE_URL and BROKER_URL
stay as they are given, so that the same suite runs on SQLite, PostgreSQL, Redis and RabbitMQ.
"""

import base64
import os
import shutil
import tempfile
import uuid
from pathlib import Path

import pytest
from kombu import Connection, Exchange, Queue

KEY = base64.urlsafe_b64encode(b"fleetdesk-tests-fleetdesk-tests-").decode()
VAR_DIR = Path(tempfile.mkdtemp(prefix="fleetdesk-tests-"))
BROKER_PREFIX = f"tests-{uuid.uuid4().hex[:8]}"

os.environ |= {
    "MODE": "test",
    "VAR_DIR": str(VAR_DIR),
    "RUN_DIR": str(VAR_DIR / "runs"),
    "BROKER_PREFIX": BROKER_PREFIX,
    "SECRET_KEY": "only-for-tests-" + KEY,
    "ENCRYPTION_KEYS": KEY,
}


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    if os.environ.get("BROKER_URL"):
        forget_queues(BROKER_PREFIX)
    shutil.rmtree(VAR_DIR, ignore_errors=True)


def forget_queues(prefix: str) -> None:
    """A broker that others use too keeps nothing of the tests."""
    with Connection(os.environ["BROKER_URL"]) as connection, connection.channel() as channel:
        for kind in ("default", "automation", "polling"):
            name = f"{prefix}.{kind}"
            queue = Queue(name, Exchange(name), routing_key=name, channel=channel)
            queue.declare()  # a transport of its own, as Redis', deletes only what it knows
            queue.delete()
