"""Mailboxes are added and changed."""

from helpdesk.mail.models import Mailbox

PASSWORD_GOES_TO = ("host", "port", "security", "username")
"""What decides to whom a password is said, and whether anybody can listen."""


def save(*, mailbox: Mailbox, password: str) -> Mailbox:
    """An empty password leaves the one that is kept, but only where it goes where it went until now.

    Another server or folder is read from its beginning.
    """
    mailbox.authority_id = mailbox.site.authority_id
    before = Mailbox.objects.filter(pk=mailbox.pk).first()
    if password or (before and _goes_to(before) != _goes_to(mailbox)):
        mailbox.secret = {"password": password}
    if before is None or (before.host, before.username, before.folder) != (mailbox.host, mailbox.username, mailbox.folder):
        mailbox.uidvalidity = mailbox.last_uid = 0
        mailbox.state, mailbox.error = Mailbox.State.UNTRIED, ""
    mailbox.save()
    return mailbox


def _goes_to(mailbox: Mailbox) -> tuple[object, ...]:
    return tuple(getattr(mailbox, name) for name in PASSWORD_GOES_TO)
