"""Days and instants that people and programs name: none so far away that whatever reckons with it fails."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from pydantic import AfterValidator, AwareDatetime

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=7305)
"""Twenty years."""
When = TypeVar("When", bound=date)


class FarError(ValueError):
    """It lies before EARLIEST, or further ahead than AHEAD; says so in a sentence."""

    def __init__(self) -> None:
        super().__init__(_("This must lie between 1970 and twenty years from now."))


def within(when: When) -> When:
    """The day or instant itself; one without a zone is taken as UTC. Raises FarError."""
    latest = timezone.now() + AHEAD
    if isinstance(when, datetime):
        good = EARLIEST <= (when if when.tzinfo else when.replace(tzinfo=UTC)) <= latest
    else:
        good = EARLIEST.date() <= when <= latest.date()
    if not good:
        raise FarError
    return when


Instant = Annotated[AwareDatetime, AfterValidator(within)]
LooseInstant = Annotated[datetime, AfterValidator(within)]
"""Also without a zone: what is asked about, or what whoever keeps it adds one to."""
Day = Annotated[date, AfterValidator(within)]


def far_problem(when: date) -> str:
    """The sentence of FarError; empty where it is near enough."""
    try:
        within(when)
    except FarError as error:
        return str(error)
    return ""


def _near(when: date) -> None:
    if problem := far_problem(when):
        raise ValidationError(problem)


NEAR: Final[list[Any]] = [_near]


class InstantField(forms.DateTimeField):
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    default_validators = NEAR


class DayField(forms.DateField):
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    default_validators = NEAR
