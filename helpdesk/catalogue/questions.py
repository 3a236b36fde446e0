"""What the form of an order asks besides a playbook's arguments: typed, and asked only where it matters."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from fleet.automation.catalogue import Text

YES, NO = "yes", "no"
LONGEST = 500


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Strict):
    de: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def in_language(self, language: str | None) -> str:
        return Text(self.de, self.en).in_language(language)


class Choice(Words):
    value: str = Field(min_length=1, pattern=r"^[\w-]+$")


class Question(Strict):
    """`min`, `max`: of a number its value, of a text its length, of a date how many days from today."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    type: Literal["text", "long", "number", "date", "mail", "choice", "yes-no"]
    label: Words
    help: Words | None = None
    required: bool = True
    choices: list[Choice] = Field(default_factory=list)
    min: int | None = None
    max: int | None = None
    when: dict[str, str | list[str]] = Field(default_factory=dict)
    """{another question: the answer, or the answers, with which this one is asked}"""
    not_before: str = ""
    """Another question for a date: this one's lies on that day or later."""

    def wanted(self, answers: Mapping[str, Any]) -> bool:
        return all(str(answers.get(name) or "") in values for name, values in self.conditions().items())

    def conditions(self) -> dict[str, list[str]]:
        return {name: [values] if isinstance(values, str) else list(values) for name, values in self.when.items()}

    def possible(self) -> list[str]:
        """The answers that can be given, where they are given."""
        return [YES, NO] if self.type == "yes-no" else [choice.value for choice in self.choices]

    def choice(self, value: str) -> Choice | None:
        return next((one for one in self.choices if one.value == value), None)


def questions_problem(questions: Sequence[Question], taken: set[str]) -> tuple[str, str] | None:
    """(word in the file, what is wrong with it) of the first question that cannot be asked like this."""
    before: dict[str, Question] = {}
    for one in questions:
        if one.name in before or one.name in taken:
            return one.name, f"{one.name} is asked twice"
        if problem := _problem(one, before):
            return one.name, problem
        before[one.name] = one
    return None


def _problem(one: Question, before: Mapping[str, Question]) -> str | None:
    values = [choice.value for choice in one.choices]
    if (one.type == "choice") != bool(one.choices):
        return f"{one.name} has choices exactly if its type is choice"
    if len(values) != len(set(values)):
        return f"{one.name} has the same choice twice"
    if problem := _limits_problem(one, before.get(one.not_before)):
        return problem
    for name, wanted in one.conditions().items():
        if name not in before:
            return f"{one.name} depends on {name}, which is not asked before"
        if not wanted or not set(wanted) <= set(before[name].possible()):
            return f"{one.name} waits for an answer that {name} does not have"
    return None


def _limits_problem(one: Question, first: Question | None) -> str | None:
    """`first`: what it must not lie before."""
    if one.min is not None and one.max is not None and one.min > one.max:
        return f"{one.name}: min lies above max"
    if one.not_before and (one.type != "date" or first is None or first.type != "date"):
        return f"{one.name}: not_before needs two dates, and {one.not_before} to be asked before"
    return None


def kept(value: Any) -> Any:
    """An answer as it can be kept as JSON."""
    return value.isoformat() if isinstance(value, date) else value
