"""Which role may do what, and where. One table; everything else asks it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from unicodedata import category


def one_line(text: str) -> str:
    """What a person wrote, as a line that reads as it is: without breaks, nothing unseen or turning letters (UAX #9)."""
    seen = "".join(" " if category(sign) in _BREAKS else sign for sign in text if category(sign) != "Cf")
    return " ".join(seen.split())


_BREAKS = {"Cc", "Zl", "Zp"}


class Role(StrEnum):
    COORDINATOR = "coordinator"
    TECHNICIAN = "technician"
    ADMINISTRATOR = "administrator"
    APPROVER = "approver"
    AUDITOR = "auditor"
    SECURITY = "security"


class Action(StrEnum):
    VIEW_SITE = "view-site"
    VIEW_DEVICE_DETAILS = "view-device-details"
    VIEW_INTERNAL_NOTES = "view-internal-notes"
    REPORT_PROBLEM = "report-problem"
    ORDER_SERVICE = "order-service"
    WORK_TICKETS = "work-tickets"
    ACKNOWLEDGE_ALERTS = "acknowledge-alerts"
    POLL_NOW = "poll-now"
    SET_LIMITS = "set-limits"
    REQUEST_CHANGE = "request-change"
    APPROVE_CHANGE = "approve-change"
    CONTROL_RUNS = "control-runs"
    VIEW_AUDIT = "view-audit"
    PLAN_MAINTENANCE = "plan-maintenance"
    MANAGE_CALENDAR = "manage-calendar"
    MANAGE_POLICY = "manage-policy"
    OVERRIDE_POLICY = "override-policy"
    PRINT_LABELS = "print-labels"
    MANAGE = "manage"


_VIEW = {Action.VIEW_SITE}
_TECHNICAL = _VIEW | {Action.VIEW_DEVICE_DETAILS, Action.VIEW_INTERNAL_NOTES}
_WORK = _TECHNICAL | {
    Action.REPORT_PROBLEM,
    Action.ORDER_SERVICE,
    Action.WORK_TICKETS,
    Action.ACKNOWLEDGE_ALERTS,
    Action.POLL_NOW,
    Action.SET_LIMITS,
    Action.REQUEST_CHANGE,
    Action.CONTROL_RUNS,
    Action.PLAN_MAINTENANCE,
    Action.PRINT_LABELS,
}

ACTIONS: dict[Role, frozenset[Action]] = {
    Role.COORDINATOR: frozenset(_VIEW | {Action.REPORT_PROBLEM, Action.ORDER_SERVICE}),
    Role.TECHNICIAN: frozenset(_WORK),
    Role.ADMINISTRATOR: frozenset(
        _WORK
        | {
            Action.APPROVE_CHANGE,
            Action.VIEW_AUDIT,
            Action.MANAGE_CALENDAR,
            Action.MANAGE_POLICY,
            Action.OVERRIDE_POLICY,
            Action.MANAGE,
        }
    ),
    Role.APPROVER: frozenset(_TECHNICAL | {Action.APPROVE_CHANGE, Action.OVERRIDE_POLICY}),
    Role.AUDITOR: frozenset(_TECHNICAL | {Action.VIEW_AUDIT}),
    Role.SECURITY: frozenset(_TECHNICAL | {Action.VIEW_AUDIT, Action.WORK_TICKETS}),
}


class Refusal(StrEnum):
    """Why somebody may not do this to a person."""

    YOURSELF = "yourself"
    """Nobody changes their own roles, or sends themselves away."""
    ELSEWHERE = "elsewhere"
    """The person holds, or has held, roles where whoever asks manages nothing."""
    BEYOND = "beyond"
    """More than whoever asks may do themselves, or somewhere else."""
    LAST_ADMINISTRATOR = "last-administrator"
    LEFT = "left"
    CLOSED = "closed"
    """The school has closed."""
    CHANGED = "changed"
    """Somebody else was faster."""


@dataclass(frozen=True)
class Holding:
    """One role held at one scope: a whole authority, or one of its sites."""

    role: Role
    scope_id: int


@dataclass(frozen=True)
class Access:
    """All that a person holds. A scope is an authority or a site; holding it for an authority covers its sites."""

    holdings: frozenset[Holding]

    @classmethod
    def of(cls, holdings: Iterable[tuple[str, int]]) -> "Access":
        return cls(frozenset(Holding(Role(role), scope_id) for role, scope_id in holdings))

    def scopes(self, action: Action = Action.VIEW_SITE) -> frozenset[int]:
        """Where this person may do `action`: ids of authorities and sites alike (they share one number range)."""
        return frozenset(held.scope_id for held in self.holdings if action in ACTIONS[held.role])

    def may(self, action: Action, *scope_ids: int | None) -> bool:
        """Whether `action` is allowed on something that lies in these scopes (its authority, its site)."""
        return not self.scopes(action).isdisjoint(scope_ids)

    def scopes_as(self, roles: Iterable[Role]) -> frozenset[int]:
        """Where this person is one of `roles`."""
        wanted = frozenset(roles)
        return frozenset(held.scope_id for held in self.holdings if held.role in wanted)

    def roles(self) -> frozenset[Role]:
        return frozenset(held.role for held in self.holdings)

    def anywhere(self, action: Action) -> bool:
        return bool(self.scopes(action))

    def may_give(self, role: Role, *scope_ids: int | None) -> bool:
        """Whether this person gives and takes `role` there: who manages, and may do all of it themselves."""
        return all(self.may(action, *scope_ids) for action in {Action.MANAGE, *ACTIONS[role]})

    def manages_all(self, places: Iterable[tuple[int | None, ...]]) -> bool:
        """Whether each of these places, given with what it lies in, is this person's to manage."""
        return all(self.may(Action.MANAGE, *place) for place in places)
