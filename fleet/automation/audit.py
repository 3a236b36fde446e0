"""Every change of a device: who asked for what, who agreed, who stepped in, what it did, whether it held."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, QuerySet
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from fleet.automation import words
from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.models import Approval, Change, HostResult, Override, Run
from fleet.events.models import Event
from fleet.people.models import User
from fleet.people.rules import Action
from fleet.web.spreadsheets import csv_cell

AUDIT = Action.VIEW_AUDIT
STEPPED_IN: dict[str, str | Promise] = {
    "change.pause-asked": gettext_lazy("Paused"),
    "change.paused": gettext_lazy("Paused"),
    "change.paused-as-another": gettext_lazy("Paused by itself: no longer what was agreed to"),
    "change.resumed": gettext_lazy("Let go on"),
    "change.cancelled": gettext_lazy("Stopped"),
    "change.retried": gettext_lazy("Tried again"),
    "change.rolling-back": gettext_lazy("Rolled back"),
    "change.extended": gettext_lazy("End changed"),
    "change.ended-early": gettext_lazy("Taken back early"),
    "change.proposed": gettext_lazy("Rolling back or another end asked for"),
    "change.proposal-agreed": gettext_lazy("Agreed to what was asked for"),
}


@dataclass(frozen=True)
class Voice:
    """One decision, in whose name, and whether it counts no more."""

    who: str
    decision: str
    at: datetime
    on_behalf_of: str = ""
    comment: str = ""
    void: bool = False


@dataclass(frozen=True)
class Act:
    """Somebody stepped in, or two people agreed that it may happen against the clock."""

    what: str
    who: str
    at: datetime


@dataclass(frozen=True)
class Did:
    """One execution on this device."""

    kind: str
    state: str
    pill: str
    verdict: str
    at: datetime | None


@dataclass(frozen=True)
class Entry:
    change_id: int
    title: str
    arguments: str
    """Without the secret ones."""
    state: str
    asked_at: datetime
    asked_by: str
    reason: str
    approvals: tuple[Voice, ...]
    acts: tuple[Act, ...]
    did: tuple[Did, ...]
    held: str
    """What was measured last on this device; empty where nothing was."""
    box: str


def changes(user: User, device_id: int) -> QuerySet[Change]:
    """Newest first; with what `entries` needs of this device."""
    hosts = HostResult.objects.filter(device=device_id)
    runs = Run.objects.exclude(kind=Run.Kind.PREVIEW).prefetch_related(Prefetch("hosts", hosts)).order_by("id")
    voices = Approval.objects.select_related("approver", "on_behalf_of").order_by("decided_at", "pk")
    overrides = Override.objects.select_related("asked_by", "agreed_by")
    rows = Change.objects.allowing(user, AUDIT).filter(targets__device=device_id).select_related("requested_by")
    with_all = rows.prefetch_related(Prefetch("approvals", voices), Prefetch("overrides", overrides), Prefetch("runs", runs))
    return with_all.defer("secret_arguments").order_by("-id")


def entries(rows: Iterable[Change]) -> list[Entry]:
    """In the same order; two queries besides those of `rows`."""
    found = list(rows)
    acts = _acts(found)
    return [_entry(change, acts[change.pk]) for change in found]


def _acts(rows: Sequence[Change]) -> defaultdict[int, list[Act]]:
    about = Event.objects.filter(subject_type=Change._meta.label_lower, subject_id__in=[one.pk for one in rows])
    told = list(about.filter(name__in=STEPPED_IN, actor_id__isnull=False).order_by("pk"))
    people = User.objects.in_bulk({event.actor_id for event in told})
    found: defaultdict[int, list[Act]] = defaultdict(list)
    for event in told:
        who = people.get(event.actor_id)
        found[event.subject_id].append(Act(str(STEPPED_IN[event.name]), who.name if who else "–", event.occurred_at))
    for change in rows:
        for one in change.overrides.all():
            found[change.pk] += _override(one)
    return found


def _override(one: Override) -> Iterator[Act]:
    yield Act(_("Exception asked for: %(reason)s") % {"reason": one.reason}, one.asked_by.name, one.asked_at)
    if one.agreed_by and one.agreed_at:
        yield Act(_("Exception agreed to"), one.agreed_by.name, one.agreed_at)


def _entry(change: Change, acts: Iterable[Act]) -> Entry:
    did = tuple(_did(run, host) for run in change.runs.all() for host in run.hosts.all())
    measured = [one.verdict for one in did if one.verdict]
    return Entry(
        change_id=change.pk,
        title=_title(change),
        arguments=", ".join(f"{name} = {words.shown(value)}" for name, value in change.arguments.items()),
        state=str(change.get_state_display()),
        asked_at=change.created_at,
        asked_by=change.requested_by.name if change.requested_by else "",
        reason=change.reason,
        approvals=tuple(map(_voice, change.approvals.all())),
        acts=tuple(sorted(acts, key=lambda one: one.at)),
        did=did,
        held=measured[-1] if measured else "",
        box=str(change.get_box_display()) if change.box != Change.Box.NONE else "",
    )


def _voice(one: Approval) -> Voice:
    return Voice(
        one.approver.name,
        str(one.get_decision_display()),
        one.decided_at,
        on_behalf_of=one.on_behalf_of.name if one.on_behalf_of else "",
        comment=one.comment,
        void=one.void_at is not None,
    )


def _did(run: Run, host: HostResult) -> Did:
    verdict = str(host.get_verdict_display()) if host.verdict else ""
    pill = words.HOST_PILLS[host.state]
    return Did(str(run.get_kind_display()), str(host.get_state_display()), pill, verdict, run.started_at)


def _title(change: Change) -> str:
    try:
        return get(change.playbook).title.in_language(get_language())
    except CatalogueError:
        return change.playbook


def head() -> str:
    """The first line of the table, in the language of now."""
    asked = [_("Number"), _("Change"), _("Arguments"), _("State"), _("Asked for at"), _("Asked for by"), _("Reason")]
    return _line([*asked, _("Approvals"), _("Stepped in"), _("What it did"), _("Measured"), _("Taken back")])


def lines(found: Iterable[Entry]) -> Iterator[str]:
    """Lines of RFC 4180, one per change."""
    for one in found:
        did = "; ".join(f"{step.kind}: {step.state} ({step.at.isoformat() if step.at else '–'})" for step in one.did)
        acts = "; ".join(f"{act.what}: {act.who} ({act.at.isoformat()})" for act in one.acts)
        asked = [one.asked_at.isoformat(), one.asked_by, one.reason]
        voices = "; ".join(map(_said, one.approvals))
        yield _line([str(one.change_id), one.title, one.arguments, one.state, *asked, voices, acts, did, one.held, one.box])


def _said(one: Voice) -> str:
    who = _("%(deputy)s for %(person)s") % {"deputy": one.who, "person": one.on_behalf_of} if one.on_behalf_of else one.who
    void = f", {_('Out of date')}" if one.void else ""
    return f"{who}: {one.decision}{void} ({one.at.isoformat()})"


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(map(csv_cell, cells))
    return text.getvalue()
