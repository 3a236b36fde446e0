from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.sites.typed import NAME_OR_PART, SchoolField, offer_schools
from helpdesk.mail.models import Mailbox
from helpdesk.mail.services.mailboxes import PASSWORD_GOES_TO

if TYPE_CHECKING:
    _Form = forms.ModelForm[Mailbox]
else:
    _Form = forms.ModelForm  # takes its type only where none is run


class MailboxForm(_Form):
    """The password is typed anew or left as it is; it is shown nowhere."""

    school = SchoolField(label=_("School for senders of no one school"), help_text=NAME_OR_PART)
    password = forms.CharField(
        label=_("Password"), required=False, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    class Meta:
        model = Mailbox
        fields = ("address", "host", "port", "security", "username", "folder", "processed_folder", "active")
        help_texts = {"host": _("Empty: a mail server hands the mail over (manage.py ingest_mail).")}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_schools(self, Site.objects.allowing(user, Action.MANAGE))
        if self.instance.pk:
            self.initial["school"] = cast("SchoolField", self.fields["school"]).spelt(self.instance.site)
        self.order_fields(["address", "school", "host", "port", "security", "username", "password"])

    def clean_address(self) -> str:
        return str(self.cleaned_data["address"]).lower()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("school"):
            self.instance.site = data["school"]
        here = {"localhost", "127.0.0.1", "::1"}
        if data.get("security") == Mailbox.Security.NONE and data.get("host") and data["host"] not in here:
            self.add_error("security", _("Without encryption only a server on this machine can be asked."))
        moved = self.instance.pk and data.get("host") and set(self.changed_data).intersection(PASSWORD_GOES_TO)
        if moved and not data.get("password"):
            self.add_error("password", _("It would go to another server or account now: please type it again."))
        return data
