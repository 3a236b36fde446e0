"""On PostgreSQL a reading lies beside its row, not in it (TOAST): each poll writes the row anew, a walk alone the reading.

It takes effect for a row when that is written the next time.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

LEAST = 128
"""Bytes; what a row is to be cut down to once a reading makes it longer than a quarter of a page."""


def lay_apart(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE monitoring_health SET (toast_tuple_target = {LEAST})")


def as_before(_apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE monitoring_health RESET (toast_tuple_target)")


class Migration(migrations.Migration):
    dependencies = (("monitoring", "0015_schedule_on_health"),)
    operations = (migrations.RunPython(lay_apart, as_before),)
