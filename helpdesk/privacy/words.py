"""What sources, steps and refusals are called."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TITLES: dict[str, Promise] = {
    "people.User": _("Account"),
    "people.Grant.user": _("Roles"),
    "people.ApiToken.user": _("API tokens"),
    "usersessions.UserSession.user": _("Logins"),
    "account.EmailAddress.user": _("Mail addresses"),
    "mfa.Authenticator.user": _("Second factors and passkeys"),
    "tickets.Ticket.requester": _("Tickets that were reported or ordered"),
    "tickets.Ticket.owner": _("Tickets that were looked after"),
    "tickets.Ticket.watchers": _("Tickets that were watched"),
    "tickets.Article.author": _("Articles that were written"),
    "tickets.Article in my tickets": _("Articles of others in these tickets"),
    "tickets.Attachment of my articles": _("Files that were attached"),
    "tickets.Rating of my tickets": _("Answers to how it went"),
    "tickets.Transition.actor": _("Tickets that were moved on"),
    "catalogue.ServiceRequest of my tickets": _("Orders from the catalogue"),
    "mail.OutgoingMail.recipient": _("Mails that were sent to this person"),
    "mail.IncomingMail from my address": _("Mails that came from this person"),
    "automation.Change.requested_by": _("Changes that were ordered"),
    "automation.Approval.approver": _("Approvals"),
    "automation.Approval.on_behalf_of": _("Approvals by a deputy"),
    "automation.ApprovalLink.person": _("Approval links that were sent"),
    "automation.RemedySignature.signer": _("Remedies that were signed"),
    "automation.Delegation.person": _("Leave"),
    "automation.Delegation.deputy": _("Deputyships"),
    "automation.Schedule.owner": _("Standing orders"),
    "monitoring.Alert.acknowledged_by": _("Alerts that were acknowledged"),
    "monitoring.AlertNote.author": _("Notes on alerts"),
    "events.Event.actor_id": _("Audit: what this person did"),
    "events.Webhook.made_by_id": _("Webhooks that were made"),
    "web.RequestKey.person_id": _("Keys against sending twice"),
}
REFUSALS: dict[str, Promise] = {
    "erased": _("This person has been erased already."),
    "underway": _("This person is being erased already."),
    "self": _("Nobody decides on their own erasure. Ask two other administrators."),
    "elsewhere": _("This person also has roles or tickets where you manage nothing. Ask an administrator there."),
    "last-administrator": _("This person is the last administrator. Make somebody else administrator first."),
    "running-changes": _("Changes that this person ordered are not over yet. Wait for them or cancel them."),
    "open-approvals": _("Changes that this person agreed to, or exceptions they asked for, are not over yet."),
    "schedules": _("Standing orders of this person are switched on. Switch them off, or order them anew yourself."),
    "four-eyes": _("Another administrator than the one who asked has to agree, and never the person."),
    "state": _("It is in another state by now. Please look at it again."),
}


def title(source: str) -> str:
    """In the reader's language; a source that nobody gave a name says its table."""
    return str(TITLES.get(source, source))
