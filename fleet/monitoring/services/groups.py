"""Groups of sites that workers of their own poll, because only those reach their network."""

import logging
from collections.abc import Collection

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from fleet.monitoring.models import GroupedSite, PollGroup
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site

log = logging.getLogger(__name__)


class GroupError(Exception):
    """`field` is not as it has to be, and why, for a person."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


def sites_of(user: User) -> QuerySet[Site]:
    """Those that this person may put into groups."""
    return Site.objects.allowing(user, Action.MANAGE).order_by("name", "pk")


def create(*, name: str, queue: str, by: User) -> PollGroup:
    """Raises GroupError: a name or a queue that there is already."""
    if PollGroup.objects.filter(queue=queue).exists():
        raise GroupError("queue", _("Another group has this queue."))
    row = _saved(PollGroup(name=name, queue=queue))
    log.info("poll group made", extra={"group_id": row.pk, "queue": queue, "user_id": by.pk})
    return row


@transaction.atomic
def change(*, group: PollGroup, name: str, site_ids: Collection[int], by: User) -> None:
    """Renames it, and has exactly these of the sites of `by` in it: one that was in another group leaves that one. Sites
    that `by` does not manage stay where they are. Raises GroupError."""
    rename(group=group, name=name, by=by)
    mine = dict.fromkeys(sites_of(by).values_list("pk", flat=True))
    wanted = mine.keys() & set(site_ids)
    GroupedSite.objects.filter(group=group, site__in=mine.keys() - wanted).delete()
    GroupedSite.objects.bulk_create(
        [GroupedSite(site_id=pk, group=group) for pk in sorted(wanted)],
        update_conflicts=True,
        unique_fields=["site"],
        update_fields=["group"],
    )
    log.info("poll group changed", extra={"group_id": group.pk, "sites": len(wanted), "user_id": by.pk})


@transaction.atomic
def rename(*, group: PollGroup, name: str, by: User) -> None:
    """Raises GroupError: another's name, or a group that has sites of others as well."""
    if name != group.name and group.sites.exclude(site__in=sites_of(by).order_by().values("pk")).exists():
        raise GroupError("name", _("This group also has sites that you do not manage. Its name stays."))
    group.name = name
    _saved(group)


def put(*, group: PollGroup, site: Site, by: User) -> None:
    """Into this group, and out of the one that it was in."""
    GroupedSite.objects.update_or_create(site=site, defaults={"group": group})
    log.info("site put into poll group", extra={"group_id": group.pk, "site_id": site.pk, "user_id": by.pk})


def take_out(*, group: PollGroup, site: Site, by: User) -> None:
    GroupedSite.objects.filter(group=group, site=site).delete()
    log.info("site taken out of poll group", extra={"group_id": group.pk, "site_id": site.pk, "user_id": by.pk})


def _saved(row: PollGroup) -> PollGroup:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise GroupError("name", _("Another group has this name.")) from error
    return row
