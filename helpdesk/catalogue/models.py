"""What was ordered from the service catalogue: where the helpdesk meets automation."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.automation.models import Change
from fleet.people.models import User
from helpdesk.tickets.models import Ticket


class ServiceRequest(models.Model):
    class Agreement(models.TextChoices):
        """Of an order that people fulfil, whether those have agreed who have to. (A playbook's change has approvals.)"""

        NONE = "none", _("Nobody has to agree")
        WANTED = "wanted", _("Waits for agreement")
        GIVEN = "given", _("Agreed")
        REFUSED = "refused", _("Not agreed")

    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="service_request")
    change = models.OneToOneField(Change, null=True, blank=True, on_delete=models.PROTECT, related_name="service_request")
    """The change that fulfils it; none for an order that people fulfil by hand."""
    slug = models.SlugField(max_length=60)
    values = models.JSONField(default=dict)
    """What was filled in, without secrets."""
    agreement = models.CharField(max_length=10, choices=Agreement.choices, default=Agreement.NONE)
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.slug} {self.ticket_id}"
