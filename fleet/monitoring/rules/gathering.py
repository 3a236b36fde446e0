"""Many devices silent at once, and none of them explains it: one alert tells of all.

Most of a building that goes silent within minutes while nobody is at school was probably switched off; a whole site that
nothing answers from has lost its line or its power. A device that explains the rest (a gateway, the only switch that others
hang on) stays what it is: the root cause. Like `causes`, this judges the whole picture afresh each time.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_low

from fleet.monitoring.rules import causes
from fleet.monitoring.rules.causes import RELEASE_AFTER, Node, Verdict
from fleet.monitoring.rules.kinds import Kind
from fleet.monitoring.rules.polling import PATIENCE, Status

MOST = 0.6
"""Share of a building's devices that makes it "the building"."""
STAYS = 0.5
"""Share at which it stays so."""
FEW_BUILDING, FEW_SITE = 5, 3
"""With fewer devices there is nothing to sum up."""
TOGETHER = timedelta(minutes=10)
"""What fell silent within so long of each other fell silent together."""
SEVERAL = 2


@dataclass(frozen=True)
class Gathering:
    """`members`: the silent devices of which it tells; `anchor`: the one of them on which most hangs."""

    kind: Kind
    building: int | None
    members: frozenset[int]
    anchor: int


@dataclass(frozen=True)
class Known:
    """A gathering that an alert already tells of."""

    kind: Kind
    building: int | None
    anchor: int


@dataclass(frozen=True)
class Scene:
    """A site as the causes were judged. `buildings`: {device: building}, of those that stand in a room."""

    nodes: Mapping[int, Node]
    verdicts: Mapping[int, Verdict]
    parents: Mapping[int, frozenset[int]]
    buildings: Mapping[int, int]
    now: datetime
    at_school: bool
    known: Sequence[Known] = ()

    def members(self, building: int | None) -> list[int]:
        """What has been heard of at all, in that building or at the site."""
        here = (one for one in self.nodes if building is None or self.buildings.get(one) == building)
        return [one for one in here if self.nodes[one].availability.status is not Status.UNKNOWN]

    def silent(self, devices: Collection[int]) -> list[int]:
        return [one for one in devices if self.nodes[one].availability.status is Status.DOWN]

    def roots(self, devices: Collection[int]) -> list[int]:
        return [one for one in devices if self.verdicts[one].kind is causes.Kind.ROOT]

    def since(self, device: int) -> datetime:
        return self.nodes[device].availability.since

    def anchor(self, devices: Collection[int]) -> int:
        return max(devices, key=lambda one: (len(causes.behind(one, self.parents)), -one))


def gather(scene: Scene) -> list[Gathering]:
    """What is told of together, known or new."""
    found = [_again(scene, one) for one in scene.known if _lasts(scene, one)]
    if any(one.building is None for one in found):
        return found
    taken = {one.building for one in found}
    if not taken and (site := _site(scene)):
        return [site]
    if scene.at_school:
        return found
    fresh = (_dark(scene, building) for building in sorted(set(scene.buildings.values()) - taken))
    return found + [one for one in fresh if one is not None]


def _again(scene: Scene, known: Known) -> Gathering:
    """What has an alert of its own had it before, or has come to have it since."""
    silent = (one for one in scene.silent(scene.members(known.building)) if not _by_itself(scene.nodes[one]))
    return Gathering(known.kind, known.building, frozenset(silent), known.anchor)


def _by_itself(node: Node) -> bool:
    return node.alerting and not node.suppressed


def _older(scene: Scene, silent: Collection[int]) -> set[int]:
    """Those with an alert of their own from before the others fell silent."""
    latest = max((scene.since(one) for one in silent), default=scene.now)
    return {one for one in silent if _by_itself(scene.nodes[one]) and latest - scene.since(one) > TOGETHER}


def _lasts(scene: Scene, known: Known) -> bool:
    """While half of it is silent, and a while longer: not everything starts equally fast."""
    members = scene.members(known.building)
    silent = scene.silent(members)
    if not silent:
        return False
    if len(silent) >= STAYS * len(members):
        return True
    back = max(scene.since(one) for one in members if one not in set(silent))
    return scene.now - back < RELEASE_AFTER


def _site(scene: Scene) -> Gathering | None:
    """Nothing at the site answers, and not one device explains it."""
    members = scene.members(None)
    if len(members) < FEW_SITE or len(scene.silent(members)) < len(members):
        return None
    fallen = set(members) - _older(scene, members)
    if len(scene.roots(fallen)) < SEVERAL or strays(scene):
        return None
    switched_off = not scene.at_school and len(_together(scene, members)) >= MOST * len(members)
    kind = Kind.POWER_OFF if switched_off else Kind.SILENT_SITE
    return Gathering(kind, None, frozenset(fallen), scene.anchor(fallen))


def strays(scene: Scene) -> dict[int, int]:
    """{device to blame: the one that explains it all the same}, while nothing at the site answers.

    If most of the site hangs behind one device, the few others that fell silent with it probably do too, and nobody has
    written down the cable.
    """
    members = scene.members(None)
    if len(scene.silent(members)) < len(members):
        return {}
    roots = scene.roots(set(members) - _older(scene, members))
    if len(roots) < SEVERAL:
        return {}
    anchor = scene.anchor(roots)
    if 1 + len(causes.behind(anchor, scene.parents)) < MOST * len(members):
        return {}
    together = (one for one in roots if abs(scene.since(one) - scene.since(anchor)) <= TOGETHER)
    return {one: anchor for one in together if one != anchor}


def _dark(scene: Scene, building: int) -> Gathering | None:
    """Most of the building fell silent together, by a cause that lies in it."""
    members = scene.members(building)
    silent = scene.silent(members)
    if len(silent) < FEW_BUILDING:
        return None
    together = _together(scene, silent)
    roots = scene.roots(together)
    if len(together) < MOST * len(members) or not roots:
        return None
    elsewhere = any(node.availability.status is Status.UP for one, node in scene.nodes.items() if one not in set(members))
    if len(roots) < SEVERAL and not elsewhere:
        return None
    return Gathering(Kind.POWER_OFF, building, frozenset(silent) - _older(scene, silent), scene.anchor(together))


def _together(scene: Scene, silent: Sequence[int]) -> list[int]:
    middle = median_low(scene.since(one) for one in silent)
    return [one for one in silent if abs(scene.since(one) - middle) <= TOGETHER]


def undecided(scene: Scene) -> set[int]:
    """Devices that would be to blame, but around which nothing has been heard since: perhaps it is not they alone.

    Nobody waits longer than it takes to be patient with an uplink.
    """
    return {one for one in scene.roots(scene.nodes) if _undecided(scene, one)}


def _undecided(scene: Scene, device: int) -> bool:
    node = scene.nodes[device]
    if node.suppressed and not scene.parents.get(device) and _somebody_is_just_back(scene):
        return True  # its cause is gone; it may still be starting
    if node.alerting or node.availability.failures >= PATIENCE:
        return False
    around = set(_around(scene, device)) - {device} - set(causes.behind(device, scene.parents))
    return bool(around) and not any(_heard_since(scene.nodes[one], node) for one in around)


def _somebody_is_just_back(scene: Scene) -> bool:
    running = (node.availability for node in scene.nodes.values() if node.availability.status is Status.UP)
    return any(scene.now - one.since < RELEASE_AFTER for one in running)


def _around(scene: Scene, device: int) -> list[int]:
    """Its building while that could have been switched off, else the site."""
    building = scene.buildings.get(device)
    if not scene.at_school and building is not None:
        members = scene.members(building)
        if len(members) >= FEW_BUILDING:
            return members
    members = scene.members(None)
    return members if len(members) >= FEW_SITE else []


def _heard_since(node: Node, silent: Node) -> bool:
    since = silent.availability.failing_since
    return node.answered_at is not None and since is not None and node.answered_at >= since


def confirmed(kind: str, *, at_school: bool, already: bool) -> bool:
    """What was "switched off, it seems" at night is real once school has begun and it is still dark."""
    return kind == Kind.POWER_OFF and at_school and not already
