"""Everything that writes what devices say: polls, samples, alerts, traps."""

from fleet.monitoring.services import discovery
from fleet.monitoring.services.actions import acknowledge, comment, snooze, snooze_end, wake
from fleet.monitoring.services.alerts import judge_sites
from fleet.monitoring.services.asking import poll_soon
from fleet.monitoring.services.judging import judge_due
from fleet.monitoring.services.neighbours import behind, parents
from fleet.monitoring.services.planning import reading_now
from fleet.monitoring.services.polling import measure, poll_due, poll_now, watch
from fleet.monitoring.services.rollups import roll_up
from fleet.monitoring.services.ticks import run_tick, send_ticks
from fleet.monitoring.services.upkeep import look_around, tend

__all__ = [
    "acknowledge",
    "behind",
    "comment",
    "discovery",
    "judge_due",
    "judge_sites",
    "look_around",
    "measure",
    "parents",
    "poll_due",
    "poll_now",
    "poll_soon",
    "reading_now",
    "roll_up",
    "run_tick",
    "send_ticks",
    "snooze",
    "snooze_end",
    "tend",
    "wake",
    "watch",
]
