"""What of mail keeps a school open."""

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fleet.sites import hanging
from helpdesk.mail.models import Mailbox


def register() -> None:
    kept = hanging.Thing(_("Mailboxes in use"), _in_use, lambda _pk: reverse("mail:mailboxes"), 50)
    hanging.register(hanging.SITE, "mailboxes", kept)


def _in_use(pk: int) -> int:
    return Mailbox.objects.filter(site=pk, active=True).count()
