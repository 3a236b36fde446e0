from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fleet.automation.models import Change


class ChangeFilter(forms.Form):
    state = forms.ChoiceField(
        label=pgettext_lazy("of a change", "State"), required=False, choices=[("", _("All")), *Change.State.choices]
    )

    def wanted(self, name: str) -> Any:
        return self.cleaned_data.get(name) if self.is_valid() else None


class DecisionForm(forms.Form):
    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    comment = forms.CharField(label=_("Comment"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
