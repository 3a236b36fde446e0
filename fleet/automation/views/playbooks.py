"""The catalogue on pages: what can be done, what it asks for, how it is measured and undone, and what it truly does."""

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from fleet.automation import playbook_words, words
from fleet.automation.catalogue import Argument, CatalogueError, Playbook, all_playbooks, get
from fleet.automation.end_words import no_end
from fleet.automation.forms import PlaybookFilter
from fleet.automation.models import Change
from fleet.automation.rules.catalogue import Search, found
from fleet.automation.views.changes import pill
from fleet.devices.models import Device
from fleet.monitoring.words import duration
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.models import Site

PAGE_SIZE = 50
LATEST = 10


def _technical(request: HttpRequest) -> User:
    """The catalogue is for whoever works on devices; others order from the service catalogue."""
    user = request.user
    if not isinstance(user, User) or not user.access.anywhere(Action.VIEW_DEVICE_DETAILS):
        raise Http404
    return user


def shown_to(user: User) -> list[Playbook]:
    """The product's, and those of repositories of authorities whose devices this person sees in detail."""
    scopes = user.access.scopes(Action.VIEW_DEVICE_DETAILS)
    mine = scopes | set(Site.objects.filter(pk__in=scopes).values_list("authority_id", flat=True))
    return [one for one in all_playbooks() if one.authority_id is None or one.authority_id in mine]


def fitting(device: Device) -> list[Playbook]:
    """Those that can be played on this device; none while the catalogue cannot be read."""
    try:
        known = all_playbooks()
    except CatalogueError:
        return []
    ours = {None, device.authority_id}
    return [one for one in known if one.authority_id in ours and device.type.platform in one.platforms]


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    playbooks = shown_to(_technical(request))
    form = PlaybookFilter(request.GET, platforms=sorted({name for one in playbooks for name in one.platforms}))
    search = Search(form.wanted("q") or "", form.wanted("platform") or "", form.wanted("risk") or "")
    page = Paginator(found(playbooks, search), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [_row(playbook) for playbook in page]
    manages = isinstance(request.user, User) and request.user.access.anywhere(Action.MANAGE)
    context = {"form": form, "page": page, "rows": rows, "filtered": search != Search(), "manages": manages}
    return render(request, "automation/playbooks.html", context)


def _row(playbook: Playbook) -> dict[str, Any]:
    language = get_language()
    return {
        "playbook": playbook,
        "title": playbook.title.in_language(language),
        "summary": playbook.summary.in_language(language),
        "platforms": ", ".join(sorted(playbook.platforms)),
        "risk": playbook_words.risk(playbook.risk),
    }


@require_safe
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    user = _technical(request)
    try:
        playbook = get(slug)
    except CatalogueError as error:
        raise Http404 from error
    if playbook.slug not in {one.slug for one in shown_to(user)}:
        raise Http404
    changes = Change.objects.visible_to(user).filter(playbook=slug).select_related("site", "requested_by")
    latest = changes.defer("secret_arguments").order_by("-id")[:LATEST]
    context = _row(playbook) | {
        "facts": _facts(playbook),
        "arguments": [_argument(one) for one in playbook.arguments],
        "expectations": [playbook_words.expectation(one) for one in playbook.verification.expect],
        "within": duration(playbook.verification.within_s),
        "text": playbook.path.read_text(),
        "changes": [{"change": one, **pill(one)} for one in latest],
    }
    return render(request, "automation/playbook.html", context)


def _argument(argument: Argument) -> dict[str, Any]:
    language = get_language()
    return {
        "name": argument.name,
        "label": argument.label.in_language(language),
        "help": argument.help.in_language(language) if argument.help else "",
        "type": playbook_words.argument_type(argument.type),
        "needed": argument.required,
        "secret": argument.secret,
        "default": "" if argument.secret or argument.default is None else words.shown(argument.default),
        "choices": ", ".join(map(str, argument.choices)),
    }


def _facts(playbook: Playbook) -> list[tuple[str, Any]]:
    preview = (
        _("yes, it tells beforehand what it would change") if playbook.check_mode == "honest" else _("no, it only acts")
    )
    facts: list[tuple[str, Any]] = [
        (_("Platforms"), ", ".join(sorted(playbook.platforms))),
        (_("Preview"), preview),
        (_("Takes about"), duration(playbook.expected_duration_s)),
        (_("Stopped after"), duration(playbook.timeout_s)),
        (_("Devices of one change"), _("at most %(count)d") % {"count": playbook.max_targets}),
    ]
    if playbook.max_per_step:
        facts.append((_("Devices at once"), _("at most %(count)d") % {"count": playbook.max_per_step}))
    if playbook.predecessor:
        facts.append((_("The old secret"), playbook_words.predecessor(playbook.predecessor)))
    facts += [
        (_("How it is undone"), playbook_words.undoing(playbook.rollback)),
        (_("Limited in time"), no_end(playbook) or _("possible: it is taken back at its end")),
        (_("Who may order it"), playbook_words.roles(playbook.who_may_run) or _("whoever may order changes there")),
        (_("Who approves it"), playbook_words.roles(playbook.who_approves) or _("whoever approves changes there")),
        (_("Origin"), f"{playbook.source} @ {playbook.commit[:12]}" if playbook.source else _("the product itself")),
        (_("Fingerprint"), playbook.digest[:16]),
    ]
    return facts
