"""Why a person may not be erased now. The words are keys; pages say the sentences."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    is_self: bool = False
    """Whoever asks or agrees is the person."""
    elsewhere: bool = False
    """The person holds roles, or has tickets, where whoever asks manages nothing."""
    last_administrator: bool = False
    running_changes: int = 0
    """That they ordered and that are not over."""
    open_approvals: int = 0
    """Changes that are not over and that they agreed to, or exceptions they asked for."""
    schedules: int = 0
    """Standing orders that are switched on."""
    underway: bool = False
    erased: bool = False


def refusals(facts: Facts) -> list[str]:
    reasons = (
        (facts.erased, "erased"),
        (facts.underway, "underway"),
        (facts.is_self, "self"),
        (facts.elsewhere, "elsewhere"),
        (facts.last_administrator, "last-administrator"),
        (facts.running_changes > 0, "running-changes"),
        (facts.open_approvals > 0, "open-approvals"),
        (facts.schedules > 0, "schedules"),
    )
    return [key for holds, key in reasons if holds]


def may_agree(*, asked_by_id: int, agreeing_id: int, person_id: int) -> bool:
    """Four eyes: another administrator than the one who asked, and never the person."""
    return agreeing_id not in {asked_by_id, person_id}
