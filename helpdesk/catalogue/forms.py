"""The form of an offer, made from the declared arguments of its playbook."""

import secrets
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fleet.automation.catalogue import Argument
from fleet.automation.rules.keys import wifi_key
from fleet.devices.models import Device, DeviceType
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Room, Site
from fleet.web.instants import InstantField
from fleet.web.once import form_key
from helpdesk.catalogue.answers import field_of, shown_day
from helpdesk.catalogue.offers import Ask, Offer, playbook_of
from helpdesk.catalogue.questions import LONGEST, kept
from helpdesk.catalogue.services import Submission

ARGUMENT, ANSWER = "argument-", "field-"
MINUTES = "%Y-%m-%dT%H:%M"
INSTANTS = [MINUTES, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


def instant(label: Any, *, required: bool) -> InstantField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MINUTES)
    return InstantField(label=label, required=required, widget=widget, input_formats=INSTANTS)


class OrderForm(forms.Form):
    """Fields by the offer: where, the playbook's arguments, from when to when, a word to whoever does it."""

    token = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, *args: Any, offer: Offer, user: User, here: Site | None = None, **kwargs: Any) -> None:
        """`here`: only what is at this school can be chosen."""
        super().__init__(*args, **kwargs)
        self.offer, self.user, self.here = offer, user, here
        self.fields["token"].initial = secrets.token_hex(16)
        self._where(user)
        if playbook := playbook_of(offer):
            for ask in offer.ask:
                self.fields[ARGUMENT + ask.argument] = _field(playbook.argument(ask.argument), ask)
        for question in offer.field:
            self.fields[ANSWER + question.name] = field_of(question, offer)
        if offer.time_box:
            self.fields["starts_at"] = instant(_("From"), required=False)
            self.fields["starts_at"].help_text = _("Leave it empty to begin at once.")
            self.fields["ends_at"] = instant(_("Until"), required=True)
            self.fields["ends_at"].help_text = _("Then it is taken back by itself.")
        self.fields["note"] = forms.CharField(
            label=_("What should we know?"),
            required=not offer.playbook and not offer.field,
            max_length=LONGEST,
            widget=forms.Textarea(attrs={"rows": 3}),
        )

    def _where(self, user: User) -> None:
        if self.offer.targets in {"site", "site-access-points"}:
            sites = orderable(user, self.offer)
            sites = sites.filter(pk=self.here.pk) if self.here else sites
            only = sites[0] if len(sites) == 1 else None
            self.fields["site"] = forms.ModelChoiceField(
                label=_("School"), queryset=sites, empty_label=None if only else _("Please choose"), initial=only
            )
        elif self.offer.targets in {"room", "room-access-points"}:
            self.fields["room"] = RoomField(
                label=_("Room"), queryset=self._of_here(_rooms(user, self.offer)), empty_label=_("Please choose")
            )
        else:
            self.fields["device"] = DeviceField(
                label=_("Device"), queryset=self._of_here(_devices(user, self.offer)), empty_label=_("Please choose")
            )

    def _of_here(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(site=self.here) if self.here else rows

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        begins, ends = cleaned.get("starts_at"), cleaned.get("ends_at")
        if ends and ends <= (begins or timezone.now()):
            self.add_error("ends_at", _("The end must lie after the beginning, and in the future."))
        self._answers(cleaned)
        return cleaned

    def _answers(self, cleaned: dict[str, Any]) -> None:
        """What is asked only with certain answers is wanted with them, and dropped without."""
        for question in self.offer.field:
            name = ANSWER + question.name
            said = {one.name: cleaned.get(ANSWER + one.name) for one in self.offer.field}
            if not question.wanted(said):
                cleaned[name] = None
                self.errors.pop(name, None)
            elif question.when and question.required and not said[question.name] and name not in self.errors:
                self.add_error(name, self.fields[name].error_messages["required"])
            elif (day := said[question.name]) and (first := said.get(question.not_before)) and day < first:
                self.add_error(name, _("This can be %s at the earliest.") % shown_day(first))

    def answers(self) -> dict[str, Any]:
        """{question: what was answered}, without those that were not asked or left empty."""
        said = {one.name: self.cleaned_data.get(ANSWER + one.name) for one in self.offer.field}
        return {name: kept(value) for name, value in said.items() if value not in {None, ""}}

    def arguments(self) -> dict[str, Any]:
        """What was typed for the playbook; an empty key that may be made up is."""
        typed = {ask.argument: self.cleaned_data[ARGUMENT + ask.argument] for ask in self.offer.ask}
        made_up = {ask.argument: wifi_key() for ask in self.offer.ask if ask.generate and not typed[ask.argument]}
        return {**self.offer.fixed, **typed, **made_up}

    def submission(self) -> Submission:
        """What was filled in, as an order. For a valid form."""
        data = self.cleaned_data
        return Submission(
            offer=self.offer,
            user=self.user,
            token=form_key(data["token"], [self.offer.slug, {name: self.data.get(name) for name in self.fields}]),
            arguments=self.arguments(),
            answers=self.answers(),
            site=data.get("site"),
            room=data.get("room"),
            device=data.get("device"),
            starts_at=data.get("starts_at"),
            ends_at=data.get("ends_at"),
            note=data.get("note", ""),
        )

    def fail(self, problems: dict[str, str]) -> None:
        """Put the problems that automation found where the person can mend them."""
        places = {"targets": next(name for name in ("site", "room", "device") if name in self.fields)}
        for name, problem in problems.items():
            field = next((one for one in (places.get(name, name), ARGUMENT + name) if one in self.fields), None)
            self.add_error(field, problem)


class RoomField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj} · {obj.building.name} · {obj.site.name}"


class DeviceField(forms.ModelChoiceField):  # type: ignore[type-arg]  # likewise
    def label_from_instance(self, obj: Any) -> str:
        where = f" · {obj.room}" if obj.room else ""
        return f"{obj.name}{where} · {obj.site.name}"


def orderable(user: User, offer: Offer) -> QuerySet[Site]:
    """Where this person may order it."""
    scopes = user.access.scopes_as(offer.roles)
    rows = Site.objects.allowing(user, Action.ORDER_SERVICE)
    return rows.filter(Q(pk__in=scopes) | Q(authority__in=scopes)).order_by("name")


def _rooms(user: User, offer: Offer) -> QuerySet[Room]:
    rooms = Room.objects.allowing(user, Action.ORDER_SERVICE).where(user, offer.roles).select_related("site", "building")
    if offer.targets == "room-access-points":
        rooms = rooms.filter(
            devices__kind=DeviceType.Kind.ACCESS_POINT, devices__lifecycle=Device.Lifecycle.ACTIVE
        ).distinct()
    return rooms.order_by("site__name", "building__name", "number")


def _devices(user: User, offer: Offer) -> QuerySet[Device]:
    rows = Device.objects.allowing(user, Action.ORDER_SERVICE).where(user, offer.roles).in_service()
    rows = rows.select_related("site", "room")
    playbook = playbook_of(offer)
    if offer.targets == "device-uplink-switch" and playbook:
        rows = rows.filter(
            kind=DeviceType.Kind.ACCESS_POINT, uplinks__port__device__type__platform__in=playbook.platforms
        ).distinct()
    elif playbook:
        rows = rows.filter(type__platform__in=playbook.platforms)
    return rows.order_by("site__name", "name")


def _field(argument: Argument, ask: Ask) -> forms.Field:
    language = get_language()
    common: dict[str, Any] = {
        "label": argument.label.in_language(language),
        "help_text": argument.help.in_language(language) if argument.help else "",
        "required": argument.required and not ask.generate,
        "initial": ask.default or argument.default,
    }
    if argument.choices:
        return forms.ChoiceField(choices=[(one, one) for one in argument.choices], **common)
    if argument.type == "int":
        return forms.IntegerField(**common)
    if argument.type == "bool":
        return forms.BooleanField(**common | {"required": False})
    if argument.type == "list":
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), **common)
    if ask.generate:
        common["help_text"] = _("%(help)s Leave it empty to have one made up.") % {"help": common["help_text"]}
    common |= {"min_length": ask.min_length or None, "max_length": ask.max_length}
    return forms.CharField(strip=not argument.secret, widget=_widget(argument), **common)


def _widget(argument: Argument) -> forms.Widget:
    return forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"} if argument.secret else {})
