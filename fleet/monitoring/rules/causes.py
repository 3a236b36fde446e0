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
        return {device: self._verdict(device) for device in self._nodes}

    def _verdict(self, device: int) -> Verdict:
        if device not in self._known:
            self._known[device] = WAIT  # a cable in a circle must not run us in one
            self._known[device] = self._judge(device, self._nodes[device])
        return self._known[device]

    def _judge(self, device: int, node: Node) -> Verdict:
        if node.availability.status is not Status.DOWN:
            return FINE
        above = self._above(device)
        silent = [self._nodes[one] for one in above if self._silent(one)]
        if not above or len(silent) < len(above):
            return self._alone(node, above)
        if self._fell_before(node, silent):
            return Verdict(Kind.ROOT)
        return self._behind(max(above, key=self._silent_since))  # the last way up that failed is what cut it off

    def _above(self, device: int) -> list[int]:
        """What it hangs on: the nearest that are polled, and what is not polled and hangs on nothing that we know of."""
        found: list[int] = []
        ways = sorted(self._parents.get(device, ()))
        for one in ways:
            further = () if one in self._nodes else self._parents.get(one, ())
            if further:
                ways += sorted(set(further) - {device, *ways})
            else:
                found.append(one)
        return found

    def _behind(self, parent: int) -> Verdict:
        cause = self._verdict(parent)
        if cause.kind is Kind.ROOT:
            return Verdict(Kind.SUPPRESSED, parent)
        return cause

    def _fell_before(self, node: Node, above: Sequence[Node]) -> bool:
        """Whether one of its ways up still answered when it had long been silent: then it has a fault of its own.

        What counts is when silence began, not when it was noticed. What is suppressed has been judged with an earlier
        silence of its uplink, and stays so until that has answered for a while.
        """
        if node.suppressed:
            return False
        since = node.availability.failing_since or node.availability.since
        heard = [parent.answered_at for parent in above if parent.answered_at is not None]
        return bool(heard) and max(heard) - since > EARLIER

    def _alone(self, node: Node, above: Sequence[int]) -> Verdict:
        """Silent although not everything above it is. What nobody asks, and nothing is known above, is taken to be well."""
        asked = [self._nodes[one] for one in above if one in self._nodes]
        if len(asked) < len(above) or not above:
            return Verdict(Kind.ROOT)
        if node.suppressed:
            return Verdict(Kind.ROOT) if any(self._settled(parent, node) for parent in asked) else WAIT
        if node.alerting:
            return Verdict(Kind.ROOT)
        if node.availability.failures >= PATIENCE and not any(self._in_doubt(parent, node) for parent in asked):
            return Verdict(Kind.ROOT)
        return Verdict(Kind.ROOT) if any(self._heard_since(parent, node) for parent in asked) else WAIT

    def _silent(self, device: int) -> bool:
        """Confirmed down."""
        node = self._nodes.get(device)
        return node is not None and node.availability.status is Status.DOWN

    def _silent_since(self, device: int) -> tuple[datetime, int]:
        return self._nodes[device].availability.since, -device

    @staticmethod
    def _heard_since(parent: Node, child: Node) -> bool:
        """Whether the parent has answered after the child fell silent."""
        since = child.availability.failing_since
        heard = parent.answered_at is not None and since is not None and parent.answered_at >= since
        return heard and not parent.availability.failures

    def _in_doubt(self, parent: Node, child: Node) -> bool:
        """Whether the parent will soon be known better: not asked since the child fell silent, or failing, not confirmed."""
        since = child.availability.failing_since
        if since is None:
            return False
        if parent.polled_at is not None and parent.polled_at < since:
            return self._now - since <= ASKED_WITHIN
        failing = parent.availability.failing_since
        return self._fails(parent) and failing is not None and self._now - failing <= ASKED_WITHIN

    @staticmethod
    def _fails(node: Node) -> bool:
        return node.availability.failures > 0 and node.availability.status is not Status.DOWN

    def _settled(self, parent: Node, child: Node) -> bool:
        """Whether what hangs on the parent has had the time to be there again.

        One that comes and goes may be away again before long: behind it, a later unanswered poll has to be enough.
        """
        well = parent.availability.status is Status.UP and not parent.availability.failures
        asked_again = child.polled_at is not None and child.polled_at - parent.availability.since >= RUNNING_AFTER
        return well and (self._now - parent.availability.since >= RELEASE_AFTER or (parent.held and asked_again))


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
