"""Who wrote, and for which school."""

from django.utils import timezone

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority, Site
from helpdesk.mail.models import Mailbox
from helpdesk.mail.rules.headers import base_address


def known(address: str, authority: Authority) -> User | None:
    """The active account of that address, when it has a role in this authority."""
    user = User.objects.filter(email__iexact=address, is_active=True).first() if address else None
    if user is None:
        return None
    scopes = user.access.scopes(Action.VIEW_SITE)
    here = authority.pk in scopes or Site.objects.filter(authority=authority, pk__in=scopes).exists()
    return user if here else None


def site_of(user: User | None, mailbox: Mailbox | None, authority: Authority, recipients: tuple[str, ...]) -> Site | None:
    """The school named after a plus in the address; the only one of whoever writes; the mailbox's.

    Somebody with an account only ever gets a ticket where they may see it.
    """
    sites = Site.objects.open().filter(authority=authority).order_by("name", "pk")
    theirs = sites.allowing(user, Action.REPORT_PROBLEM) if user is not None else sites
    if tagged := _tagged(recipients, mailbox):
        named = theirs.filter(slug__in=tagged).first()
        if named is not None:
            return named
    if user is not None and (only := _only_one(user, authority)):
        return only
    if mailbox is not None and theirs.filter(pk=mailbox.site_id).exists():
        return mailbox.site
    return theirs.order_by("pk").first()


def _tagged(recipients: tuple[str, ...], mailbox: Mailbox | None) -> list[str]:
    pairs = [base_address(one) for one in recipients]
    return [tag for base, tag in pairs if tag and (mailbox is None or base == base_address(mailbox.address.lower())[0])]


def _only_one(user: User, authority: Authority) -> Site | None:
    scopes = user.grants.current(timezone.now()).values_list("scope_id", flat=True)
    held = list(Site.objects.allowing(user, Action.REPORT_PROBLEM).filter(authority=authority, pk__in=scopes)[:2])
    return held[0] if len(held) == 1 else None


def mailbox_for(recipients: tuple[str, ...]) -> Mailbox | None:
    """The one to which it was sent, plus or not; the only one there is."""
    named = {base_address(one)[0] for one in recipients} | set(recipients)
    boxes = list(Mailbox.objects.filter(active=True).select_related("authority", "site").order_by("pk"))
    found = next((box for box in boxes if box.address.lower() in named), None)
    return found or (boxes[0] if len(boxes) == 1 else None)
