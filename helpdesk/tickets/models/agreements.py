"""What was promised to whom: how fast somebody answers, tells more, and is done; and who hears when it gets tight."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.sites.models import Authority, Site
from helpdesk.tickets.models.organising import Category, Named, OfAuthorityQuerySet

PRIORITIES = ((1, _("Low")), (2, _("Normal")), (3, _("High")), (4, _("Urgent")))


class Agreement(Named):
    """Durations are minutes of business time; an empty one promises nothing. An empty condition fits everything."""

    class Hours(models.TextChoices):
        SITE = "site", _("Service hours of the school")
        ALWAYS = "always", _("Around the clock")

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="agreements")
    active = models.BooleanField(_("in force"), default=True)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=PRIORITIES, null=True, blank=True)
    category = models.ForeignKey(
        Category, null=True, blank=True, on_delete=models.CASCADE, related_name="agreements", verbose_name=_("category")
    )
    site_kind = models.CharField(_("kind of site"), max_length=20, choices=Site.Kind.choices, blank=True)
    hours = models.CharField(_("hours that count"), max_length=10, choices=Hours.choices, default=Hours.SITE)
    first_response_min = models.PositiveIntegerField(_("first answer within (minutes)"), null=True, blank=True)
    next_update_min = models.PositiveIntegerField(_("next news within (minutes)"), null=True, blank=True)
    resolution_min = models.PositiveIntegerField(_("resolved within (minutes)"), null=True, blank=True)

    objects = OfAuthorityQuerySet["Agreement"].as_manager()

    class Meta:
        ordering = ("name_de", "pk")


class EscalationStep(models.Model):
    """`minutes` before (negative) or after a deadline, as the clock on the wall runs."""

    agreement = models.ForeignKey(Agreement, on_delete=models.CASCADE, related_name="steps")
    minutes = models.IntegerField(_("minutes before (−) or after the deadline"))
    raise_priority = models.BooleanField(_("raises the priority by one"), default=False)

    class Meta:
        ordering = ("minutes", "pk")
        constraints = (models.UniqueConstraint(fields=["agreement", "minutes"], name="escalation_step_once"),)

    def __str__(self) -> str:
        return f"{self.minutes:+d} min"

    @property
    def offset(self) -> timedelta:
        return timedelta(minutes=self.minutes)


class Escalation(models.Model):
    """A step that was taken for one deadline of one ticket: once, whoever else tries."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="escalations")
    step = models.ForeignKey(EscalationStep, on_delete=models.CASCADE, related_name="+")
    clock = models.CharField(max_length=20)
    due_at = models.DateTimeField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["ticket", "step", "clock", "due_at"], name="escalated_once"),
            models.CheckConstraint(
                condition=Q(clock__in=["first-response", "next-update", "resolution"]), name="escalation_clock_is_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.clock} {self.step_id}"
