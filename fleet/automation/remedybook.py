"""Remedies as `remedies/*.toml` has them: read once and strictly."""

import logging
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fleet.automation.catalogue import CatalogueError, Playbook, get
from fleet.automation.catalogue.model import Text
from fleet.automation.rules.remedies import KNOWN, PLACEHOLDER, Remedy
from fleet.devices.models import DeviceType
from fleet.monitoring import metrics
from fleet.monitoring.rules.kinds import Kind
from fleet.sites.rules import Moment

log = logging.getLogger(__name__)
FOLDER = Path(__file__).with_name("remedies")
Book = Mapping[str, Remedy]


class RemedyError(Exception):
    """A remedy's file is not as it must be; the message names file and key, one problem per line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Text(_Strict):
    de: str = Field(min_length=1)
    en: str = Field(min_length=1)


class _Device(_Strict):
    kinds: list[DeviceType.Kind] = Field(min_length=1)
    platforms: list[str] = Field(default_factory=list)


class _File(_Strict):
    title: _Text
    summary: _Text
    alert: str
    playbook: str
    target: Literal["device", "uplink"]
    hours: list[Moment] = Field(min_length=1)
    in_exams: bool
    once_per_hours: int = Field(ge=1, le=24 * 31)
    wait_s: int = Field(ge=30, le=86_400)
    device: _Device
    arguments: dict[str, Any] = Field(default_factory=dict)


@cache
def known() -> Book:
    """By slug, those that can be used; what is wrong with the others is logged, and `manage.py check` refuses them."""
    found, problems = _read(FOLDER)
    for problem in problems:
        log.error("remedy left out", extra={"problem": problem})
    return found


def load(folder: Path) -> Book:
    """Raises RemedyError with every problem found."""
    found, problems = _read(folder)
    if problems:
        raise RemedyError("\n".join(problems))
    return found


def _read(folder: Path) -> tuple[dict[str, Remedy], list[str]]:
    found, problems = {}, []
    for path in sorted(folder.glob("*.toml")):
        try:
            found[path.stem] = _remedy(path)
        except RemedyError as error:
            problems.append(str(error))
    return found, problems


def _remedy(path: Path) -> Remedy:
    try:
        said = _File.model_validate(tomllib.loads(path.read_text()))
    except tomllib.TOMLDecodeError as error:
        raise RemedyError(f"{path.name}: {error}") from error
    except ValidationError as error:
        lines = [f"{path.name}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise RemedyError("\n".join(lines)) from error
    _check(path.name, said)
    return Remedy(
        slug=path.stem,
        title=Text(said.title.de, said.title.en),
        summary=Text(said.summary.de, said.summary.en),
        alert=said.alert,
        playbook=said.playbook,
        target=said.target,
        kinds=frozenset(kind.value for kind in said.device.kinds),
        platforms=frozenset(said.device.platforms),
        arguments=said.arguments,
        hours=frozenset(said.hours),
        in_exams=said.in_exams,
        once_per_hours=said.once_per_hours,
        wait_s=said.wait_s,
    )


def _check(name: str, said: _File) -> None:
    """What one file alone does not show: the kind of alert, the playbook, its arguments, and what they are filled from."""
    if said.alert not in {kind.value for kind in Kind} | set(metrics.known()):
        raise RemedyError(f"{name}: alert: there is no alert {said.alert!r}")
    try:
        playbook = get(said.playbook)
    except CatalogueError as error:
        raise RemedyError(f"{name}: playbook: {error}") from error
    if playbook.secret_names & set(said.arguments):
        raise RemedyError(f"{name}: arguments: a file holds no secrets")
    _check_arguments(name, said, playbook)


def _check_arguments(name: str, said: _File, playbook: Playbook) -> None:
    declared = {argument.name: argument for argument in playbook.arguments}
    if unknown := set(said.arguments) - set(declared):
        raise RemedyError(f"{name}: arguments: the playbook has no {', '.join(sorted(unknown))}")
    needed = {key for key, argument in declared.items() if argument.required and argument.default is None}
    if missing := needed - set(said.arguments):
        raise RemedyError(f"{name}: arguments: the playbook needs {', '.join(sorted(missing))}")
    for key, value in said.arguments.items():
        wrong = set(PLACEHOLDER.findall(value)) - KNOWN if isinstance(value, str) else set()
        if wrong:
            raise RemedyError(f"{name}: arguments.{key}: nothing fills {', '.join(sorted(wrong))}")
