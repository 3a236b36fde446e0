"""The one API: every room's router under /api/v1/. One line per router, top of the house first."""

from ninja import NinjaAPI, Swagger

from fleet.people.api import BrowserAuth, TokenAuth
from fleet.web.api import PerPerson, WithoutNul, install

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
    parser=WithoutNul(),
    docs=Swagger(settings={"persistAuthorization": False, "displayRequestDuration": True}),
)
install(api)

api.add_router("/privacy", "helpdesk.privacy.api.router")
api.add_router("/tickets", "helpdesk.tickets.api.router")
api.add_router("/catalogue", "helpdesk.catalogue.api.router")
api.add_router("/knowledge", "helpdesk.knowledge.api.router")
api.add_router("", "helpdesk.finding.api.router")
api.add_router("/playbooks", "fleet.automation.api.playbooks")
api.add_router("/playbook-sources", "fleet.automation.api.sources")
api.add_router("/changes", "fleet.automation.api.changes")
api.add_router("/policy", "fleet.automation.api.policy")
api.add_router("/changes", "fleet.automation.api.foresight.boxed")
api.add_router("/devices", "fleet.automation.api.foresight.devices")
api.add_router("/devices", "fleet.automation.api.standing.audits")
api.add_router("/remedies", "fleet.automation.api.standing.cures")
api.add_router("/schedules", "fleet.automation.api.standing.standing")
api.add_router("/what-if", "fleet.automation.api.foresight.what_if")
api.add_router("/backups", "fleet.automation.api.backups")
api.add_router("/drift", "fleet.automation.api.drift")
api.add_router("/compliance", "fleet.automation.api.compliance")
api.add_router("", "fleet.people.api.router")
api.add_router("/people", "fleet.people.directory_api.router")
api.add_router("/webhooks", "fleet.people.webhooks.router")
api.add_router("/alerts", "fleet.monitoring.api.alerts")
api.add_router("/health", "fleet.monitoring.api.health")
api.add_router("/maintenance", "fleet.monitoring.maintenance_api.router")
api.add_router("/metrics", "fleet.monitoring.api.known")
api.add_router("/devices", "fleet.monitoring.api.history")
api.add_router("/outages", "fleet.monitoring.api.outages")
api.add_router("/limits", "fleet.monitoring.limits_api.router")
api.add_router("/poll-groups", "fleet.monitoring.groups_api.router")
api.add_router("/devices", "fleet.devices.api.router")
api.add_router("/credential-uses", "fleet.automation.api.uses")
api.add_router("/rotations", "fleet.automation.api.rotations")
api.add_router("/credentials", "fleet.devices.api.credentials")
api.add_router("/sites", "fleet.sites.api.sites.router")
api.add_router("/sites", "fleet.sites.api.calendar.router")
api.add_router("/buildings", "fleet.sites.api.rooms.buildings")
api.add_router("/rooms", "fleet.sites.api.rooms.rooms")
