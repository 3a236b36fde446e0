"""What came in, and where: between receiving a mail and saying what becomes of it."""

from dataclasses import dataclass

from fleet.sites.models import Authority
from helpdesk.mail.models import Mailbox
from helpdesk.mail.rules.incoming import Incoming
from helpdesk.mail.services.keeping import Raw


@dataclass(frozen=True)
class Delivery:
    """`mail.files` lie in a folder that is gone afterwards. `released`: a person wants it taken in that was set aside."""

    raw: Raw
    mail: Incoming
    authority: Authority
    mailbox: Mailbox | None
    released: bool = False
