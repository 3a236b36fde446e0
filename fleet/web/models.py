from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models

KEPT = timedelta(days=2)
"""How long a key is remembered; a client that tries again does so within minutes."""


class RequestKeyQuerySet(models.QuerySet["RequestKey"]):
    def outdated(self, now: datetime) -> "RequestKeyQuerySet":
        return self.filter(created_at__lt=now - KEPT)


class RequestKey(models.Model):
    """An Idempotency-Key that a person has sent, and for what (draft-ietf-httpapi-idempotency-key-header)."""

    person_id = models.BigIntegerField()
    key = models.CharField(max_length=32)
    """Of the kind of request and the key sent, as 32 hexadecimal digits."""
    fingerprint = models.CharField(max_length=32)
    """Of the request's address and body; for a form, the number of what was made of it."""
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar = RequestKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person_id", "key"], name="web_requestkey_once"),
        ]
        indexes = [models.Index(fields=["created_at"])]
