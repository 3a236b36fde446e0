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
from helpdesk.tickets import selectors
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
            Prefetch("articles", answers, to_attr="answered"),
            Prefetch("transitions", steps, to_attr="steps_taken"),
            "escalations",
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
        self.steps = _steps(self.agreements)

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


def _steps(agreement_ids: Collection[int]) -> dict[int, dict[int, EscalationStep]]:
    """{agreement in force: {id: escalation step}}"""
    found: defaultdict[int, dict[int, EscalationStep]] = defaultdict(dict)
    for step in EscalationStep.objects.filter(agreement__in=agreement_ids, agreement__active=True):
        found[step.agreement_id][step.pk] = step
    return dict(found)


def _offsets(steps: dict[int, EscalationStep]) -> dict[int, timedelta]:
    return {pk: step.offset for pk, step in steps.items()}


def _store(ticket: Ticket, promised: _Promised) -> None:
    agreement = promised.agreement(ticket)
    found = sla.deadlines(_terms(agreement), promised.calendar(ticket), history(ticket))
    due_at, clock = found.next or (None, "")
    offsets = _offsets(promised.steps.get(agreement.pk, {})) if agreement else {}
    fresh: dict[str, Any] = {
        "agreement": agreement,
        "due_at": due_at,
        "due_clock": clock,
        "next_step_at": sla.next_step_at(due_at, offsets, _taken(ticket, clock, due_at)) if due_at else None,
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
    moment, taken = now or timezone.now(), 0
    for _round in range(ROUNDS):
        pressing = Ticket.objects.open().filter(next_step_at__lte=moment, reckon_at__isnull=True)
        pressing = pressing.select_related("queue").prefetch_related("escalations")
        rows = list(pressing.order_by("next_step_at", "pk")[:BATCH])
        steps = _steps({ticket.agreement_id for ticket in rows if ticket.agreement_id})
        taken += sum(_escalate(ticket, steps.get(ticket.agreement_id or 0, {}), moment) for ticket in rows)
        if len(rows) < BATCH:
            break
    return taken


def _escalate(ticket: Ticket, steps: dict[int, EscalationStep], now: datetime) -> int:
    if ticket.due_at is None:
        return 0
    offsets, known = _offsets(steps), _taken(ticket, ticket.due_clock, ticket.due_at)
    due = sla.steps_due(ticket.due_at, offsets, now)
    taken = sum(_take_step(ticket, steps[pk], ticket.due_at) for pk in due if pk not in known)
    seen = Ticket.objects.filter(pk=ticket.pk, next_step_at=ticket.next_step_at)
    seen.update(next_step_at=sla.next_step_at(ticket.due_at, offsets, known | set(due)))
    return taken


def _taken(ticket: Ticket, clock: str, due_at: datetime | None) -> set[int]:
    """Steps that were taken for this deadline. Reads `escalations` that were prefetched."""
    return {one.step_id for one in ticket.escalations.all() if (one.clock, one.due_at) == (clock, due_at)}


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
    """Owner and watchers; where there are none, those who work nearest to it."""
    watchers = set(ticket.watchers.values_list("pk", flat=True))
    mine = watchers | ({ticket.owner_id} if ticket.owner_id else set())
    return tuple(sorted(mine or selectors.nearest_workers(ticket)))
