"""What is to be done with a change beyond what people agreed to, and who agrees to that."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.automation.models.changes import Change
from fleet.people.models import User


class Proposal(models.Model):
    """Somebody wants it; as many others have to agree as had to agree to the change itself."""

    class Act(models.TextChoices):
        ROLL_BACK = "roll-back", _("Roll back")
        END = "end", _("Take back at another time")

    change = models.ForeignKey(Change, on_delete=models.CASCADE, related_name="proposals")
    act = models.CharField(max_length=10, choices=Act.choices)
    ends_at = models.DateTimeField(null=True, blank=True)
    """Of END: when it is to be taken back; None: at once."""
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    over_at = models.DateTimeField(null=True, blank=True)
    """When it was done, or another one took its place."""

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=["change", "act"], condition=models.Q(over_at__isnull=True), name="one_open_proposal_per_act"
            ),
        )

    def __str__(self) -> str:
        return f"{self.change_id}: {self.act}"


class ProposalVoice(models.Model):
    """One person who agrees."""

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="voices")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    on_behalf_of = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    """The colleague on leave in whose name."""
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["proposal", "person"], name="one_voice_per_person"),)

    def __str__(self) -> str:
        return f"{self.proposal_id}: {self.person_id}"
