"""Loaded by pytest before Django reads its settings (`-p tests.environment`): a world of their own for the tests.

Each process (each xdist worker too) gets its own VAR_DIR and its own queues, gone afterwards. DATABASE_URL and BROKER_URL
stay as they are given, so that the same suite runs on SQLite, PostgreSQL, Redis and RabbitMQ.
"""

import base64
import os
import shutil
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Exchange, Queue
from xdist.scheduler import LoadScopeScheduling

HERE = Path(__file__).parent
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
    "RUN_LEASE_S": "15",
}

# What one process compiles, asserts rewritten, all others read; some containers ask each for doing that anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

REACH = {
    "database": ("",),
    "broker": (
        "integration/loop",
        "integration/helpdesk",
        "integration/monitoring/test_two_workers",
        "integration/monitoring/test_killed_worker",
        "unit/events",
    ),
}
"""Places below tests/ in which the database, and in which the broker too, is more than furniture."""
ALIKE = (
    "web/test_every_url",
    "web/automation/test_who_sees_what",
    *(
        f"integration/automation/test_{name}"
        for name in (
            "backups", "boxes", "by_hand", "changes", "checking", "credentials", "faults", "isolation", "remedies",
            "safety", "taking_back", "ways_back",
        )
    ),
    "integration/monitoring/test_storms",
    "integration/loop/test_loop.py::test_text_reaches",
    "integration/loop/test_loop.py::test_a_configuration_that_does_not_take",
)  # fmt: skip
"""Who may open what is asked of the same rules and rows everywhere, and what Ansible does to a device or a storm to alerts
has nothing to do with who keeps the rows. Races, claims and the queries behind all that have tests of their own."""


TOGETHER = ("tests/integration/loop/",)
"""Tests that share what is dear to make (a whole running product) go to one worker, and begin first."""


class ByPlace(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Every other test goes to whoever is free. (xdist's own groups have no effect with pytest 9.)"""

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """What is done is forgotten: xdist counts all that a worker ever got after each of its tests."""
        super().mark_test_complete(node, item_index, duration)
        work, nodeid = self.assigned_work[node], self.registered_collections[node][item_index]
        if all(work[self._split_scope(nodeid)].values()):
            del work[self._split_scope(nodeid)]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByPlace:
    return ByPlace(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--of", choices=sorted(REACH), help="only tests that would notice another database (or another broker)")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Nobody need import what a run is not of."""
    if (wanted := config.getoption("--of")) is None or not collection_path.is_relative_to(HERE):
        return None
    place = collection_path.relative_to(HERE).as_posix()
    leads = place == "." or any(place.startswith(folder) or folder.startswith(f"{place}/") for folder in REACH[wanted])
    return None if leads else True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What reaches neither database nor broker says the same on every stack: it is run once, on the embedded one."""
    if wanted := config.getoption("--of"):
        chosen = [one for one in items if _notices(one, REACH[wanted])]
        config.hook.pytest_deselected(items=[one for one in items if one not in set(chosen)])
        items[:] = chosen


def _notices(item: pytest.Item, folders: tuple[str, ...]) -> bool:
    place = item.nodeid.removeprefix("tests/")
    return reaches_database(item) and place.startswith(folders) and not place.startswith(ALIKE)


def reaches_database(item: pytest.Item) -> bool:
    stateful = {"db", "transactional_db", "house", "machine", "site"}.intersection(getattr(item, "fixturenames", ()))
    return bool(stateful or item.get_closest_marker("django_db"))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    if os.environ.get("BROKER_URL"):
        forget_queues(BROKER_PREFIX)
    shutil.rmtree(VAR_DIR, ignore_errors=True)


def forget_queues(prefix: str) -> None:
    """A broker that others use too keeps nothing of the tests."""
    with Connection(os.environ["BROKER_URL"]) as connection, connection.channel() as channel:
        for kind in ("default", "automation", "polling", "asking", "searching", "mail"):
            name = f"{prefix}.{kind}"
            queue = Queue(name, Exchange(name), routing_key=name, channel=channel)
            queue.declare()  # a transport of its own, as Redis', deletes only what it knows
            queue.delete()
