"""The rings of a change as lanes: what a person may see of them, in a constant number of queries."""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fleet.automation import policy_panel, policy_words, services, words
from fleet.automation.models import Change, HostResult, Ring, Run, Target
from fleet.automation.rules.lifecycle import ENDED, PAUSABLE, RETRYABLE, ROLLABLE
from fleet.automation.rules.rollout import BAD, TO_COME, UNDONE, seconds_left
from fleet.automation.services import policy
from fleet.automation.services.rollouts.advancing import reversible
from fleet.automation.services.rollouts.taking_back import touched
from fleet.people.models import User
from fleet.people.rules import Action

LAST = 20
"""Steps from which it is reckoned how long the others take."""
CELLS = 100
"""Devices that a lane shows one by one; of more, a cell is a step."""
OVER = frozenset({"confirmed", "refuted", "unknown", "failed", "unreachable", "skipped", "rolled-back"})


@dataclass(frozen=True)
class Counts:
    """{(ring id, step, target state): devices}, of those that the person sees."""

    found: dict[tuple[int | None, int, str], int]

    def of(self, ring_id: int | None = None) -> Counter[str]:
        total: Counter[str] = Counter()
        for (ring, _step, state), count in self.found.items():
            if ring_id is None or ring == ring_id:
                total[state] += count
        return total

    @property
    def steps_left(self) -> int:
        return len({(ring, step) for ring, step, state in self.found if state in {"waiting", "running"}})


def counted(change: Change, user: User) -> Counts:
    rows = change.targets.visible_to(user).order_by().values_list("ring_id", "step", "state").annotate(n=Count("pk"))
    return Counts({(ring, step, state): count for ring, step, state, count in rows})


def seen_as(change: Change, counts: Counts, latest: Run | None, tally: dict[str, int]) -> str:
    """Names what the progress shows: the same again means that nothing has to be sent."""
    facts = (change.state, change.wish, change.box, str(change.state_since), sorted(counts.found.items(), key=str))
    run = (latest.pk, latest.state, latest.waits_for) if latest else ()
    return hashlib.sha256(repr((facts, run, sorted(tally.items()))).encode()).hexdigest()[:16]


def lanes(change: Change, user: User, counts: Counts, *, full: bool = True) -> list[dict[str, Any]]:
    """One lane a ring; nothing for a change of a single device or one that was written without rings.

    `full`: this person sees all of the change.
    """
    rings = list(change.rings.all())
    if sum(counts.found.values()) < 2:  # noqa: PLR2004
        return []
    small = [ring.pk for ring in rings if sum(counts.of(ring.pk).values()) <= CELLS]
    cells = _device_cells(change, user, small)
    return [
        {
            "ring": ring,
            "title": ring.get_title_display(),
            "pill": words.RING_PILLS[ring.state],
            "word": ring.get_state_display(),
            "size": sum(counts.of(ring.pk).values()),
            "parts": _parts(counts.of(ring.pk)),
            "cells": cells[ring.pk] if ring.pk in small else _step_cells(ring, counts),
            "halt": words.halted(ring) if full else words.halted_elsewhere(ring),
        }
        for ring in rings
    ]


def _device_cells(change: Change, user: User, ring_ids: list[int]) -> dict[int, list[dict[str, str]]]:
    cells: dict[int, list[dict[str, str]]] = defaultdict(list)
    mine = change.targets.visible_to(user).filter(ring__in=ring_ids)
    for ring_id, name, state in mine.order_by("step", "device__name").values_list("ring_id", "device__name", "state"):
        cells[ring_id].append(_cell(f"{name}: {Target.State(state).label}", state))
    return cells


def _step_cells(ring: Ring, counts: Counts) -> list[dict[str, str]]:
    by_step: dict[int, Counter[str]] = defaultdict(Counter)
    for (ring_id, step, state), count in counts.found.items():
        if ring_id == ring.pk:
            by_step[step][state] += count
    return [_step_cell(step, states) for step, states in sorted(by_step.items())]


def _step_cell(step: int, states: Counter[str]) -> dict[str, str]:
    shown = next((state for state in (*sorted(BAD), "running", "waiting", "pending-offline") if states[state]), "")
    text = ", ".join(f"{count} {Target.State(state).label}" for state, count in sorted(states.items()))
    title = _("Step %(number)d: %(states)s") % {"number": step, "states": text}
    return _cell(title, shown or max(states, key=lambda state: states[state]))


def _cell(title: str, state: str) -> dict[str, str]:
    return {"title": title, "state": words.TARGET_PILLS[state], "mark": words.MARKS[state]}


def _parts(states: Counter[str]) -> dict[str, int]:
    total, failed = sum(states.values()), sum(states[state] for state in BAD)
    left = sum(states[state] for state in ("waiting", "running", "pending-offline", "skipped"))
    return {"total": total, "failed": failed, "left": left, "done": total - failed - left}


def whole(counts: Counts) -> dict[str, int]:
    return _parts(counts.of()) | {"offline": counts.of()["pending-offline"]}


def remaining(change: Change, counts: Counts) -> str:
    """How long it will take, from what the steps have taken so far."""
    if change.state not in {"running", "verifying"}:
        return ""
    runs = change.runs.filter(kind=Run.Kind.APPLY, finished_at__isnull=False, started_at__isnull=False)
    rows = runs.annotate(measured=Max("hosts__measured_at")).order_by("-pk")
    taken = [
        (max(finished, measured or finished) - started).total_seconds()
        for started, finished, measured in rows.values_list("started_at", "finished_at", "measured")[:LAST]
        if started and finished
    ]
    left = seconds_left(taken, counts.steps_left)
    return _("about %(time)s left") % {"time": words.running_for(left)} if left else ""


def why_not_now(change: Change, user: User, now: datetime) -> dict[str, Any] | None:
    """Why the next step waits although nothing runs, in sentences, and when next."""
    if change.state not in {"approved", "running"} or change.starts_at > now:
        return None
    first = change.targets.filter(state=Target.State.WAITING).order_by("ring__number", "step").first()
    if first is None or change.runs.filter(Q(finished_at__isnull=True) | Q(lease_until__isnull=False)).exists():
        return None
    step = change.targets.filter(ring=first.ring_id, step=first.step, state=Target.State.WAITING)
    answer = policy.why_not_now(change, list(step.values_list("device_id", flat=True)), now)
    if answer.allowed:
        return None
    return {**policy_words.reasons(answer.reasons, policy_panel.seen(answer, user)), "next_at": answer.next_at}


def controls(change: Change, user: User, counts: Counts) -> dict[str, Any]:
    """What this person may do with the rollout as it stands."""
    place = (change.authority_id, change.site_id)
    if not user.access.may(Action.CONTROL_RUNS, *place):
        return {}
    states = counts.of()
    undone = sum(states[state] for state in UNDONE)
    several = sum(states.values()) > 1
    taken = change.box in {Change.Box.REVERTING, Change.Box.REVERTED}
    return {
        "may_pause": change.state in PAUSABLE and not change.wish and states["waiting"] > 0 and several,
        "may_resume": change.state == Change.State.PAUSED or change.wish == Change.Wish.PAUSE,
        "may_stop_later": change.state == Change.State.VERIFYING and any(states[state] for state in TO_COME),
        "may_retry_failed": change.state in RETRYABLE and several and undone,
        "may_roll_back": change.state in ROLLABLE and not taken and reversible(change) and touched(change).exists(),
        "may_relaunch": change.state in ENDED
        and user.access.may(Action.REQUEST_CHANGE, change.authority_id, change.site_id),
        "undone": undone,
    }


def wish_sentence(change: Change) -> str:
    return {
        Change.Wish.PAUSE: _("It pauses when the step under way is done and measured."),
        Change.Wish.STOP: _("It stops when the step under way is measured."),
        Change.Wish.ROLL_BACK: _("It is rolled back when the step under way is measured."),
    }.get(Change.Wish(change.wish), "")


def offline_sentence(change: Change, count: int) -> str:
    if not count:
        return ""
    until = services.strategy_of(change).offline_until
    said = ngettext("%d device is offline.", "%d devices are offline.", count) % count
    if until is None or until <= timezone.now():
        return said
    return said + " " + _("It is done when it is back until %(time)s.") % {"time": words.moment(until)}


def host_rows(change: Change, user: User) -> Any:
    """The devices of a change with how each stands, for a table."""
    return (
        change.targets.visible_to(user)
        .select_related("device__room", "device__site", "ring")
        .order_by("ring__number", "step", "device__name", "pk")
    )


def latest_results(change: Change, device_ids: list[int]) -> dict[int, HostResult]:
    """The last thing that a run said of each device. One query."""
    rows = HostResult.objects.filter(run__change=change, device_id__in=device_ids).select_related("run").order_by("run_id")
    return {row.device_id: row for row in rows}
