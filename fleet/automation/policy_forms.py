"""Freezes, change windows, leave, exceptions, and what waits for approval."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fleet.automation.models import ChangeWindow, PolicyRule
from fleet.automation.rules.policy import LONGEST_MARGIN_DAYS
from fleet.automation.services.delegating import Leave, colleagues, in_care_of
from fleet.automation.services.freezing import Agreement, Stretch
from fleet.devices.models import DeviceType
from fleet.monitoring.rules.maintenance import LONGEST
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority, Site
from fleet.sites.somewhere import SomewhereForm
from fleet.sites.typed import SchoolFilter
from fleet.web.instants import DayField, InstantField
from fleet.web.offers import offer_rows

MANAGE = Action.MANAGE_POLICY


class _PlacedForm(SomewhereForm):
    """Where, from when to when, why."""

    starts_at = InstantField(label=_("Begins"))
    ends_at = InstantField(label=_("Ends"))
    reason = forms.CharField(label=_("Reason"), max_length=200, help_text=_("The school reads this too."))

    def __init__(self, data: Any, *, user: User, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.offer_places(user, MANAGE)

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        begins, ends = said.get("starts_at"), said.get("ends_at")
        if begins and ends and ends <= begins:
            self.add_error("ends_at", gettext("It ends before it begins."))
        return said

    @property
    def stretch(self) -> Stretch:
        said = self.cleaned_data
        return Stretch(
            authority_id=self.authority_id,
            site=said["school"],
            starts_at=said["starts_at"],
            ends_at=said["ends_at"],
            reason=said["reason"],
            kind=said.get("kind", ""),
            repeats=said.get("repeats", ChangeWindow.Repeating.NEVER),
            repeats_until=said.get("repeats_until"),
        )


class FreezeForm(_PlacedForm):
    def clean(self) -> dict[str, Any]:
        said = super().clean()
        if said.get("ends_at") and said["ends_at"] <= timezone.now():
            self.add_error("ends_at", gettext("This time is over already."))
        return said


class WindowForm(_PlacedForm):
    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("Every kind of device")), *DeviceType.Kind.choices]
    )
    repeats = forms.ChoiceField(label=_("Repeats"), choices=ChangeWindow.Repeating.choices)
    repeats_until = DayField(
        label=_("Last day"),
        required=False,
        help_text=_("Without one it repeats until somebody ends it."),
    )

    field_order = ("school", "everywhere", "kind", "starts_at", "ends_at", "repeats", "repeats_until", "reason")

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        begins, ends = said.get("starts_at"), said.get("ends_at")
        if begins and ends and ends - begins > LONGEST:
            self.add_error("ends_at", gettext("One time may take 31 days at most."))
        if said.get("repeats") == ChangeWindow.Repeating.NEVER:
            said["repeats_until"] = None
        elif begins and said.get("repeats_until") and said["repeats_until"] < timezone.localtime(begins).date():
            self.add_error("repeats_until", gettext("The last day lies before the first."))
        return said


class RuleForm(forms.Form):
    """What one authority wants for one risk."""

    authority = forms.ModelChoiceField(Authority.objects.none(), label=_("Authority"), widget=forms.HiddenInput)
    risk = forms.ChoiceField(choices=PolicyRule.Risk.choices, widget=forms.HiddenInput)
    times = forms.ChoiceField(label=_("When"), required=False, choices=[("", _("As delivered")), *PolicyRule.Times.choices])
    exam_margin_days = forms.IntegerField(
        label=_("Whole days around exams"), min_value=0, max_value=LONGEST_MARGIN_DAYS, initial=1
    )

    def __init__(self, data: Any = None, *, user: User, **more: Any) -> None:
        super().__init__(data, **more)
        mine = Authority.objects.filter(pk__in=user.access.scopes(MANAGE))
        offer_rows(self, "authority", mine)

    @property
    def agreement(self) -> Agreement:
        said = self.cleaned_data
        return Agreement(said["risk"], said["times"] or None, said["exam_margin_days"])


class LeaveForm(forms.Form):
    """Who is away, and who decides in their name. Only administrators choose for whom."""

    person = forms.ModelChoiceField(User.objects.none(), label=_("Who is away"))
    deputy = forms.ModelChoiceField(User.objects.none(), label=_("Who decides meanwhile"))
    starts_at = InstantField(label=_("From"))
    ends_at = InstantField(label=_("Until"))

    def __init__(self, data: Any = None, *, user: User, **more: Any) -> None:
        super().__init__(data, **more)
        scopes = user.access.scopes(Action.APPROVE_CHANGE) | user.access.scopes(MANAGE)
        people = in_care_of(user) if user.access.anywhere(MANAGE) else User.objects.filter(pk=user.pk)
        offer_rows(self, "person", people)
        self.fields["person"].initial = user.pk
        offer_rows(self, "deputy", colleagues(scopes))

    @property
    def leave(self) -> Leave:
        return Leave(**self.cleaned_data)


class OverrideForm(forms.Form):
    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    reason = forms.CharField(
        label=_("Why can it not wait?"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )


class ApprovalFilter(SchoolFilter):
    field_order = ("risk", "school")
    risk = forms.ChoiceField(label=_("Risk"), required=False, choices=[("", _("All")), *PolicyRule.Risk.choices])
    asked_by = forms.CharField(label=_("Asked for by"), required=False, max_length=200)

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data, sites=Site.objects.visible_to(user))

    def wanted(self, name: str) -> Any:
        self.is_valid()
        return self.cleaned_data.get(name)
