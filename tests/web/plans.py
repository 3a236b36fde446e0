"""How the database would answer: what it reads by which index, and what it does again and again."""

import re

from django.db import connection


def plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{sql}")
        return "\n".join(str(row) for row in cursor.fetchall())


def repeats(found: str) -> bool:
    """Whether a part of the plan is done for each row of another. PostgreSQL looks a hashed one up."""
    once = set(re.findall(r"hashed SubPlan (\d+)", found))
    return "CORRELATED" in found or not set(re.findall(r"' +SubPlan (\d+)", found)) <= once
