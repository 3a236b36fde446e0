"""Loaded by pytest before Django reads its settings (`-p tests.environment`): a world of their own for the tests.

Each process (each xdist worker too) gets its own VAR_DIR, gone afterwards. DATABASE_URL and BROKER_URL stay as they are
given, so that the same suite runs on SQLite, PostgreSQL, Redis and RabbitMQ.
"""

import base64
import os
import shutil
import tempfile
from pathlib import Path

import pytest

KEY = base64.urlsafe_b64encode(b"fleetdesk-tests-fleetdesk-tests-").decode()
VAR_DIR = Path(tempfile.mkdtemp(prefix="fleetdesk-tests-"))

os.environ |= {
    "MODE": "test",
    "VAR_DIR": str(VAR_DIR),
    "RUN_DIR": str(VAR_DIR / "runs"),
    "SECRET_KEY": "only-for-tests-" + KEY,
    "ENCRYPTION_KEYS": KEY,
}


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    shutil.rmtree(VAR_DIR, ignore_errors=True)
