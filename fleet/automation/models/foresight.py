"""What was foreseen of a change."""

from django.db import models
from django.utils import timezone

from fleet.automation.models.changes import Change


class Forecast(models.Model):
    """What it would have meant for the school, reckoned when it was asked for."""

    change = models.OneToOneField(Change, primary_key=True, on_delete=models.CASCADE, related_name="forecast")
    impact = models.JSONField()
    """`rules.outlook.Impact.as_json()`"""
    made_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"forecast of {self.change_id}"
