"""What a form offers to choose from, where that depends on who asks."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.db.models import QuerySet


def offer(form: forms.BaseForm, name: str, choices: Iterable[tuple[Any, Any]]) -> None:
    """`choices`: (value, what is shown) of a ChoiceField."""
    cast("forms.ChoiceField", form.fields[name]).choices = list(choices)


def offer_rows(form: forms.BaseForm, name: str, rows: QuerySet[Any]) -> None:
    """`rows` of a ModelChoiceField; a value that names another row is no valid choice."""
    cast("forms.ModelChoiceField[Any]", form.fields[name]).queryset = rows
