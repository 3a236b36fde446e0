"""What has to stay while something begins there: until the transaction ends, schools stay open and rooms are not removed."""

from typing import TypeVar

from django.core.exceptions import PermissionDenied
from django.db import connection, models
from django.utils.translation import gettext as _

from fleet.sites.models import Authority, Building, Room, Site

Place = TypeVar("Place", bound=models.Model)


class ClosedSiteError(PermissionDenied):
    def __init__(self) -> None:
        super().__init__(_("This school has closed: nothing new begins there."))


def hold_open(*, site_id: int) -> None:
    """Raises ClosedSiteError."""
    site = _held(Site, site_id)
    if site is None or site.closed_at is not None:
        raise ClosedSiteError


def hold_room(*, room_id: int) -> Room | None:
    """As it is now; None once it has been removed."""
    return _held(Room, room_id)


def hold_building(*, building_id: int) -> Building | None:
    return _held(Building, building_id)


def hold_alone(*, authority_id: int, site_id: int | None) -> None:
    """Who else enters something for this school, or for all of them, waits: two would enter the same."""
    if site_id is None:
        Authority.objects.select_for_update(no_key=True).get(pk=authority_id)
    else:
        Site.objects.select_for_update(no_key=True).get(pk=site_id)


def _held(kind: type[Place], pk: int) -> Place | None:
    """Many hold it beside each other, and beside whoever changes it; who locks it `FOR UPDATE` waits for them all."""
    sql, parameters = kind._default_manager.filter(pk=pk).order_by().query.sql_with_params()
    lock = " FOR KEY SHARE" if connection.vendor == "postgresql" else ""
    return next(iter(kind._default_manager.raw(sql + lock, parameters)), None)
