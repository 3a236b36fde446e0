"""The tests' database: migrated once and copied for each process, emptied table by table behind tests that commit."""

import fcntl
import hashlib
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection, transaction

from config.env import BASE_DIR

TEMPLATES = BASE_DIR / "build" / "tests"
TEMPLATE = "fleetdesk_tests_template"
"""PostgreSQL's; its comment says of which migrations it is."""
KEPT = {"django_content_type", "auth_permission"}
"""What `migrate` fills and no test changes."""


def of_these_migrations() -> str:
    """Another text as soon as a migration of ours or a package has changed."""
    digest = hashlib.sha256((BASE_DIR / "requirements.lock").read_bytes())
    for path in sorted(BASE_DIR.glob("*/*/migrations/*.py")):
        digest.update(path.relative_to(BASE_DIR).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def own_database() -> Iterator[None]:
    """This process' connections lead to a database of its own, as `migrate` leaves it; it is gone afterwards."""
    made = _on_postgresql if connection.vendor == "postgresql" else _in_a_file
    with made(of_these_migrations()):
        # What is made after every `migrate` depends on more than migrations.
        emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
        yield
        connection.close()


@contextmanager
def _in_a_file(key: str) -> Iterator[None]:
    own = Path(settings.DATABASES["default"]["TEST"]["NAME"])
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    template = TEMPLATES / f"{key}.sqlite3"
    with (TEMPLATES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            for old in TEMPLATES.glob("*.sqlite3*"):
                old.unlink()
            _migrate(str(own))
            shutil.copyfile(own, template)
    shutil.copyfile(template, own)
    _lead_to(str(own))
    yield
    own.unlink()


@contextmanager
def _on_postgresql(key: str) -> Iterator[None]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with _server() as server:
        # Held until the copy is made, so that nobody takes the template away meanwhile.
        server.execute("SELECT pg_advisory_lock(hashtext(%s))", [TEMPLATE])
        found = server.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [TEMPLATE]
        ).fetchone()
        if found != (key,):
            server.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
            server.execute(f"CREATE DATABASE {TEMPLATE}")
            _migrate(TEMPLATE)
            server.execute(f"COMMENT ON DATABASE {TEMPLATE} IS '{key}'")
        server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    _lead_to(name)
    yield
    with _server() as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _server() -> psycopg.Connection:
    values = settings.DATABASES["default"]
    return psycopg.connect(
        host=values["HOST"] or None,
        port=values["PORT"] or None,
        user=values["USER"] or None,
        password=values["PASSWORD"] or None,
        dbname="postgres",
        autocommit=True,
    )


def _migrate(name: str) -> None:
    _lead_to(name)
    call_command("migrate", verbosity=0, interactive=False)
    connection.close()


def _lead_to(name: str) -> None:
    connection.close()
    settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name


@contextmanager
def taken_back() -> Iterator[None]:
    """What is written here stays for all tests of a wider fixture, each of which is rolled back to it, and then goes too."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@cache
def _tables() -> list[str]:
    return sorted(set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT)


def empty() -> None:
    """Of everything that a test has committed. Foreign keys are asked at the end, so the order of tables does not matter."""
    quoted = [connection.ops.quote_name(one) for one in _tables()]
    filled = " UNION ALL ".join(f"SELECT '{one}' WHERE EXISTS (SELECT 1 FROM {one})" for one in quoted)  # noqa: S608  (names from the models)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(filled)
        for (table,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608  (likewise)
