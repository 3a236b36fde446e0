"""A playbook as the rest of the house sees it."""

from dataclasses import dataclass, field
from typing import Any, Literal

Risk = Literal["low", "medium", "high"]
Holds = Literal["contains", "lacks", "equals", "at_least", "restarted", "reachable"]
Subject = Literal["target", "behind"]


@dataclass(frozen=True)
class Text:
    de: str
    en: str

    def in_language(self, language: str | None) -> str:
        return self.de if (language or "de").startswith("de") else self.en


@dataclass(frozen=True)
class Argument:
    """A declared argument; `type` is Ansible's: str, int, bool, float, list, dict, path, raw."""

    name: str
    type: str
    label: Text
    help: Text | None = None
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    elements: str = "str"
    """What a list holds."""
    secret: bool = False


@dataclass(frozen=True)
class Expectation:
    """What a reading must show afterwards. `{argument}` in `reading` and `value` stands for that argument's value."""

    reading: str
    holds: Holds
    value: Any = None
    when: dict[str, Any] = field(default_factory=dict)
    """Asked only when these arguments have these values."""
    subject: Subject = "target"
    """The device itself, or those that hang behind it (behind its port `port`, where the playbook has that argument)."""


@dataclass(frozen=True)
class Verification:
    within_s: int
    expect: tuple[Expectation, ...]


@dataclass(frozen=True)
class Rollback:
    """The same playbook with these arguments changed."""

    arguments: dict[str, Any]


@dataclass(frozen=True)
class Playbook:
    slug: str
    title: Text
    summary: Text
    platforms: frozenset[str]
    risk: Risk
    check_mode: Literal["honest", "none"]
    expected_duration_s: int
    timeout_s: int
    max_targets: int
    arguments: tuple[Argument, ...]
    verification: Verification
    rollback: Rollback | None
    digest: str
    """SHA-256 over the names and contents of the folder's files."""

    def argument(self, name: str) -> Argument:
        return next(argument for argument in self.arguments if argument.name == name)

    @property
    def secret_names(self) -> frozenset[str]:
        return frozenset(argument.name for argument in self.arguments if argument.secret)
