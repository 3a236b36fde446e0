from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User
from fleet.sites.models import Site
from helpdesk.tickets import selectors
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules import FOR_PEOPLE, TRANSITIONS
from helpdesk.tickets.words import act

WORKERS_OWNERS = [("", _("All")), ("me", _("Mine")), ("nobody", _("Nobody's")), ("mine", _("Asked for by me"))]
REQUESTERS_OWNERS = [("", _("All of my school")), ("mine", _("Only mine"))]


class TicketFilter(forms.Form):
    q = forms.CharField(label=_("Search"), required=False, max_length=100, widget=forms.SearchInput)
    state = forms.ChoiceField(
        label=_("How it stands"), required=False, choices=[("", _("Not finished")), ("all", _("All")), *Ticket.State.choices]
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All")), *Ticket.Kind.choices])
    site = forms.ModelChoiceField(label=_("School"), required=False, queryset=Site.objects.none(), empty_label=_("All"))
    owner = forms.ChoiceField(label=_("Whose"), required=False, choices=WORKERS_OWNERS)
    sort = forms.ChoiceField(
        required=False,
        choices=[("", "")] + [(sign + name, name) for name in selectors.ORDERS for sign in ("", "-")],
        widget=forms.HiddenInput,
    )

    def __init__(self, *args: Any, user: User, works: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sites: Any = self.fields["site"]
        sites.queryset = Site.objects.visible_to(user).order_by("name")
        if not works:
            owners: Any = self.fields["owner"]
            owners.choices = REQUESTERS_OWNERS
        if len(sites.queryset) <= 1:
            del self.fields["site"]

    def wanted(self) -> dict[str, Any]:
        """What was chosen; a value that is no choice (an old bookmark) is as if it were not there."""
        self.is_valid()
        return self.cleaned_data

    @property
    def narrows(self) -> bool:
        return any(value for name, value in self.wanted().items() if name != "sort")


class ReplyForm(forms.Form):
    body = forms.CharField(label=_("Your message"), widget=forms.Textarea(attrs={"rows": 4}), max_length=20_000)
    to = forms.ChoiceField(label=_("And then"), required=False)
    internal = forms.BooleanField(label=_("Internal note: the school does not see it"), required=False)
    still_broken = forms.BooleanField(label=_("It still does not work: please look at it again"), required=False)
    seen_version = forms.IntegerField(widget=forms.HiddenInput)
    seen_at = forms.DateTimeField(widget=forms.HiddenInput)
    token = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)

    def __init__(self, *args: Any, ticket: Ticket, works: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if works:
            del self.fields["still_broken"]
            target: Any = self.fields["to"]
            target.choices = [("", _("The state stays: %(state)s") % {"state": ticket.get_state_display()}), *moves(ticket)]
        else:
            del self.fields["internal"], self.fields["to"]
            if ticket.state != Ticket.State.RESOLVED:
                del self.fields["still_broken"]


def moves(ticket: Ticket) -> list[tuple[str, str]]:
    """[(state, what the button says)], in the order of the workflow."""
    return [(state.value, act(ticket.state, state)) for state in FOR_PEOPLE if state in TRANSITIONS[ticket.state]]


class TransitionForm(forms.Form):
    to = forms.ChoiceField(choices=[(state.value, state.label) for state in FOR_PEOPLE])
    seen_version = forms.IntegerField(widget=forms.HiddenInput)


class EditForm(forms.Form):
    subject = forms.CharField(label=_("Subject"), max_length=200)
    priority = forms.TypedChoiceField(label=_("Priority"), choices=Ticket.Priority.choices, coerce=int)
    owner = forms.ModelChoiceField(
        label=_("Looked after by"), required=False, queryset=User.objects.none(), empty_label=_("Nobody yet")
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, ticket: Ticket) -> None:
        now = {"subject": ticket.subject, "priority": ticket.priority, "owner": ticket.owner_id}
        super().__init__(data, initial=now | {"seen_version": ticket.version})
        owners: Any = self.fields["owner"]
        owners.queryset = selectors.workers(ticket.site)
