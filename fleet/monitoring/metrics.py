"""The metrics of metrics.toml, read once and strictly: API, pages and rules iterate them."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

FILE = Path(__file__).with_name("metrics.toml")

Unit = Literal["percent", "celsius", "seconds", "watts", "clients", "bits-per-second", "per-second", "yes-no"]
Fold = Literal["max", "min", "mean", "sum"]
Severity = Literal["info", "warning", "critical"]
Kind = Literal[
    "access-point", "wireless-controller", "switch", "router", "firewall", "printer", "ups", "server", "nas", "other"
]


class MetricsError(Exception):
    """metrics.toml is not valid; the text names file, line and key, one problem per line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Text(_Strict):
    de: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def in_language(self, language: str) -> str:
        return self.de if language.startswith("de") else self.en


class Threshold(_Strict):
    """Where an alert opens and where it closes; between the two what is stays as it is."""

    open: float
    clear: float
    hold_s: int = Field(ge=0)
    severity: Severity

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.open == self.clear:
            raise ValueError("open and clear must differ, or the alert flaps")
        return self

    def crossed(self, value: float) -> bool:
        return value >= self.open if self.open > self.clear else value <= self.open

    def cleared(self, value: float) -> bool:
        return value <= self.clear if self.open > self.clear else value >= self.clear


class Metric(_Strict):
    name: str
    unit: Unit
    kind: Literal["gauge", "counter"]
    source: Annotated[str, Field(alias="from", pattern=r"^[A-Za-z_]+(\.[A-Za-z_]+)*$")]
    fold: Fold = "max"
    without: dict[str, list[str]] = Field(default_factory=dict)
    """List elements that do not count: those whose key says one of these."""
    scale: float = 1
    title: Text
    threshold: Threshold | None = None
    kinds: Mapping[Kind, Threshold] = Field(default_factory=dict)
    """Where another limit is sensible for one kind of device, or only that kind has one."""
    around_the_clock: bool = False
    """Its alerts weigh as much at night as during the day."""

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.source.split("."))

    @property
    def rises(self) -> bool | None:
        """Whether more of it is worse, as its shipped limits say; None where it has none."""
        shipped = [self.threshold, *self.kinds.values()]
        return next((limit.open > limit.clear for limit in shipped if limit), None)

    def default(self, device_kind: str) -> Threshold | None:
        """The limit for such a device where nobody has set another."""
        own = {str(kind): threshold for kind, threshold in self.kinds.items()}
        return own.get(device_kind, self.threshold)


Metrics = Mapping[str, Metric]


@cache
def known() -> Metrics:
    """The product's metrics, by name in the order of the file. Raises MetricsError."""
    return parse(FILE.read_text(), FILE.name)


def parse(text: str, file: str) -> Metrics:
    """Raises MetricsError with every problem found, each with its line."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MetricsError(f"{file}: {error}") from error
    found: dict[str, Metric] = {}
    problems: list[str] = []
    for name, table in tables.items():
        try:
            found[name] = Metric.model_validate(table | {"name": name} if isinstance(table, dict) else table)
        except ValidationError as error:
            problems += [f"{file}:{_line(text, (name, *one['loc']))}: {_sentence(name, one)}" for one in error.errors()]
    if problems:
        raise MetricsError("\n".join(problems))
    return found


def _sentence(name: str, problem: Any) -> str:
    return f"{'.'.join(map(str, (name, *problem['loc'])))}: {problem['msg']}"


def _line(text: str, where: tuple[int | str, ...]) -> int:
    """The line of that key, or of what on the way to it the file has: tomllib tells none."""
    best = 1
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[([^\]]+)\]", line):
            table = tuple(header[1].strip().split("."))
            best = number if where[: len(table)] == table else best
        elif key := re.match(r"\s*([\w-]+)\s*=", line):
            path = (*table, key[1])
            best = number if where[: len(path)] == path else best
    return best
