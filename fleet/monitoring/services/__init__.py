"""Everything that writes what devices say: polls, samples, alerts, traps."""

from fleet.monitoring.services.alerts import acknowledge, judge_sites
from fleet.monitoring.services.neighbours import behind
from fleet.monitoring.services.polling import measure, poll_due, poll_now, poll_soon, watch
from fleet.monitoring.services.upkeep import tend

__all__ = ["acknowledge", "behind", "judge_sites", "measure", "poll_due", "poll_now", "poll_soon", "tend", "watch"]
