"""A table that PostgreSQL partitions by range of one column of time; any other database gets it in one piece."""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


class CreatePartitioned(migrations.CreateModel):
    """CreateModel whose table is PARTITION BY RANGE (`by`), with a default partition for what no other one takes.

    The state is that of the plain model on every database. `by` has to stand in the primary key (PostgreSQL asks for it).
    Its index is a BRIN there: rows come in the order of time, so a few kilobytes do what a B-tree would do in gigabytes.
    """

    def __init__(self, *args: Any, by: str, time_index: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        self.time_index = time_index

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        name, args, kwargs = super().deconstruct()
        return name, args, kwargs | {"by": self.by, "time_index": self.time_index}

    def database_forwards(self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.name)
        table, column = model._meta.db_table, schema_editor.quote_name(self.by)
        statement, parameters = schema_editor.table_sql(model)
        schema_editor.execute(f"{statement} PARTITION BY RANGE ({column})", parameters or None)
        for field in model._meta.local_fields:
            if field.get_internal_type() == "BinaryField":  # packed numbers do not compress: do not try
                schema_editor.execute(f'ALTER TABLE "{table}" ALTER COLUMN "{field.column}" SET STORAGE EXTERNAL')
        schema_editor.execute(f'CREATE INDEX "{self.time_index}" ON "{table}" USING brin ({column})')
        schema_editor.execute(f'CREATE TABLE "{table}_default" PARTITION OF "{table}" DEFAULT')
