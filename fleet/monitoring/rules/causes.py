"""Whose fault it is: a silent device behind silent ones has its cause there.

The picture is judged as a whole and afresh each time, so the order in which silence was noticed does not matter: a
parent found down later takes its children's alerts, a parent that came back gives them up again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from fleet.monitoring.rules.polling import PATIENCE, Availability, Status

RELEASE_AFTER = timedelta(seconds=120)
"""So long the devices behind one that came back may take to start, before their silence is their own."""


class Kind(StrEnum):
    FINE = "fine"
    WAIT = "wait"
    """Silent, but what stands above has not been heard since: no judgement yet."""
    ROOT = "root"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True)
class Verdict:
    kind: Kind
    root: int | None = None
    """The device whose alert tells of this one too."""


@dataclass(frozen=True)
class Node:
    """A polled device; `suppressed` if its open alert has its cause elsewhere, `alerting` if it has an open one at all."""

    availability: Availability
    answered_at: datetime | None = None
    alerting: bool = False
    suppressed: bool = False


FINE, WAIT = Verdict(Kind.FINE), Verdict(Kind.WAIT)


class Picture:
    """Devices of a site and their cables; `parents` also names devices that are not polled, which pass on what is above."""

    def __init__(self, nodes: Mapping[int, Node], parents: Mapping[int, frozenset[int]], now: datetime) -> None:
        self._nodes = nodes
        self._parents = parents
        self._now = now
        self._known: dict[int, Verdict] = {}

    def verdicts(self) -> dict[int, Verdict]:
        return {device: self.verdict(device) for device in self._nodes}

    def verdict(self, device: int) -> Verdict:
        if device not in self._known:
            self._known[device] = WAIT  # a cable in a circle must not run us in one
            self._known[device] = self._judge(device)
        return self._known[device]

    def _judge(self, device: int) -> Verdict:
        node = self._nodes.get(device)
        if node is not None and node.availability.status is not Status.DOWN:
            return FINE
        above = sorted(self._parents.get(device, ()), key=self._silent_since)
        if above and all(self.silent(parent) for parent in above):
            return self._behind(above[0])
        if node is None:
            return FINE
        return self._alone(device, node, above)

    def _behind(self, parent: int) -> Verdict:
        cause = self.verdict(parent)
        if cause.kind is Kind.ROOT:
            return Verdict(Kind.SUPPRESSED, parent)
        return cause

    def _alone(self, device: int, node: Node, above: list[int]) -> Verdict:
        """Silent although not everything above it is."""
        if node.suppressed:
            return Verdict(Kind.ROOT) if any(self._settled(parent) for parent in above) or not above else WAIT
        if node.alerting or not above or node.availability.failures >= PATIENCE:
            return Verdict(Kind.ROOT)
        return Verdict(Kind.ROOT) if any(self._heard_since(parent, device) for parent in above) else WAIT

    def silent(self, device: int, seen: frozenset[int] = frozenset()) -> bool:
        """Confirmed down; of a device that is not polled, that everything above it is."""
        node = self._nodes.get(device)
        if node is not None:
            return node.availability.status is Status.DOWN
        above = self._parents.get(device, frozenset()) - seen
        return bool(above) and all(self.silent(parent, seen | {device}) for parent in above)

    def _silent_since(self, device: int) -> tuple[datetime, int]:
        node = self._nodes.get(device)
        return (node.availability.since if node else self._now), device

    def _heard_since(self, parent: int, child: int) -> bool:
        """Whether the parent has answered after the child fell silent; one that is not polled is taken to be well."""
        node = self._nodes.get(parent)
        if node is None:
            return not self.silent(parent)
        since = self._nodes[child].availability.failing_since
        heard = node.answered_at is not None and since is not None and node.answered_at >= since
        return heard and not node.availability.failures

    def _settled(self, parent: int) -> bool:
        node = self._nodes.get(parent)
        if node is None:
            return not self.silent(parent)
        well = node.availability.status is Status.UP and not node.availability.failures
        return well and self._now - node.availability.since >= RELEASE_AFTER


def behind(device: int, parents: Mapping[int, Iterable[int]]) -> list[int]:
    """Everything that is cut off when `device` fails, nearest first: what has another way up is not."""
    lost = {device}
    order: list[int] = []
    while True:
        further = sorted(child for child, above in parents.items() if child not in lost and above and lost.issuperset(above))
        if not further:
            return order
        lost.update(further)
        order += further
