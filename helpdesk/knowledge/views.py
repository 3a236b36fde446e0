"""The list of articles, one of them, writing, and what is suggested while somebody types."""

import secrets
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.once import form_key, made_once
from helpdesk.knowledge import selectors, services
from helpdesk.knowledge.forms import ArticleForm, Wanted, authorities
from helpdesk.knowledge.models import Article
from helpdesk.knowledge.rules import excerpt, rendered
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules import FINISHED

PAGE_SIZE = 30
MOST_TYPED = 2_000


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    user, form = person(request), Wanted(request.GET)
    wanted = form.cleaned_data.get("q", "") if form.is_valid() else ""
    rows = selectors.with_counts(selectors.matching(Article.objects.visible_to(user), wanted))
    page = Paginator(rows.order_by("title_de", "pk"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "wanted": wanted,
        "page": page,
        "rows": [{"article": one, "excerpt": excerpt(one.body)} for one in page],
        "writes": _writes(user),
        "staff": user.access.anywhere(Action.VIEW_INTERNAL_NOTES),
    }
    return render(request, "knowledge/articles.html", context)


@require_safe
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """As it reads now; `?version=3` shows an older one to those who write."""
    user = person(request)
    rows = Article.objects.visible_to(user).select_related("author")
    article = get_object_or_404(selectors.with_counts(rows), pk=pk)
    writes = Article.objects.writable_by(user).filter(pk=pk).exists()
    versions = list(article.versions.select_related("author")) if writes else []
    named = request.GET.get("version", "")
    shown = next((one for one in versions if str(one.number) == named), None)
    context = {
        "article": article,
        "text": rendered((shown or article).body),
        "shown": shown,
        "versions": versions,
        "writes": writes,
        "staff": user.access.anywhere(Action.VIEW_INTERNAL_NOTES),
        "source": Ticket.objects.visible_to(user).filter(pk=article.ticket_id or 0).first(),
        "has_helped": article.helped.filter(person=user).exists(),
    }
    return render(request, "knowledge/article.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    user = person(request)
    offered = authorities(user)
    if not offered:
        raise Http404
    form = ArticleForm(request.POST or None, offered=offered)
    if request.method != "POST" or not form.is_valid() or "preview" in request.POST:
        return _form(request, form)
    said = form.cleaned_data
    authority_id = int(said["authority"]) if "authority" in said else offered[0].pk
    words, visibility = form.words(), said["visibility"]
    key = form_key(said["token"] or secrets.token_hex(16), said)

    def write() -> int:
        return services.write(authority_id=authority_id, words=words, visibility=visibility, author=user).pk

    made = made_once(user.pk, key, write)
    messages.success(request, _("Saved as a draft. Others read it once it is published."))
    return redirect("knowledge:article", made)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    user = person(request)
    article = _writable(user, pk)
    form = ArticleForm(request.POST or None, offered=[], article=article)
    if request.method != "POST" or not form.is_valid() or "preview" in request.POST:
        return _form(request, form, article=article)
    said = form.cleaned_data
    seen = said["seen_version"] or 0
    try:
        services.rewrite(article=article, words=form.words(), visibility=said["visibility"], author=user, seen_version=seen)
    except services.StaleError:
        return _changed_meanwhile(request, _writable(user, pk), said)
    messages.success(request, _("Saved."))
    return redirect("knowledge:article", pk)


def _changed_meanwhile(request: HttpRequest, article: Article, said: dict[str, Any]) -> HttpResponse:
    """What was typed stays in the form, above it stands how the article reads now; saving again means it."""
    form = ArticleForm(offered=[], article=article)
    form.initial.update(said | {"seen_version": article.version})
    return _form(request, form, article=article, stale=True, now=rendered(article.body_de), status=409)


def _form(request: HttpRequest, form: ArticleForm, *, status: int = 200, **more: Any) -> HttpResponse:
    shown = form.is_bound and form.is_valid()
    words = form.words() if shown else None
    context = {
        "form": form,
        "preview": words,
        "preview_de": rendered(words.body_de) if words else "",
        "preview_en": rendered(words.body_en) if words else "",
    }
    refused = form.is_bound and not shown
    return render(request, "knowledge/edit.html", context | more, status=422 if refused else status)


@require_POST
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    article = _writable(person(request), pk)
    if request.POST.get("to") == "draft":
        services.withdraw(article=article)
        messages.success(request, _("It is a draft again, and nobody is shown it."))
    else:
        services.publish(article=article)
        messages.success(request, _("Published."))
    still = Article.objects.visible_to(request.user).filter(pk=pk).exists()
    return redirect("knowledge:article", pk) if still else redirect("knowledge:articles")


@require_POST
def helped(request: HttpRequest, pk: int) -> HttpResponse:
    """From an article's page, and from inside the form of a report: then what was typed there is ended."""
    user = person(request)
    article = get_object_or_404(Article.objects.visible_to(user).filter(published_at__isnull=False), pk=pk)
    draft = request.POST.get("draft") or request.POST.get("token") or ""
    services.helped(article=article, person=user, draft=draft[:64])
    messages.success(request, _("Good to know, thank you. Nothing was sent."))
    return redirect("knowledge:article", pk)


@require_POST
def from_ticket(request: HttpRequest, number: str) -> HttpResponse:
    user = person(request)
    rows = Ticket.objects.allowing(user, Action.WORK_TICKETS).filter(state__in=FINISHED)
    article = services.draft_from(ticket=get_object_or_404(rows, number=number), author=user)
    if not Article.objects.writable_by(user).filter(pk=article.pk).exists():
        messages.info(request, _("Somebody else is already writing an article from this ticket."))
        return redirect("tickets:ticket", number)
    return redirect("knowledge:edit", article.pk)


@require_safe
def suggestions(request: HttpRequest) -> HttpResponse:
    """A fragment for whoever is typing a ticket: the few articles that are most like it, as far as this person may read."""
    typed = " ".join(request.GET.get(name, "") for name in ("q", "subject", "body"))[:MOST_TYPED]
    found = selectors.suggested(person(request), typed)
    context = {"articles": [{"article": one, "text": rendered(one.body)} for one in found]}
    return render(request, "knowledge/pieces/suggested.html", context)


def _writes(user: User) -> bool:
    return user.access.anywhere(Action.WORK_TICKETS)


def _writable(user: User, pk: int) -> Article:
    return get_object_or_404(Article.objects.writable_by(user), pk=pk)


def person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
