"""What a table has changed, counted."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """`kinds`: what is counted, in the order in which it is told. `remarks`: sentences that a person should look at."""

    kinds: tuple[str, ...]
    added: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    remarks: list[str] = field(default_factory=list)

    def note(self, kind: str, *, new: bool = False, differs: bool = False) -> None:
        counted = self.added if new else self.changed if differs else self.left
        counted[kind] += 1

    @property
    def nothing(self) -> bool:
        return not (self.added or self.changed)

    def lines(self) -> list[str]:
        return [
            f"{kind}: {self.added[kind]} added, {self.changed[kind]} changed, {self.left[kind]} left as they are."
            for kind in self.kinds
        ]
