from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fleet.people.models import ApiToken, User
from fleet.people.rules import one_line
from fleet.people.services import Preferences


class PreferencesForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    density = forms.ChoiceField(
        label=_("Spacing in lists"),
        help_text=_("Kept in this browser: on the phone you may want it otherwise than at the desk."),
        choices=[("comfortable", _("Comfortable")), ("compact", _("Compact"))],
        widget=forms.RadioSelect,
    )

    class Meta:
        model = User
        fields = ("name", "language", "plain_language", "theme")
        labels = {"name": _("Name"), "language": _("Language"), "plain_language": _("Plain language"), "theme": _("Theme")}
        help_texts = {
            "plain_language": _("Short sentences and easy words, wherever there is such a text."),
        }
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"}), "theme": forms.RadioSelect}

    def clean_name(self) -> str:
        """Others read it where they decide. Raises ValidationError if nothing of it can be seen."""
        if name := one_line(self.cleaned_data["name"]):
            return name
        raise forms.ValidationError(self.fields["name"].error_messages["required"], code="required")

    def preferences(self) -> Preferences:
        """What goes with the person, wherever they log in."""
        return Preferences(**{name: self.cleaned_data[name] for name in self.Meta.fields})


class TokenForm(forms.Form):
    name = forms.CharField(label=_("What is it for?"), max_length=100, help_text=_("For example: inventory script."))
    reach = forms.ChoiceField(label=_("What may it do?"), choices=ApiToken.Reach.choices, widget=forms.RadioSelect)
    days = forms.TypedChoiceField(
        label=_("How long is it valid?"),
        coerce=int,
        choices=[(7, _("7 days")), (30, _("30 days")), (90, _("90 days")), (365, _("one year"))],
        initial=90,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reach"].initial = ApiToken.Reach.READ

    @property
    def valid_for(self) -> timedelta:
        return timedelta(days=self.cleaned_data["days"])
