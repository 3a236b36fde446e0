"""What somebody wants done with a change beyond what was agreed to, and what stands against rolling back."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet.automation import words
from fleet.automation.models import Change, HostResult, Proposal, Run
from fleet.automation.services import proposing
from fleet.automation.services.rollouts.taking_back import UNTOUCHED, touched
from fleet.people.models import User

AT_MOST = 50


def of_change(change: Change, user: User) -> list[dict[str, Any]]:
    """Open proposals, who agreed, how many are missing, and whether this person may agree. At most three queries."""
    found = []
    for row in proposing.open_of(change, timezone.now()).prefetch_related("voices__person"):
        row.change = change
        left, (place, _why) = proposing.left(row), proposing.seat_at(row, user)
        found.append({"row": row, "sentence": sentence(row), "left": left, "may_agree": left > 0 and place is not None})
    return found


def awaiting(user: User) -> list[dict[str, Any]]:
    """Open proposals that wait for this person, of the first AT_MOST that they see: {row, sentence}."""
    rows = Proposal.objects.filter(over_at__isnull=True, asked_at__gt=timezone.now() - proposing.GOOD_FOR)
    seen = rows.filter(change__in=Change.objects.visible_to(user)).select_related("change", "asked_by")
    found = seen.defer("change__secret_arguments").prefetch_related("voices")[:AT_MOST]
    mine = [row for row in found if proposing.left(row) and proposing.seat_at(row, user)[0]]
    return [{"row": row, "sentence": sentence(row)} for row in mine]


def sentence(row: Proposal) -> str:
    names = {"person": row.asked_by, "time": words.moment(row.ends_at) if row.ends_at else ""}
    if row.act == Proposal.Act.ROLL_BACK:
        return _("%(person)s wants it rolled back.") % names
    if row.ends_at is None:
        return _("%(person)s wants it taken back now.") % names
    return _("%(person)s wants it taken back at %(time)s.") % names


def later_changes(change: Change) -> QuerySet[Change]:
    """Others that were carried out on the touched devices after this one, newest first."""
    applied = HostResult.objects.filter(run__kind=Run.Kind.APPLY, run__started_at__isnull=False)
    applied = applied.exclude(state__in=UNTOUCHED)
    own = applied.filter(run__change=change, device=OuterRef("device")).order_by("-run__started_at")
    mine = touched(change).values("device")
    later = applied.filter(device__in=mine, run__started_at__gt=Subquery(own.values("run__started_at")[:1]))
    rows = Change.objects.filter(pk__in=later.exclude(run__change=change).values("run__change"))
    return rows.defer("secret_arguments").order_by("-pk")
