"""A question of an order as a form's field, and its answer as people read it."""

import json
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils import formats, timezone
from django.utils.dateparse import parse_date
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from helpdesk.catalogue.offers import Offer
from helpdesk.catalogue.questions import LONGEST, NO, YES, Question


def field_of(question: Question, offer: Offer) -> forms.Field:
    """Without JavaScript every question stands there, and says when it matters."""
    field = _typed(question)
    language = get_language()
    field.label = question.label.in_language(language)
    texts = [_condition(question, offer), question.help.in_language(language) if question.help else ""]
    field.help_text = " ".join(filter(None, texts))
    field.required = question.required and not question.when
    if question.when:
        field.widget.attrs["data-when"] = json.dumps({f"field-{name}": said for name, said in question.conditions().items()})
    return field


def _typed(question: Question) -> forms.Field:
    low, high = question.min, question.max
    if question.type == "number":
        return forms.IntegerField(min_value=low, max_value=high)
    if question.type == "date":
        return _date(low, high)
    if question.type == "mail":
        return forms.EmailField(max_length=254)
    if question.type == "yes-no":
        return forms.ChoiceField(choices=[(YES, _("Yes")), (NO, _("No"))], widget=forms.RadioSelect)
    if question.type == "choice":
        choices = [(one.value, one.in_language(get_language())) for one in question.choices]
        return forms.ChoiceField(choices=choices, widget=forms.RadioSelect)
    widget = forms.Textarea(attrs={"rows": 4}) if question.type == "long" else forms.TextInput()
    longest = high or (5000 if question.type == "long" else LONGEST)
    return forms.CharField(min_length=low, max_length=longest, widget=widget)


def _date(low: int | None, high: int | None) -> forms.DateField:
    today = timezone.localdate()
    earliest = today + timedelta(days=low) if low is not None else None
    latest = today + timedelta(days=high) if high is not None else None
    limits = {"min": earliest, "max": latest}
    widget = forms.DateInput(
        attrs={"type": "date", **{name: day.isoformat() for name, day in limits.items() if day}}, format="%Y-%m-%d"
    )
    return DayField(earliest, latest, widget=widget, input_formats=["%Y-%m-%d", "%d.%m.%Y"])


class DayField(forms.DateField):
    def __init__(self, earliest: date | None, latest: date | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.earliest, self.latest = earliest, latest

    def clean(self, value: Any) -> date | None:
        day: date | None = super().clean(value)
        if day and self.earliest and day < self.earliest:
            raise forms.ValidationError(_("This can be %s at the earliest.") % shown_day(self.earliest))
        if day and self.latest and day > self.latest:
            raise forms.ValidationError(_("This can be %s at the latest.") % shown_day(self.latest))
        return day


def shown_day(day: date) -> str:
    return formats.date_format(day, "SHORT_DATE_FORMAT")


def _condition(question: Question, offer: Offer) -> str:
    said = []
    for name, values in question.conditions().items():
        other = offer.question(name)
        if other is not None:
            words = " / ".join(_word(other, value) for value in values)
            said.append(f"{other.label.in_language(get_language())} {words}")
    return _("Only if: %(answers)s.") % {"answers": "; ".join(said)} if said else ""


def _word(question: Question, value: str) -> str:
    if question.type == "yes-no":
        return _("Yes") if value == YES else _("No")
    choice = question.choice(value)
    return choice.in_language(get_language()) if choice else value


def facts(offer: Offer, values: dict[str, Any]) -> list[tuple[str, str]]:
    """[(question, answer)] in the reader's language, in the order in which they were asked."""
    asked = [(one, values[one.name]) for one in offer.field if one.name in values]
    return [(one.label.in_language(get_language()), _read(one, value)) for one, value in asked]


def _read(question: Question, value: Any) -> str:
    day = parse_date(str(value)) if question.type == "date" else None
    return shown_day(day) if day else _word(question, str(value))
