"""What hangs on what, as a tree to be read: gateway → switches → access points."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Branch:
    device: int
    below: "Sequence[Branch]" = ()

    @property
    def size(self) -> int:
        return 1 + sum(one.size for one in self.below)


def forest(parents: Mapping[int, Iterable[int]], known: Collection[int]) -> list[Branch]:
    """Only what hangs on something, or has something hanging on it; each device once, under the first it hangs on.

    A cable in a circle has no top and is left out.
    """
    children: defaultdict[int, list[int]] = defaultdict(list)
    for child, above in sorted(parents.items()):
        here = sorted(one for one in above if one in known)
        if child in known and here:
            children[here[0]].append(child)
    below = {child for found in children.values() for child in found}
    return _largest_first(_branch(top, children) for top in children if top not in below)


def _branch(device: int, children: Mapping[int, Sequence[int]]) -> Branch:
    return Branch(device, _largest_first(_branch(child, children) for child in children.get(device, ())))


def _largest_first(branches: Iterable[Branch]) -> list[Branch]:
    return sorted(branches, key=lambda one: (-one.size, one.device))
