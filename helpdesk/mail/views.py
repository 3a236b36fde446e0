"""Mail as administrators see it: what came in, what was set aside, and from where it comes."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.people.models import User
from fleet.people.rules import Action
from helpdesk.mail import imap, words
from helpdesk.mail.forms import MailboxForm
from helpdesk.mail.models import IncomingMail, Mailbox
from helpdesk.mail.services import mailboxes as boxes
from helpdesk.mail.services import receiving

PAGE_SIZE = 50
Outcome = IncomingMail.Outcome
PILLS = {
    Outcome.NEW: "ok",
    Outcome.APPENDED: "ok",
    Outcome.STORED: "info",
    Outcome.DROPPED: "unknown",
    Outcome.QUARANTINED: "watch",
}
STATES = {Mailbox.State.UNTRIED: "unknown", Mailbox.State.OK: "ok", Mailbox.State.FAILING: "down"}


def manager(request: HttpRequest) -> User:
    """Whoever manages nothing finds nothing here."""
    user = request.user
    if not isinstance(user, User) or not user.access.anywhere(Action.MANAGE):
        raise Http404
    return user


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    user = manager(request)
    wanted = request.GET.get("outcome", "")
    rows = IncomingMail.objects.managed_by(user).select_related("ticket", "mailbox")
    if wanted in Outcome.values:
        rows = rows.filter(outcome=wanted)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [{"mail": row, "state": PILLS[Outcome(row.outcome)], "why": words.reason(row.reason)} for row in page],
        "outcomes": [("", _("All")), *Outcome.choices],
        "wanted": wanted,
    }
    return render(request, "mail/mails.html", context)


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    result = receiving.again(row=_set_aside(request, pk))
    if result.outcome == Outcome.QUARANTINED:
        messages.warning(request, _("It still cannot be read."))
    else:
        messages.success(request, _("It was read: %(outcome)s.") % {"outcome": Outcome(result.outcome).label})
    return redirect("mail:mails")


@require_POST
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    if receiving.drop(row=_set_aside(request, pk)):
        messages.success(request, _("It is dropped and opens no ticket."))
    return redirect("mail:mails")


def _set_aside(request: HttpRequest, pk: int) -> IncomingMail:
    rows = IncomingMail.objects.managed_by(manager(request)).select_related(
        "authority", "mailbox__authority", "mailbox__site"
    )
    return get_object_or_404(rows, pk=pk, outcome=Outcome.QUARANTINED)


def _mailboxes(user: User) -> Any:
    return Mailbox.objects.allowing(user, Action.MANAGE).select_related("authority", "site").defer("secret")


@require_safe
def mailboxes(request: HttpRequest) -> HttpResponse:
    rows = _mailboxes(manager(request))
    shown = [{"mailbox": row, "state": STATES[Mailbox.State(row.state)], "error": words.error(row.error)} for row in rows]
    return render(request, "mail/mailboxes.html", {"rows": shown})


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _edit(request, get_object_or_404(_mailboxes(manager(request)), pk=pk))


def _edit(request: HttpRequest, mailbox: Mailbox | None) -> HttpResponse:
    form = MailboxForm(request.POST or None, instance=mailbox, user=manager(request))
    if request.method == "POST" and form.is_valid():
        boxes.save(mailbox=form.save(commit=False), password=form.cleaned_data["password"])
        messages.success(request, _("Saved."))
        return redirect("mail:mailboxes")
    return render(request, "mail/mailbox.html", {"form": form, "mailbox": mailbox}, status=422 if form.errors else 200)


@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Log in and look into the folder; nothing is read and nothing is moved."""
    mailbox = get_object_or_404(_mailboxes(manager(request)), pk=pk)
    error = words.error(imap.tried(mailbox)) if mailbox.host else _("It has no IMAP server.")
    if error:
        messages.error(request, _("%(address)s cannot be read: %(error)s") % {"address": mailbox.address, "error": error})
    else:
        messages.success(request, _("%(address)s can be read.") % {"address": mailbox.address})
    return redirect("mail:mailboxes")
