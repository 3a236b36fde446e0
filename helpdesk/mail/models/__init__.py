"""Mail that comes in, and mail that goes out."""

from helpdesk.mail.models.incoming import IncomingMail, Mailbox
from helpdesk.mail.models.outgoing import OutgoingMail

__all__ = ["IncomingMail", "Mailbox", "OutgoingMail"]
