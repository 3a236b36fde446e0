"""Whoever may agree to a change, or to what a colleague wants done with it, is asked by mail, with a link of their own.

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
from fleet.automation.models import ApprovalLink, Change, PolicyRule, Proposal
from fleet.automation.services import approving
from fleet.events.models import Event
from fleet.people.models import User
from fleet.people.rules import one_line
from helpdesk.mail import threads
from helpdesk.mail.models import OutgoingMail

NAME = "mail.approvals"
PROPOSED = "change.proposed"
EVENTS = {"change.previewed", "change.asked-anew", PROPOSED}


def consume(event: Event) -> None:
    for link in _links(event):
        OutgoingMail.objects.create(approval_link=link, recipient_id=link.person_id, message_id=message_id(link))


def _links(event: Event) -> list[ApprovalLink]:
    if event.name == PROPOSED:
        rows = Proposal.objects.filter(change=event.subject_id, act=event.payload["act"], over_at__isnull=True)
        fresh = rows.filter(approval_links__isnull=True).select_related("change").defer("change__secret_arguments")
        return [link for proposal in fresh for link in approving.invite_to_agree(proposal=proposal)]
    change = Change.objects.filter(pk=event.subject_id).defer("secret_arguments").first()
    return approving.invite(change=change) if change else []


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
    return Change.objects.visible_to(person).filter(pk=link.change_id).exists() and approving.asks(link)


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
    proposal = link.proposal
    wish = _("Look at it and agree here: %(url)s") if proposal else _("Look at it and decide here: %(url)s")
    parts = (
        _("Hello %(name)s,") % {"name": name},
        _proposed(proposal, names) if proposal else _asked_for(link.change, names),
        wish % {"url": address},
        _("The link is for you alone, good for one decision and until %(until)s. Opening it decides nothing.") % names,
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _asked_for(change: Change, names: dict[str, object]) -> str:
    said = _("%(person)s asks for: %(title)s, at: %(place)s. Risk: %(risk)s. Begins: %(starts_at)s.") % names
    if not change.reason:
        return said
    return said + "\n\n" + _("The reason given: “%(reason)s”") % {"reason": one_line(change.reason)}


def _proposed(proposal: Proposal, names: dict[str, object]) -> str:
    """Who wants what done with which change."""
    about = names | {"person": _who(proposal.asked_by), "time": _when(proposal.ends_at) if proposal.ends_at else ""}
    if proposal.act == Proposal.Act.ROLL_BACK:
        wish = _("%(person)s wants this change rolled back: %(title)s (#%(number)d), at: %(place)s. Risk: %(risk)s.")
    elif proposal.ends_at is None:
        wish = _("%(person)s wants this change taken back now: %(title)s (#%(number)d), at: %(place)s. Risk: %(risk)s.")
    else:
        wish = _(
            "%(person)s wants this change taken back at %(time)s: %(title)s (#%(number)d), at: %(place)s. Risk: %(risk)s."
        )
    return wish % about + " " + _("That goes beyond what was agreed to, so others have to agree.")
