"""What monitoring tells: a fault opens the one right ticket, recovery resolves it with the evidence.

A ticket belongs to a root cause. What comes back goes on in the same ticket; what was only supposed (a building that was
switched off at night) gets none before it is certain. If the cause turns out to lie elsewhere, the ticket says where, and
stays open until its own device has been measured. What people do with an alert stands in its ticket too, and who takes
the ticket has taken note of the alert.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils import translation

from fleet.events.models import Event
from fleet.monitoring import services as monitoring
from fleet.monitoring import words
from fleet.monitoring.models import Alert, AlertNote
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.sites.services import ClosedSiteError
from helpdesk.tickets import services
from helpdesk.tickets.models import Article, Ticket
from helpdesk.tickets.rules import (
    AfterRecovery,
    AfterReturn,
    Involvement,
    after_recovery,
    after_return,
    needs_ticket,
    priority_of_alert,
)
from helpdesk.tickets.services import outages

NAME = "tickets.alerts"
TAKEN = "tickets.taken"


def consume(event: Event) -> None:
    rows = Alert.objects.select_related(
        "device__type", "device__room", "site", "suppressed_by__device", "suppressed_by__site"
    )
    alert = rows.filter(pk=event.subject_id).first()
    if alert is not None:
        HANDLERS[event.name](alert, event)


def _opened(alert: Alert, event: Event) -> None:
    """A suppressed alert has its cause elsewhere and gets no ticket; one that closed meanwhile needs none either."""
    suppressed, over = alert.suppressed_by_id is not None, alert.closed_at is not None
    wanted = needs_ticket(kind=alert.kind, suppressed=suppressed, over=over, confirmed=alert.confirmed_at is not None)
    ticket = _ticket(alert)
    if wanted and ticket is None:
        _open(alert)
    elif wanted and ticket is not None and event.payload.get("released"):
        _released(alert, ticket, event)


def _released(alert: Alert, ticket: Ticket, event: Event) -> None:
    """The cause lay elsewhere and is gone, and it is still there: it is the ticket's own again."""
    outages.take_off(ticket=ticket)
    if after_return(ticket.state) == AfterReturn.GO_ON:
        told = _details(alert, alert.evidence_opened) | {"at": event.payload.get("at")}
        services.notify(ticket=ticket, notice="alert-released", **told)
    _again(alert, ticket)


def _open(alert: Alert) -> Ticket | None:
    """None at a school that has closed meanwhile: nothing there is in service any more."""
    device = alert.device
    opening = services.Opening(
        site=alert.site,
        subject=_subject(alert, words.in_general),
        channel=Article.Channel.SYSTEM,
        priority=priority_of_alert(alert.severity),
        room=device.room,
        devices=[device],
        alert=alert,
        notice="alert-opened",
        details=_details(alert, alert.evidence_opened),
    )
    try:
        ticket = services.open_ticket(opening=opening)
    except ClosedSiteError:
        return None
    if Alert.objects.filter(suppressed_by=alert).exists():
        for below in Ticket.objects.open().filter(alert__suppressed_by=alert).select_related("alert"):
            _attach(below, alert, ticket)
        outages.attach_cases(cause=alert)
    return ticket


def _reopened(alert: Alert, event: Event) -> None:
    """The same fault again: its ticket goes on, whether it had been resolved or not."""
    ticket = _ticket(alert)
    if ticket is None:
        _opened(alert, event)
        return
    if alert.closed_at is None:
        if after_return(ticket.state) == AfterReturn.GO_ON:
            services.notify(ticket=ticket, notice="alert-reopened", **_details(alert, alert.evidence_opened))
        _again(alert, ticket)


def _again(alert: Alert, ticket: Ticket) -> None:
    """Opens a ticket once more that had been resolved: by a recovery, or because the cause seemed to lie elsewhere."""
    if after_return(ticket.state) == AfterReturn.OPEN_AGAIN:
        services.notify(ticket=ticket, notice="alert-reopened", **_details(alert, alert.evidence_opened))
        ticket.refresh_from_db()
        services.transition(ticket=ticket, to=Ticket.State.OPEN)


def _flapping(alert: Alert, event: Event) -> None:  # noqa: ARG001  (what is in the event stands in the alert too)
    if ticket := _unfinished(alert):
        services.notify(ticket=ticket, notice="alert-flapping", **_details(alert, alert.evidence_opened))
        _renamed(alert, ticket)


def _weighed(alert: Alert, event: Event) -> None:
    """A ticket becomes more urgent with its alert; less urgent only people make it."""
    if ticket := _unfinished(alert):
        told = {"before": event.payload.get("before", ""), "after": event.payload.get("severity", "")}
        services.notify(ticket=ticket, notice="alert-severity", **_details(alert, {}) | told)
        services.raise_priority(ticket=ticket, to=priority_of_alert(told["after"]))


def _renamed(alert: Alert, ticket: Ticket) -> None:
    """A ticket that says "does not answer" while the device answers every other minute is called what it is.

    One that people have renamed keeps their name.
    """
    still_ours = Ticket.objects.filter(pk=ticket.pk, subject=_subject(alert, words.as_opened))
    still_ours.update(subject=_subject(alert, words.in_general))


def _subject(alert: Alert, wording: Callable[[Alert], str]) -> str:
    """In the city's language: the subject is kept as text, whoever reads it."""
    with translation.override(settings.LANGUAGE_CODE):
        return f"{words.subject(alert)} {wording(alert)}"[:200]


def _ticket(alert: Alert) -> Ticket | None:
    """The one that is not closed for good, which there is at most once."""
    return Ticket.objects.filter(alert=alert).exclude(state=Ticket.State.CLOSED).first()


def _unfinished(alert: Alert) -> Ticket | None:
    return Ticket.objects.open().filter(alert=alert).first()


def _suppressed(alert: Alert, _event: Event) -> None:
    """Usually there is no ticket, and there will be none. If the cause was found later, the ticket says where it lies.

    It stays open: whether its own device works again is measured only after the cause is gone.
    """
    ticket = _unfinished(alert)
    if ticket is not None and alert.suppressed_by is not None:
        _attach(ticket, alert.suppressed_by, _unfinished(alert.suppressed_by))
    if alert.suppressed_by is not None:
        outages.attach_all_of(device=alert.device, cause=alert.suppressed_by)


def _attach(ticket: Ticket, cause: Alert, above: Ticket | None) -> None:
    told = {
        "cause_id": cause.pk,
        "cause": words.subject(cause),
        "number": above.number if above else "",
    }
    said = ticket.articles.filter(notice__in=ATTACHING).order_by("-pk").first()
    if said is None or (said.notice, said.details) != ("alert-suppressed", told):
        services.notify(ticket=ticket, notice="alert-suppressed", **told)
    if above is not None:
        outages.hang(ticket=ticket, above=above)


ATTACHING = ("alert-suppressed", "alert-released", "alert-reopened")
"""What says whether the cause lies elsewhere: the latest of them counts."""


def _closed(alert: Alert, _event: Event) -> None:
    ticket = _ticket(alert)
    if ticket is None or alert.closed_at is None:
        return
    measured = bool(alert.evidence_closed.get("measured_at"))
    outcome = after_recovery(_involvement(ticket), measured=measured)
    if measured and outcome != AfterRecovery.RESOLVE:  # being resolved asks by itself
        outages.ask_again(cause=ticket)
    if outcome == AfterRecovery.NOTHING and not _ended_with_its_cause(ticket):
        return
    services.notify(ticket=ticket, notice="alert-closed", **_details(alert, alert.evidence_closed))
    if outcome == AfterRecovery.RESOLVE:
        ticket.refresh_from_db()
        services.transition(ticket=ticket, to=Ticket.State.RESOLVED)


def _ended_with_its_cause(ticket: Ticket) -> bool:
    """It was resolved because the cause lies elsewhere: that it works again has not been said in it yet."""
    said = ticket.articles.exclude(notice="").order_by("-pk").values_list("notice", flat=True).first()
    return ticket.state == Ticket.State.RESOLVED and said == "alert-suppressed"


def _done(alert: Alert, event: Event) -> None:
    """What somebody did with the alert, for those who work on its ticket."""
    ticket, by_id = _ticket(alert), event.payload.get("by_id")
    told_by_itself = event.name == "alert.acknowledged" and ticket is not None and ticket.owner_id == by_id
    if ticket is None or told_by_itself:
        return
    note = AlertNote.objects.filter(alert=alert, pk=event.payload.get("note_id")).first()
    said = services.Contribution(
        author=User.objects.filter(pk=by_id).first(),
        channel=Article.Channel.WEB if by_id else Article.Channel.SYSTEM,
        internal=True,
        body=note.body if note else "",
        notice=event.name.replace(".", "-"),
        details={"until": event.payload.get("until")},
    )
    services.add_article(ticket=ticket, contribution=said)


def take_note(event: Event) -> None:
    """Who takes a ticket looks after what monitoring saw, too."""
    ticket = Ticket.objects.select_related("alert", "owner").filter(pk=event.subject_id, owner=event.actor_id).first()
    by = ticket.owner if ticket is not None else None
    if event.payload.get("notice") != "taken" or ticket is None or ticket.alert is None or by is None:
        return
    if by.access.may(Action.ACKNOWLEDGE_ALERTS, ticket.authority_id, ticket.site_id):
        monitoring.acknowledge(alert=ticket.alert, by=by)


def _involvement(ticket: Ticket) -> Involvement:
    written = ticket.articles.filter(author__isnull=False).exclude(body="").exclude(notice="from-parent").exists()
    return Involvement(state=ticket.state, owned=ticket.owner_id is not None, written_by_people=written)


def _details(alert: Alert, evidence: dict[str, Any]) -> dict[str, Any]:
    device = alert.device
    return {
        "alert_id": alert.pk,
        "alert_kind": alert.kind,
        "device": words.subject(alert),
        "device_kind": device.kind,
        "room": device.room.number if device.room and alert.building_id is None else "",
        "evidence": evidence,
    }


def _remedied(alert: Alert, event: Event) -> None:
    """What was done by itself is part of the story; where it is no help, the ticket becomes urgent and a person's.

    Where there is no ticket (any more), one is opened for it; after a good end there is nothing left to do in that one.
    """
    known = _ticket(alert)
    ticket = known or _open(alert)
    if ticket is None:
        return
    notice = event.name.replace(".", "-")
    services.notify(
        ticket=ticket, notice=notice, **_details(alert, {}) | event.payload | {"at": event.occurred_at.isoformat()}
    )
    if event.name == "remedy.person-needed":
        services.raise_priority(ticket=ticket, to=Ticket.Priority.HIGH)
    elif known is None and alert.closed_at is not None and event.name in GOOD_ENDS:
        ticket.refresh_from_db()
        services.transition(ticket=ticket, to=Ticket.State.RESOLVED)


GOOD_ENDS = ("remedy.helped", "remedy.over")
HANDLERS: dict[str, Callable[[Alert, Event], None]] = {
    "alert.opened": _opened,
    "alert.confirmed": _opened,
    "alert.reopened": _reopened,
    "alert.flapping": _flapping,
    "alert.severity": _weighed,
    "alert.suppressed": _suppressed,
    "alert.closed": _closed,
    "alert.acknowledged": _done,
    "alert.commented": _done,
    "alert.snoozed": _done,
    "alert.woken": _done,
    "remedy.ordered": _remedied,
    "remedy.helped": _remedied,
    "remedy.over": _remedied,
    "remedy.person-needed": _remedied,
}
EVENTS = set(HANDLERS)
TICKET_EVENTS = {"ticket.article-added"}
