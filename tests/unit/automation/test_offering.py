"""What there is to do about a device and its changes, and why somebody may not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.automation import words
from fleet.automation.rules.offering import Footing, Standing, offers, order_refusal

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        ({}, None),
        ({"allowed": False, "in_service": False}, "no-role"),
        ({"in_service": False, "fitting": False}, "not-in-service"),
        ({"fitting": False, "way_in": False}, "no-playbook"),
        ({"way_in": False}, "no-way-in"),
    ],
)
def test_why_a_device_cannot_be_changed(known: dict[str, bool], reason: str | None) -> None:
    assert order_refusal(Footing(**{"allowed": True, "in_service": True, "fitting": True, "way_in": True} | known)) == reason
    assert reason is None or words.refusal(reason)


@pytest.mark.parametrize(
    ("known", "offered"),
    [
        ({"state": "awaiting-approval"}, [("decide", None), ("cancel", None)]),
        (
            {"state": "awaiting-approval", "ballot": "own-change", "controls": False},
            [("decide", "own-change"), ("cancel", "no-role")],
        ),
        ({"state": "running", "controls": False}, [("cancel", "no-role")]),
        ({"state": "lost"}, [("check-and-retry", None)]),
        ({"state": "lost", "controls": False}, [("check-and-retry", "no-role")]),
        ({"state": "failed", "ends_at": NOW}, [("check-and-retry", "too-late")]),
        ({"state": "failed", "ends_at": NOW + HOUR}, [("check-and-retry", None)]),
        ({"state": "confirmed", "box": "failed", "ends_at": NOW}, [("check-and-retry", None)]),
        ({"state": "confirmed"}, []),
        ({"state": "verifying"}, []),
    ],
)
def test_what_can_be_done_with_a_change(known: dict[str, Any], offered: list[tuple[str, str | None]]) -> None:
    standing = Standing(**{"box": "none", "ends_at": None, "controls": True, "ballot": None} | known)

    found = offers(standing, NOW)

    assert found == offered
    assert all(words.action(action) and (reason is None or words.refusal(reason)) for action, reason in found)
