"""The command line ``uci``: its verbs, what they print and how they end.

Exit status as in OpenWrt's cli.c: 0 done, 1 an error that was printed, 255 wrong usage. ``uci batch`` ends with 0
even when a line failed: who needs to know reads stderr, or asks ``uci changes``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass, field

from fleet.lab.ssh.uci.store import CONFIG_DIR, DELTA_DIR, Change, Pointer, Store, pointer
from fleet.lab.ssh.uci.text import (
    EntryNotFound,
    InvalidArgument,
    ParseError,
    Section,
    UciError,
    Value,
    quote,
    serialise,
    statements,
)

USAGE = 255
_HELP = """Usage: uci [<options>] <command> [<arguments>]

Commands:
\tbatch
\texport     [<config>]
\timport     [<config>]
\tchanges    [<config>]
\tcommit     [<config>]
\tadd        <config> <section-type>
\tadd_list   <config>.<section>.<option>=<string>
\tdel_list   <config>.<section>.<option>=<string>
\tshow       [<config>[.<section>[.<option>]]]
\tget        <config>.<section>[.<option>]
\tset        <config>.<section>[.<option>]=<value>
\tdelete     <config>[.<section>[[.<option>][=<id>]]]
\trename     <config>.<section>[.<option>]=<name>
\trevert     <config>[.<section>[.<option>]]
\treorder    <config>.<section>=<position>

"""


@dataclass
class Outcome:
    """What one run of ``uci`` printed and its exit status."""

    out: str = ""
    err: str = ""
    status: int = 0


@dataclass
class _Run:
    store: Store
    stdin: str
    quiet: bool = False
    extended_names: bool = True
    delimiter: str = " "
    merge: bool = False
    outcome: Outcome = field(default_factory=Outcome)

    def say(self, text: str) -> None:
        self.outcome.out += text

    def complain(self, error: UciError) -> None:
        if not self.quiet:
            self.outcome.err += f"uci: {error}\n"


class _UsageError(Exception):
    pass


_Verb = Callable[[_Run, list[str]], None]


def needs_stdin(args: list[str]) -> bool:
    """True when ``uci args…`` reads its standard input (``batch``, ``import``)."""
    options, words = _options(args)
    return words[:1] in (["batch"], ["import"]) and "-f" not in (options or {})


def run(files: MutableMapping[str, str], args: list[str], stdin: str = "") -> Outcome:
    """Run ``uci args…`` on a device's files."""
    options, words = _options(args)
    if options is None or not words:
        return Outcome(err=_HELP, status=USAGE)
    store = Store(files, options.get("-c", CONFIG_DIR), options.get("-P", options.get("-p", DELTA_DIR)))
    text = files.get(options["-f"], "") if "-f" in options else stdin
    run_ = _Run(store, text, "-q" in options, "-X" not in options, options.get("-d", " "), "-m" in options)
    run_.outcome.status = _dispatch(run_, words)
    if run_.outcome.status == USAGE:
        run_.outcome.err += _HELP
    return run_.outcome


def _options(args: list[str]) -> tuple[dict[str, str] | None, list[str]]:
    found: dict[str, str] = {}
    rest = list(args)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word in ("-c", "-d", "-f", "-p", "-P", "-t"):
            if not rest:
                return None, []
            found[word] = rest.pop(0)
        elif word.lstrip("-") and set(word[1:]) <= set("qQXxmMnNsSL"):
            found |= {f"-{letter}": "" for letter in word[1:]}
        else:
            return None, []
    return found, rest


def _dispatch(run_: _Run, words: list[str]) -> int:
    verb = _VERBS.get(words[0])
    if verb is None:
        return USAGE
    try:
        verb(run_, words[1:])
    except _UsageError:
        return USAGE
    except UciError as error:
        run_.complain(error)
        return 1
    return 0


def _one(words: list[str]) -> str:
    if len(words) != 1:
        raise _UsageError
    return words[0]


def _shown_value(value: Value, delimiter: str, *, quoted: bool) -> str:
    if isinstance(value, str):
        return quote(value) if quoted else value
    plain = (item if not quoted and not set(item) & set(" \t\r\n") else quote(item) for item in value)
    return delimiter.join(plain)


def _get(run_: _Run, words: list[str]) -> None:
    place = pointer(_one(words))
    if not place.section:
        raise InvalidArgument
    section = run_.store.load(place.package).find(place.section)
    if not place.option:
        run_.say(section.type + "\n")
    elif place.option in section.options:
        run_.say(_shown_value(section.options[place.option], run_.delimiter, quoted=False) + "\n")
    else:
        raise EntryNotFound


def _show(run_: _Run, words: list[str]) -> None:
    if not words:
        for name in run_.store.names():
            _show(run_, [name])
        return
    place = pointer(_one(words))
    sections = run_.store.load(place.package).sections
    if not place.section:
        for section in sections:
            _show_section(run_, place.package, sections, section)
        return
    section = run_.store.load(place.package).find(place.section)
    if place.option:
        _show_option(run_, f"{place.package}.{place.section}", section, place.option)
    else:
        _show_section(run_, place.package, sections, section)


def _show_section(run_: _Run, package: str, sections: list[Section], section: Section) -> None:
    head = f"{package}.{_label(run_, sections, section)}"
    run_.say(f"{head}={section.type}\n")
    for option in section.options:
        _show_option(run_, head, section, option)


def _show_option(run_: _Run, head: str, section: Section, option: str) -> None:
    if option not in section.options:
        raise EntryNotFound
    shown = _shown_value(section.options[option], run_.delimiter, quoted=True)
    run_.say(f"{head}.{option}={shown}\n")


def _label(run_: _Run, sections: list[Section], section: Section) -> str:
    if not section.anonymous or not run_.extended_names:
        return section.name
    same = [other.name for other in sections if other.type == section.type]
    return f"@{section.type}[{same.index(section.name)}]"


def _target(run_: _Run, words: list[str], *, option: bool | None = None) -> Pointer:
    """The argument of a writing verb: it must name a section and carry a value."""
    place = pointer(_one(words))
    if not place.section or place.value is None or (option is not None and option != bool(place.option)):
        raise InvalidArgument
    return Pointer(place.package, run_.store.resolve(place.package, place.section), place.option, place.value)


def _stage(run_: _Run, sign: str, place: Pointer) -> None:
    run_.store.stage(place.package, Change(sign, place.section, place.option, place.value or ""))


def _set(run_: _Run, words: list[str]) -> None:
    place = _target(run_, words)
    if place.value:
        _stage(run_, "", place)
    else:
        # An empty value deletes; nothing to delete is not an error here.
        _forget(run_, place)


def _forget(run_: _Run, place: Pointer) -> None:
    try:
        _stage(run_, "-", place)
    except EntryNotFound:
        run_.store.load(place.package)


def _delete(run_: _Run, words: list[str]) -> None:
    place = pointer(_one(words))
    if not place.section:
        raise InvalidArgument
    name = run_.store.resolve(place.package, place.section)
    _stage(run_, "-", Pointer(place.package, name, place.option, place.value))


def _staging(sign: str, *, option: bool | None = None) -> _Verb:
    def verb(run_: _Run, words: list[str]) -> None:
        _stage(run_, sign, _target(run_, words, option=option))

    return verb


def _add(run_: _Run, words: list[str]) -> None:
    match words:
        case [package, kind]:
            run_.say(run_.store.add(package, kind) + "\n")
        case _:
            raise _UsageError


def _changes(run_: _Run, words: list[str]) -> None:
    for name in words or run_.store.changed():
        run_.say("".join(change.shown(name) for change in run_.store.changes(name)))


def _commit(run_: _Run, words: list[str]) -> None:
    for name in [pointer(word).package for word in words] or run_.store.changed():
        run_.store.commit(name)


def _revert(run_: _Run, words: list[str]) -> None:
    place = pointer(_one(words))
    name = run_.store.resolve(place.package, place.section)
    run_.store.revert(Pointer(place.package, name, place.option))


def _export(run_: _Run, words: list[str]) -> None:
    for name in words or run_.store.names():
        run_.say(f"package {name}\n{serialise(run_.store.load(name).sections)}")


def _import(run_: _Run, words: list[str]) -> None:
    packages = _split_packages(run_.stdin, words[0] if words else "")
    for name, text in packages:
        run_.store.replace(name, text)


def _split_packages(text: str, name: str) -> Iterable[tuple[str, str]]:
    """Cut the input at its ``package`` lines; a name given on the command line wins over the first of them."""
    if name:
        return [(name, text)]
    found: dict[str, list[str]] = {}
    current: str | None = None
    for line, words in statements(text):
        if words[0] == "package" and words[1:]:
            current = words[1]
            found[current] = []
        elif current is None:
            raise ParseError("attempting to import a file without a package name", line)
        else:
            found[current].append(" ".join(map(quote, words)))
    return [(package, "\n".join(lines)) for package, lines in found.items()]


def _batch(run_: _Run, words: list[str]) -> None:
    if words:
        raise _UsageError
    lines, run_.stdin = run_.stdin, ""
    for _line, command in statements(lines):
        if command[0] == "exit":
            return
        if _dispatch(run_, command) == USAGE:
            run_.outcome.err += "Unknown command\n"


_VERBS: dict[str, _Verb] = {
    "add": _add,
    "add_list": _staging("|", option=True),
    "batch": _batch,
    "changes": _changes,
    "commit": _commit,
    "del": _delete,
    "del_list": _staging("~", option=True),
    "delete": _delete,
    "export": _export,
    "get": _get,
    "import": _import,
    "rename": _staging("@"),
    "reorder": _staging("^", option=False),
    "revert": _revert,
    "set": _set,
    "show": _show,
}
