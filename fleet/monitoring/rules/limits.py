"""Which limit holds where: device over site over kind over metrics.toml."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fleet.monitoring.metrics import Metrics, Threshold


class Level(StrEnum):
    """Where a limit comes from, least specific first."""

    DEFAULT = "default"
    KIND = "kind"
    SITE = "site"
    DEVICE = "device"


ABOVE = {Level.KIND: Level.DEFAULT, Level.SITE: Level.KIND, Level.DEVICE: Level.SITE}


@dataclass(frozen=True, slots=True)
class Place:
    """A device, or less than one: a site or a kind as a whole leave the rest empty."""

    authority_id: int
    kind: str = ""
    site_id: int | None = None
    device_id: int | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """What somebody set at a place; `threshold` None: no alert there."""

    level: Level
    place: Place
    metric: str
    threshold: Threshold | None


@dataclass(frozen=True, slots=True)
class Limit:
    """What holds; `threshold` None: no alert."""

    threshold: Threshold | None
    level: Level = Level.DEFAULT


Key = tuple[Level, int | tuple[int, str]]


class Book:
    """All limits of the product. Reckons once per kind and place with limits of its own, then only looks up."""

    def __init__(self, metrics: Metrics, overrides: Iterable[Override] = ()) -> None:
        self._metrics = metrics
        self._set: dict[Key, dict[str, Threshold | None]] = {}
        for one in overrides:
            self._set.setdefault(_key(one.level, one.place), {})[one.metric] = one.threshold
        self._reckoned: dict[tuple[Key, ...], Mapping[str, Threshold]] = {}

    def thresholds(self, place: Place) -> Mapping[str, Threshold]:
        """{metric: limit} of all that have one here."""
        keys = tuple(key for key in self._keys(place) if key in self._set)
        whole = ((Level.DEFAULT, (0, place.kind)), *keys)
        if whole not in self._reckoned:
            found = {name: self._limit(name, place, keys).threshold for name in self._metrics}
            self._reckoned[whole] = {name: threshold for name, threshold in found.items() if threshold is not None}
        return self._reckoned[whole]

    def limit(self, metric: str, place: Place, level: Level = Level.DEVICE) -> Limit:
        """What holds for the metric at this place, as far as down to `level`, and where that comes from."""
        return self._limit(metric, place, tuple(key for key in self._keys(place, level) if key in self._set))

    def above(self, metric: str, place: Place, level: Level) -> Limit:
        """What would hold there if nobody had set anything at `level` itself."""
        return self.limit(metric, place, ABOVE[level])

    def _limit(self, metric: str, place: Place, keys: tuple[Key, ...]) -> Limit:
        for key in keys:
            if metric in self._set[key]:
                return Limit(self._set[key][metric], key[0])
        known = self._metrics.get(metric)
        return Limit(known.default(place.kind) if known else None)

    @staticmethod
    def _keys(place: Place, level: Level = Level.DEVICE) -> list[Key]:
        """Most specific first."""
        order = list(Level)
        keys: list[Key] = []
        if place.device_id is not None:
            keys.append((Level.DEVICE, place.device_id))
        if place.site_id is not None:
            keys.append((Level.SITE, place.site_id))
        if place.kind:
            keys.append((Level.KIND, (place.authority_id, place.kind)))
        return [key for key in keys if order.index(key[0]) <= order.index(level)]


def _key(level: Level, place: Place) -> Key:
    if level is Level.DEVICE and place.device_id is not None:
        return level, place.device_id
    if level is Level.SITE and place.site_id is not None:
        return level, place.site_id
    return Level.KIND, (place.authority_id, place.kind)
