"""What is said of people to those who look after them."""

from collections.abc import Mapping
from typing import Any

from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fleet.people.models import User
from fleet.people.roles import LABELS
from fleet.people.rules import Refusal, Role

PILLS = {User.State.ACTIVE: "ok", User.State.INVITED: "watch", User.State.LEFT: "unknown"}
REFUSALS: dict[Refusal, Promise] = {
    Refusal.YOURSELF: gettext_lazy("Nobody changes their own roles. Another administrator does that."),
    Refusal.ELSEWHERE: gettext_lazy("This person has roles at places that you do not look after, too."),
    Refusal.BEYOND: gettext_lazy("Nobody gives or takes a role beyond their own, or at a place that is not theirs."),
    Refusal.LAST_ADMINISTRATOR: gettext_lazy(
        "This is the last administrator there. Make somebody else one first: otherwise nobody could do it any more."
    ),
    Refusal.LEFT: gettext_lazy("This person has left. Take them back first, then give them roles."),
    Refusal.CLOSED: gettext_lazy("This school is closed. Open it again first."),
    Refusal.CHANGED: gettext_lazy("Somebody else has changed this meanwhile. Look at it again, then decide."),
}
SENTENCES: dict[str, Promise] = {
    "person.added": gettext_lazy("Added"),
    "person.changed": gettext_lazy("Changed: %(fields)s"),
    "person.address-confirmed": gettext_lazy("Confirmed the mail address"),
    "person.invited": gettext_lazy("Was sent the link to set a password"),
    "person.role-given": gettext_lazy("Was given a role: %(role)s, %(place)s"),
    "person.role-taken": gettext_lazy("A role was taken: %(role)s, %(place)s"),
    "person.left": gettext_lazy("Left: logins ended, tokens revoked, roles taken"),
    "person.returned": gettext_lazy("Came back"),
}
FIELDS: dict[str, Promise] = {
    "name": gettext_lazy("Name"),
    "email": gettext_lazy("Mail address"),
    "language": gettext_lazy("Language"),
}


def sentence(name: str, payload: Mapping[str, Any], place: str) -> str:
    """What an event of a person says; its name where nobody here knows it."""
    if name not in SENTENCES:
        return name
    role = payload.get("role")
    values = {
        "fields": ", ".join(str(FIELDS.get(one, one)) for one in payload.get("fields", ())),
        "role": str(LABELS[Role(role)]) if role in set(Role) else "",
        "place": place,
    }
    until = parse_datetime(payload.get("until") or "")
    return str(SENTENCES[name]) % values + (f" ({_('until %s') % _day(until)})" if until else "")


def _day(instant: Any) -> str:
    return formats.date_format(timezone.localtime(instant), "SHORT_DATE_FORMAT")
