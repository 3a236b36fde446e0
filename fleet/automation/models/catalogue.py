"""Git repositories that playbooks come from, and what was fetched from them and approved."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Credential
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority


class PlaybookSourceQuerySet(models.QuerySet["PlaybookSource"]):
    def managed_by(self, user: object) -> "PlaybookSourceQuerySet":
        """Whoever manages an authority has its repositories in hand."""
        return self.filter(authority__in=user.access.scopes(Action.MANAGE)) if isinstance(user, User) else self.none()


class PlaybookSource(models.Model):
    """A repository. Nothing of it is in the catalogue until a person has looked at a commit and approved it."""

    class State(models.TextChoices):
        IDLE = "idle", _("Fetched")
        FETCHING = "fetching", _("Being fetched")
        FAILED = "failed", _("Could not be fetched")

    authority = models.ForeignKey(Authority, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=60, unique=True)
    url = models.CharField(max_length=500)
    branch = models.CharField(max_length=100, default="main")
    folder = models.CharField(max_length=200, blank=True, default="playbooks")
    """Where in the repository the playbooks lie; empty: at its top."""
    credential = models.ForeignKey(Credential, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    known_hosts = models.TextField(blank=True)
    """For ssh: the server's public key, as in known_hosts (sshd(8))."""
    allowed_signers = models.TextField(blank=True)
    """Who must have signed a commit: ALLOWED SIGNERS of ssh-keygen(1), or OpenPGP public keys. Empty: nobody must."""
    commit = models.CharField(max_length=64, blank=True)
    """The approved one; empty: none is, and nothing of this repository can be run."""
    fetched_commit = models.CharField(max_length=64, blank=True)
    fetched_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.IDLE)
    state_since = models.DateTimeField(default=timezone.now)
    problem = models.CharField(max_length=40, blank=True)
    """Key of what went wrong at the last attempt (`fleet.automation.playbook_words.source_problem`)."""
    detail = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    added_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    """Somebody else approves its commits."""

    objects = PlaybookSourceQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class SourceVersion(models.Model):
    """The playbooks of one commit. They lie in the database, so that every worker on every machine has the same."""

    source = models.ForeignKey(PlaybookSource, on_delete=models.CASCADE, related_name="versions")
    commit = models.CharField(max_length=64)
    subject = models.CharField(max_length=200, blank=True)
    author = models.CharField(max_length=100, blank=True)
    committed_at = models.DateTimeField()
    signed_by = models.CharField(max_length=200, blank=True)
    files = models.JSONField(default=dict)
    """{path inside the playbooks' folder: text}"""
    problems = models.JSONField(default=list)
    """Sentences with file and line: what keeps it from being approved."""
    fetched_at = models.DateTimeField(default=timezone.now)
    approved_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ("-fetched_at", "-pk")
        constraints = (
            models.UniqueConstraint(fields=["source", "commit"], name="source_version_once"),
            models.CheckConstraint(
                condition=Q(approved_at__isnull=True) | Q(problems=[]), name="only_versions_in_order_are_approved"
            ),
        )

    def __str__(self) -> str:
        return f"{self.source_id} {self.commit[:12]}"
