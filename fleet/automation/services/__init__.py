"""Everything that writes changes and runs. Network and Ansible stay outside of transactions."""

from fleet.automation.services.decisions import decide, why_not
from fleet.automation.services.ordering import Order, OrderError, request_change
from fleet.automation.services.rollouts import (
    agree_by_link,
    agree_to,
    cancel,
    check_and_retry,
    pause,
    relaunch,
    resume,
    retry_failed,
    roll_back,
)
from fleet.automation.services.rollouts.planning import strategy_of
from fleet.automation.services.running import execute
from fleet.automation.services.tending import tend
from fleet.automation.services.verifying import verify

__all__ = [
    "Order",
    "OrderError",
    "agree_by_link",
    "agree_to",
    "cancel",
    "check_and_retry",
    "decide",
    "execute",
    "pause",
    "relaunch",
    "request_change",
    "resume",
    "retry_failed",
    "roll_back",
    "strategy_of",
    "tend",
    "verify",
    "why_not",
]
