"""Where words are looked up quickly: GIN indexes on PostgreSQL, FTS5 tables kept by triggers on SQLite.

On SQLite Django changes a table by making it anew, and triggers are lost with the old one; so what is missing is made again
after every `migrate`, and filled from the rows.
"""

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from fleet.web.fulltext import index_sql

COLUMNS = {"finding_subjects": ("tickets_ticket", "subject"), "finding_bodies": ("tickets_article", "body")}
"""{index: (table, column)}"""

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
            else:
                cursor.execute(UNFINISHED)
            cursor.execute(NO_LONGER)


def _ensure(connection: BaseDatabaseWrapper, name: str, table: str, column: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(index_sql(name, table, column))
            return
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
