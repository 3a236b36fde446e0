"""One search over tickets, knowledge, devices, people and sites: what a person may see of each, one query per kind."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fleet.devices.models import Device, Interface
from fleet.people.models import Grant, User
from fleet.people.roles import role_label
from fleet.people.rules import Action
from fleet.sites.models import Site
from fleet.web import fulltext
from helpdesk.finding.in_tickets import Found, find_tickets
from helpdesk.knowledge import selectors as knowledge
from helpdesk.knowledge.models import Article
from helpdesk.knowledge.rules import excerpt
from helpdesk.tickets.models import Ticket

MOST = 100
"""Counted and shown at most; above that it is "more than 100"."""
FEW = 8


@dataclass(frozen=True)
class Hit:
    title: str
    text: str
    url: str


@dataclass(frozen=True)
class Group:
    name: str
    label: str | Promise
    icon: str
    hits: Sequence[Hit]
    count: int
    more: bool
    """There are more than were counted."""
    cut: bool = False
    """The words are too common to have been looked for everywhere."""


def search(user: User, text: str, only: str = "") -> list[Group]:
    """Groups with at least one hit. `only`: a single group, with all that are counted."""
    words = fulltext.words(text)
    if not words:
        return []
    kinds = [kind for kind in KINDS if only in {"", kind.name}]
    groups = (kind.group(user, words, MOST if only else FEW) for kind in kinds if kind.open_to(user))
    return [group for group in groups if group.count or group.cut]


@dataclass(frozen=True)
class Kind:
    name: str
    label: str | Promise
    icon: str
    find: Callable[[User, Sequence[str], int], Found[Any]]
    hit: Callable[[Any], Hit]
    action: Action | None = None

    def open_to(self, user: User) -> bool:
        return self.action is None or user.access.anywhere(self.action)

    def group(self, user: User, words: Sequence[str], shown: int) -> Group:
        found = self.find(user, words, MOST + 1)
        count = len(found.rows)
        hits = [self.hit(row) for row in found.rows[:shown]]
        return Group(self.name, self.label, self.icon, hits, min(count, MOST), count > MOST, found.cut)


def _all_of(rows: Callable[[User, Sequence[str]], QuerySet[Any]]) -> Callable[[User, Sequence[str], int], Found[Any]]:
    return lambda user, words, most: Found(list(rows(user, words)[:most]))


# --- tickets ---


def _ticket(row: Ticket) -> Hit:
    text = f"{row.number} · {row.site} · {row.get_state_display()}"
    return Hit(row.subject, text, reverse("tickets:ticket", args=[row.number]))


# --- the others: some thousands of rows, looked through as they are ---


def articles(user: User, words: Sequence[str]) -> QuerySet[Article]:
    rows = Article.objects.visible_to(user)
    return knowledge.matching(rows, " ".join(f'"{word}"' for word in words)).order_by("title_de", "pk")


def _article(row: Article) -> Hit:
    return Hit(row.title, excerpt(row.body, 100), reverse("knowledge:article", args=[row.pk]))


PUBLIC_OF_DEVICES = ("name", "kind", "type__manufacturer", "type__model", "room__number", "room__name", "site__name")
DETAILS_OF_DEVICES = ("serial", "asset_tag", "address")


def devices(user: User, words: Sequence[str]) -> QuerySet[Device]:
    """Serial numbers and addresses are looked through only where this person may see them."""
    rows = Device.objects.visible_to(user)
    details = user.access.scopes(Action.VIEW_DEVICE_DETAILS)
    within = Q(authority_id__in=details) | Q(site_id__in=details)
    for word in words:
        known = fulltext.contains(word, *PUBLIC_OF_DEVICES) | Q(kind__in=_kinds(word))
        if details:
            known |= within & (fulltext.contains(word, *DETAILS_OF_DEVICES) | _with_mac(word))
        rows = rows.filter(known)
    return rows.select_related("site", "room", "type").order_by("name", "pk")


def _kinds(word: str) -> list[str]:
    """Kinds as the reader calls them."""
    return [value for value, label in Device._meta.get_field("kind").choices or () if word in str(label).lower()]


def _with_mac(word: str) -> Q:
    """However it is written: 00-1A-2B…, 001a.2b3c…"""
    digits = re.sub(r"[^0-9a-f]", "", word)
    if not re.fullmatch(r"[0-9a-f:.\-]+", word) or len(digits) not in range(4, 13):
        return Q(pk__in=[])
    begin = ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))
    return Q(Exists(Interface.objects.filter(device=OuterRef("pk"), mac__startswith=begin)))


def _device(row: Device) -> Hit:
    where = f"{row.site}{f' · {row.room}' if row.room else ''}"
    return Hit(row.name, f"{row.get_kind_display()} · {row.type} · {where}", reverse("devices:detail", args=[row.pk]))


def people(user: User, words: Sequence[str]) -> QuerySet[User]:
    """Those who hold a role where this person works on tickets."""
    scopes = user.access.scopes(Action.WORK_TICKETS)
    current = Grant.objects.current(timezone.now())
    held = current.filter(Q(scope__in=scopes) | Q(scope__parent__in=scopes))
    rows = User.objects.filter(Exists(held.filter(user=OuterRef("pk"))), is_active=True)
    for word in words:
        rows = rows.filter(fulltext.contains(word, "name", "email"))
    shown = Prefetch("grants", held.select_related("scope").order_by("scope__name"), to_attr="held")
    return rows.order_by("name", "pk").prefetch_related(shown)


def _person(row: User) -> Hit:
    held: Iterable[Grant] = row.held  # type: ignore[attr-defined]  # prefetched
    roles = dict.fromkeys(f"{role_label(grant.role)}, {grant.scope.name}" for grant in held)
    return Hit(row.name, f"{row.email} · {'; '.join(list(roles)[:3])}", f"mailto:{row.email}")


def sites(user: User, words: Sequence[str]) -> QuerySet[Site]:
    rows = Site.objects.visible_to(user)
    for word in words:
        rows = rows.filter(fulltext.contains(word, "name", "street", "postcode", "city"))
    return rows.order_by("name", "pk")


def _site(row: Site) -> Hit:
    place = ", ".join(filter(None, (row.street, f"{row.postcode} {row.city}".strip())))
    return Hit(row.name, f"{row.get_kind_display()}{f' · {place}' if place else ''}", reverse("sites:detail", args=[row.pk]))


KINDS = (
    Kind("tickets", _("Tickets"), "ticket", find_tickets, _ticket),
    Kind("knowledge", _("Knowledge"), "book-open", _all_of(articles), _article),
    Kind("devices", _("Devices"), "server", _all_of(devices), _device),
    Kind("people", _("People"), "users", _all_of(people), _person, Action.WORK_TICKETS),
    Kind("sites", _("Schools"), "building-library", _all_of(sites), _site),
)
