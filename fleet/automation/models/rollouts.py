"""The rings in which a change goes out: each is carried out and measured before the next one begins."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from fleet.automation.models.changes import Change


class Ring(models.Model):
    """A part of a change's devices, carried out step by step."""

    class Title(models.TextChoices):
        PILOT = "pilot", _("Pilot")
        SITE = "site", _("One school")
        SHARE = "share", _("Some schools")
        ALL = "all", _("All devices")
        REST = "rest", _("All others")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        VERIFYING = "verifying", _("Being measured")
        PASSED = "passed", _("Passed")
        HALTED = "halted", _("Halted")
        SKIPPED = "skipped", _("Not done")

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="rings")
    number = models.PositiveSmallIntegerField()
    """From 1, in the order in which they go out."""
    title = models.CharField(max_length=20, choices=Title.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    """Why it halted or waits, as a key (`rules.rollout`); pages say the sentence."""
    details = models.JSONField(default=dict)
    """What belongs into the sentence: counts, the threshold."""

    class Meta:
        ordering = ("number",)
        constraints = (models.UniqueConstraint(fields=["change", "number"], name="ring_once"),)

    def __str__(self) -> str:
        return f"{self.change_id}/{self.number} {self.title}"
