"""My leave, and who decides for me; administrators enter it for others too."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from fleet.automation import policy_words
from fleet.automation.models import Delegation
from fleet.automation.policy_forms import LeaveForm
from fleet.automation.services import delegating
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.once import form_token, made_once, posted_key

MOST = 200


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    user = _person(request)
    form = LeaveForm(request.POST if request.method == "POST" else None, user=user)
    if form.is_valid():
        try:
            made_once(user.pk, posted_key(request), lambda: delegating.delegate(leave=form.leave, by=user).pk)
        except delegating.LeaveError as error:
            form.add_error(None, policy_words.leave_problem(error.key))
        else:
            messages.success(request, _("Noted. The deputy decides in that time."))
            return redirect("automation:leave")
    now = timezone.now()
    rows = Delegation.objects.visible_to(user).to_come(now).select_related("person", "deputy", "made_by")[:MOST]
    decides = user.access.anywhere(Action.APPROVE_CHANGE) or user.access.anywhere(Action.MANAGE_POLICY)
    context = {
        "rows": [{"row": row, "on": row.starts_at <= now, "may": _may_end(row, user)} for row in rows],
        "form": form if decides else None,
        "token": form_token(request),
        "stands_in_for": delegating.stands_in_for(user),
    }
    return render(request, "automation/leave.html", context, status=422 if form.errors else 200)


def _may_end(row: Delegation, user: User) -> bool:
    """A deputy does not end it: whoever is away counts on them."""
    return row.person_id == user.pk or row.deputy_id != user.pk


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Delegation.objects.endable_by(request.user), pk=pk)
    if delegating.end(row=row, by=_person(request)):
        messages.success(request, _("Ended: from now on this person decides themself again."))
    else:
        messages.info(request, _("It has changed meanwhile. Please look again."))
    return redirect("automation:leave")


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
