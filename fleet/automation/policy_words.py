"""What Fleetdesk says about policy, approvals and leave, in sentences for people."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from fleet.automation import words
from fleet.automation.rules.policy import Reason
from fleet.automation.services.decisions import DecisionError
from fleet.automation.services.proposing import NotNowError

SHOWN = 6
"""So many sentences, then how many more there are."""

_REASONS: dict[str, str | Promise] = {
    "role": gettext_lazy("The person who asked for it holds no role for which this playbook is meant."),
    "lesson": gettext_lazy("At %(site)s it would fall into lesson %(name)s (until %(until)s)."),
    "nap": gettext_lazy("At %(site)s it would fall into the hours in which children sleep (until %(until)s)."),
    "school-day": gettext_lazy("At %(site)s it would fall into the school day (until %(until)s)."),
    "window": gettext_lazy("At %(site)s changes like this are made only in change windows and maintenance; none is open."),
    "exam": gettext_lazy("At %(site)s there are exams: %(name)s. Nothing is changed there until %(until)s."),
    "frozen": gettext_lazy("At %(site)s nothing is changed until %(until)s: %(name)s."),
    "no-calendar": gettext_lazy("Nobody has told when lessons are at %(site)s, so a whole school day is kept free there."),
    "overridden": gettext_lazy("Two people have agreed that it may happen against the clock."),
}

_LEAVE: dict[str, str | Promise] = {
    "not-yours": gettext_lazy("You can only enter your own leave."),
    "same-person": gettext_lazy("The deputy must be somebody else."),
    "ends-before": gettext_lazy("It ends before it begins."),
    "over": gettext_lazy("This time is over already."),
    "no-view": gettext_lazy("The deputy does not see every place at which you decide. Please choose somebody who does."),
    "nothing-to-delegate": gettext_lazy("This person decides on nothing, so nothing can be delegated."),
    "overlaps": gettext_lazy("There is a deputy for some of this time already. End that first."),
}

_LINKS: dict[str, str | Promise] = {
    "unknown": gettext_lazy("This link is not one of ours, or was cut off on its way. Please open the change itself."),
    "not-yours": gettext_lazy("This link was sent to somebody else and decides nothing for you."),
    "used": gettext_lazy("This link has been used. Here is the change."),
    "expired": gettext_lazy("This link is too old. Here is the change."),
    "over": gettext_lazy("There is nothing to decide by this link any more. Here is the change."),
}


def reasons(found: Iterable[Reason], visible_sites: Collection[int] | None = None) -> dict[str, Any]:
    """{"blocking": sentences, "said": sentences, "more": how many more block}. Schools that the reader does not see have no
    name here."""
    blocking = [reason(one, visible_sites) for one in found if one.blocks]
    said = [reason(one, visible_sites) for one in found if not one.blocks]
    blocking, said = list(dict.fromkeys(blocking)), list(dict.fromkeys(said))
    return {
        "blocking": blocking[:SHOWN],
        "said": said[:SHOWN],
        "more": more(len(blocking) - SHOWN),
        "more_said": more(len(said) - SHOWN),
    }


def refusal(error: DecisionError) -> str:
    """Why something was refused; where the school day stands in the way, what of it, and when next."""
    if not isinstance(error, NotNowError):
        return words.refusal(error.key)
    found = reasons(error.answer.reasons)
    next_at = error.answer.next_at
    last = _("It may be done from %(time)s on.") % {"time": when(next_at)} if next_at else ""
    return " ".join(filter(None, (words.refusal(error.key), *found["blocking"], last)))


def more(count: int) -> str:
    return ngettext("and %d more", "and %d more", count) % count if count > 0 else ""


def reason(one: Reason, visible_sites: Collection[int] | None = None) -> str:
    details = dict(one.details)
    if visible_sites is not None and details.get("site_id") not in visible_sites:
        details |= {"site": _("another school"), "name": "–"}
    until = parse_datetime(details["until"]) if details.get("until") else None
    values = {"site": details.get("site", ""), "name": details.get("name") or "–", "until": when(until) if until else "–"}
    sentence = str(_REASONS[one.key]) % values
    planned = parse_datetime(details["planned"]) if details.get("planned") else None
    return _("What it plans for %(time)s: %(why)s") % {"time": when(planned), "why": sentence} if planned else sentence


def when(instant: datetime) -> str:
    return str(formats.date_format(timezone.localtime(instant), "SHORT_DATETIME_FORMAT"))


def leave_problem(key: str) -> str:
    return str(_LEAVE[key])


def link_problem(key: str) -> str:
    return str(_LINKS[key])


def expired(told: Mapping[str, Any]) -> str:
    """Why a change was cancelled by itself, from what was told of it; empty where somebody cancelled it."""
    if told.get("never_allowed"):
        return _(
            "The hour in which it may happen never came, so it was cancelled by itself. Nothing was changed. Please order "
            "it anew if it is still wanted."
        )
    if told.get("expired"):
        return _(
            "Nobody had decided in time, so it was cancelled by itself. Nothing was changed. Please order it anew if it is "
            "still wanted."
        )
    return ""
