import secrets
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority, Site
from fleet.web.offers import offer
from helpdesk.knowledge.models import Article
from helpdesk.knowledge.rules import keywords
from helpdesk.knowledge.services import MOST_CHARACTERS, Words

SYNTAX = _("Headings with ##, lists with -, links as [text](address).")


def authorities(user: User) -> list[Authority]:
    """For which this person writes."""
    scopes = user.access.scopes(Action.WORK_TICKETS)
    here = Site.objects.filter(pk__in=scopes).values("authority_id")
    rows = Authority.objects.filter(pk__in=scopes) | Authority.objects.filter(pk__in=here)
    return list(rows.distinct().order_by("name"))


def _text(label: Any, *, required: bool) -> forms.CharField:
    area = forms.Textarea(attrs={"rows": 10})
    return forms.CharField(label=label, required=required, max_length=MOST_CHARACTERS, widget=area, help_text=SYNTAX)


class ArticleForm(forms.Form):
    authority = forms.ChoiceField(label=_("Authority"))
    title_de = forms.CharField(label=_("Title in German"), max_length=200)
    body_de = _text(_("Text in German"), required=True)
    title_en = forms.CharField(label=_("Title in English"), max_length=200, required=False)
    body_en = _text(_("Text in English"), required=False)
    tags = forms.CharField(label=_("Keywords"), required=False, max_length=300, help_text=_("Separated by commas."))
    visibility = forms.ChoiceField(
        label=_("Who may read it"), choices=Article.Visibility.choices, initial=Article.Visibility.INTERNAL
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    token = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)

    def __init__(self, data: Any = None, *, offered: list[Authority], article: Article | None = None) -> None:
        super().__init__(data, initial=_initial(article) if article else {"token": secrets.token_hex(16)})
        offer(self, "authority", [(str(one.pk), one.name) for one in offered])
        if article is not None or len(offered) == 1:
            del self.fields["authority"]

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if said.get("body_en") and not said.get("title_en"):
            self.add_error("title_en", _("A text in English needs a title in English."))
        return said

    def words(self) -> Words:
        said = self.cleaned_data
        names = ("title_de", "body_de", "title_en", "body_en")
        return Words(**{name: said[name] for name in names}, tags=keywords(said["tags"]))


def _initial(article: Article) -> dict[str, Any]:
    names = ("title_de", "body_de", "title_en", "body_en", "visibility")
    kept = {name: getattr(article, name) for name in names}
    return kept | {"tags": ", ".join(article.tags), "seen_version": article.version}


class Wanted(forms.Form):
    q = forms.CharField(label=_("Search"), required=False, max_length=100, widget=forms.SearchInput)
