"""Everything that writes changes and runs. Network and Ansible stay outside of transactions."""

from fleet.automation.services.decisions import cancel, check_and_retry, decide, why_not
from fleet.automation.services.ordering import Order, OrderError, request_change
from fleet.automation.services.running import execute
from fleet.automation.services.tending import tend
from fleet.automation.services.verifying import verify

__all__ = [
    "Order",
    "OrderError",
    "cancel",
    "check_and_retry",
    "decide",
    "execute",
    "request_change",
    "tend",
    "verify",
    "why_not",
]
