"""Which role may do what, and where: the table, and what follows from it."""

import pytest

from fleet.people.rules import ACTIONS, Access, Action, Role

A, B, CITY = 11, 12, 1


@pytest.mark.parametrize(
    ("role", "action", "allowed"),
    [
        (Role.COORDINATOR, Action.REPORT_PROBLEM, True),
        (Role.COORDINATOR, Action.ORDER_SERVICE, True),
        (Role.COORDINATOR, Action.WORK_TICKETS, False),
        (Role.COORDINATOR, Action.VIEW_DEVICE_DETAILS, False),
        (Role.TECHNICIAN, Action.WORK_TICKETS, True),
        (Role.TECHNICIAN, Action.REQUEST_CHANGE, True),
        (Role.TECHNICIAN, Action.APPROVE_CHANGE, False),
        (Role.TECHNICIAN, Action.MANAGE, False),
        (Role.TECHNICIAN, Action.PLAN_MAINTENANCE, True),
        (Role.TECHNICIAN, Action.MANAGE_CALENDAR, False),
        (Role.COORDINATOR, Action.PLAN_MAINTENANCE, False),
        (Role.ADMINISTRATOR, Action.MANAGE_CALENDAR, True),
        (Role.ADMINISTRATOR, Action.APPROVE_CHANGE, True),
        (Role.ADMINISTRATOR, Action.MANAGE, True),
        (Role.APPROVER, Action.APPROVE_CHANGE, True),
        (Role.APPROVER, Action.REQUEST_CHANGE, False),
        (Role.AUDITOR, Action.VIEW_AUDIT, True),
        (Role.AUDITOR, Action.WORK_TICKETS, False),
        (Role.SECURITY, Action.VIEW_AUDIT, True),
        (Role.SECURITY, Action.CONTROL_RUNS, False),
    ],
)
def test_a_role_allows_what_its_name_says(role: Role, action: Action, allowed: bool) -> None:
    assert Access.of([(role, A)]).may(action, A) is allowed


def test_every_role_has_its_line_and_sees_its_place() -> None:
    assert set(ACTIONS) == set(Role)
    assert all(Action.VIEW_SITE in actions for actions in ACTIONS.values())


def test_an_auditor_changes_nothing() -> None:
    assert {action for action in ACTIONS[Role.AUDITOR] if not action.startswith("view-")} == set()


def test_a_role_holds_where_it_is_held_and_nowhere_else() -> None:
    access = Access.of([(Role.TECHNICIAN, A), (Role.COORDINATOR, B)])

    assert access.may(Action.WORK_TICKETS, CITY, A)
    assert not access.may(Action.WORK_TICKETS, CITY, B)
    assert access.scopes(Action.VIEW_SITE) == {A, B}


def test_a_role_for_the_city_covers_its_sites() -> None:
    assert Access.of([(Role.ADMINISTRATOR, CITY)]).may(Action.MANAGE, CITY, A)


def test_nobody_s_access_is_nothing() -> None:
    nobody = Access.of([])

    assert not nobody.may(Action.VIEW_SITE, CITY, A)
    assert not nobody.anywhere(Action.VIEW_SITE)
    assert nobody.roles() == frozenset()
