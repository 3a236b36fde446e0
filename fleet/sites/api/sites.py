"""/sites: list, read, make, change, close, open again."""

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Router, Status
from ninja.decorators import decorate_view
from ninja.pagination import paginate

from fleet.sites import hanging, services
from fleet.sites.api.common import MANAGE, managed, person, right, tagged, writing
from fleet.sites.models import Authority, Site
from fleet.sites.place_forms import SchoolForm
from fleet.sites.schemas import SiteIn, SiteOut, SitePatch
from fleet.web.api import CursorPage, Problem, conditional
from fleet.web.api.conditional import IfMatch, validated

router = Router(tags=["sites"])
NAMES = {"authority": "authority_id"}


def _seen(request: HttpRequest, site_id: int) -> Site:
    return get_object_or_404(Site.objects.visible_to(request.user).select_related("authority"), pk=site_id)


@router.get("/", response=list[SiteOut], summary="The sites I may see")
@decorate_view(validated)
@paginate(CursorPage, ordering=("pk",))
def list_sites(request: HttpRequest, closed: bool | None = None) -> QuerySet[Site]:
    """`closed`: only those that are, or only those that are not."""
    rows = Site.objects.visible_to(request.user)
    return rows if closed is None else rows.filter(closed_at__isnull=not closed)


@router.post("/", response={201: SiteOut}, summary="Make a site")
@decorate_view(validated)
def create_site(request: HttpRequest, response: HttpResponse, body: SiteIn) -> Status[Site]:
    """For whoever administers an authority."""
    user = person(request)
    authorities = Authority.objects.filter(pk__in=user.access.scopes(MANAGE))
    if body.authority_id is not None:
        get_object_or_404(authorities, pk=body.authority_id)
    elif not authorities.exists():
        raise Problem(403, _("Your role does not include this."))
    form = SchoolForm(body.dict() | {"authority": body.authority_id}, user=user)
    right(form, NAMES)
    with writing():
        site = services.create_site(authority=form.tenant, details=form.details, by=user)
    return Status(201, tagged(response, site))


@router.get("/{int:site_id}", response=SiteOut, summary="One site")
@decorate_view(validated)
def site(request: HttpRequest, response: HttpResponse, site_id: int) -> Site:
    """The answer's ETag is what PATCH takes as If-Match."""
    return tagged(response, _seen(request, site_id))


@router.patch("/{int:site_id}", response=SiteOut, summary="Change a site's details")
@decorate_view(validated)
def change_site(
    request: HttpRequest, response: HttpResponse, site_id: int, body: SitePatch, if_match: IfMatch = None
) -> Site:
    """Wants If-Match (else 428); 412 when it is no longer as it was read."""
    row = managed(request, _seen(request, site_id), if_match)
    form = SchoolForm(vars(services.SiteDetails.of(row)) | body.dict(exclude_unset=True), user=person(request), row=row)
    right(form)
    with writing():
        services.update_site(site=row, details=form.details, by=person(request))
    return tagged(response, row)


@router.post("/{int:site_id}/close", response=SiteOut, summary="Close a site")
@decorate_view(validated)
def close_site(request: HttpRequest, response: HttpResponse, site_id: int, if_match: IfMatch = None) -> Site:
    """409 while something hangs on it, with what; roles at it end. Wants If-Match."""
    row = managed(request, _seen(request, site_id), if_match)
    with writing(hanging.SITE, row.pk):
        services.close_site(site=row, at=timezone.now(), by=person(request))
    return tagged(response, _seen(request, site_id))


@router.post("/{int:site_id}/reopen", response=SiteOut, summary="Open a closed site again")
@decorate_view(validated)
def reopen_site(request: HttpRequest, response: HttpResponse, site_id: int, if_match: IfMatch = None) -> Site:
    """Roles that ended with it are given anew. Wants If-Match."""
    row = _seen(request, site_id)
    if not person(request).access.may(MANAGE, row.authority_id):
        raise Problem(403, _("Your role does not include this."))
    conditional.check(if_match, row.version, needed=True)
    services.reopen_site(site=row, by=person(request))
    return tagged(response, _seen(request, site_id))
