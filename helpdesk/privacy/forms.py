from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User


class PeopleFilter(forms.Form):
    q = forms.CharField(
        label=_("Name or mail address"),
        required=False,
        max_length=100,
        widget=forms.SearchInput(attrs={"autocomplete": "off"}),
    )


class EraseForm(forms.Form):
    """Whoever erases types whom: a slip of the finger in a list must not be enough."""

    address = forms.CharField(
        label=_("Mail address of this person, to confirm"),
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    final = forms.BooleanField(label=_("I know that this cannot be undone."))

    def __init__(self, data: Any, *, person: User) -> None:
        super().__init__(data)
        self.person = person

    def clean_address(self) -> str:
        typed: str = self.cleaned_data["address"].strip()
        if typed.casefold() != self.person.email.casefold():
            raise forms.ValidationError(_("This is not the mail address of this person."))
        return typed
