"""The tests' database: migrated once and copied for each process, emptied table by table behind tests that commit."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path

import psycopg
from django.conf import settings
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


def prepare() -> None:
    """Makes what every database of these tests is copied of, if nobody has yet: so long a work belongs to no test."""
    with _template():
        pass


@contextmanager
def own_database() -> Iterator[None]:
    """This process' connections lead to a database of its own, as `migrate` leaves it; it is gone afterwards."""
    with _copied_to(settings.DATABASES["default"]["TEST"]["NAME"]) as own:
        _lead_to(own)
        # What is made after every `migrate` depends on more than migrations.
        emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
        yield
        connection.close()


def _copied_to(file: Path) -> AbstractContextManager[str]:
    return database_on_server() if connection.vendor == "postgresql" else _file(Path(file))


@contextmanager
def _file(own: Path) -> Iterator[str]:
    copy_to(own)
    yield str(own)
    own.unlink()


def copy_to(own: Path) -> None:
    """A migrated SQLite database."""
    with _template_file() as template:
        shutil.copyfile(template, own)


@contextmanager
def database_on_server() -> Iterator[str]:
    """The name of a migrated PostgreSQL database, gone afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with _template_on_server() as template, _server() as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield name
    with _server() as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _template() -> AbstractContextManager[object]:
    return _template_on_server() if connection.vendor == "postgresql" else _template_file()


@contextmanager
def _template_file() -> Iterator[Path]:
    """Nobody takes it away while it is held."""
    TEMPLATES.mkdir(parents=True, exist_ok=True)
    template = TEMPLATES / f"{of_these_migrations()}.sqlite3"
    with (TEMPLATES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not template.exists():
            for old in TEMPLATES.glob("*.sqlite3*"):
                old.unlink()
            draft = template.with_name(f"draft-{template.name}")
            _migrate(f"sqlite:///{draft}")
            draft.rename(template)
        yield template


@contextmanager
def _template_on_server() -> Iterator[str]:
    """Nobody takes it away while it is held."""
    key = of_these_migrations()
    with _server() as server:
        server.execute("SELECT pg_advisory_lock(hashtext(%s))", [TEMPLATE])
        found = server.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [TEMPLATE]
        ).fetchone()
        if found != (key,):
            server.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
            server.execute(f"CREATE DATABASE {TEMPLATE}")
            _migrate(f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{TEMPLATE}")
            server.execute(f"COMMENT ON DATABASE {TEMPLATE} IS '{key}'")
        yield TEMPLATE


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


def _migrate(url: str) -> None:
    """In a process of its own, so that this one's connections lead where they led."""
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"], cwd=BASE_DIR, env=os.environ | {"DATABASE_URL": url}, check=True
    )


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


def filled() -> list[str]:
    """Names of the tables that hold anything."""
    asked = " UNION ALL ".join(f"SELECT '{one}' WHERE EXISTS (SELECT 1 FROM {_quoted(one)})" for one in _tables())  # noqa: S608  (names from the models)
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return [table for (table,) in cursor.fetchall()]


def empty() -> None:
    """Of everything that a test has committed. Foreign keys are asked at the end, so the order of tables does not matter."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in filled():
            cursor.execute(f"DELETE FROM {_quoted(table)}")  # noqa: S608  (likewise)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)
