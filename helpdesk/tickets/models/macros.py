"""Replies that are written once, and what is done along with them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.sites.models import Authority
from helpdesk.tickets.models.agreements import PRIORITIES
from helpdesk.tickets.models.organising import Named, OfAuthorityQuerySet, Queue, Tag
from helpdesk.tickets.models.tickets import Ticket


class Macro(Named):
    """A canned reply in both languages; with effects it is a macro. `{{ name }}` and the like stand for the ticket's own."""

    authority = models.ForeignKey(Authority, on_delete=models.CASCADE, related_name="macros")
    body_de = models.TextField(_("German text"), blank=True, max_length=20_000)
    body_en = models.TextField(_("English text"), blank=True, max_length=20_000)
    internal = models.BooleanField(_("as an internal note"), default=False)
    to = models.CharField(_("and then"), max_length=20, choices=Ticket.State.choices, blank=True)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=PRIORITIES, null=True, blank=True)
    queue = models.ForeignKey(
        Queue, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("queue")
    )
    tag = models.ForeignKey(Tag, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("tag"))

    objects = OfAuthorityQuerySet["Macro"].as_manager()

    class Meta:
        ordering = ("name_de", "pk")

    def text(self, language: str) -> str:
        """In the language of whoever reads it; the other one where there is none."""
        return (self.body_en or self.body_de) if language == "en" else (self.body_de or self.body_en)
