"""Pages of vouchers: the sheet itself, and where it is offered."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from fleet.automation import words
from fleet.automation.models import Change
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site
from helpdesk.catalogue.services import vouchers as service
from helpdesk.catalogue.services.vouchers import Printable
from helpdesk.catalogue.voucher_sheet import Wifi, Wording, pdf


@require_POST
@never_cache
def sheet(request: HttpRequest, change_id: int) -> HttpResponse:
    """Asked for by POST: no browser fetches it ahead, keeps it in its history or sends it a second time by itself."""
    user = request.user
    voucher = service.printable(user=user, change_id=change_id) if isinstance(user, User) else None
    if voucher is None or not isinstance(user, User):
        raise Http404
    wifi = Wifi(voucher.ssid, service.handed_out(voucher=voucher, to=user))
    with translation.override(settings.LANGUAGE_CODE):
        content = pdf(wifi, _wording(voucher))
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="wifi-{change_id}.pdf"', "Cache-Control": "no-store, private"},
    )


def _wording(voucher: Printable) -> Wording:
    change = voucher.change
    how = [_("Point the camera at the code, or choose the Wi-Fi and type the key.")]
    if change.ends_at:
        span = {"begin": words.moment(change.starts_at), "end": words.moment(change.ends_at)}
        how.append(_("It holds from %(begin)s until %(end)s.") % span)
    places = ", ".join(site.name for site in voucher.places)
    return Wording(_("Join the Wi-Fi"), places, _("Name of the Wi-Fi"), _("Wi-Fi key"), how)


def change_panel(user: User, pk: int) -> dict[str, Any] | None:
    """The button for whom it is for; who printed it, for them and for the audit."""
    voucher = service.printable(user=user, change_id=pk)
    change = Change.objects.visible_to(user).filter(pk=pk).first()
    audits = change is not None and user.access.may(Action.VIEW_AUDIT, change.authority_id, change.site_id)
    handovers = service.handovers(pk) if voucher or audits else []
    if not voucher and not handovers:
        return None if change is None else {}
    return {"vouchers": [voucher] if voucher else [], "handovers": handovers}


def site_panel(user: User, pk: int) -> dict[str, Any] | None:
    """All keys in force at a school."""
    if not Site.objects.visible_to(user).filter(pk=pk).exists():
        return None
    return {"vouchers": service.printable_at(user=user, site_id=pk), "named": True}
