"""Files that came with an article."""

from django.db import models
from django.utils import timezone

from helpdesk.tickets.file_kinds import kind_of
from helpdesk.tickets.models.articles import Article


class Attachment(models.Model):
    """A file of an article. Where it lies follows from what it holds, never from how it was called."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=255)
    """As whoever sent it called it, without folders and control characters; only ever shown, and offered for saving."""
    content_type = models.CharField(max_length=255, blank=True)
    """As it was declared; nobody relies on it."""
    size = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64, db_index=True)
    """SHA-256 of its bytes."""
    file = models.FileField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.name

    @property
    def kind(self) -> str:
        """In words."""
        return kind_of(self.name)


class LooseFile(models.Model):
    """A file of which it is not certain that a row needs it: kept a moment ago, or let go by a row that went.

    It is looked at an hour after; nobody attaches what they kept so long before.
    """

    file = models.CharField(max_length=200, unique=True)
    """As `Attachment.file`: relative to MEDIA_ROOT."""
    since = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.file
