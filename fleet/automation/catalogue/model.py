"""A playbook as the rest of the house sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Risk = Literal["low", "medium", "high"]
Holds = Literal["contains", "lacks", "equals", "at_least", "restarted", "reachable"]
Subject = Literal["target", "behind"]
Rotates = Literal["", "ssh", "snmp"]
Predecessor = Literal["", "retired", "replaced", "stays"]
NoEnd = Literal["", "no-way-back", "whole-device"]
Generate = Literal["", "if-empty", "each-time"]
SETTLES_S = 10
"""What a device still does of what it was told before its connection was cut."""
SWITCH_SETTLES_S = 90
"""An access point whose change is not confirmed puts it back after 60 s (`confirm_timeout_s`), and reloads."""
SERVER_SETTLES_S = 180
"""A module that is there already is carried out; systemd gives a service that restarts 90 s to stop and 90 s to start."""
GIVE_UP_AFTER_H = 72


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
    generate: Generate = ""
    """In a standing order: made up where nothing is given, or made up afresh each time and never kept."""


@dataclass(frozen=True)
class Voucher:
    """Which arguments are the name and the key of a Wi-Fi, to be handed to those who join it."""

    ssid: str
    key: str
    when: dict[str, Any] = field(default_factory=dict)
    """Only when these arguments have these values."""

    def fits(self, arguments: Mapping[str, Any]) -> bool:
        return all(arguments.get(name) == value for name, value in self.when.items())


@dataclass(frozen=True)
class Expectation:
    """What a reading must show afterwards. `{argument}` in `reading` and `value` stands for that argument's value."""

    reading: str
    holds: Holds
    value: Any = None
    when: dict[str, Any] = field(default_factory=dict)
    """Asked only when these arguments have these values."""
    given: tuple[str, ...] = ()
    """Asked only when these arguments are given at all."""
    subject: Subject = "target"
    """The device itself, or those that hang behind it (behind its port `port`, where the playbook has that argument)."""


@dataclass(frozen=True)
class Verification:
    within_s: int
    expect: tuple[Expectation, ...]


@dataclass(frozen=True)
class Rollback:
    """How a change is undone; exactly one of these is given."""

    arguments: dict[str, Any] = field(default_factory=dict)
    """The same playbook with these arguments changed."""
    playbook: str = ""
    """Slug of the inverse playbook. It gets those arguments of the change that it declares, too."""
    restore_backup: bool = False
    """The configuration that was kept before the change is put back."""
    give_up_after_h: int = GIVE_UP_AFTER_H
    """So long devices that cannot be reached are waited for; then people have to see to those."""


@dataclass(frozen=True)
class Playbook:
    slug: str
    title: Text
    summary: Text
    platforms: frozenset[str]
    risk: Risk
    check_mode: Literal["honest", "none"]
    """Whether `--check` truly tells what would change; where it does not, there is no preview."""
    expected_duration_s: int
    timeout_s: int
    max_targets: int
    """How many devices one change may touch: the blast radius."""
    arguments: tuple[Argument, ...]
    verification: Verification
    rollback: Rollback | None
    digest: str
    """SHA-256 over the names and contents of the folder's files."""
    folder: Path = Path()
    source: str = ""
    """Name of the git repository it is from; empty: it came with the product."""
    commit: str = ""
    """The approved commit of that repository."""
    authority_id: int | None = None
    """Whose repository it is from: on another authority's devices it is not run."""
    who_may_run: frozenset[str] = frozenset()
    """Roles that may order it; empty: whoever may order a change there."""
    who_approves: frozenset[str] = frozenset()
    """Roles whose approval counts; empty: whoever approves changes there."""
    max_per_step: int | None = None
    """How many devices at once at most, however large a step of a rollout would be."""
    disruption_s: int | None = None
    """How long what people use is away on one device; None: as long as the playbook takes, and until it has restarted."""
    settles_s: int = SWITCH_SETTLES_S
    """How long a device may still write by itself after a run was cut off on it; so long nobody else has it."""
    disrupts_at: str = ""
    """The argument that holds a time of day, HH:MM by the device's clock, at which it interrupts once more."""
    rotates: Rotates = ""
    """Which credential it renews on a device, if that is what it is for."""
    predecessor: Predecessor = ""
    """What becomes of the old one: a second run takes it away, the new one takes its place at once, or it stays there."""
    voucher: Voucher | None = None
    """What is printed for those who join the Wi-Fi that it sets."""
    after_cut: str = ""
    """Slug of the playbook that makes good where a run was cut off in its middle: played once the device has settled."""
    subject: frozenset[str] = frozenset()
    """The arguments that say what is changed, all others say how; empty: those that measuring names (`rules.boxes`)."""
    adjusts: str = ""
    """Slug of the playbook whose doing it changes in part: its arguments take the place of that one's of the same name."""

    def argument(self, name: str) -> Argument:
        return next(argument for argument in self.arguments if argument.name == name)

    @property
    def path(self) -> Path:
        """What ansible-playbook is started with."""
        return self.folder / "playbook.yml"

    @property
    def secret_names(self) -> frozenset[str]:
        return frozenset(argument.name for argument in self.arguments if argument.secret)

    @property
    def fresh_names(self) -> frozenset[str]:
        """What a standing order never keeps: it is made up afresh each time."""
        return frozenset(argument.name for argument in self.arguments if argument.generate == "each-time")

    @property
    def blast_radius(self) -> int:
        return self.max_targets

    @property
    def undoes_itself(self) -> bool:
        """Whether the end of a time span can take it back: by a playbook, and without asking for a backup."""
        return not self.why_no_end

    @property
    def why_no_end(self) -> NoEnd:
        """A whole configuration put back undoes what others did since, so such changes cannot end in any order."""
        if self.rollback is None:
            return "no-way-back"
        return "whole-device" if self.rollback.restore_backup else ""
