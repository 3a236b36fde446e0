"""Every address of the product, top to bottom. Each room adds one line."""

from django.urls import include, path
from django.views.generic import RedirectView

from config.api import api
from fleet.monitoring.views import exposition
from fleet.people import views as people
from fleet.sites.views import calendar as sites
from fleet.sites.views import people as table
from fleet.web import views as web

urlpatterns = [
    path("healthz", web.healthz, name="healthz"),
    path("metrics", exposition.ourselves, name="metrics"),
    path("metrics/devices", exposition.devices, name="metrics-devices"),
    path("api/v1/", api.urls),
    path("accounts/email/", RedirectView.as_view(pattern_name="account")),  # addresses are the administrator's business
    path("accounts/sessions/", RedirectView.as_view(pattern_name="people:sessions")),
    path("accounts/", include("allauth.urls")),
    path("account/", people.account, name="account"),
    path("account/display/", people.display, name="display"),
    path("account/", include("fleet.people.urls")),
    path("people/import/", table.index, name="import-people"),
    path("people/", include("fleet.people.directory_urls")),
    path("faults/", include("fleet.monitoring.urls")),
    path("", include("fleet.devices.urls")),
    path("devices/", include("fleet.monitoring.urls.devices")),
    path("maintenance/", include("fleet.monitoring.urls.maintenance")),
    path("sites/names/", sites.names, name="site-names"),
    path("sites/", include("fleet.monitoring.urls.sites")),
    path("sites/", include("fleet.sites.urls")),
    path("places/", include("fleet.sites.place_urls")),
    path("privacy/", include("helpdesk.privacy.urls")),
    path("", include("helpdesk.portal.urls")),
    path("order/", include("helpdesk.catalogue.urls")),
    path("", include("helpdesk.finding.urls")),
    path("knowledge/", include("helpdesk.knowledge.urls")),
    path("tickets/", include("helpdesk.tickets.urls")),
    path("mail/", include("helpdesk.mail.urls")),
    path("attachments/", include("helpdesk.tickets.attachment_urls")),
    path("", include("fleet.automation.urls")),
    path("", include("fleet.web.urls")),
]

handler400 = web.bad_request
handler403 = web.forbidden
handler404 = web.not_found
handler500 = web.server_error
