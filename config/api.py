"""The one API: every room's router under /api/v1/. One line per router, top of the house first."""

from ninja import NinjaAPI, Swagger

from fleet.people.api import BrowserAuth, TokenAuth
from fleet.web.api import PerPerson, install

api = NinjaAPI(
    title="Fleetdesk",
    version="1",
    description=(
        "Everything the pages do, for programs. Log in with a token from the account page "
        "(`Authorization: Bearer fdk_…`). Errors are problem documents (RFC 9457). Lists come in pages: follow `next`. "
        "Whoever asks too often is answered 429 with `Retry-After`."
    ),
    urls_namespace="api",
    auth=[TokenAuth(), BrowserAuth()],
    throttle=[PerPerson()],
    docs=Swagger(settings={"persistAuthorization": False, "displayRequestDuration": True}),
)
install(api)

api.add_router("/tickets", "helpdesk.tickets.api.router")
api.add_router("/catalogue", "helpdesk.catalogue.api.router")
api.add_router("/playbooks", "fleet.automation.api.playbooks")
api.add_router("/changes", "fleet.automation.api.changes")
api.add_router("", "fleet.people.api.router")
api.add_router("/alerts", "fleet.monitoring.api.alerts")
api.add_router("/health", "fleet.monitoring.api.health")
api.add_router("/metrics", "fleet.monitoring.api.known")
api.add_router("/devices", "fleet.devices.api.router")
api.add_router("/sites", "fleet.sites.api.sites")
api.add_router("/rooms", "fleet.sites.api.rooms")
