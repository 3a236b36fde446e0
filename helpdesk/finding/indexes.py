"""Where words are looked up quickly: GIN indexes on PostgreSQL, FTS5 tables kept by triggers on SQLite.

On PostgreSQL a column holds the stems of each text: taking them anew from thousands of texts is most of a search's time. A
trigger fills it, for a trigger can be changed while the table stays as it is: a generated column is written anew row by row.
Its indexes have no list of what is yet to be sorted in (`fastupdate`), which each search would read through.

On SQLite Django changes a table by making it anew, and triggers are lost with the old one; so what is missing is made again
after every `migrate`, and filled from the rows.
"""

import logging

from django.db import ProgrammingError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

log = logging.getLogger(__name__)
COLUMNS = {"finding_subjects": ("tickets_ticket", "subject"), "finding_bodies": ("tickets_article", "body")}
"""{index: (table, column)}"""
STEMS = "finding_stems"
"""The column of PostgreSQL."""
LONGEST_STEMMED = 100_000
"""Characters: the stems of a text may have 1 MiB at most (PostgreSQL, 12.11), or its row is refused. The worst text, single
letters of four bytes joined by hyphens, reaches that at 130,000."""
AT_ONCE = 1_000
"""Rows whose stems are taken in one transaction."""
PARTS_OF = {"finding_part_of_subject": "subject", "finding_part_of_number": "number"}
"""{index: column of tickets}, as `icontains` asks for them."""

UNFINISHED = (
    "CREATE INDEX IF NOT EXISTS finding_next ON tickets_ticket "
    "(due_at, priority DESC, created_at DESC, id, authority_id, site_id, state, queue_id)"
)
"""The list as it opens, what is due next first (`selectors.URGENT_FIRST` of tickets), and the counts, without a look at the
rows. SQLite uses no index on a part of the rows where the values come as parameters, so there it covers all of them."""
ALL = "CREATE INDEX IF NOT EXISTS finding_all ON tickets_ticket (due_at, priority DESC, created_at DESC, id)"
"""The same list with the finished ones, on PostgreSQL."""
NO_LONGER = "DROP INDEX IF EXISTS finding_unfinished"
FINISHED = " WHERE state NOT IN ('resolved', 'closed')"


def ensure(using: str) -> None:
    connection = connections[using]
    tables = set(connection.introspection.table_names())
    for name, (table, column) in COLUMNS.items():
        if table in tables:
            _ensure(connection, name, table, column)
    if "tickets_ticket" in tables:
        with connection.cursor() as cursor:
            columns = {one.name for one in connection.introspection.get_table_description(cursor, "tickets_ticket")}
            if not columns >= {"due_at", "queue_id"}:  # `migrate` was told to stop, or to go back, before they were there
                return
            if connection.vendor == "postgresql":
                cursor.execute(UNFINISHED + FINISHED)
                cursor.execute(ALL)
                _ensure_parts(using)
            else:
                cursor.execute(UNFINISHED)
            cursor.execute(NO_LONGER)


def _ensure_parts(using: str) -> None:
    """For parts of words, where the database has the extension for it, and its owner may take it in; it is trusted
    (PostgreSQL 13 and newer). Without it such words are looked for ticket by ticket."""
    try:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")
            if cursor.fetchone():
                cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
                for name, column in PARTS_OF.items():
                    index = f"gin (upper({column}::text) gin_trgm_ops) WITH (fastupdate = off)"
                    cursor.execute(f"CREATE INDEX IF NOT EXISTS {name} ON tickets_ticket USING {index}")
    except ProgrammingError:
        log.info("pg_trgm is not to be had: parts of words are looked for ticket by ticket")


def _ensure(connection: BaseDatabaseWrapper, name: str, table: str, column: str) -> None:
    if connection.vendor == "postgresql":
        _ensure_stems(connection, name, table, column)
    else:
        _ensure_words(connection, name, table, column)


def _ensure_stems(connection: BaseDatabaseWrapper, name: str, table: str, column: str) -> None:
    """Nothing here holds writers up for longer than a look into the catalogue, but the first index over a full table."""
    with connection.cursor() as cursor:
        with transaction.atomic(using=connection.alias):
            _ensure_kept(cursor, name, table, column)
        stems = f"UPDATE {table} SET {STEMS} = {_stems(column)} WHERE id IN"  # noqa: S608  (our own names)
        without = f"(SELECT id FROM {table} WHERE {STEMS} IS NULL LIMIT {AT_ONCE} FOR UPDATE)"  # noqa: S608
        cursor.execute(f"{stems} {without}")
        while cursor.rowcount:
            cursor.execute(f"{stems} {without}")
        cursor.execute(f"CREATE INDEX IF NOT EXISTS {name}_stems ON {table} USING gin ({STEMS}) WITH (fastupdate = off)")
        cursor.execute(f"DROP INDEX IF EXISTS {name}")


def _stems(text: str) -> str:
    return f"to_tsvector('german'::regconfig, left({text}, {LONGEST_STEMMED}))"


def _ensure_kept(cursor: CursorWrapper, name: str, table: str, column: str) -> None:
    """The column and its trigger. What was a generated column keeps what it holds."""
    cursor.execute("SELECT attgenerated FROM pg_attribute WHERE attrelid = %s::regclass AND attname = %s", [table, STEMS])
    found = cursor.fetchone()
    if found is None:  # to be told that it is there would lock the table too
        cursor.execute(f"ALTER TABLE {table} ADD COLUMN {STEMS} tsvector")
    elif found[0]:
        cursor.execute(f"ALTER TABLE {table} ALTER COLUMN {STEMS} DROP EXPRESSION")
    cursor.execute(
        f"CREATE OR REPLACE FUNCTION {name}_stem() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN NEW.{STEMS} := {_stems(f'NEW.{column}')}; RETURN NEW; END $$"
    )
    cursor.execute("SELECT 1 FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = %s", [table, f"{name}_stem"])
    if cursor.fetchone() is None:
        before = f"BEFORE INSERT OR UPDATE OF {column} ON {table}"
        cursor.execute(f"CREATE TRIGGER {name}_stem {before} FOR EACH ROW EXECUTE FUNCTION {name}_stem()")


def _ensure_words(connection: BaseDatabaseWrapper, name: str, table: str, column: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s", [f"{name}_%"])
        if cursor.fetchone()[0] == len(_triggers(name, table, column)):
            return
        cursor.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS {name} USING fts5({column}, content='{table}', content_rowid='id', "
            "tokenize='unicode61 remove_diacritics 0')"
        )
        for trigger in _triggers(name, table, column):
            cursor.execute(trigger)
        cursor.execute(f"INSERT INTO {name}({name}) VALUES ('rebuild')")  # noqa: S608  (our own names)


def _triggers(name: str, table: str, column: str) -> list[str]:
    """As SQLite's manual has them for external content (FTS5, section 4.4.3)."""
    add = f"INSERT INTO {name}(rowid, {column}) VALUES (new.id, new.{column})"  # noqa: S608
    remove = f"INSERT INTO {name}({name}, rowid, {column}) VALUES ('delete', old.id, old.{column})"  # noqa: S608
    made = f"CREATE TRIGGER IF NOT EXISTS {name}"
    return [
        f"{made}_added AFTER INSERT ON {table} BEGIN {add}; END",
        f"{made}_removed AFTER DELETE ON {table} BEGIN {remove}; END",
        f"{made}_changed AFTER UPDATE OF {column} ON {table} BEGIN {remove}; {add}; END",
    ]
