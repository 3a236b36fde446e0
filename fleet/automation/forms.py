"""Forms about changes: filters, decisions, and an order made from a playbook's declared arguments."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fleet.automation.catalogue import Playbook
from fleet.automation.catalogue.model import Argument
from fleet.automation.models import Change, Ring, Target
from fleet.automation.rules.rollout import RINGS, Strategy
from fleet.automation.services.sources import Address
from fleet.devices.models import Credential, Device, DeviceType
from fleet.sites.models import Authority, Site
from fleet.sites.typed import NO_SUCH_SCHOOL, SchoolField, SchoolInput, by_id, offer_schools
from fleet.web.instants import InstantField
from fleet.web.offers import offer, offer_rows

PREFIX = "argument-"
LONGEST_WAIT_H = 24 * 14


class ChangeFilter(forms.Form):
    state = forms.ChoiceField(
        label=pgettext_lazy("of a change", "State"), required=False, choices=[("", _("All")), *Change.State.choices]
    )

    def wanted(self, name: str) -> Any:
        return self.cleaned_data.get(name) if self.is_valid() else None


class DecisionForm(forms.Form):
    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    comment = forms.CharField(label=_("Comment"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class HostFilter(forms.Form):
    q = forms.CharField(label=_("Search"), required=False, max_length=100, widget=forms.TextInput(attrs={"type": "search"}))
    state = forms.ChoiceField(
        label=pgettext_lazy("of a change", "State"), required=False, choices=[("", _("All")), *Target.State.choices]
    )
    ring = forms.ChoiceField(label=_("Ring"), required=False)

    def __init__(self, data: Any, *, rings: Sequence[Ring]) -> None:
        super().__init__(data)
        numbered = [(str(ring.number), f"{ring.number}. {ring.get_title_display()}") for ring in rings]
        offer(self, "ring", [("", _("All")), *numbered])

    def narrowed(self, rows: QuerySet[Target]) -> QuerySet[Target]:
        said = self.cleaned_data if self.is_valid() else {}
        chosen = {"state": said.get("state"), "ring__number": said.get("ring"), "device__name__icontains": said.get("q")}
        return rows.filter(**{name: value for name, value in chosen.items() if value})


class DevicesFilter(forms.Form):
    """Which devices a change is meant for, when they are not marked one by one.

    `site`, a number, is how links name the school that people type as `school`.
    """

    school = SchoolField(label=_("Site"), required=False, widget=SchoolInput({"placeholder": _("All sites")}))
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All kinds")), *DeviceType.Kind.choices])
    platform = forms.ChoiceField(label=_("Platform"), required=False)

    def __init__(self, data: Any, *, sites: QuerySet[Site], playbooks: Sequence[Playbook]) -> None:
        super().__init__(data)
        offer_schools(self, sites)
        platforms = sorted({platform for playbook in playbooks for platform in playbook.platforms})
        offer(self, "platform", [("", _("All")), *((one, one) for one in platforms)])
        self._platforms = platforms

    def clean_school(self) -> Site | None:
        """A link's number that means nothing must not mean all schools."""
        typed: Site | None = self.cleaned_data["school"]
        linked = self.data.get("site", "")
        if typed or not linked:
            return typed
        site = by_id(cast("SchoolField", self.fields["school"]).sites, linked)
        if site is None:
            raise forms.ValidationError(NO_SUCH_SCHOOL)
        return site

    def narrowed(self, devices: QuerySet[Device]) -> QuerySet[Device]:
        said = self.cleaned_data
        chosen = {"site": said.get("school"), "kind": said.get("kind"), "type__platform": said.get("platform")}
        wanted = {name: value for name, value in chosen.items() if value}
        return devices.filter(type__platform__in=self._platforms, **wanted)


class PlaybookForm(forms.Form):
    playbook = forms.ChoiceField(label=_("Playbook"))

    def __init__(self, data: Any, *, playbooks: Sequence[Playbook]) -> None:
        super().__init__(data)
        self._known = {playbook.slug: playbook for playbook in playbooks}
        named = [(slug, playbook.title.in_language(get_language())) for slug, playbook in self._known.items()]
        offer(self, "playbook", sorted(named, key=lambda one: one[1]))

    def chosen(self) -> Playbook | None:
        return self._known.get(self.cleaned_data["playbook"]) if self.is_valid() else None


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _field(argument: Argument) -> forms.Field:
    language = get_language()
    about: dict[str, Any] = {
        "label": argument.label.in_language(language),
        "help_text": argument.help.in_language(language) if argument.help else "",
        "required": argument.required,
        "initial": argument.default,
    }
    if argument.type == "bool":
        return forms.BooleanField(**about | {"required": False})
    if argument.choices:
        empty = [] if argument.required else [("", "–")]
        return forms.ChoiceField(choices=[*empty, *((str(one), str(one)) for one in argument.choices)], **about)
    if argument.type in {"int", "float"}:
        return forms.IntegerField(**about) if argument.type == "int" else forms.FloatField(**about)
    if argument.type == "list":
        about["initial"] = "\n".join(str(one) for one in argument.default or ())
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), **about)
    return _text_field(argument, about)


def _text_field(argument: Argument, about: dict[str, Any]) -> forms.Field:
    if argument.type == "dict":
        return forms.JSONField(widget=forms.Textarea(attrs={"rows": 3}), **about)
    if argument.secret:
        return forms.CharField(widget=forms.PasswordInput(render_value=True, attrs={"autocomplete": "off"}), **about)
    return forms.CharField(**about)


class OrderForm(forms.Form):
    """A playbook's arguments, when it happens, and how it goes out."""

    starts_at = InstantField(label=_("Begins"), required=False)
    ends_at = InstantField(label=_("Taken back"), required=False)
    reason = forms.CharField(label=_("Reason"), required=False, max_length=500)
    rings = forms.ChoiceField(
        label=_("Rings"),
        choices=[
            ("", _("As is usual for so many devices")),
            ("all", _("Pilot, one school, some schools, all others")),
            ("pilot", _("Pilot, then all others")),
            ("none", _("All in one ring")),
        ],
        required=False,
    )
    threshold_percent = forms.IntegerField(
        label=_("Halts when more go wrong than (percent of a ring)"), min_value=0, max_value=100, initial=10, required=False
    )
    spread = forms.ChoiceField(
        label=_("At the same time"),
        choices=[
            ("neighbours", _("Never neighbours: the same room or the same switch")),
            ("buildings", _("At most half of a building")),
            ("none", _("Everything")),
        ],
        required=False,
    )
    offline_h = forms.IntegerField(
        label=_("Wait for devices that are offline (hours)"),
        min_value=0,
        max_value=LONGEST_WAIT_H,
        initial=72,
        required=False,
    )
    rollback_on_halt = forms.BooleanField(label=_("Take back by itself what was touched when it halts"), required=False)

    def __init__(self, data: Any, *, playbook: Playbook) -> None:
        super().__init__(data)
        self.playbook = playbook
        own = {PREFIX + argument.name: _field(argument) for argument in playbook.arguments}
        self.fields = {**own, **self.fields}
        if not playbook.undoes_itself:
            del self.fields["ends_at"]
        if playbook.rollback is None:
            del self.fields["rollback_on_halt"]

    def arguments(self) -> dict[str, Any]:
        """What was filled in; the playbook's own rules judge it."""
        found: dict[str, Any] = {}
        for argument in self.playbook.arguments:
            value = self.cleaned_data.get(PREFIX + argument.name)
            if value is None or value == "":
                continue
            found[argument.name] = _lines(value) if argument.type == "list" else value
            if argument.choices:
                found[argument.name] = next(one for one in argument.choices if str(one) == value)
        return found

    def strategy(self) -> Strategy:
        said = self.cleaned_data
        usual = Strategy()
        hours = said.get("offline_h")
        threshold = said.get("threshold_percent")
        return replace(
            usual,
            rings={"all": RINGS, "pilot": ("pilot",), "none": ()}.get(said.get("rings") or ""),
            threshold_percent=usual.threshold_percent if threshold is None else threshold,
            spread=said.get("spread") or usual.spread,
            offline_until=timezone.now() + timedelta(hours=hours) if hours else None,
            rollback_on_halt=bool(said.get("rollback_on_halt")),
        )


class PlaybookFilter(forms.Form):
    q = forms.CharField(label=_("Search"), required=False, max_length=100, widget=forms.TextInput(attrs={"type": "search"}))
    platform = forms.ChoiceField(label=_("Platform"), required=False)
    risk = forms.ChoiceField(
        label=_("Risk"),
        required=False,
        choices=[("", _("All")), ("low", _("low")), ("medium", _("medium")), ("high", _("high"))],
    )

    def __init__(self, *args: Any, platforms: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self, "platform", [("", _("All")), *((name, name) for name in platforms)])

    def wanted(self, name: str) -> Any:
        """What was asked for there; a value that there is not asks for nothing."""
        self.is_valid()
        return self.cleaned_data.get(name)


class SourceForm(forms.Form):
    """Where playbooks come from. A secret is never typed here: logins are credentials."""

    name = forms.CharField(label=_("Name"), max_length=60)
    url = forms.CharField(label=_("Address"), max_length=500, help_text=_("https://… or ssh://…, without a password in it."))
    branch = forms.CharField(label=_("Branch"), max_length=100, initial="main")
    folder = forms.CharField(
        label=_("Folder"),
        max_length=200,
        required=False,
        initial="playbooks",
        help_text=_("Where in the repository the playbooks lie; empty: at its top."),
    )
    credential = forms.ModelChoiceField(
        Credential.objects.none(),
        label=_("Login"),
        required=False,
        empty_label=_("none"),
        help_text=_("An SSH key for ssh://, a login to git for https://."),
    )
    known_hosts = forms.CharField(
        label=_("Public key of the server"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("For ssh:// only: lines as in known_hosts."),
    )
    allowed_signers = forms.CharField(
        label=_("Who must have signed"),
        required=False,
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Lines as in ssh-keygen's allowed signers, or OpenPGP public keys. Empty: no signature is asked for."),
    )

    def __init__(self, *args: Any, authority: Authority, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = Credential.objects.filter(authority=authority).for_git().defer("secret").order_by("name")
        offer_rows(self, "credential", rows)

    def address(self) -> Address:
        return Address(**self.cleaned_data)
