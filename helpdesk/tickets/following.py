"""What tickets hear of: calendars that change their deadlines, incidents that speak for their cases, causes that end."""

from collections.abc import Sequence

from fleet.events.models import Event
from fleet.people.rules import Action
from helpdesk.tickets.models import Article, Ticket
from helpdesk.tickets.services import outages, sla
from helpdesk.tickets.services.working import Contribution, add_article

CALENDARS, CHILDREN, OUTAGES = "tickets.calendars", "tickets.children", "tickets.outages"
CALENDAR_EVENTS = {
    "calendar.habits-changed",
    "calendar.closure-entered",
    "calendar.closure-removed",
    "calendar.imported",
    "calendar.import-undone",
    "agreement.changed",
    "category.changed",
}
ARTICLE_EVENTS = {"ticket.article-added"}
OUTAGE_EVENTS = {"ticket.created", "ticket.transitioned"}


def reckon(event: Event) -> None:
    """Marks only; the work is done in batches."""
    rows = Ticket.objects.filter(authority_id=event.authority_id)
    if event.site_id is not None:
        rows = rows.filter(site_id=event.site_id)
    sla.reckon_anew(rows=rows)


def tell_children(event: Event) -> None:
    """What is said in public in an incident reaches everybody who has a case of it; and so their mail.

    What is said in a restricted one stays among restricted cases. Whoever reported the incident speaks for it too, though to
    the requester's own clock that is no answer.
    """
    if not Ticket.objects.filter(parent=event.subject_id).exists():
        return
    rows = Article.objects.select_related("author", "ticket__queue").filter(internal=False).exclude(body="")
    said = rows.exclude(notice="from-parent").filter(pk=event.payload.get("article_id")).first()
    if said is None or not _speaks_for(said):
        return
    words = Contribution(said.author, said.body, Article.Channel(said.channel), notice="from-parent", answers=True)
    cases = Ticket.objects.open().filter(parent=said.ticket_id).may_belong_to(said.ticket)
    for child in cases.select_related("site"):
        add_article(ticket=child, contribution=words)


def _speaks_for(said: Article) -> bool:
    """Whether it is somebody who works on tickets who says it; whoever did so then and lost the role is still heard."""
    author, ticket = said.author, said.ticket
    if author is None:
        return False
    return said.answers or author.access.may(Action.WORK_TICKETS, ticket.authority_id, ticket.site_id)


def outage(event: Event) -> None:
    ticket = Ticket.objects.filter(pk=event.subject_id).first()
    if ticket is None or not _is_of_outages(event, ticket.alert_id):
        return
    if event.name == "ticket.created":
        outages.attach(ticket=ticket)
    else:
        outages.ask_again(cause=ticket)


def of_outages(events: Sequence[Event]) -> set[int]:
    """Most tickets of a storm are neither."""
    alerts = dict(Ticket.objects.filter(pk__in={one.subject_id for one in events}).values_list("pk", "alert_id"))
    return {one.pk for one in events if one.subject_id in alerts and _is_of_outages(one, alerts[one.subject_id])}


def _is_of_outages(event: Event, alert_id: int | None) -> bool:
    """Whether a ticket by people is new, or a fault is over."""
    if event.name == "ticket.created":
        return alert_id is None
    return alert_id is not None and event.payload.get("new") == Ticket.State.RESOLVED
