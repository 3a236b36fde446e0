"""A number that no column can hold names no row.

Django says so for plain integer columns (`exact` and comparisons), but not for relations and lists: there SQLite raises an
OverflowError, and an address with a very long number would be an error of ours instead of «there is no such thing».
"""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import IntegerField
from django.db.models.fields.related import ForeignObject
from django.db.models.fields.related_lookups import RelatedExact, RelatedIn
from django.db.models.lookups import In

SMALLEST, LARGEST = -(2**63), 2**63 - 1
"""Of a 64-bit column, which all our keys are."""


def fits(value: Any) -> bool:
    return not isinstance(value, int) or SMALLEST <= value <= LARGEST


class FittingRelated(RelatedExact):
    def as_sql(self, *args: Any, **kwargs: Any) -> Any:
        if not fits(self.rhs):
            raise EmptyResultSet
        return super().as_sql(*args, **kwargs)


class FittingRelatedIn(RelatedIn):
    def get_prep_lookup(self) -> Any:
        return _fitting(super().get_prep_lookup())


class FittingIn(In):
    def get_prep_lookup(self) -> Any:
        return _fitting(super().get_prep_lookup())


def _fitting(values: Any) -> Any:
    return [value for value in values if fits(value)] if isinstance(values, list) else values


def register() -> None:
    ForeignObject.register_lookup(FittingRelated)
    ForeignObject.register_lookup(FittingRelatedIn)
    IntegerField.register_lookup(FittingIn)
