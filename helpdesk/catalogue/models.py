"""What was ordered from the service catalogue: where the helpdesk meets automation."""

from django.db import models
from django.utils import timezone

from fleet.automation.models import Change
from helpdesk.tickets.models import Ticket


class ServiceRequest(models.Model):
    ticket = models.OneToOneField(Ticket, on_delete=models.CASCADE, related_name="service_request")
    change = models.OneToOneField(Change, null=True, blank=True, on_delete=models.PROTECT, related_name="service_request")
    """The change that fulfils it; none for an order that people fulfil by hand."""
    slug = models.SlugField(max_length=60)
    values = models.JSONField(default=dict)
    """What was filled in, without secrets."""
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.slug} {self.ticket_id}"
