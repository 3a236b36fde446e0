"""How a change goes out in rings and steps, is paused, halted and taken back."""

from fleet.automation.services.rollouts.controlling import (
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

__all__ = [
    "agree_by_link",
    "agree_to",
    "cancel",
    "check_and_retry",
    "pause",
    "relaunch",
    "resume",
    "retry_failed",
    "roll_back",
]
