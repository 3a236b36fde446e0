"""/knowledge: read, look for, what is like a text, and that it helped."""

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema
from ninja.pagination import paginate

from fleet.people.models import User
from fleet.web.api import CursorPage, Problem
from helpdesk.knowledge import selectors, services
from helpdesk.knowledge.models import Article
from helpdesk.knowledge.rules import rendered

router = Router(tags=["knowledge"])


class ArticleOut(Schema):
    """`title` and `body` in the reader's language; `body` is CommonMark."""

    id: int
    authority_id: int
    title: str
    body: str
    tags: list[str]
    visibility: str
    published_at: datetime | None
    version: int
    updated_at: datetime


class ArticleDetailOut(ArticleOut):
    html: str
    title_de: str
    body_de: str
    title_en: str
    body_en: str

    @staticmethod
    def resolve_html(article: Article) -> str:
        return rendered(article.body)


class Wanted(Schema):
    q: str = Field("", max_length=100)


class Typed(Schema):
    text: str = Field("", max_length=2_000)


@router.get("/", response=list[ArticleOut], summary="Articles that this person may read")
@paginate(CursorPage, ordering=("-id",))
def list_articles(request: HttpRequest, wanted: Query[Wanted]) -> QuerySet[Article]:
    return selectors.matching(Article.objects.visible_to(request.user), wanted.q)


@router.get("/suggestions", response=list[ArticleOut], summary="Articles that are like a text")
def suggest(request: HttpRequest, typed: Query[Typed]) -> Any:
    return selectors.suggested(_person(request), typed.text)


@router.get("/{int:knowledge_id}", response=ArticleDetailOut, summary="One article")
def get_article(request: HttpRequest, knowledge_id: int) -> Article:
    return get_object_or_404(Article.objects.visible_to(request.user), pk=knowledge_id)


@router.post("/{int:knowledge_id}/helped", response=ArticleOut, summary="It helped")
def say_helped(request: HttpRequest, knowledge_id: int) -> Article:
    article = get_object_or_404(Article.objects.visible_to(request.user).filter(published_at__isnull=False), pk=knowledge_id)
    services.helped(article=article, person=_person(request))
    return article


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Problem(401)
    return request.user
