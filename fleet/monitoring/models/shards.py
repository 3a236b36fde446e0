"""Who polls what: groups of sites with workers of their own, and the shards that a group's devices are shared out over."""

from datetime import datetime
from typing import Self

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site


class PollGroupQuerySet(models.QuerySet["PollGroup"]):
    def allowing(self, user: User, action: Action) -> Self:
        """Those without a site, and those with one on which this person may do `action`; none for whoever may nowhere."""
        if not user.access.anywhere(action):
            return self.none()
        theirs = GroupedSite.objects.filter(site__in=Site.objects.allowing(user, action))
        return self.filter(Q(sites__isnull=True) | Q(pk__in=theirs.values("group"))).distinct()


class PollGroup(models.Model):
    """Sites whose network only certain workers reach. They listen to `<BROKER_PREFIX>.polling.<queue>`, and to the same
    of `asking` and `searching`."""

    name = models.CharField(max_length=100, unique=True)
    queue = models.SlugField(max_length=40, unique=True, validators=[RegexValidator(r"^[a-z0-9-]+$")])

    objects = PollGroupQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


class GroupedSite(models.Model):
    """A site in a group; a site without is polled by the workers of the house."""

    site = models.OneToOneField(Site, primary_key=True, on_delete=models.CASCADE, related_name="poll_group")
    group = models.ForeignKey(PollGroup, on_delete=models.CASCADE, related_name="sites")

    def __str__(self) -> str:
        return f"{self.site} · {self.group}"


class ShardQuerySet(models.QuerySet["Shard"]):
    def free(self, now: datetime) -> Self:
        """Those that no worker is at; the claim of a worker that died runs out."""
        return self.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lt=now))


class Shard(models.Model):
    """A stable part of a queue's devices, polled by one worker at a time, tick by tick."""

    queue = models.CharField(max_length=40, blank=True)
    """Of its PollGroup; empty for the workers of the house."""
    number = models.PositiveSmallIntegerField()
    tick = models.BigIntegerField(default=0)
    """The last one that was claimed. A message asks for the next one: it can be claimed once, however often it comes."""
    claim = models.UUIDField(null=True, editable=False)
    claimed_until = models.DateTimeField(null=True)
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = ShardQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["queue", "number"], name="shard_once"),)

    def __str__(self) -> str:
        return f"{self.queue or 'house'} {self.number}"
