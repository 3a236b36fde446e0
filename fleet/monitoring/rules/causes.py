"""Whose fault it is: a silent device behind silent ones has its cause there.

The picture is judged as a whole and afresh each time, so the order in which silence was noticed does not matter: a
parent found down later takes its children's alerts, a parent that came back gives them up again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from fleet.monitoring.rules.polling import PATIENCE, Availability, Status

ASKED_WITHIN = timedelta(seconds=180)
"""So long a silent device waits for its uplink to be asked at all; that is done at once, unless something is in the way."""
RELEASE_AFTER = timedelta(seconds=120)
"""So long the devices behind one that came back may take to start, before their silence is their own."""
RUNNING_AFTER = timedelta(seconds=30)
"""So long they take to be reached again where what they hang on has run all along, and so fed them: nothing has to start."""
EARLIER = timedelta(minutes=5)
"""So long a device may seem silent before what it hangs on: rounds of polls, lost answers and a link that dies slowly make
that much. What was silent still longer while its uplink answered did not fall with it."""


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
    """A polled device; `suppressed` if its open alert has its cause elsewhere, `alerting` if it has an open one at all.

    `held`: it answers, and its alert is open only because it comes and goes, without having restarted.
    """

    availability: Availability
    answered_at: datetime | None = None
    alerting: bool = False
    suppressed: bool = False
    polled_at: datetime | None = None
    held: bool = False


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
            own = node is not None and self._fell_before(node, above)
            return Verdict(Kind.ROOT) if own else self._behind(above[0])
        if node is None:
            return FINE
        return self._alone(device, node, above)

    def _behind(self, parent: int) -> Verdict:
        cause = self.verdict(parent)
        if cause.kind is Kind.ROOT:
            return Verdict(Kind.SUPPRESSED, parent)
        return cause

    def _fell_before(self, node: Node, above: Sequence[int]) -> bool:
        """Whether one of its ways up still answered when it had long been silent: then it has a fault of its own.

        What counts is when silence began, not when it was noticed. What is suppressed has been judged with an earlier
        silence of its uplink, and stays so until that has answered for a while.
        """
        if node.suppressed:
            return False
        since = node.availability.failing_since or node.availability.since
        heard = [at for parent in above if (at := self._last_heard(parent)) is not None]
        return bool(heard) and max(heard) - since > EARLIER

    def _last_heard(self, device: int, seen: frozenset[int] = frozenset()) -> datetime | None:
        """The last answer; of a device that is not polled, the last one from above it."""
        node = self._nodes.get(device)
        if node is not None:
            return node.answered_at
        above = self._parents.get(device, frozenset()) - seen
        heard = (self._last_heard(parent, seen | {device}) for parent in above)
        return max((at for at in heard if at is not None), default=None)

    def _alone(self, device: int, node: Node, above: list[int]) -> Verdict:
        """Silent although not everything above it is."""
        if node.suppressed:
            return Verdict(Kind.ROOT) if any(self._settled(parent, node) for parent in above) or not above else WAIT
        if node.alerting or not above:
            return Verdict(Kind.ROOT)
        if node.availability.failures >= PATIENCE and not any(self._in_doubt(parent, device) for parent in above):
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

    def _in_doubt(self, parent: int, child: int) -> bool:
        """Whether the parent will soon be known better: not asked since the child fell silent, or failing, not confirmed."""
        node, since = self._nodes.get(parent), self._nodes[child].availability.failing_since
        if node is None or since is None:
            return False
        if node.polled_at is not None and node.polled_at < since:
            return self._now - since <= ASKED_WITHIN
        failing = node.availability.failing_since
        return self._fails(node) and failing is not None and self._now - failing <= ASKED_WITHIN

    @staticmethod
    def _fails(node: Node) -> bool:
        return node.availability.failures > 0 and node.availability.status is not Status.DOWN

    def _settled(self, parent: int, child: Node) -> bool:
        """Whether what hangs on the parent has had the time to be there again.

        One that comes and goes may be away again before long: behind it, a later unanswered poll has to be enough.
        """
        node = self._nodes.get(parent)
        if node is None:
            return not self.silent(parent)
        well = node.availability.status is Status.UP and not node.availability.failures
        asked_again = child.polled_at is not None and child.polled_at - node.availability.since >= RUNNING_AFTER
        return well and (self._now - node.availability.since >= RELEASE_AFTER or (node.held and asked_again))


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


def cabled(way: Sequence[int], parents: Mapping[int, Iterable[int]]) -> bool:
    """Whether each on the way hangs on the next."""
    return all(above in parents.get(below, ()) for below, above in pairwise(way))


def path(device: int, root: int, parents: Mapping[int, Iterable[int]]) -> list[int]:
    """The shortest way up from `device` to `root`, both included; just the two where no cable leads there."""
    ways, seen = [[device]], {device}
    for way in ways:
        for above in sorted(parents.get(way[-1], ())):
            if above == root:
                return [*way, root]
            if above not in seen:
                seen.add(above)
                ways.append([*way, above])
    return [device, root]
