"""Pages and API of webhooks: they belong to a scope, and scopes are this room's."""

from datetime import datetime
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from ninja import Field, Router, Schema, Status
from ninja.decorators import decorate_view
from ninja.pagination import paginate
from pydantic import ConfigDict

from fleet.events import webhooks
from fleet.events.models import Delivery, Webhook
from fleet.people.above import FEW, Belongings
from fleet.people.directory_forms import PlaceField, offer_places
from fleet.people.models import Scope, User
from fleet.people.rules import Action
from fleet.people.selectors import places
from fleet.people.webhook_words import trouble
from fleet.web.api import CursorPage, Problem
from fleet.web.api.conditional import validated
from fleet.web.once import IdempotencyKey, key_for

MANAGE = Action.MANAGE
PAGE_SIZE = 50
USUAL = "alert.*\nchange.*"
router = Router(tags=["webhooks"])


def mine(user: Any) -> QuerySet[Webhook]:
    """Those of the scopes that this person manages."""
    if not isinstance(user, User):
        return Webhook.objects.none()
    scopes = user.access.scopes(MANAGE)
    return Webhook.objects.filter(Q(authority_id__in=scopes) | Q(site_id__in=scopes)).defer("secret")


def owner_manages(hook: Webhook) -> bool:
    """As it is now: a webhook hears in the name of somebody who is here and manages its scope, or nothing."""
    owner = User.objects.filter(pk=hook.made_by_id or 0, is_active=True).first()
    return owner is not None and owner.access.may(MANAGE, hook.authority_id, hook.site_id)


def owned_by(person: User, reader: User) -> Belongings:
    """They tell nobody anything once their owner has left."""
    hooks = mine(reader).filter(made_by_id=person.pk, enabled=True)
    some = [(hook.name, reverse("people:webhook", args=[hook.pk])) for hook in hooks[:FEW]]
    return Belongings(gettext_lazy("Webhooks"), hooks.count(), some, "signal")


class WebhookForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    place = PlaceField(
        help_text=gettext_lazy("A school or kindergarten, or the authority: then all of its schools are told of.")
    )
    url = forms.CharField(label=gettext_lazy("Address"), max_length=500, help_text=gettext_lazy("Begins with https://."))
    events = forms.CharField(
        label=gettext_lazy("Events"),
        initial=USUAL,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("One per line; a star at the end stands for all that begin so."),
    )

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data)
        offer_places(self, places(user))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """What is told to whom. A new one's key is shown in the answer to its making and never again."""
    user = cast("User", request.user)
    if not user.access.anywhere(MANAGE):
        raise Http404
    form, fresh = WebhookForm(request.POST if request.method == "POST" else None, user=user), ""
    if form.is_valid():
        data = form.cleaned_data
        try:
            _hook, key = _make(user, data["place"], (data["name"], data["url"], data["events"].split()))
            fresh, form = key.reveal(), WebhookForm(None, user=user)
        except webhooks.WebhookError as error:
            for field, problem in error.problems.items():
                form.add_error(field, problem)
    names = dict(Scope.objects.filter(pk__in=_scope_ids(mine(user))).values_list("pk", "name"))
    rows = [(hook, names.get(hook.site_id or hook.authority_id, "–")) for hook in mine(user)]
    context = {"form": form, "rows": rows, "fresh": fresh}
    return render(request, "people/webhooks.html", context, status=422 if form.errors else 200)


def _scope_ids(hooks: QuerySet[Webhook]) -> set[int]:
    return {site or authority for authority, site in hooks.values_list("authority_id", "site_id")}


def _make(user: User, place: Scope, said: tuple[str, str, list[str]], key: str | None = None) -> Any:
    """`said`: name, address, events."""
    authority = place.parent_id if place.parent_id is not None else place.pk
    site = place.pk if place.parent_id is not None else None
    name, url, events = said
    return webhooks.create(wish=webhooks.Wish(name, url, authority, site, events), by_id=user.pk, idempotency_key=key)


@require_safe
def log(request: HttpRequest, pk: int) -> HttpResponse:
    hook = get_object_or_404(mine(request.user), pk=pk)
    page = Paginator(hook.deliveries.select_related("event"), PAGE_SIZE).get_page(request.GET.get("page"))
    pills = {"pending": "info", "delivered": "ok", "failed": "down"}
    rows = [(row, pills[row.state], trouble(row.last_error)) for row in page]
    return render(request, "people/webhook.html", {"hook": hook, "page": page, "rows": rows})


@require_POST
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch it on or off, or remove it."""
    hook = get_object_or_404(mine(request.user), pk=pk)
    what = request.POST.get("act")
    if what == "remove":
        webhooks.remove(hook=hook)
        messages.success(request, _("It is removed."))
    elif what in {"on", "off"}:
        webhooks.switch(hook=hook, enabled=what == "on")
        messages.success(request, _("Saved."))
    return redirect("people:webhooks")


@require_POST
def again(request: HttpRequest, pk: int, delivery: int) -> HttpResponse:
    row = get_object_or_404(Delivery, pk=delivery, webhook=get_object_or_404(mine(request.user), pk=pk))
    if webhooks.retry(delivery=row):
        messages.success(request, _("It is sent once more."))
    return redirect("people:webhook", pk=pk)


class WebhookIn(Schema):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "Leitstelle", "url": "https://hooks.example/fleetdesk", "scope_id": 1, "events": ["alert.*"]}
            ]
        }
    )

    name: str = Field(max_length=100)
    url: str = Field(max_length=500)
    scope_id: int
    """An authority or a site."""
    events: list[str]


class WebhookOut(Schema):
    id: int
    name: str
    url: str
    authority_id: int
    site_id: int | None
    events: list[str]
    enabled: bool


class FreshWebhookOut(WebhookOut):
    key: str
    """Shown this once."""


class EnabledIn(Schema):
    enabled: bool


class DeliveryOut(Schema):
    id: int
    event: str
    event_id: int
    state: str
    attempts: int
    last_status: int | None
    last_error: str
    created_at: datetime
    ended_at: datetime | None

    @staticmethod
    def resolve_event(row: Delivery) -> str:
        return row.event.name


@router.get("/", response=list[WebhookOut], summary="Who is told of what")
@decorate_view(validated)
@paginate(CursorPage, ordering=("-id",))
def list_webhooks(request: HttpRequest) -> QuerySet[Webhook]:
    return mine(request.user)


@router.post("/", response={201: FreshWebhookOut}, summary="Tell an address of events; the key is shown this once")
def create_webhook(request: HttpRequest, body: WebhookIn, idempotency_key: IdempotencyKey = None) -> Status[dict[str, Any]]:
    """It hears in the name of whoever makes it: nothing that they must not see. The same Idempotency-Key makes one."""
    user = cast("User", request.user)
    place = places(user).filter(pk=body.scope_id).first()
    if place is None:
        raise Problem(
            422, _("Some fields are not as they have to be."), {"scope_id": [_("Your role does not include this.")]}
        )
    try:
        once = key_for(request, "webhook", idempotency_key)
        hook, key = _make(user, place, (body.name, body.url, body.events), once)
    except webhooks.WebhookError as error:
        problems = {name: [problem] for name, problem in error.problems.items()}
        raise Problem(422, _("Some fields are not as they have to be."), problems) from error
    return Status(201, WebhookOut.from_orm(hook).dict() | {"key": key.reveal()})


@router.put("/{int:webhook_id}", response=WebhookOut, summary="Switch it on or off")
def switch_webhook(request: HttpRequest, webhook_id: int, body: EnabledIn) -> Webhook:
    hook = get_object_or_404(mine(request.user), pk=webhook_id)
    webhooks.switch(hook=hook, enabled=body.enabled)
    return get_object_or_404(mine(request.user), pk=webhook_id)


@router.delete("/{int:webhook_id}", response={204: None}, summary="Remove it")
def remove_webhook(request: HttpRequest, webhook_id: int) -> Status[None]:
    webhooks.remove(hook=get_object_or_404(mine(request.user), pk=webhook_id))
    return Status(204, None)


@router.get("/{int:webhook_id}/deliveries", response=list[DeliveryOut], summary="What was sent, newest first")
@paginate(CursorPage, ordering=("-id",))
def list_deliveries(request: HttpRequest, webhook_id: int) -> QuerySet[Delivery]:
    return get_object_or_404(mine(request.user), pk=webhook_id).deliveries.select_related("event")
