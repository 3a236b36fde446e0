"""Working out deadlines in the background, in batches, and telling when one comes near or has passed."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from fleet.sites import selectors as sites
from fleet.sites.rules.clock import Calendar
from helpdesk.tickets.models import Agreement, Article, Category, Escalation, EscalationStep, Ticket, Transition
from helpdesk.tickets.promises import asked
from helpdesk.tickets.rules import FINISHED, sla
from helpdesk.tickets.services.working import Contribution, add_article, raise_priority

log = logging.getLogger(__name__)
BATCH = 200
ROUNDS = 20
"""At most so many batches per tick; the next tick goes on."""


def reckon_anew(*, rows: QuerySet[Ticket]) -> int:
    """Their deadlines are worked out again in the background: the calendar or the agreement has changed."""
    return rows.exclude(state__in=FINISHED).update(reckon_at=timezone.now())


def reckon_due() -> int:
    """All that wait for it; returns how many."""
    done = 0
    for _round in range(ROUNDS):
        waiting = Ticket.objects.filter(reckon_at__isnull=False).order_by("reckon_at", "pk")
        ids = list(waiting.values_list("pk", flat=True)[:BATCH])
        done += recompute(ticket_ids=ids)
        if len(ids) < BATCH:
            break
    return done


def recompute(*, ticket_ids: Collection[int]) -> int:
    """Works out the deadlines of these tickets. What changes while that happens is worked out once more."""
    answers = Article.objects.filter(answers=True).order_by("created_at", "pk").only("ticket_id", "created_at")
    steps = Transition.objects.order_by("at", "pk").only("ticket_id", "new", "at")
    tickets = list(
        Ticket.objects.filter(pk__in=ticket_ids)
        .annotate(asked=asked())
        .select_related("site")
        .prefetch_related(
            Prefetch("articles", answers, to_attr="answered"), Prefetch("transitions", steps, to_attr="steps_taken")
        )
    )
    promised = _Promised(tickets)
    for ticket in tickets:
        _store(ticket, promised)
    return len(tickets)


class _Promised:
    """Agreements, categories and calendars for a batch of tickets, each read once."""

    def __init__(self, tickets: Collection[Ticket]) -> None:
        authorities = {ticket.authority_id for ticket in tickets}
        agreements = Agreement.objects.filter(authority__in=authorities, active=True)
        self.agreements = {one.pk: one for one in agreements}
        self.offers: defaultdict[int, list[sla.Offer]] = defaultdict(list)
        for one in self.agreements.values():
            offer = sla.Offer(one.pk, one.priority, one.category_id, one.site_kind)
            self.offers[one.authority_id].append(offer)
        wanted = {ticket.site_id for ticket in tickets} if self.agreements else set()
        self.calendars = sites.calendars(site_ids=wanted)
        above = Category.objects.filter(authority__in=authorities).values_list("pk", "parent_id") if self.offers else ()
        self.above: dict[int, int | None] = dict(above)

    def agreement(self, ticket: Ticket) -> Agreement | None:
        question = sla.Question(ticket.priority, ticket.site.kind, frozenset(self._categories(ticket.category_id)))
        pk = sla.agreement_for(question, self.offers.get(ticket.authority_id, ()))
        return self.agreements[pk] if pk is not None else None

    def calendar(self, ticket: Ticket) -> Calendar:
        return self.calendars.get(ticket.site_id, Calendar())

    def _categories(self, pk: int | None) -> Iterable[int]:
        seen: set[int] = set()
        while pk is not None and pk not in seen:
            seen.add(pk)
            pk = self.above.get(pk)
        return seen


def _store(ticket: Ticket, promised: _Promised) -> None:
    agreement = promised.agreement(ticket)
    found = sla.deadlines(_terms(agreement), promised.calendar(ticket), history(ticket))
    due_at, clock = found.next or (None, "")
    fresh: dict[str, Any] = {
        "agreement": agreement,
        "due_at": due_at,
        "due_clock": clock,
        "response_due_at": found.response,
        "update_due_at": found.update,
        "resolution_due_at": found.resolution,
        "answered_at": found.answered_at,
        "resolved_at": found.resolved_at,
    }
    row = Ticket.objects.filter(pk=ticket.pk)
    row.filter(reckon_at=ticket.reckon_at, version=ticket.version).update(**fresh, reckon_at=None)


def history(ticket: Ticket) -> sla.History:
    """Of a ticket that `recompute` read."""
    rows: Any = ticket
    return sla.History(
        opened_at=ticket.created_at,
        steps=tuple(sla.Step(step.at, step.new) for step in rows.steps_taken),
        answers=tuple(article.created_at for article in rows.answered),
        asked=rows.asked,
    )


def _terms(agreement: Agreement | None) -> sla.Terms:
    if agreement is None:
        return sla.Terms()
    first, following, resolution = (
        None if minutes is None else timedelta(minutes=minutes)
        for minutes in (agreement.first_response_min, agreement.next_update_min, agreement.resolution_min)
    )
    return sla.Terms(first, following, resolution, always=agreement.hours == Agreement.Hours.ALWAYS)


def escalate(now: datetime | None = None) -> int:
    """Takes every step that is due, each once per deadline; returns how many were taken."""
    moment = now or timezone.now()
    offsets: defaultdict[int, list[EscalationStep]] = defaultdict(list)
    for step in EscalationStep.objects.filter(agreement__active=True):
        offsets[step.agreement_id].append(step)
    if not offsets:
        return 0
    earliest = min(step.offset for steps in offsets.values() for step in steps)
    pressing = Ticket.objects.open().filter(due_at__lte=moment - earliest, agreement__in=offsets, reckon_at__isnull=True)
    rows = pressing.prefetch_related("escalations").iterator(chunk_size=BATCH)
    return sum(_escalate(ticket, offsets[ticket.agreement_id or 0], moment) for ticket in rows)


def _escalate(ticket: Ticket, steps: Collection[EscalationStep], now: datetime) -> int:
    if ticket.due_at is None:
        return 0
    by_id, due_at = {step.pk: step for step in steps}, ticket.due_at
    due = sla.steps_due(due_at, [(step.pk, step.offset) for step in steps], now)
    known = {one.step_id for one in ticket.escalations.all() if (one.clock, one.due_at) == (ticket.due_clock, due_at)}
    return sum(_take_step(ticket, by_id[pk], due_at) for pk in due if pk not in known)


def _take_step(ticket: Ticket, step: EscalationStep, due_at: datetime) -> bool:
    try:
        with transaction.atomic():
            Escalation.objects.create(ticket=ticket, step=step, clock=ticket.due_clock, due_at=due_at)
            said = Contribution(
                channel=Article.Channel.SYSTEM,
                internal=True,
                notice="deadline-missed" if step.minutes >= 0 else "deadline-near",
                details={"clock": ticket.due_clock, "due_at": due_at.isoformat()},
                tells=_concerned(ticket),
            )
            add_article(ticket=ticket, contribution=said)
            if step.raise_priority and not _raised_before(ticket, step, due_at):
                raise_priority(ticket=ticket, to=min(ticket.priority + 1, Ticket.Priority.URGENT))
    except IntegrityError:
        return False  # another worker was faster
    return True


def _raised_before(ticket: Ticket, step: EscalationStep, due_at: datetime) -> bool:
    """A higher priority brings a nearer deadline: that must not raise it again and again."""
    others = Escalation.objects.filter(ticket=ticket, clock=ticket.due_clock, step__raise_priority=True)
    return others.exclude(step=step, due_at=due_at).exists()


def _concerned(ticket: Ticket) -> tuple[int, ...]:
    """Owner and watchers."""
    watchers = set(ticket.watchers.values_list("pk", flat=True))
    return tuple(sorted(watchers | ({ticket.owner_id} if ticket.owner_id else set())))
