"""Reads `playbooks/<slug>/` and refuses whatever is not exactly as declared, naming the file and the line."""

import hashlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from fleet.automation.catalogue.model import (
    GIVE_UP_AFTER_H,
    SERVER_SETTLES_S,
    SETTLES_S,
    SWITCH_SETTLES_S,
    Argument,
    Expectation,
    Generate,
    Holds,
    Playbook,
    Predecessor,
    Risk,
    Rollback,
    Rotates,
    Subject,
    Text,
    Verification,
    Voucher,
)
from fleet.automation.rules.arguments import takes, takes_as_it_is
from fleet.automation.rules.platforms import USERS
from fleet.automation.rules.readings import PLACEHOLDER, PathError, parse
from fleet.automation.rules.sources import SLUG
from fleet.people.rules import ACTIONS, Action, Role

RETIRED = "retired_"
"""How the names of arguments begin that say which old secret goes."""
NEED_NO_VALUE = {"restarted", "reachable"}
RESERVED = re.compile(r"ansible_|hostvars$|groups$|inventory_|omit$|vars$")


class CatalogueError(Exception):
    """A playbook's folder is not as it must be, or there is none of that name; the message names file and line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Text(_Strict):
    de: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def text(self) -> Text:
        return Text(self.de, self.en)


class _ArgumentText(_Strict):
    label: _Text
    help: _Text | None = None
    generate: Generate = ""


class _Voucher(_Strict):
    ssid: str
    key: str
    when: dict[str, Any] = Field(default_factory=dict)


class _Expectation(_Strict):
    reading: str = ""
    holds: Holds
    value: str | int | float | bool | None = None
    when: dict[str, Any] = Field(default_factory=dict)
    given: tuple[str, ...] = Field(default=(), strict=False)
    subject: Subject = "target"


class _Verification(_Strict):
    within_s: int = Field(gt=0, le=3600)
    expect: list[_Expectation] = Field(min_length=1)


class _Rollback(_Strict):
    arguments: dict[str, Any] = Field(default_factory=dict)
    playbook: str = Field(default="", pattern=rf"^({SLUG.pattern})?$")
    restore_backup: bool = False
    give_up_after_h: int = Field(default=GIVE_UP_AFTER_H, gt=0, le=24 * 90)


class _Manifest(_Strict):
    title: _Text
    summary: _Text
    platforms: list[str] = Field(min_length=1)
    risk: Risk
    check_mode: Literal["honest", "none"]
    expected_duration_s: int = Field(gt=0)
    timeout_s: int = Field(gt=0, le=7200)
    max_targets: int = Field(gt=0, validation_alias=AliasChoices("max_targets", "blast_radius"))
    max_per_step: int | None = Field(default=None, gt=0)
    disruption_s: int | None = Field(default=None, ge=0)
    disrupts_at: str = ""
    settles_s: int | None = Field(default=None, ge=0, le=3600)
    who_may_run: list[str] = Field(default_factory=list)
    who_approves: list[str] = Field(default_factory=list)
    rotates: Rotates = ""
    predecessor: Predecessor = ""
    after_cut: str = Field(default="", pattern=rf"^({SLUG.pattern})?$")
    adjusts: str = Field(default="", pattern=rf"^({SLUG.pattern})?$")
    subject: list[str] = Field(default_factory=list)
    voucher: _Voucher | None = None
    arguments: dict[str, _ArgumentText] = Field(default_factory=dict)
    verification: _Verification
    rollback: _Rollback | None = None


Type = Literal["str", "int", "bool", "float", "list", "dict", "path", "raw"]


class _Option(_Strict):
    """One option of Ansible's own argument specification."""

    type: Type = "str"
    required: bool = False
    default: Any = None
    choices: list[Any] = Field(default_factory=list)
    elements: Type = "str"
    description: str | list[str] = ""
    no_log: bool = False


def load(folder: Path) -> Playbook:
    """The playbook in `folder`; raises CatalogueError for the first thing that is wrong."""
    if not SLUG.fullmatch(folder.name):
        raise CatalogueError(f"{folder}: a playbook's folder is named in lower case with hyphens")
    if not (folder / "playbook.yml").is_file():
        raise CatalogueError(f"{folder / 'playbook.yml'}: missing")
    options = _options(folder / "meta" / "argument_specs.yml")
    source = folder / "manifest.toml"
    manifest = _manifest(source)
    _agree(source, manifest, options)
    return _playbook(folder, manifest, options)


def _manifest(source: Path) -> _Manifest:
    try:
        text = source.read_text()
    except FileNotFoundError as error:
        raise CatalogueError(f"{source}: missing") from error
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{source}: not UTF-8") from error
    try:
        return _Manifest.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{source}: {error}") from error
    except ValidationError as error:
        raise CatalogueError(_first(source, text, error)) from error


def _options(source: Path) -> dict[str, _Option]:
    try:
        text = source.read_text()
        declared = dict((yaml.safe_load(text)["argument_specs"]["main"].get("options") or {}).items())
    except FileNotFoundError as error:
        raise CatalogueError(f"{source}: missing") from error
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise CatalogueError(f"{source}: not an argument specification: {error}") from error
    options = {}
    for name, option in declared.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise CatalogueError(f"{source}:{_line(text, str(name))}: {name!r} cannot be the name of an argument")
        if RESERVED.match(name):
            raise CatalogueError(f"{source}:{_line(text, name)}: {name} is Ansible's own name and no argument")
        try:
            options[name] = _Option.model_validate(option)
        except ValidationError as error:
            raise CatalogueError(_first(source, text, error)) from error
        if problem := _option_problem(name, options[name]):
            raise CatalogueError(f"{source}:{_line(text, name)}: {name}: {problem}")
    return options


def _option_problem(name: str, option: _Option) -> str | None:
    """What nobody could order with."""
    argument = _argument(name, option)
    if option.default is not None and not takes(argument, option.default):
        return "its default is not of its type, or not among its choices"
    return None


def _first(source: Path, text: str, error: ValidationError) -> str:
    problem = error.errors()[0]
    words = [str(part) for part in problem["loc"] if isinstance(part, str)]
    place = ".".join(str(part) for part in problem["loc"])
    return f"{source}:{_line(text, words[-1] if words else '')}: {place}: {problem['msg']}"


def _line(text: str, word: str) -> int:
    """The first line on which the key or `{name}` stands; 1 where it does not (a missing key)."""
    pattern = re.compile(rf"(^|[\s.\[{{,]){re.escape(word)}\s*[\]}}=:.]")
    return next((number for number, line in enumerate(text.splitlines(), 1) if word and pattern.search(line)), 1)


def _line_with(text: str, value: str) -> int:
    """The first line on which this value stands in quotes."""
    return next((number for number, line in enumerate(text.splitlines(), 1) if f'"{value}"' in line), 1)


def _agree(source: Path, manifest: _Manifest, options: dict[str, _Option]) -> None:
    """Manifest and argument specification must speak of the same arguments."""
    text = source.read_text()
    for name in options.keys() ^ manifest.arguments.keys():
        lacks = "no label in the manifest" if name in options else "a label but no argument specification"
        raise CatalogueError(f"{source}:{_line(text, name)}: argument {name} has {lacks}")
    for name in sorted(_named(manifest) - options.keys()):
        raise CatalogueError(f"{source}:{_line(text, name)}: {name} is not a declared argument")
    for key, wrong in _own_problems(manifest):
        raise CatalogueError(f"{source}:{_line(text, key)}: {key}: {wrong}")
    for name, value in _fixed(manifest):
        if not takes_as_it_is(_argument(name, options[name]), value):
            raise CatalogueError(f"{source}:{_line(text, name)}: {name} cannot be {value!r}")
    for name, wrong in _secret_problems(manifest, options):
        raise CatalogueError(f"{source}:{_line(text, name)}: {name} {wrong}")
    if problem := _rotation_problem(manifest, options):
        raise CatalogueError(f"{source}:{_line(text, 'predecessor')}: predecessor: {problem}")
    for one in manifest.verification.expect:
        if problem := _expectation_problem(one, options):
            raise CatalogueError(f"{source}:{_line_with(text, one.reading)}: {problem}")


def _own_problems(manifest: _Manifest) -> Iterator[tuple[str, str]]:
    """(key, what is wrong with it) where the manifest contradicts itself or the house."""
    for key, action in (("who_may_run", Action.ORDER_SERVICE), ("who_approves", Action.APPROVE_CHANGE)):
        for role in getattr(manifest, key):
            if role not in set(Role):
                yield key, f"there is no role {role!r}; roles are {', '.join(sorted(Role))}"
            elif action not in ACTIONS[Role(role)]:
                yield key, f"the role {role!r} never may"
    if unknown := sorted(set(manifest.platforms) - USERS.keys()):
        yield "platforms", f"there is no platform {unknown[0]!r}; platforms are {', '.join(sorted(USERS))}"
    if manifest.expected_duration_s > manifest.timeout_s:
        yield "expected_duration_s", "it is longer than timeout_s"
    if manifest.max_per_step and manifest.max_per_step > manifest.max_targets:
        yield "max_per_step", "it is more than a whole change may touch"
    yield from _ways_back(manifest)


def _ways_back(manifest: _Manifest) -> Iterator[tuple[str, str]]:
    undo = manifest.rollback
    if undo and sum(map(bool, (undo.arguments, undo.playbook, undo.restore_backup))) != 1:
        yield "rollback", "it needs exactly one of arguments, playbook, restore_backup"
    for name in sorted(set(manifest.subject) & set(undo.arguments if undo else ())):
        yield "subject", f"{name} takes it back, so it does not say what is changed"
    if undo and not undo.restore_backup and manifest.adjusts:
        yield "adjusts", "what another playbook did is not undone by undoing a part of it"


def _retires(options: dict[str, _Option]) -> bool:
    return any(name.startswith(RETIRED) for name in options)


def _rotation_problem(manifest: _Manifest, options: dict[str, _Option]) -> str | None:
    """What the manifest says of the old secret and the arguments do not bear out."""
    if manifest.predecessor and not manifest.rotates:
        return "only what renews a credential leaves an old one"
    if manifest.predecessor == "retired" and not _retires(options):
        return f"no argument {RETIRED}… takes what is to be taken away"
    if manifest.predecessor in {"replaced", "stays"} and _retires(options):
        return f"an argument {RETIRED}… takes it away"
    return None


def _predecessor(manifest: _Manifest, options: dict[str, _Option]) -> Predecessor:
    if not manifest.rotates or manifest.predecessor:
        return manifest.predecessor
    return "retired" if _retires(options) else "stays"


def _secret_problems(manifest: _Manifest, options: dict[str, _Option]) -> Iterator[tuple[str, str]]:
    """(argument, what is wrong) where what must be secret is not, or the other way round."""
    for name, argument in manifest.arguments.items():
        if argument.generate and (options[name].type != "str" or not options[name].no_log):
            yield name, "can be made up only if it is a text and no_log"
    for name in manifest.subject:
        if options[name].no_log:
            yield name, "is secret, so it does not say what is changed"
    if (name := manifest.disrupts_at) and (options[name].type != "str" or options[name].no_log):
        yield name, "is the time of an interruption, so it has to be a text that is not secret"
    if (voucher := manifest.voucher) is None:
        return
    if not options[voucher.key].no_log:
        yield voucher.key, "is the key on a voucher, so it has to be no_log"
    if options[voucher.ssid].no_log:
        yield voucher.ssid, "is the name on a voucher, so it cannot be secret"


def _fixed(manifest: _Manifest) -> list[tuple[str, Any]]:
    """The values that the manifest itself gives arguments."""
    given = [
        *(one.when for one in manifest.verification.expect),
        *([manifest.voucher.when] if manifest.voucher else []),
        *([manifest.rollback.arguments] if manifest.rollback else []),
    ]
    return [pair for arguments in given for pair in arguments.items()]


def _expectation_problem(one: _Expectation, options: dict[str, _Option]) -> str | None:
    """What would make this expectation fail only when a change is measured."""
    if one.holds in NEED_NO_VALUE:
        return None
    try:
        parse(one.reading)
    except PathError as error:
        return str(error)
    if one.value is None:
        return f"{one.reading}: {one.holds} needs a value"
    value = one.value if isinstance(one.value, str) else ""
    names = sorted({*PLACEHOLDER.findall(one.reading), *PLACEHOLDER.findall(value)})
    if secret := next((name for name in names if options[name].no_log), None):
        return f"{one.reading}: {secret} is secret, and evidence is shown"
    if one.holds == "at_least" and value and not (value[1:-1] in names and options[value[1:-1]].type in {"int", "float"}):
        return f"{one.reading}: at_least needs a number"
    return None


def _named(manifest: _Manifest) -> set[str]:
    """Every argument that the manifest speaks of elsewhere."""
    names = {*manifest.subject, *(manifest.rollback.arguments if manifest.rollback else ())}
    names |= {manifest.disrupts_at} if manifest.disrupts_at else set()
    if voucher := manifest.voucher:
        names |= {voucher.ssid, voucher.key, *voucher.when}
    for one in manifest.verification.expect:
        names |= {*one.when, *one.given} | set(PLACEHOLDER.findall(one.reading))
        names |= set(PLACEHOLDER.findall(one.value)) if isinstance(one.value, str) else set()
    return names


def _playbook(folder: Path, manifest: _Manifest, options: dict[str, _Option]) -> Playbook:
    return Playbook(
        slug=folder.name,
        title=manifest.title.text(),
        summary=manifest.summary.text(),
        platforms=frozenset(manifest.platforms),
        risk=manifest.risk,
        check_mode=manifest.check_mode,
        expected_duration_s=manifest.expected_duration_s,
        timeout_s=manifest.timeout_s,
        max_targets=manifest.max_targets,
        arguments=tuple(_argument(name, option, manifest.arguments[name]) for name, option in options.items()),
        verification=Verification(
            manifest.verification.within_s,
            tuple(Expectation(**one.model_dump()) for one in manifest.verification.expect),
        ),
        rollback=Rollback(**manifest.rollback.model_dump()) if manifest.rollback else None,
        digest=_digest(folder),
        folder=folder,
        who_may_run=frozenset(manifest.who_may_run),
        who_approves=frozenset(manifest.who_approves),
        max_per_step=manifest.max_per_step,
        disruption_s=manifest.disruption_s,
        disrupts_at=manifest.disrupts_at,
        settles_s=_settles_s(manifest),
        rotates=manifest.rotates,
        predecessor=_predecessor(manifest, options),
        after_cut=manifest.after_cut,
        adjusts=manifest.adjusts,
        subject=frozenset(manifest.subject),
        voucher=Voucher(**manifest.voucher.model_dump()) if manifest.voucher else None,
    )


def _settles_s(manifest: _Manifest) -> int:
    if manifest.settles_s is not None:
        return manifest.settles_s
    known = {"openwrt": SWITCH_SETTLES_S, "linux": SERVER_SETTLES_S}
    return max(known.get(platform, SETTLES_S) for platform in manifest.platforms)


def _argument(name: str, option: _Option, texts: _ArgumentText | None = None) -> Argument:
    return Argument(
        name=name,
        type=option.type,
        label=texts.label.text() if texts else Text(name, name),
        help=texts.help.text() if texts and texts.help else None,
        required=option.required,
        default=option.default,
        choices=tuple(option.choices),
        elements=option.elements,
        secret=option.no_log,
        generate=texts.generate if texts else "",
    )


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()
