"""A school closes for good, or opens again. Nothing of what was there is lost."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from fleet.events.services import Fact, emit
from fleet.people import services as people
from fleet.people.models import User
from fleet.sites import hanging
from fleet.sites.models import Site
from fleet.sites.services.places import InUseError


@transaction.atomic
def close_site(*, site: Site, at: datetime, by: User) -> bool:
    """Whoever holds a role there holds it no longer. False if it is closed already. Raises InUseError."""
    Site.objects.select_for_update().get(pk=site.pk)
    if hanging.on(hanging.SITE, site.pk):
        raise InUseError
    if not Site.objects.open().filter(pk=site.pk).update(closed_at=at, version=F("version") + 1):
        return False
    ended = people.close_scope(scope_id=site.pk, at=at)
    emit(Fact("site.closed", site, site.authority_id, site.pk, by.pk, {"name": site.name, "roles_ended": ended}))
    return True


@transaction.atomic
def reopen_site(*, site: Site, by: User) -> bool:
    """Roles that ended are given anew by hand. False if it is open already."""
    closed = Site.objects.filter(pk=site.pk, closed_at__isnull=False)
    if not closed.update(closed_at=None, version=F("version") + 1):
        return False
    people.reopen_scope(scope_id=site.pk)
    emit(Fact("site.reopened", site, site.authority_id, site.pk, by.pk, {"name": site.name}))
    return True
