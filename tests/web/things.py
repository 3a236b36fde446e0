"""One of each kind of object that an address can name; what they are, each app says in its own `things.py`."""

from dataclasses import dataclass

from fleet.devices.models import Device
from fleet.people.models import User
from tests.web.automation import things as automation
from tests.web.devices import things as devices
from tests.web.events import things as events
from tests.web.finding import things as finding
from tests.web.knowledge import things as knowledge
from tests.web.mail import things as mail
from tests.web.monitoring import things as monitoring
from tests.web.people import things as people
from tests.web.portal import things as portal
from tests.web.privacy import things as privacy
from tests.web.sites import things as sites
from tests.web.tickets import things as tickets


@dataclass(frozen=True)
class Things(
    sites.SiteThings,
    devices.DeviceThings,
    people.PeopleThings,
    events.EventThings,
    monitoring.MonitoringThings,
    automation.AutomationThings,
    tickets.TicketThings,
    knowledge.KnowledgeThings,
    finding.FindingThings,
    mail.MailThings,
    portal.PortalThings,
    privacy.PrivacyThings,
):
    """All of one school."""

    too_large: int = 10**30
    """A number that no row can have."""


def make_things(*, device: Device, owner: User) -> Things:
    parts = (
        sites.make(device),
        devices.make(device),
        people.make(owner),
        events.make(device),
        monitoring.make(device),
        automation.make(device, owner),
        tickets.make(device, owner),
        knowledge.make(device, owner),
        finding.make(device, owner),
        mail.make(device),
        portal.make(device),
        privacy.make(device, owner),
    )
    return Things(**{name: thing for part in parts for name, thing in vars(part).items()})
