"""Saving what an authority arranges for its tickets; deadlines that hang on it are worked out anew."""

from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import ProtectedError

from fleet.events.services import Fact, emit
from fleet.people.models import User
from helpdesk.tickets.models import Agreement, Category, EscalationStep


def save(*, form: Any, by: User) -> models.Model:
    with transaction.atomic():
        row: models.Model = form.save()
        _tell(row, by)
    return row


def delete(*, row: models.Model, by: User) -> bool:
    """False while something hangs on it."""
    try:
        with transaction.atomic():
            _tell(row, by)
            row.delete()
    except (ProtectedError, IntegrityError):
        return False
    return True


def _tell(row: models.Model, by: User) -> None:
    """An agreement, and where a category stands in the tree, decide about deadlines."""
    subject: Any = row.agreement if isinstance(row, EscalationStep) else row
    if isinstance(subject, Agreement | Category):
        name = "agreement.changed" if isinstance(subject, Agreement) else "category.changed"
        emit(Fact(name, subject, subject.authority_id, None, by.pk))
