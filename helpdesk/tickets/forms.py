import secrets
from typing import Any

from django import forms
from django.utils.functional import cached_property
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.sites.typed import SchoolFilter
from helpdesk.tickets import selectors
from helpdesk.tickets.models import BulkJob, Category, Macro, Queue, Rating, Tag, Ticket
from helpdesk.tickets.rules import FOR_PEOPLE, TRANSITIONS
from helpdesk.tickets.uploads import FilesField
from helpdesk.tickets.words import act

WORKERS_OWNERS = [
    ("", _("All")),
    ("me", _("Mine")),
    ("nobody", _("Nobody's")),
    ("watched", _("Watched by me")),
    ("mine", _("Asked for by me")),
]
REQUESTERS_OWNERS = [("", _("All of my school")), ("mine", _("Only mine"))]


class TicketFilter(SchoolFilter):
    field_order = ("q", "state", "kind", "school")
    q = forms.CharField(label=_("Search"), required=False, max_length=100, widget=forms.SearchInput)
    state = forms.ChoiceField(
        label=_("How it stands"), required=False, choices=[("", _("Not finished")), ("all", _("All")), *Ticket.State.choices]
    )
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All")), *Ticket.Kind.choices])
    owner = forms.ChoiceField(label=_("Whose"), required=False, choices=WORKERS_OWNERS)
    priority = forms.TypedChoiceField(
        label=_("Priority"), required=False, coerce=int, choices=[("", _("All")), *Ticket.Priority.choices]
    )
    queue = forms.ModelChoiceField(label=_("Queue"), required=False, queryset=Queue.objects.none(), empty_label=_("All"))
    category = forms.ModelChoiceField(
        label=_("Category"), required=False, queryset=Category.objects.none(), empty_label=_("All")
    )
    tag = forms.ModelChoiceField(label=_("Tag"), required=False, queryset=Tag.objects.none(), empty_label=_("All"))
    due = forms.ChoiceField(
        label=_("Due"),
        required=False,
        choices=[("", _("All")), ("overdue", _("Overdue")), ("risk", _("Within an hour or overdue"))],
    )
    sort = forms.ChoiceField(
        required=False,
        choices=[("", "")] + [(sign + name, name) for name in selectors.ORDERS for sign in ("", "-")],
        widget=forms.HiddenInput,
    )

    def __init__(self, data: Any, *, user: User, works: bool) -> None:
        super().__init__(data, sites=Site.objects.visible_to(user))
        if not works:
            owners: Any = self.fields["owner"]
            owners.choices = REQUESTERS_OWNERS
        self._sorted_by(user, works=works)

    def _sorted_by(self, user: User, *, works: bool) -> None:
        """What nobody has set up yet is not asked for; and schools are not asked how the city sorts."""
        rows: dict[str, Any] = {
            "queue": Queue.objects.for_reading(user),
            "category": Category.objects.visible_to(user),
            "tag": Tag.objects.visible_to(user),
        }
        for name, found in rows.items():
            field: Any = self.fields[name]
            field.queryset = found
            if not works or not len(found):
                del self.fields[name]
        if not works:
            del self.fields["priority"], self.fields["due"]

    @cached_property
    def wanted(self) -> dict[str, Any]:
        """What was chosen, with `sites` by their ids; what is no choice (an old bookmark) is as if it were not there."""
        self.is_valid()
        found = self.sites_meant()
        return self.cleaned_data | ({} if found is None else {"sites": found})

    @property
    def narrows(self) -> bool:
        return any(value for name, value in self.wanted.items() if name != "sort")


class ReplyForm(forms.Form):
    body = forms.CharField(label=_("Your message"), widget=forms.Textarea(attrs={"rows": 4}), max_length=20_000)
    attachments = FilesField()
    to = forms.ChoiceField(label=_("And then"), required=False)
    internal = forms.BooleanField(label=_("Internal note: the school does not see it"), required=False)
    minutes = forms.IntegerField(label=_("Time spent in minutes"), required=False, min_value=0, max_value=1440)
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
            del self.fields["internal"], self.fields["to"], self.fields["minutes"]
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
    queue = forms.ModelChoiceField(label=_("Queue"), required=False, queryset=Queue.objects.none(), empty_label="–")
    category = forms.ModelChoiceField(label=_("Category"), required=False, queryset=Category.objects.none(), empty_label="–")
    seen_version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, ticket: Ticket) -> None:
        now = {"subject": ticket.subject, "priority": ticket.priority, "owner": ticket.owner_id}
        now |= {"queue": ticket.queue_id, "category": ticket.category_id}
        super().__init__(data, initial=now | {"seen_version": ticket.version}, auto_id="edit_%s")
        fields: Any = self.fields
        fields["owner"].queryset = selectors.workers(ticket.site)
        fields["queue"].queryset = Queue.objects.filter(authority=ticket.authority_id)
        fields["category"].queryset = Category.objects.filter(authority=ticket.authority_id)


class BulkForm(forms.Form):
    """`do`: "<act>:<value>" of a BulkJob, every choice in one list, so that it needs no script."""

    do = forms.ChoiceField(label=_("What is to be done"))
    token = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data, initial={"token": secrets.token_hex(16)})
        field: Any = self.fields["do"]
        field.choices = [("", _("Choose what is to be done")), ("take:", _("Take")), *_groups(user)]


def _groups(user: User) -> list[tuple[Any, list[tuple[str, str]]]]:
    acts = BulkJob.Act
    offered: dict[BulkJob.Act, list[tuple[Any, Any]]] = {
        acts.ASSIGN: [(one.pk, one) for one in selectors.colleagues(user)],
        acts.PRIORITY: list(Ticket.Priority.choices),
        acts.STATE: [(state.value, state.label) for state in FOR_PEOPLE if state != Ticket.State.NEW],
        acts.QUEUE: [(one.pk, one) for one in Queue.objects.allowing(user, Action.WORK_TICKETS)],
        acts.CATEGORY: [(one.pk, one) for one in Category.objects.allowing(user, Action.WORK_TICKETS)],
        acts.TAG: [(one.pk, one) for one in Tag.objects.allowing(user, Action.WORK_TICKETS)],
        acts.MACRO: [(one.pk, one) for one in Macro.objects.allowing(user, Action.WORK_TICKETS)],
    }
    return [
        (act.label, [(f"{act.value}:{value}", str(label)) for value, label in rows]) for act, rows in offered.items() if rows
    ]


class RelateForm(forms.Form):
    act = forms.ChoiceField(
        label=_("This ticket"),
        choices=[
            ("link", _("has to do with")),
            ("merge", _("is about the same as, and goes on in")),
            ("parent", _("belongs to the larger incident")),
        ],
    )
    number = forms.CharField(label=_("Number of the other ticket"), max_length=30)


class TagForm(forms.Form):
    name = forms.CharField(label=_("New tag"), max_length=50)


class SplitForm(forms.Form):
    subject = forms.CharField(label=_("Subject of the new ticket"), max_length=200)
    articles = forms.MultipleChoiceField(label=_("What goes there"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, data: Any = None, *, ticket: Ticket) -> None:
        super().__init__(data)
        rows = ticket.articles.exclude(body="").select_related("author")
        chosen: Any = self.fields["articles"]
        chosen.choices = [(str(row.pk), f"{row.author or 'Fleetdesk'}: {Truncator(row.body).chars(160)}") for row in rows]


class RatingForm(forms.Form):
    """`grade` comes from the button that was pressed: one click is enough."""

    grade = forms.TypedChoiceField(choices=Rating.Grade.choices, coerce=int)
    comment = forms.CharField(
        label=_("What would you like to tell us?"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )
