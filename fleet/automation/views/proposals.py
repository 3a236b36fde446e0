"""Agreeing to what a colleague wants done with a change beyond what was agreed to."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from fleet.automation import policy_words, services
from fleet.automation.models import Change, Proposal
from fleet.automation.services.decisions import DecisionError
from fleet.automation.views.changes import person_of


@require_POST
def agree(request: HttpRequest, pk: int, proposal: int) -> HttpResponse:
    change = get_object_or_404(Change.objects.visible_to(request.user), pk=pk)
    row = get_object_or_404(Proposal.objects.select_related("change"), pk=proposal, change=change)
    try:
        services.agree_to(proposal=row, by=person_of(request))
        messages.success(request, _("You have agreed."))
    except DecisionError as error:
        messages.error(request, policy_words.refusal(error))
    return redirect("automation:change", pk)
