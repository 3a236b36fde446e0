"""How a change goes out: which device in which ring and step, when a ring halts, and what comes next. Pure.

Rings are separate runs, since `serial` with `max_fail_percentage` goes on when hosts are unreachable (ansible#56265).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Self

RINGS = ("pilot", "site", "share", "rest")
SPREADS = ("neighbours", "buildings", "none")
SMALL = 10
"""Up to so many devices of one school go out in a single ring unless somebody wants otherwise."""
MAX_PER_STEP = 100
SPREAD_KINDS = frozenset({"access-point", "switch"})
"""What others depend on: never all of a building at once."""
PERCENT = 100

BAD = frozenset({"failed", "unreachable", "unknown", "refuted"})
"""Counted together against the threshold."""
UNDONE = frozenset({"failed", "unreachable", "unknown"})
"""What «retry the failed» takes, exactly."""
TO_COME = frozenset({"waiting", "pending-offline"})
"""Nothing was done there yet, and something is to be."""


class StrategyError(ValueError):
    """The strategy cannot be meant like this; `key` names the field."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True)
class Strategy:
    rings: tuple[str, ...] | None = None
    """In this order, out of RINGS; () is a single ring; None: rings unless the change is small."""
    pilot_ids: tuple[int, ...] = ()
    """Devices of the pilot ring; without any, one device."""
    share_percent: int = 25
    """Of the schools that are left after the ring `site`."""
    threshold_percent: int = 10
    """So many of a ring's devices may go wrong; the first of several rings bears none."""
    spread: str = "neighbours"
    max_per_step: int = MAX_PER_STEP
    rollback_on_halt: bool = False
    offline_until: datetime | None = None
    """So long devices that do not answer are waited for; None: they count as unreachable at once."""

    def as_json(self) -> dict[str, Any]:
        until = self.offline_until.isoformat() if self.offline_until else None
        rings = list(self.rings) if self.rings is not None else None
        return asdict(self) | {"rings": rings, "pilot_ids": list(self.pilot_ids), "offline_until": until}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Raises StrategyError on anything that is not what it should be. Missing keys have their usual values."""
        if unknown := sorted(set(value) - set(cls.__dataclass_fields__)):
            raise StrategyError(unknown[0])
        given = dict(value)
        if given.get("rings") is not None:
            given["rings"] = tuple(given["rings"])
        given["pilot_ids"] = tuple(given.get("pilot_ids", ()))
        if isinstance(given.get("offline_until"), str):
            given["offline_until"] = _instant(given["offline_until"])
        made = cls(**given)
        made.check()
        return made

    def check(self) -> None:
        rings = self.rings or ()
        wrong = {
            "rings": any(ring not in RINGS for ring in rings) or len(set(rings)) != len(rings),
            "share_percent": not _number(self.share_percent, 1, PERCENT),
            "threshold_percent": not _number(self.threshold_percent, 0, PERCENT),
            "spread": self.spread not in SPREADS,
            "max_per_step": not _number(self.max_per_step, 1, 1000),
            "pilot_ids": any(not isinstance(pk, int) for pk in self.pilot_ids),
            "rollback_on_halt": not isinstance(self.rollback_on_halt, bool),
            "offline_until": self.offline_until is not None and self.offline_until.tzinfo is None,
        }
        if key := next((name for name, holds in wrong.items() if holds), None):
            raise StrategyError(key)


def _number(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise StrategyError("offline_until") from error


Group = tuple[str, int, str]
"""Devices of one kind in a building, or in a site where the building is not known: (`building` or `site`, its id, kind)."""


@dataclass(frozen=True)
class Placed:
    """A device and where it stands."""

    device_id: int
    site_id: int
    building_id: int | None = None
    room_id: int | None = None
    switch_id: int | None = None
    """The device that it hangs on."""
    kind: str = "access-point"

    @property
    def group(self) -> Group | None:
        """Of whom half stay at work; None for what nobody depends on."""
        if self.kind not in SPREAD_KINDS:
            return None
        if self.building_id is None:
            return ("site", self.site_id, self.kind)
        return ("building", self.building_id, self.kind)


@dataclass(frozen=True)
class PlannedRing:
    title: str
    steps: tuple[tuple[int, ...], ...]
    """Device ids; one step is carried out and measured before the next one begins."""

    @property
    def size(self) -> int:
        return sum(len(step) for step in self.steps)


@dataclass(frozen=True)
class Plan:
    rings: tuple[PlannedRing, ...] = ()
    """None at all: there is nothing to do."""


def plan(devices: Sequence[Placed], strategy: Strategy) -> Plan:
    """Every device in exactly one step of exactly one ring. Deterministic for the same devices."""
    ordered = sorted(set(devices), key=lambda one: (one.site_id, one.building_id or 0, one.device_id))
    if not ordered:
        return Plan()
    parts = _rings(ordered, strategy)
    titles = ["all"] if len(parts) == 1 else [title for title, _ in parts]
    return Plan(tuple(PlannedRing(title, steps(part, strategy)) for title, (_, part) in zip(titles, parts, strict=True)))


def is_small(devices: Sequence[Placed]) -> bool:
    return len(devices) == 1 or (len(devices) <= SMALL and len({one.site_id for one in devices}) == 1)


def _rings(devices: Sequence[Placed], strategy: Strategy) -> list[tuple[str, list[Placed]]]:
    wanted = strategy.rings if strategy.rings is not None else () if is_small(devices) else RINGS
    left, parts = list(devices), []
    for title in wanted:
        part = _part(title, left, devices, strategy)
        if part:
            parts.append((title, part))
            left = [one for one in left if one not in set(part)]
    if left:
        parts.append(("rest", left))
    return parts


def _part(title: str, left: list[Placed], everything: Sequence[Placed], strategy: Strategy) -> list[Placed]:
    if not left:
        return []
    if title == "pilot":
        named = [one for one in left if one.device_id in strategy.pilot_ids]
        return named or _first_of_smallest_site(left)
    if title == "site":
        return _one_site(left, everything)
    if title == "share":
        sites = sorted({one.site_id for one in left})
        count = math.ceil(len(sites) * strategy.share_percent / PERCENT)
        chosen = set(sites[:count]) if len(sites) > 1 else set()
        return [one for one in left if one.site_id in chosen]
    return left


def _first_of_smallest_site(left: list[Placed]) -> list[Placed]:
    sizes = Counter(one.site_id for one in left)
    return [min(left, key=lambda one: (sizes[one.site_id], one.site_id, one.device_id))]


def _one_site(left: list[Placed], everything: Sequence[Placed]) -> list[Placed]:
    """The rest of the pilot's school, else the smallest one; nothing where all is one school."""
    if len({one.site_id for one in everything}) == 1:
        return []
    piloted = {one.site_id for one in everything} & {one.site_id for one in set(everything) - set(left)}
    sizes = Counter(one.site_id for one in left)
    chosen = min(sizes, key=lambda site: (site not in piloted, sizes[site], site))
    return [one for one in left if one.site_id == chosen]


@dataclass
class _Step:
    devices: list[int] = field(default_factory=list)
    keys: set[tuple[str, int]] = field(default_factory=set)
    groups: Counter[Group] = field(default_factory=Counter)


def steps(devices: Sequence[Placed], strategy: Strategy) -> tuple[tuple[int, ...], ...]:
    """The fewest steps that a greedy look finds so that neighbours are never together and every group keeps half."""
    halves = _halves(devices)
    found: list[_Step] = []
    full = 0
    for one in devices:
        keys = _keys(one) if strategy.spread == "neighbours" else set()
        group = one.group if strategy.spread != "none" else None
        while full < len(found) and len(found[full].devices) >= strategy.max_per_step:
            full += 1
        fitting = (it for it in found[full:] if len(it.devices) < strategy.max_per_step and it.keys.isdisjoint(keys))
        step = next((it for it in fitting if group is None or it.groups[group] < halves[group]), None)
        if step is None:
            step = _Step()
            found.append(step)
        step.devices.append(one.device_id)
        step.keys |= keys
        if group is not None:
            step.groups[group] += 1
    return tuple(tuple(step.devices) for step in found)


def _halves(devices: Sequence[Placed]) -> dict[Group, int]:
    """{group: how many of its devices may be in one step}: never all of two or more."""
    counts = Counter(one.group for one in devices if one.group is not None)
    return {group: math.ceil(count / 2) for group, count in counts.items()}


def _keys(one: Placed) -> set[tuple[str, int]]:
    """What no two devices of a step have in common: a room, a switch (or being that switch)."""
    if one.kind not in SPREAD_KINDS:
        return set()
    keys = {("room", one.room_id), ("switch", one.switch_id)}
    if one.kind == "switch":
        keys.add(("switch", one.device_id))
    return {(kind, pk) for kind, pk in keys if pk is not None}


@dataclass(frozen=True)
class Halt:
    reason: str
    """A key: `canary`, `threshold`, `no-proof`."""
    details: Mapping[str, int] = field(default_factory=dict)


def verdict_of_ring(counts: Mapping[str, int], threshold_percent: int, *, accepted: int = 0) -> Halt | None:
    """Why a ring halts; None: it may go on. `counts`: {target state: devices of the ring}, also of those still waiting.

    Failed, unreachable, unknown and refuted count together: a host that nobody reaches is no success.
    `accepted`: so many bad ones were there already when a person had others of the ring tried again.
    """
    bad, total = sum(counts.get(state, 0) for state in BAD), sum(counts.values())
    if max(0, bad - accepted) * PERCENT > threshold_percent * total:
        found = {"bad": bad, "total": total, "threshold": threshold_percent}
        return Halt("threshold", found | {state: counts.get(state, 0) for state in sorted(BAD)})
    return None


@dataclass(frozen=True)
class RingNow:
    """A ring as its devices stand."""

    number: int
    counts: Mapping[str, int]
    """{target state: devices}"""
    next_step: int | None
    """The lowest step in which a device waits."""
    accepted: int = 0
    """Bad ones that stay as they are while others of the ring are tried again; nothing beyond the ring with them."""


@dataclass(frozen=True)
class Move:
    """What comes next. `act`: step, wait-offline, halt, end."""

    act: str
    ring: int = 0
    step: int = 0
    halt: Halt | None = None
    passed: tuple[int, ...] = ()
    """Numbers of the rings that are through."""


def next_move(rings: Sequence[RingNow], strategy: Strategy) -> Move:
    """Ring by ring, step by step; halting only matters while something is left that could be kept from harm."""
    passed: list[int] = []
    left = sum(ring.counts.get("waiting", 0) for ring in rings)
    for ring in rings:
        bearable = 0 if ring.number == 1 and len(rings) > 1 else strategy.threshold_percent
        accepted = ring.accepted if ring.next_step is not None else 0
        halt = verdict_of_ring(ring.counts, bearable, accepted=accepted)
        if halt is not None and left:
            return Move("halt", ring.number, halt=_canary(halt, ring, rings), passed=tuple(passed))
        if ring.next_step is not None:
            return Move("step", ring.number, ring.next_step, passed=tuple(passed))
        if _unproven(ring) and any(later.next_step is not None for later in rings if later.number > ring.number):
            if ring.counts.get("pending-offline", 0):
                return Move("wait-offline", ring.number, passed=tuple(passed))
            return Move("halt", ring.number, halt=Halt("no-proof"), passed=tuple(passed))
        passed.append(ring.number)
    if any(ring.counts.get("pending-offline", 0) for ring in rings):
        return Move("wait-offline", rings[-1].number, passed=tuple(passed))
    return Move("end", passed=tuple(passed))


def _canary(halt: Halt, ring: RingNow, rings: Sequence[RingNow]) -> Halt:
    return replace(halt, reason="canary") if ring.number == 1 and len(rings) > 1 else halt


def _unproven(ring: RingNow) -> bool:
    """Nothing of it was seen to work, so it proves nothing for the next one."""
    return not ring.counts.get("confirmed", 0)


def outcome(counts: Mapping[str, int]) -> str:
    """One word for the whole change, a `Change.State`: what went wrong weighs more than what nobody knows."""
    if counts.get("failed", 0) + counts.get("unreachable", 0):
        return "failed"
    if counts.get("refuted", 0):
        return "refuted"
    if counts.get("unknown", 0) or counts.get("pending-offline", 0):
        return "unknown"
    return "confirmed" if counts.get("confirmed", 0) else "cancelled"


def target_state(*, host: str, verdict: str, ended: str, waits: bool) -> str:
    """How a device stands after a run, a `Target.State`. `ended`: the run's state; `waits`: offline ones are waited for."""
    if host == "offline":
        return "pending-offline" if waits else "unreachable"
    if host in {"failed", "unreachable"}:
        return host
    if host in {"not-started", "unknown"}:
        doubtful = ended in {"cancelled", "lost"}
        return ("skipped" if host == "not-started" and ended == "cancelled" else "unknown") if doubtful else "failed"
    return verdict or "unknown"


def seconds_left(durations_s: Iterable[float], steps_left: int) -> float | None:
    """From what the steps have taken so far; None before the first one is over."""
    taken = list(durations_s)
    return sum(taken) / len(taken) * steps_left if taken else None


def neighbours_apart(step: Sequence[int], placed: Mapping[int, Placed]) -> bool:
    """Whether no two devices of the step share a room or a switch."""
    seen: dict[tuple[str, int], int] = defaultdict(int)
    for pk in step:
        for key in _keys(placed[pk]):
            seen[key] += 1
    return all(count == 1 for count in seen.values())
