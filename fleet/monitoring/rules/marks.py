"""Where on a chart's line of time something happened, and how the marks are numbered so that a table can name them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from fleet.monitoring.rules.chart import Span

NARROWEST = 2.0
APART = 0.035
"""Numbers that stand closer than this share of the width are written as one: "3–5"."""
EDGE = 6.0
MOST = 60


@dataclass(frozen=True)
class Mark:
    """`x` and `width` in a box of chart.WIDTH; numbered from 1 in order of time."""

    number: int
    x: float
    width: float
    percent: float


@dataclass(frozen=True)
class Label:
    percent: float
    text: str

    @property
    def anchor(self) -> str:
        """SVG's text-anchor: at the edges it grows inwards, so that none of it is cut off."""
        return "start" if self.percent < EDGE else "end" if self.percent > 100 - EDGE else "middle"


def marks(stretches: Sequence[tuple[datetime, datetime | None]], span: Span) -> list[Mark]:
    """One for each (begin, end), in their order; an end of None is the instant itself."""
    return [_mark(number, begin, end, span) for number, (begin, end) in enumerate(stretches, start=1)]


def _mark(number: int, begin: datetime, end: datetime | None, span: Span) -> Mark:
    left = span.x(begin)
    width = NARROWEST if end is None else max(NARROWEST, round(span.x(end) - left, 1))
    return Mark(number, left, width, round(100 * span.share(begin), 2))


def labels(marks: Iterable[Mark]) -> list[Label]:
    """The numbers above the chart; those that would overlap are put together."""
    found: list[Label] = []
    group: list[Mark] = []
    for mark in sorted(marks, key=lambda one: (one.percent, one.number)):
        if group and mark.percent - group[0].percent > 100 * APART:
            found.append(_label(group))
            group = []
        group.append(mark)
    return [*found, _label(group)] if group else found


def _label(group: Sequence[Mark]) -> Label:
    first, last = group[0], group[-1]
    numbers = {mark.number for mark in group}
    text = str(first.number) if len(numbers) == 1 else f"{min(numbers)}–{max(numbers)}"
    return Label(round((first.percent + last.percent) / 2, 2), text)
