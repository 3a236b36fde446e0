"""Mailboxes are added and changed."""

from helpdesk.mail.models import Mailbox


def save(*, mailbox: Mailbox, password: str) -> Mailbox:
    """An empty password leaves the one that is kept. Another server or folder is read from its beginning."""
    mailbox.authority_id = mailbox.site.authority_id
    if password:
        mailbox.secret = {"password": password}
    before = Mailbox.objects.filter(pk=mailbox.pk).values_list("host", "username", "folder").first()
    if before != (mailbox.host, mailbox.username, mailbox.folder):
        mailbox.uidvalidity = mailbox.last_uid = 0
        mailbox.state, mailbox.error = Mailbox.State.UNTRIED, ""
    mailbox.save()
    return mailbox
