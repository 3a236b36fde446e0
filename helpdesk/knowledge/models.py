"""What is known once and helps many: articles, every version of them, and whom they helped."""

from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority, Site
from helpdesk.tickets.models import Ticket


class ArticleQuerySet(models.QuerySet["Article"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Public ones for everybody of the authority, internal ones for those who see internal notes.

        A draft may still say what only its writer knows: it is its author's, and of those who manage the authority; one that
        was made of a ticket is nobody's who does not see that ticket (any more).
        """
        if not isinstance(user, User):
            return self.none()
        published = Q(published_at__isnull=False)
        public = published & Q(visibility=Article.Visibility.PUBLIC) & _within(user, Action.VIEW_SITE)
        internal = published & _within(user, Action.VIEW_INTERNAL_NOTES)
        return self.filter(public | internal | _drafts(user))

    def writable_by(self, user: User | AnonymousUser) -> Self:
        """Whoever works on tickets anywhere in the authority writes for all of it."""
        if not isinstance(user, User):
            return self.none()
        published = Q(published_at__isnull=False) & _within(user, Action.WORK_TICKETS)
        return self.filter(published | _drafts(user))


def _within(user: User, action: Action) -> Q:
    scopes = user.access.scopes(action)
    here = Site.objects.filter(pk__in=scopes).values("authority_id")
    return Q(authority_id__in=scopes) | Q(authority_id__in=here)


def _drafts(user: User) -> Q:
    own = Q(author=user) & _within(user, Action.WORK_TICKETS)
    source = Q(ticket=None) | Q(ticket__in=Ticket.objects.visible_to(user))
    return (own | Q(authority_id__in=user.access.scopes(Action.MANAGE))) & source


class Content(models.Model):
    """The words, German always, English where somebody wrote them. Bodies are CommonMark."""

    title_de = models.CharField(_("title in German"), max_length=200)
    body_de = models.TextField(_("text in German"), blank=True)
    title_en = models.CharField(_("title in English"), max_length=200, blank=True)
    body_en = models.TextField(_("text in English"), blank=True)
    tags = models.JSONField(_("keywords"), default=list, blank=True)

    class Meta:
        abstract = True

    @property
    def in_english(self) -> bool:
        return bool(self.title_en) and (translation.get_language() or "de")[:2] == "en"

    @property
    def title(self) -> str:
        """In the reader's language, as far as there is one."""
        return self.title_en if self.in_english else self.title_de

    @property
    def body(self) -> str:
        return self.body_en if self.in_english else self.body_de


class Article(Content):
    class Visibility(models.TextChoices):
        INTERNAL = "internal", _("Internal: for those who work on tickets")
        PUBLIC = "public", _("Public: for everybody of the authority")

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="+")
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.INTERNAL)
    published_at = models.DateTimeField(null=True, blank=True)
    """None: a draft."""
    author = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    ticket = models.OneToOneField(Ticket, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    """The resolved ticket from which it was drafted."""
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        ordering = ("title_de", "pk")
        indexes = (models.Index(fields=["authority", "visibility"], name="knowledge_article_scope"),)

    def __str__(self) -> str:
        return self.title


class Version(Content):
    """How an article read once; the newest is how it reads now."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    author = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    saved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=["article", "number"], name="knowledge_version_once"),)

    def __str__(self) -> str:
        return f"{self.article_id}/{self.number}"


class Helped(models.Model):
    """Somebody said that an article was what they needed; each person counts once."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="helped")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["article", "person"], name="knowledge_helped_once"),)

    def __str__(self) -> str:
        return f"{self.article_id} {self.person_id}"
