"""Which remedies run by themselves where, and what each has done lately."""

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from fleet.automation import remedybook, words
from fleet.automation.catalogue import get
from fleet.automation.models import RemedyAct, RemedyPolicy
from fleet.automation.rules.remedies import Remedy
from fleet.automation.services import binding, remedies
from fleet.automation.services.decisions import DecisionError
from fleet.automation.views.outlook import person
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Authority, Site
from fleet.sites.somewhere import SomewhereForm

LATELY = 10
MOST_A_DAY = 1000
WANTED = {"on": True, "off": False, "above": None}
PILLS = {
    "waiting": "info",
    "ordered": "info",
    "helped": "ok",
    "not-helped": "down",
    "limited": "watch",
    "unfit": "watch",
    "over": "unknown",
}
WHY = {
    "tried-recently": gettext_lazy("It was tried only a short while ago."),
    "no-single-uplink": gettext_lazy("It is not known to which one port it is plugged in."),
    "uplink-silent": gettext_lazy("What it hangs on does not answer either."),
    "hours": gettext_lazy("It waits for hours in which it may run."),
    "exam": gettext_lazy("It waits for the end of exams."),
    "still-open": gettext_lazy("The alert is still open."),
    "gone": gettext_lazy("There is no such remedy any more."),
    "off": gettext_lazy("It was switched off meanwhile."),
    "most-a-day": gettext_lazy("It has run here as often as it may in a day."),
    "unsigned": gettext_lazy("Its signatures hold no more: the playbook, its arguments or its limits have changed."),
}


def place_of(user: User, key: int) -> Authority | Site | None:
    """The authority or site of this number, if this person manages it."""
    authorities = Authority.objects.filter(pk__in=user.access.scopes(Action.MANAGE))
    return authorities.filter(pk=key).first() or Site.objects.allowing(user, Action.MANAGE).filter(pk=key).first()


class PolicyForm(SomewhereForm):
    remedy = forms.CharField(widget=forms.HiddenInput)
    wanted = forms.ChoiceField(
        label=gettext_lazy("By itself"),
        choices=[
            ("on", gettext_lazy("On")),
            ("off", gettext_lazy("Off")),
            ("above", gettext_lazy("As for the whole authority")),
        ],
    )

    most_a_day = forms.IntegerField(
        label=gettext_lazy("At most so often a day"),
        required=False,
        min_value=1,
        max_value=MOST_A_DAY,
        help_text=gettext_lazy("On all devices there together; beyond that a person is needed."),
    )

    def __init__(self, data: Any, *, user: User, **more: Any) -> None:
        super().__init__(data, **more)
        self.offer_places(user, Action.MANAGE)

    def clean_remedy(self) -> str:
        slug: str = self.cleaned_data["remedy"]
        if slug not in remedybook.known():
            raise forms.ValidationError(_("There is no such remedy any more."))
        return slug

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        remedy = remedybook.known().get(said.get("remedy", ""))
        if remedy and said.get("wanted") == "on" and not said.get("most_a_day") and binding.needed(get(remedy.playbook)):
            self.add_error("most_a_day", _("Above low risk a limit is needed."))
        return said


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    user = person(request)
    if not user.access.anywhere(Action.VIEW_DEVICE_DETAILS):
        raise Http404
    refused = None
    if request.method == "POST":
        if not user.access.anywhere(Action.MANAGE):
            raise Http404
        refused = PolicyForm(request.POST, user=user, auto_id=f"id_{request.POST.get('remedy', '')}_%s")
        if refused.is_valid():
            _save(user, refused)
            messages.success(request, _("Saved."))
            return redirect("automation:remedies")
    rows = [_row(user, remedy, refused) for remedy in remedybook.known().values()]
    return render(request, "automation/remedies.html", {"rows": rows}, status=422 if refused else 200)


def _save(user: User, form: PolicyForm) -> None:
    data = form.cleaned_data
    remedies.set_policy(
        remedy=data["remedy"], place=form.place, wanted=WANTED[data["wanted"]], by=user, most_a_day=data["most_a_day"]
    )


@require_POST
def sign(request: HttpRequest, pk: int) -> HttpResponse:
    """Agree that it runs by itself as it is bound now."""
    user = person(request)
    policy = get_object_or_404(RemedyPolicy.objects.visible_to(user), pk=pk)
    remedy = remedybook.known().get(policy.remedy)
    if remedy is None:
        raise Http404
    try:
        binding.sign(remedy=remedy, policy=policy, by=user, digest=request.POST.get("digest", ""))
        messages.success(request, _("Signed. It runs by itself as soon as everybody needed has signed."))
    except DecisionError as error:
        messages.error(request, words.refusal(error.key))
    return redirect("automation:remedies")


def _row(user: User, remedy: Remedy, refused: PolicyForm | None) -> dict[str, Any]:
    language = get_language()
    policies = RemedyPolicy.objects.visible_to(user).filter(remedy=remedy.slug)
    acts = RemedyAct.objects.allowing(user, Action.VIEW_DEVICE_DETAILS).filter(remedy=remedy.slug)
    mine = refused if refused is not None and refused.data.get("remedy") == remedy.slug else None
    form = None
    if user.access.anywhere(Action.MANAGE):
        form = mine or PolicyForm(None, user=user, initial={"remedy": remedy.slug}, auto_id=f"id_{remedy.slug}_%s")
    return {
        "remedy": remedy,
        "title": remedy.title.in_language(language),
        "summary": remedy.summary.in_language(language),
        "needed": binding.needed(get(remedy.playbook)),
        "policies": [_policy(user, remedy, one) for one in _with_people(policies)],
        "acts": [_act(act) for act in acts.select_related("device", "site")[:LATELY]],
        "form": form,
    }


def _with_people(policies: QuerySet[RemedyPolicy]) -> QuerySet[RemedyPolicy]:
    rows = policies.select_related("site", "authority", "set_by").prefetch_related(binding.SIGNERS)
    return rows.order_by("site__name", "pk")


def _policy(user: User, remedy: Remedy, policy: RemedyPolicy) -> dict[str, Any]:
    digest, signed = binding.digest_of(remedy, get(remedy.playbook), policy), binding.signed(remedy, policy)
    return {
        "policy": policy,
        "digest": digest,
        "signed": signed,
        "void": policy.signatures.all() and not signed,
        "holds": binding.holds(remedy, policy)[0],
        "may_sign": binding.why_not(remedy, policy, user) is None,
    }


def _act(act: RemedyAct) -> dict[str, Any]:
    return {"act": act, "pill": PILLS[act.state], "why": WHY.get(act.reason, act.reason)}
