"""What policy.toml says, read once and strictly."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from fleet.automation.rules.approvals import MOST, Patience, Tier
from fleet.automation.rules.policy import LONGEST_MARGIN_DAYS, Exams, Rule, Times

FILE = Path(__file__).with_name("policy.toml")
MOST_MINUTES = 240
Risk = Literal["low", "medium", "high"]
RISKS: tuple[Risk, ...] = ("low", "medium", "high")


class PolicyError(Exception):
    """policy.toml is not valid; the text names file, line and key, one problem per line."""


def _clock(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"\d{2}:\d{2}", value):
        raise ValueError('a time is written "07:00"')
    return time.fromisoformat(value)


Clock = Annotated[time, BeforeValidator(_clock)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Day(_Strict):
    begins: Clock
    ends: Clock

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.ends <= self.begins:
            raise ValueError("the day must end after it begins")
        return self


class _Tier(_Strict):
    count: int = Field(ge=0, le=MOST)
    from_devices: int = Field(1, ge=1)
    from_sites: int = Field(1, ge=1)


class _Risk(_Strict):
    times: Literal["any", "between-lessons", "outside-school", "windows"]
    exams: Literal["ignored", "during", "days-around"]
    exam_margin_days: int = Field(ge=0, le=LONGEST_MARGIN_DAYS)
    naps: bool
    harmless_s: int = Field(ge=-1)
    around_school_min: int = Field(ge=0, le=MOST_MINUTES)
    approvals: list[_Tier] = Field(min_length=1)


class _Patience(_Strict):
    request_days: int = Field(ge=1, le=365)
    after_start_hours: int = Field(ge=0, le=720)
    approval_days: int = Field(ge=1, le=365)
    link_days: int = Field(ge=1, le=30)


class _File(_Strict):
    day: _Day
    risk: Mapping[Risk, _Risk]
    patience: _Patience

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if missing := set(RISKS) - set(self.risk):
            raise ValueError(f"no [risk.{min(missing)}]")
        return self


@dataclass(frozen=True)
class Policy:
    """The defaults as delivered."""

    rules: tuple[Rule, ...]
    tiers: tuple[Tier, ...]
    patience: Patience
    link_for: timedelta
    day_begins: time
    day_ends: time

    def rule(self, risk: str) -> Rule:
        return next(rule for rule in self.rules if rule.risk == risk)


@cache
def known() -> Policy:
    """Raises PolicyError."""
    return parse(FILE.read_text(), FILE.name)


def parse(text: str, file: str) -> Policy:
    """Raises PolicyError with every problem found, each with its line."""
    try:
        said = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{file}: {error}") from error
    except ValidationError as error:
        problems = [f"{file}:{_line(text, one['loc'])}: {_sentence(one)}" for one in error.errors()]
        raise PolicyError("\n".join(problems)) from error
    return Policy(
        rules=tuple(_rule(risk, one) for risk, one in said.risk.items()),
        tiers=tuple(Tier(risk, **tier.model_dump()) for risk, one in said.risk.items() for tier in one.approvals),
        patience=Patience(
            request=timedelta(days=said.patience.request_days),
            after_start=timedelta(hours=said.patience.after_start_hours),
            approval=timedelta(days=said.patience.approval_days),
        ),
        link_for=timedelta(days=said.patience.link_days),
        day_begins=said.day.begins,
        day_ends=said.day.ends,
    )


def _rule(risk: str, said: _Risk) -> Rule:
    return Rule(
        risk=risk,
        times=Times(said.times),
        exams=Exams(said.exams),
        exam_margin_days=said.exam_margin_days,
        naps=said.naps,
        harmless_s=said.harmless_s,
        around_school_min=said.around_school_min,
    )


def _sentence(problem: Any) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}" if where else str(problem["msg"])


def _line(text: str, where: tuple[int | str, ...]) -> int:
    """The line of that key, or of the table on the way to it: tomllib tells none."""
    names = tuple(part for part in where if isinstance(part, str) and part != "[key]")
    best, table = 1, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[+([^\]]+)\]+", line):
            table = header[1].strip()
            best = number if names and ".".join(names).startswith(table) else best
        elif (key := re.match(r"\s*([\w-]+)\s*=", line)) and f"{table}.{key[1]}" == ".".join(names):
            return number
    return best
