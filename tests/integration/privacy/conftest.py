"""Two schools, a person with something in every table that names people, and as much of somebody else."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.utils import timezone

from fleet.automation.models import Delegation
from fleet.events.services import Fact, emit
from fleet.people import services as people
from fleet.people.models import ApiToken, User
from fleet.people.rules import Role
from helpdesk.mail.models import OutgoingMail
from helpdesk.tickets import services as tickets
from helpdesk.tickets.models import Article, Ticket
from tests.conftest import City

NAME = "Almut Übel-Weiß"
MAIL = "almut.uebel@musterstadt.example"


def signed(name: str, mail: str) -> str:
    return f"Der Drucker geht nicht.\n-- \n{name}\nTel. 123, {mail.upper()}"


def make_person(city: City, letter: str, name: str, mail: str) -> User:
    site = city.school_a if letter == "a" else city.school_b
    room = city.room_a if letter == "a" else city.room_b
    technician = city.technician
    user = User.objects.create_user(mail, name=name)
    people.grant(user=user, role=Role.COORDINATOR, scope_id=site.pk)
    people.issue_token(user=user, name=f"Skript {site}", reach=ApiToken.Reach.READ, valid_for=timedelta(days=9))
    EmailAddress.objects.create(user=user, email=mail, primary=True, verified=True)
    UserSession.objects.create(user=user, ip="10.0.0.7", user_agent=f"Firefox {site}", session_key=f"planted-{letter}" * 3)
    opening = tickets.Opening(
        site=site, subject=f"Drucker {site} von {name}", body=signed(name, mail), room=room, requester=user
    )
    ticket = tickets.open_ticket(opening=opening)
    words = f"Liebe {name}, ich komme. Theo, theo@musterstadt.example"
    article = tickets.add_article(ticket=ticket, contribution=tickets.Contribution(author=technician, body=words))
    internal = tickets.Contribution(author=technician, body=f"INTERN: {name} ruft oft an", internal=True)
    tickets.add_article(ticket=ticket, contribution=internal)
    details = {"owner": name, "mail": [mail]}
    tickets.add_article(ticket=ticket, contribution=tickets.Contribution(author=user, notice="handed-over", details=details))
    OutgoingMail.objects.create(article=article, recipient=user, message_id=f"<{ticket.number}@x>", state="sent")
    now = timezone.now()
    Delegation.objects.create(person=user, deputy=technician, starts_at=now, ends_at=now + timedelta(days=1))
    with transaction.atomic():
        fact = {"subject": ticket, "authority_id": site.authority_id, "site_id": site.pk, "actor_id": user.pk}
        emit(Fact(name="ticket.looked-at", payload={"by": name}, **fact))
    return user


@pytest.fixture
def almut(city: City) -> User:
    return make_person(city, "a", NAME, MAIL)


@pytest.fixture
def second(city: City) -> User:
    user = User.objects.create_user("zwei@musterstadt.example", name="Zweite Verwaltung")
    people.grant(user=user, role=Role.ADMINISTRATOR, scope_id=city.authority.pk)
    return user


def close_old(city: City, count: int, days: int = 2000, **fields: object) -> list[Ticket]:
    """Closed tickets of long ago, each with an article and a mail."""
    long_ago = timezone.now() - timedelta(days=days)
    scope = {"authority_id": city.authority.pk, "site_id": city.school_a.pk}
    rows = Ticket.objects.bulk_create(
        Ticket(number=f"ALT-{days}-{one}", subject="alt", state="closed", state_since=long_ago, **scope, **fields)
        for one in range(count)
    )
    articles = Article.objects.bulk_create(Article(ticket=one, body="alt", author=city.technician) for one in rows)
    OutgoingMail.objects.bulk_create(
        OutgoingMail(article=one, recipient=city.coordinator_a, message_id=f"<{one.pk}>", state="sent") for one in articles
    )
    return rows
