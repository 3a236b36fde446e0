"""Forms for what an authority arranges, and what a list says of each."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.sites.models import Authority
from helpdesk.tickets.models import Agreement, Category, EscalationStep, Macro, Queue, Tag, Ticket
from helpdesk.tickets.rules import FOR_PEOPLE
from helpdesk.tickets.rules.macros import PLACEHOLDERS, unknown

if TYPE_CHECKING:
    Base = forms.ModelForm[Any]
else:  # the class cannot be subscripted at run time
    Base = forms.ModelForm


class _OfAuthority(Base):
    """`authority` is asked for only where there are several; what hangs on a row is of the same authority."""

    def __init__(self, *args: Any, authorities: list[Authority], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.authorities = authorities
        fields: Any = self.fields
        for name in ("queue", "category", "parent", "tag"):
            if name in fields:
                fields[name].queryset = fields[name].queryset.filter(authority__in=authorities)
        if self.instance.pk is None and len(authorities) == 1:
            self.instance.authority = authorities[0]
        if self.instance.pk is None and len(authorities) > 1:
            fields["authority"] = forms.ModelChoiceField(
                label=_("Authority"), queryset=Authority.objects.filter(pk__in=[one.pk for one in authorities])
            )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if "authority" in cleaned:
            self.instance.authority = cleaned["authority"]
        for name in ("queue", "category", "parent", "tag"):
            other = cleaned.get(name)
            if other is not None and other.authority_id != self.instance.authority_id:
                self.add_error(name, _("It belongs to another authority."))
        return cleaned


class _Named(_OfAuthority):
    """The slug is made of the German name, once, and stays when that changes."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not self.instance.slug and cleaned.get("name_de"):
            self.instance.slug = slugify(cleaned["name_de"])[:60] or "x"
        model = type(self.instance)
        same = model._default_manager.filter(authority=self.instance.authority_id, slug=self.instance.slug)
        if self.instance.authority_id and same.exclude(pk=self.instance.pk).exists():
            self.add_error("name_de", _("There is one with this name already."))
        return cleaned


class QueueForm(_Named):
    class Meta:
        model = Queue
        fields = ("name_de", "name_en", "restricted")


class CategoryForm(_Named):
    class Meta:
        model = Category
        fields = ("name_de", "name_en", "parent", "queue")
        labels = {"parent": gettext_lazy("Belongs to the category"), "queue": gettext_lazy("Its tickets go to")}

    def clean_parent(self) -> Category | None:
        parent: Category | None = self.cleaned_data["parent"]
        above = parent
        while above is not None:
            if above.pk == self.instance.pk:
                raise ValidationError(_("A category cannot stand below itself."))
            above = above.parent
        return parent


class AgreementForm(_OfAuthority):
    class Meta:
        model = Agreement
        fields = (
            "name_de", "name_en", "active", "priority", "category", "site_kind", "hours",
            "first_response_min", "next_update_min", "resolution_min",
        )  # fmt: skip


class StepForm(Base):
    class Meta:
        model = EscalationStep
        fields = ("agreement", "minutes", "raise_priority")
        labels = {"agreement": gettext_lazy("Agreement")}

    def __init__(self, *args: Any, authorities: list[Authority], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        agreements: Any = self.fields["agreement"]
        agreements.queryset = Agreement.objects.filter(authority__in=authorities)


class MacroForm(_OfAuthority):
    class Meta:
        model = Macro
        fields = ("name_de", "name_en", "body_de", "body_en", "internal", "to", "priority", "queue", "tag")
        widgets = {"body_de": forms.Textarea(attrs={"rows": 6}), "body_en": forms.Textarea(attrs={"rows": 6})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        to: Any = self.fields["to"]
        possible = [state for state in FOR_PEOPLE if state != Ticket.State.NEW]
        to.choices = [("", _("The state stays")), *((state.value, state.label) for state in possible)]
        tags: Any = self.fields["tag"]
        tags.queryset = Tag.objects.filter(authority__in=self.authorities)
        known = ", ".join("{{ " + name + " }}" for name in PLACEHOLDERS)
        self.fields["body_de"].help_text = _("These stand for the ticket's own: %(names)s") % {"names": known}

    def clean_body_de(self) -> str:
        return _checked(self.cleaned_data["body_de"])

    def clean_body_en(self) -> str:
        return _checked(self.cleaned_data["body_en"])


def _checked(text: str) -> str:
    if names := unknown(text):
        raise ValidationError(_("Nothing stands for: %(names)s") % {"names": ", ".join(names)})
    return text


def summary(row: models.Model) -> str:
    """What a list says beside the name."""
    if isinstance(row, Agreement):
        parts = [
            (_("answer within %d min"), row.first_response_min),
            (_("news within %d min"), row.next_update_min),
            (_("solution within %d min"), row.resolution_min),
        ]
        said = [text % minutes for text, minutes in parts if minutes is not None]
        return ", ".join(said if row.active else [_("not in force"), *said])
    if isinstance(row, EscalationStep):
        return str(row.agreement)
    if isinstance(row, Queue):
        return _("for security people only") if row.restricted else ""
    return ""
