"""How long something took, reckoned where the rows are: a report asks for tens of thousands of them."""

from typing import Any

from django.db.models import FloatField, Func


class Elapsed(Func):
    """Seconds from the second instant to the first: `Elapsed("answered_at", "created_at")`. NULL where one is."""

    template = "EXTRACT(EPOCH FROM (%(expressions)s))::double precision"
    arg_joiner = " - "
    output_field: Any = FloatField()
    arity = 2

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """Django's own function there; in microseconds."""
        template = "(django_timestamp_diff(%(expressions)s) / 1000000.0)"
        return super().as_sql(compiler, connection, template=template, arg_joiner=", ", **more)
