"""A school that is typed rather than chosen: nobody finds theirs in a list of a thousand."""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from fleet.sites.models import Site
from fleet.web import fulltext
from fleet.web.suggesting import SuggestingInput

SUGGESTED = 10
MOST = 500
LONGEST_NAME = 200
LONGEST_ID = 17
NO_SUCH_SCHOOL = _("No school is called so.")
"""Nor is there one that may not be known of."""
NOT_NAMED = _("Please name the school.")
NAME_OR_PART = _("The name of the school, or a part of it.")
Row = TypeVar("Row", bound=Model)


def matching(sites: QuerySet[Site], text: str) -> QuerySet[Site]:
    """Those that have every word of it in their name."""
    for word in text.replace("\0", "").lower().split()[: fulltext.MOST_WORDS]:
        sites = sites.filter(fulltext.contains(word, "name"))
    return sites


def suggested(sites: QuerySet[Site], text: str) -> QuerySet[Site]:
    return matching(sites, text[:LONGEST_NAME]).order_by("name", "pk")[:SUGGESTED]


def meant(sites: QuerySet[Site], text: str) -> list[int]:
    """Ids of the schools of exactly that name, else of those that have every word of it in theirs; at most MOST."""
    exact = list(sites.filter(name__iexact=text.replace("\0", "")).order_by().values_list("pk", flat=True)[:MOST])
    return exact or list(matching(sites, text).order_by("name", "pk").values_list("pk", flat=True)[:MOST])


def by_id(rows: QuerySet[Row], pk: str) -> Row | None:
    """By its number, as links have it; none where it is no number of theirs."""
    return rows.filter(pk=int(pk)).first() if pk.isdecimal() and len(pk) <= LONGEST_ID else None


class SchoolInput(SuggestingInput):
    template_name = "sites/widgets/school.html"
    names_at = reverse_lazy("site-names")


class SchoolField(forms.CharField):
    """One school, by its name or a part that no other has; by its short name where several are called the same."""

    widget = SchoolInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_NAME, error_messages={"required": NOT_NAMED}, **kwargs)
        self.sites: QuerySet[Site] = Site.objects.none()

    def clean(self, value: Any) -> Any:
        """The Site; None where nothing was typed and nothing has to be. Without a validated text there is none either."""
        said = str(super().clean(value))
        if not said:
            return None
        found = named(self.sites, said)
        if len(found) == 1:
            return found[0]
        if not found:
            raise ValidationError(NO_SUCH_SCHOOL)
        if len({site.name for site in found}) == 1:
            alike = ", ".join(site.slug for site in found)
            raise ValidationError(_("Several are called so. Please type the short name of one: %s") % alike)
        others = ", ".join(site.name for site in found[:SUGGESTED])
        raise ValidationError(_("Several schools fit. Please type the whole name of one: %s") % others)

    def spelt(self, site: Site) -> str:
        """How it is typed so that it means this very one."""
        alike = self.sites.filter(name__iexact=site.name).exclude(pk=site.pk)
        return site.slug if alike.exists() else site.name


def offer_schools(form: forms.BaseForm, sites: QuerySet[Site]) -> None:
    """Those that the field `school` means; whoever has to name one and has one alone finds it there."""
    field = cast("SchoolField", form.fields["school"])
    field.sites = sites
    if field.required and not form.is_bound and "school" not in form.initial and len(only := list(sites[:2])) == 1:
        form.initial["school"] = only[0].name


def named(sites: QuerySet[Site], text: str) -> list[Site]:
    """Of exactly that name or short name, else those that have every word of it in their name; a few of them."""
    said = text.replace("\0", "")
    exact = list(sites.filter(Q(name__iexact=said) | Q(slug__iexact=said)).order_by("pk")[: SUGGESTED + 1])
    return exact or list(matching(sites, said).order_by("name", "pk")[: SUGGESTED + 1])


class SchoolFilter(forms.Form):
    """A list's filter, one field of which is a school; it is not there for whoever sees one school alone.

    `site`, a number, is how links name the school that people type as `school`.
    """

    school = forms.CharField(
        label=_("School"),
        required=False,
        max_length=LONGEST_NAME,
        widget=SchoolInput({"placeholder": _("All")}),
    )

    def __init__(self, data: Any, *, sites: QuerySet[Site]) -> None:
        self._sites, self._linked = sites, by_id(sites, data.get("site", ""))
        if self._linked and not data.get("school"):
            data = {**_plain(data), "school": self._linked.name}
        super().__init__(data)
        self.many = sites.order_by()[:2].count() > 1
        if not self.many:
            del self.fields["school"]

    def sites_meant(self) -> list[int] | None:
        """Ids of the schools that were typed, none at all if no school is called so; None: nothing was typed."""
        said = str(self.cleaned_data.get("school") or "")
        if not said:
            return None
        if self._linked and self._linked.name == said:
            return [self._linked.pk]
        return meant(self._sites, said)


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """The last value of each name: filters have no field with several."""
    return {name: data[name] for name in data}
