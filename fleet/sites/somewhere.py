"""Where something is to hold: at one school that is typed, or everywhere."""

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority, Site
from fleet.sites.typed import NAME_OR_PART, NOT_NAMED, SchoolField, offer_schools
from fleet.web.offers import offer_rows


class SomewhereForm(forms.Form):
    """Exactly one of the two is said; `everywhere` is not there for whoever has single schools alone."""

    school = SchoolField(label=_("Where"), help_text=NAME_OR_PART)
    everywhere: forms.Field = forms.ModelChoiceField(
        Authority.objects.none(), label=_("Everywhere"), required=False, empty_label=_("No, at this school only")
    )

    def offer_places(self, user: User, action: Action) -> None:
        """The schools and authorities where `user` may do `action`."""
        authorities = Authority.objects.filter(pk__in=user.access.scopes(action)).order_by("name")
        offer_rows(self, "everywhere", authorities)
        self.fields["everywhere"].label_from_instance = _everywhere  # type: ignore[attr-defined]
        self.offer_somewhere(Site.objects.allowing(user, action), everywhere=authorities.exists())

    def offer_somewhere(self, sites: QuerySet[Site], *, everywhere: bool) -> None:
        if everywhere:
            self.fields["school"].required = False
        else:
            del self.fields["everywhere"]
        offer_schools(self, sites)

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if "school" in self.errors or "everywhere" in self.errors:
            return said
        if not said.get("school") and not said.get("everywhere"):
            self.add_error("school", NOT_NAMED)
        elif said.get("school") and said.get("everywhere"):
            self.add_error("everywhere", gettext("Either at one school or everywhere: leave one of the two empty."))
        return said

    @property
    def authority_id(self) -> int:
        place = self.place
        return int(place.authority_id if isinstance(place, Site) else place.pk)

    @property
    def place(self) -> Authority | Site:
        """Of a valid form whose `everywhere` is an authority."""
        return cast("Authority | Site", self.cleaned_data["school"] or self.cleaned_data["everywhere"])


def _everywhere(authority: Authority) -> str:
    return gettext("Everywhere in %s") % authority.name
