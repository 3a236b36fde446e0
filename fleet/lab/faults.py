"""Faults on demand: a file in the lab's directory says what is broken; the running lab looks at it often.

The file is a list of `{"kind": …, "target": …, "value": …}`; `target` is a device key or a glob over keys. Whoever
edits it replaces it atomically, so the lab never reads half a file.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, get_args

FaultKind = Literal["dead", "slow", "loss", "wrong-community", "config-does-not-take", "half", "on-battery"]
KINDS: tuple[FaultKind, ...] = get_args(FaultKind)
DEFAULT_VALUES: dict[FaultKind, float] = {"slow": 2.0, "loss": 0.3}


class FaultError(ValueError):
    """The faults file or a command names something that does not exist."""


@dataclass(frozen=True)
class Fault:
    kind: FaultKind
    target: str
    value: float = 0.0
    """slow: seconds before every answer; loss: share of lost datagrams, 0 to 1; otherwise unused."""


@dataclass(frozen=True)
class DeviceFaults:
    """What is wrong with one device, all faults that match it taken together."""

    dead: bool = False
    delay_s: float = 0.0
    loss: float = 0.0
    wrong_community: bool = False
    config_does_not_take: bool = False
    on_battery: bool = False


HEALTHY = DeviceFaults()


def judge(faults: Iterable[Fault], keys: Iterable[str]) -> dict[str, DeviceFaults]:
    """Which device suffers what. Healthy devices are left out."""
    known = sorted(keys)
    result: dict[str, DeviceFaults] = {}
    for fault in faults:
        for key in _hit(fault, known):
            result[key] = _worse(result.get(key, HEALTHY), fault)
    return result


def _hit(fault: Fault, keys: list[str]) -> list[str]:
    matching = [key for key in keys if fnmatchcase(key, fault.target)]
    if fault.kind != "half":
        return matching
    ordered = sorted(matching, key=lambda key: hashlib.sha256(key.encode()).digest())
    return ordered[: len(ordered) // 2]


def _worse(now: DeviceFaults, fault: Fault) -> DeviceFaults:
    match fault.kind:
        case "dead" | "half":
            return replace(now, dead=True)
        case "slow":
            return replace(now, delay_s=max(now.delay_s, fault.value))
        case "loss":
            return replace(now, loss=max(now.loss, fault.value))
        case "wrong-community":
            return replace(now, wrong_community=True)
        case "config-does-not-take":
            return replace(now, config_does_not_take=True)
        case "on-battery":
            return replace(now, on_battery=True)


def read(path: Path) -> list[Fault]:
    """The faults in force; none when there is no file. Raises FaultError on a file nobody of us wrote."""
    try:
        rows = json.loads(path.read_text())
        return [_fault(row) for row in rows]
    except FileNotFoundError:
        return []
    except (TypeError, KeyError, ValueError) as error:
        raise FaultError(f"{path}: {error}") from error


def _fault(row: dict[str, str | float]) -> Fault:
    kind = row["kind"]
    if kind not in KINDS:
        raise FaultError(f"unknown fault {kind!r}; known: {', '.join(KINDS)}")
    return Fault(kind, str(row["target"]), float(row.get("value", 0.0)))


def write(path: Path, faults: Iterable[Fault]) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps([asdict(fault) for fault in faults], indent=1))
    draft.replace(path)


def add(path: Path, fault: Fault) -> list[Fault]:
    """One more fault in force; the same kind on the same target takes the new value."""
    kept = [old for old in read(path) if (old.kind, old.target) != (fault.kind, fault.target)]
    faults = [*kept, fault]
    write(path, faults)
    return faults


def heal(path: Path, glob: str = "*") -> list[Fault]:
    """Takes back every fault whose target is `glob` or is matched by it; what stays in force is returned."""
    kept = [fault for fault in read(path) if fault.target != glob and not fnmatchcase(fault.target, glob)]
    write(path, kept)
    return kept
