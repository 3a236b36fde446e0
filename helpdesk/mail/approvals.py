"""Whoever may agree to a change is asked by mail, with a link that is theirs alone.

The row holds no link: it is made anew from the product's key whenever the mail is tried.
"""

from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.models import ApprovalLink, Change, PolicyRule
from fleet.automation.services import approving
from fleet.events.models import Event
from fleet.people.models import User
from fleet.people.rules import one_line
from helpdesk.mail import threads
from helpdesk.mail.models import OutgoingMail

NAME = "mail.approvals"
EVENTS = {"change.previewed", "change.asked-anew"}


def consume(event: Event) -> None:
    change = Change.objects.filter(pk=event.subject_id).defer("secret_arguments").first()
    if change is not None:
        for link in approving.invite(change=change):
            OutgoingMail.objects.create(approval_link=link, recipient_id=link.person_id, message_id=message_id(link))


def message_id(link: ApprovalLink) -> str:
    """RFC 5322, 3.6.4; tells nothing of the link itself."""
    subject, domain = f"approval.{link.pk}", urlsplit(settings.BASE_URL).hostname or "localhost"
    return f"<{subject}.{salted_hmac('helpdesk.mail.approval', subject, algorithm='sha256').hexdigest()[:20]}@{domain}>"


def still_wanted(mail: OutgoingMail) -> bool:
    """Not when it is decided already, or the person has left meanwhile."""
    link, person = mail.approval_link, mail.recipient
    if link is None or link.used_at is not None or link.expires_at <= timezone.now():
        return False
    if person is None or not person.is_active:
        return False
    change = Change.objects.visible_to(person).filter(pk=link.change_id, digest=link.change_digest)
    return change.filter(state=Change.State.AWAITING_APPROVAL).exists()


def message(mail: OutgoingMail) -> EmailMessage:
    """In the recipient's language: who wants what, how risky it is, until when, and where to decide."""
    link, person = mail.approval_link, mail.recipient
    if link is None or person is None:
        raise LookupError(f"mail {mail.pk} asks nobody for anything")
    with translation.override(person.language):
        return EmailMessage(
            subject=" ".join((_("Please decide: %(title)s (#%(number)d)") % _names(link)).split()),
            body=_body(link, person.name),
            to=[person.email],
            headers={
                "Message-ID": mail.message_id,
                "Auto-Submitted": "auto-generated",  # RFC 3834, section 5
                "X-Loop": threads.loop_mark(),
            },
        )


def _names(link: ApprovalLink) -> dict[str, object]:
    change = link.change
    return {
        "title": _title(change),
        "number": change.pk,
        "person": _who(change.requested_by),
        "place": change.site if change.site_id else _("several schools"),
        "risk": dict(PolicyRule.Risk.choices).get(change.risk, change.risk),
        "starts_at": _when(change.starts_at),
        "until": _when(link.expires_at),
    }


def _who(person: User | None) -> str:
    """With the address: a name is what somebody likes to be called."""
    if person is None:
        return "–"
    return f"{one_line(person.name)} <{person.email}>" if person.name else person.email


def _title(change: Change) -> str:
    try:
        return get(change.playbook).title.in_language(get_language())
    except CatalogueError:
        return change.playbook


def _when(instant: datetime) -> str:
    return str(formats.date_format(timezone.localtime(instant), "SHORT_DATETIME_FORMAT"))


def _body(link: ApprovalLink, name: str) -> str:
    names = _names(link)
    address = settings.BASE_URL.rstrip("/") + reverse("automation:approval-link", args=[link.token])
    parts = (
        _("Hello %(name)s,") % {"name": name},
        _("%(person)s asks for: %(title)s, at: %(place)s. Risk: %(risk)s. Begins: %(starts_at)s.") % names,
        _("The reason given: “%(reason)s”") % {"reason": one_line(link.change.reason)} if link.change.reason else "",
        _("Look at it and decide here: %(url)s") % {"url": address},
        _("The link is for you alone, good for one decision and until %(until)s. Opening it decides nothing.") % names,
    )
    return "\n\n".join(part for part in parts if part) + "\n"
