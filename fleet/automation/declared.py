"""`intent.toml` and `compliance.toml`, read strictly."""

import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator

from fleet.automation.catalogue.model import Text
from fleet.automation.rules.compliance import JUDGES
from fleet.automation.rules.intent import KINDS, Place

FOLDER = Path(__file__).parent


class DeclarationError(Exception):
    """The file is not as it must be; the message names the file and the entry."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Text(_Strict):
    de: str = Field(min_length=1)
    en: str = Field(min_length=1)

    @property
    def text(self) -> Text:
        return Text(self.de, self.en)


class Key(_Strict):
    """Something that can be said of how devices should be."""

    type: str
    label: _Text
    playbook: str = ""
    argument: str = ""
    secret: bool = False
    where: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> "Key":
        if self.type not in KINDS:
            raise ValueError(f"there is no type {self.type!r}")
        if self.argument and not self.playbook:
            raise ValueError("an argument needs its playbook")
        return self


class Rule(_Strict):
    """Something that a configuration is judged by."""

    module: str = Field(pattern=r"^[A-Z]{3,4}(\.\d+)+$")
    title: _Text
    advice: _Text


class _Keys(RootModel[dict[str, Key]]):
    pass


class _Rules(RootModel[dict[str, Rule]]):
    pass


@cache
def keys() -> dict[str, Key]:
    """Raises DeclarationError."""
    return read_keys((FOLDER / "intent.toml").read_text())


@cache
def rules() -> dict[str, Rule]:
    """Raises DeclarationError."""
    return read_rules((FOLDER / "compliance.toml").read_text())


def read_keys(text: str) -> dict[str, Key]:
    try:
        return _Keys.model_validate(tomllib.loads(text)).root
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise DeclarationError(f"intent.toml: {error}") from error


def read_rules(text: str) -> dict[str, Rule]:
    try:
        found = _Rules.model_validate(tomllib.loads(text)).root
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise DeclarationError(f"compliance.toml: {error}") from error
    if set(found) != set(JUDGES):
        raise DeclarationError(f"compliance.toml: rules and judges differ: {sorted(set(found) ^ set(JUDGES))}")
    return found


def places(platform: str) -> list[Place]:
    """What can be compared on devices of this platform."""
    return [Place(name, key.type, key.where[platform]) for name, key in keys().items() if platform in key.where]
