"""Runs that were cut off in their middle, made good by what their playbook names for that (`after_cut`).

Only what stood there before is brought back, by itself and a few times at most; what cannot be is told to people.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.models import HostResult, Run
from fleet.automation.rules.boxes import next_try
from fleet.automation.rules.verification import Verdict, Wanted, is_otherwise, wanted
from fleet.automation.services.attempt import arguments_of, playbook_of
from fleet.automation.services.rollouts.advancing import under_way
from fleet.automation.services.telling import Part, queue_run, tell
from fleet.automation.services.turns import each
from fleet.people.models import User
from fleet.people.rules import Action

State, Aftermath = HostResult.State, Run.Aftermath
TRIES = 3
WORTH_IT = timedelta(days=7)
"""What was cut off longer ago, people have seen to."""
TOLD_FOR = timedelta(days=14)
LOOK_COMES_WITHIN = timedelta(hours=1)
"""What merely failed is judged by what is seen there afterwards. Not every run is looked at (`tending`)."""
NAMED, LOOKED_AT = 5, 50
PERHAPS = (State.UNKNOWN, State.FAILED, State.UNREACHABLE)
"""The run was ended, or the device's connection was."""
BY_PEOPLE = (Run.Kind.APPLY, Run.Kind.REVERT)


def tend(now: datetime) -> None:
    """A step of tending: the next try, or the end, for each run that was cut off and whose devices have settled."""
    cut_off = HostResult.objects.filter(run=OuterRef("pk"), state__in=PERHAPS, problem="")
    free = {"lease_until__isnull": True, "locks__isnull": True, "aftermath": Aftermath.NONE}
    over = Run.objects.filter(Exists(cut_off), finished_at__gt=now - WORTH_IT, **free).exclude(state__in=Run.LIVE)
    over = over.filter(kind__in=BY_PEOPLE)
    slugs = over.order_by().values_list("change__playbook", flat=True).distinct()
    tried = Exists(Run.objects.filter(makes_good=OuterRef("pk")))  # also when its playbook was taken away meanwhile
    mine = over.filter(tried | Q(change__playbook__in=[slug for slug in slugs if _after_cut(slug)]))
    each("make good", mine.select_related("change").defer("change__secret_arguments"), partial(_go_on, now=now))


def _after_cut(slug: str) -> str:
    try:
        return get(slug).after_cut
    except CatalogueError:  # taken away meanwhile
        return ""


def _go_on(run: Run, now: datetime) -> None:
    tries = list(run.mended_by.order_by("pk"))
    last = tries[-1] if tries else None
    if last and (last.state in Run.LIVE or last.lease_until or last.locks.exists()):
        return
    left = _left(run)
    if left is None:
        _end(run, Aftermath.FOR_PEOPLE, sorted(_cut(run).values_list("device_id", flat=True)))
    elif not left and _is_to_be_looked_at(run, now):
        return
    elif not left:
        good = _made_good(run)
        _end(run, Aftermath.MADE_GOOD if good else Aftermath.AS_BEFORE, sorted(good))
    elif len(tries) >= TRIES:
        _end(run, Aftermath.FOR_PEOPLE, left)
    elif last is None or next_try(len(tries), last.finished_at or now) <= now:
        _try(run, left)


def _try(run: Run, device_ids: list[int]) -> None:
    """Another run of the change may be under way just now: then it has its turn later."""
    if under_way(run.change):
        return
    try:
        with transaction.atomic():
            queue_run(run.change, Run.Kind.MEND, Part(run.ring, run.step, device_ids), makes_good=run)
    except IntegrityError:
        return


def _end(run: Run, aftermath: Run.Aftermath, device_ids: list[int]) -> None:
    run.aftermath = aftermath.value
    run.save(update_fields=["aftermath"])
    if aftermath != Aftermath.AS_BEFORE:
        name = "made-good" if aftermath == Aftermath.MADE_GOOD else "not-made-good"
        tell(run.change, name, run_id=run.pk, device_ids=device_ids)


def _cut(run: Run) -> QuerySet[HostResult]:
    """What it may have left behind and nobody has made good."""
    return run.hosts.filter(state__in=PERHAPS, problem="").exclude(device_id__in=_made_good(run))


def _made_good(run: Run) -> set[int]:
    done = HostResult.objects.filter(run__makes_good=run, verdict=Verdict.CONFIRMED)
    return set(done.values_list("device_id", flat=True))


def _is_to_be_looked_at(run: Run, now: datetime) -> bool:
    soon = run.finished_at is not None and now < run.finished_at + LOOK_COMES_WITHIN
    return soon and _cut(run).exclude(state=State.UNKNOWN).filter(verdict="").exists()


def _left(run: Run) -> list[int] | None:
    """Ids of devices where that is still to be made good which was there before; None when nobody can tell any more."""
    try:
        wishes = _wishes(run)
        same = {one.name: run.change.arguments.get(one.name) for one in get(_after_cut(run.change.playbook)).arguments}
    except CatalogueError:  # taken away meanwhile
        return None
    rows = [row for row in _cut(run).order_by("device_id") if _is_cut(row, wishes)]
    since = _done_since(run, [row.device_id for row in rows], same) if rows else set()
    return [row.device_id for row in rows if row.device_id not in since]


def _done_since(run: Run, device_ids: list[int], same: Mapping[str, Any]) -> set[int]:
    """Devices on which something later was done to the very same place, and measured: that stays as it is."""
    later = HostResult.objects.filter(device__in=device_ids, verdict=Verdict.CONFIRMED, run__kind__in=BY_PEOPLE)
    later = later.filter(run__started_at__gt=run.finished_at).exclude(run=run).select_related("run__change")
    known = later.defer("run__change__secret_arguments")
    return {one.device_id for one in known if all(one.run.change.arguments.get(name) == same[name] for name in same)}


def _wishes(run: Run) -> list[Wanted]:
    mend = Run(change=run.change, kind=Run.Kind.MEND, makes_good=run)
    expect = playbook_of(mend).verification.expect
    return [wish for wish in wanted(expect, arguments_of(mend)) if wish.holds != "restarted"]


def _is_cut(row: HostResult, wishes: list[Wanted]) -> bool:
    """Nobody's own wish is overruled: what was not so before stays. What has merely failed must be seen to be different."""
    found: dict[Any, Any] = {(one["device_id"], one["reading"], one["holds"]): one for one in row.evidence}
    seen = [(wish, found.get((row.device_id, wish.reading, wish.holds), {})) for wish in wishes]
    if any(is_otherwise(wish.holds, wish.value, one.get("before")) for wish, one in seen):
        return False
    if row.state == State.UNKNOWN:
        return True
    return any(is_otherwise(wish.holds, wish.value, one.get("after")) for wish, one in seen if one.get("before") is not None)


def for_people(user: User, now: datetime) -> list[HostResult]:
    """What could not be made good lately, for those who may see to it, until that is seen to be as before. Two queries."""
    mine = HostResult.objects.allowing(user, Action.CONTROL_RUNS).select_related("run__change", "device")
    lately = mine.filter(run__aftermath=Aftermath.FOR_PEOPLE, run__finished_at__gt=now - TOLD_FOR, state__in=PERHAPS)
    rows = list(lately.defer("run__change__secret_arguments").order_by("-run_id")[:NAMED])
    if not rows:
        return []
    later = HostResult.objects.filter(device__in=[row.device_id for row in rows], verdict=Verdict.CONFIRMED)
    later = later.filter(run__started_at__gt=min(row.run.finished_at or now for row in rows), run__kind=Run.Kind.APPLY)
    known = list(later.select_related("run__change").defer("run__change__secret_arguments").order_by("-run_id")[:LOOKED_AT])
    return [row for row in rows if not any(_speaks_for(one, row) for one in known)]


def _speaks_for(later: HostResult, row: HostResult) -> bool:
    """Whether it has shown that what `row` left behind is as it should be."""
    if later.device_id != row.device_id or later.run_id < row.run_id:
        return False
    try:
        mend = get(_after_cut(row.run.change.playbook))
    except CatalogueError:
        return False
    same = all(later.run.change.arguments.get(one.name) == row.run.change.arguments.get(one.name) for one in mend.arguments)
    return same and later.run.change.playbook in {mend.slug, row.run.change.playbook}
