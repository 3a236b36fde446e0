"""What becomes of a ticket when its change goes on, as a table."""

import pytest

from helpdesk.catalogue.rules import MEANINGS, steps
from helpdesk.tickets.models import Ticket
from helpdesk.tickets.rules import FINISHED, may_become

STATES = list(Ticket.State)


@pytest.mark.parametrize(
    ("event", "now", "path"),
    [
        ("change.previewed", "waiting-change", ()),
        ("change.previewed", "new", ("waiting-change",)),
        ("change.started", "open", ("waiting-change",)),
        ("change.confirmed", "waiting-change", ("resolved",)),
        ("change.confirmed", "open", ("resolved",)),
        ("change.confirmed", "closed", ()),
        ("change.refuted", "waiting-change", ("open",)),
        ("change.refuted", "resolved", ("open",)),
        ("change.unknown", "waiting-change", ("open",)),
        ("change.lost", "waiting-change", ("open",)),
        ("change.paused-as-another", "waiting-change", ("open",)),
        ("change.failed", "waiting-vendor", ("open",)),
        ("change.rejected", "waiting-change", ("resolved",)),
        ("change.reverted", "resolved", ()),
        ("change.reverted", "waiting-change", ("resolved",)),  # taken back at the second try
        ("change.reverted", "open", ()),  # somebody is at it for another reason
        ("change.waiting", "resolved", ()),  # its taking back waits: what was resolved stays so
        ("change.revert-failed", "resolved", ("open",)),
        ("change.retried", "open", ("waiting-change",)),
    ],
)
def test_the_way_of_a_ticket(event: str, now: str, path: tuple[str, ...]) -> None:
    assert steps(now, MEANINGS[event]) == path


def test_every_step_is_one_that_the_workflow_knows() -> None:
    for meaning in MEANINGS.values():
        for now in STATES:
            for state in steps(now, meaning):
                assert may_become(now, state)
                now = state  # noqa: PLW2901  (walking the path)


@pytest.mark.parametrize("event", ["change.unknown", "change.lost", "change.failed", "change.refuted"])
def test_nothing_is_finished_on_what_was_not_measured(event: str) -> None:
    meaning = MEANINGS[event]

    assert meaning.state not in FINISHED
    assert meaning.priority == Ticket.Priority.HIGH
