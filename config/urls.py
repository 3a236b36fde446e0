"""Every address of the product, top to bottom. Each room adds one line."""

from django.urls import include, path
from django.views.generic import RedirectView

from config.api import api
from fleet.people import views as people
from fleet.web import views as web

urlpatterns = [
    path("healthz", web.healthz, name="healthz"),
    path("api/v1/", api.urls),
    path("accounts/email/", RedirectView.as_view(pattern_name="account")),  # addresses are the administrator's business
    path("accounts/sessions/", RedirectView.as_view(pattern_name="people:sessions")),
    path("accounts/", include("allauth.urls")),
    path("account/", people.account, name="account"),
    path("account/display/", people.display, name="display"),
    path("account/", include("fleet.people.urls")),
    path("faults/", include("fleet.monitoring.urls")),
    path("devices/", include("fleet.monitoring.urls.devices")),
    path("sites/", include("fleet.monitoring.urls.sites")),
    path("", include("helpdesk.portal.urls")),
    path("order/", include("helpdesk.catalogue.urls")),
    path("tickets/", include("helpdesk.tickets.urls")),
    path("", include("fleet.automation.urls")),
    path("", include("fleet.web.urls")),
]

handler400 = web.bad_request
handler403 = web.forbidden
handler404 = web.not_found
handler500 = web.server_error
