"""Filters of text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from fleet.lab.ssh.shell.applets.conditions import basic_regex, compile_regex, extended_regex
from fleet.lab.ssh.shell.applets.registry import UsageError, applet, inputs, number, options
from fleet.lab.ssh.shell.call import Call

_MAX_COUNT = 100_000


@applet("grep", "egrep", "fgrep")
async def grep(call: Call) -> int:
    found, names = options(call.args, "EFcilnoqsvwxHhr", "em")
    if "e" not in found:
        if not names:
            return await call.fail("usage: grep [-HhnlLoqvsriwFE] PATTERN [FILE]...", 2)
        found["e"], names = names[0], names[1:]
    matcher = _grep_regex(call.name, found)
    texts = await inputs(call, names)
    hits = 0
    for name, text in texts:
        head = f"{name}:" if ("H" in found or len(names) > 1) and "h" not in found else ""
        hits += await _grep_one(call, _Search(matcher, found, name, head), text)
    return 2 if len(texts) < len(names) and not hits else int(not hits)


@dataclass(frozen=True)
class _Search:
    matcher: re.Pattern[str]
    options: dict[str, str]
    name: str
    head: str


def _grep_regex(name: str, found: dict[str, str]) -> re.Pattern[str]:
    fixed, extended = "F" in found or name == "fgrep", "E" in found or name == "egrep"
    read: Callable[[str], str] = re.escape if fixed else extended_regex if extended else basic_regex
    parts = "|".join(f"(?:{read(line)})" for line in found["e"].split("\n"))
    if "w" in found:
        parts = rf"\b(?:{parts})\b"
    if "x" in found:
        parts = f"^(?:{parts})$"
    return compile_regex(parts, re.IGNORECASE if "i" in found else 0)


async def _grep_one(call: Call, search: _Search, text: str) -> int:
    found, limit = search.options, number(search.options.get("m", "0")) or None
    lines = list(enumerate(text.splitlines(), 1))
    hits = [(at, line) for at, line in lines if bool(search.matcher.search(line)) != ("v" in found)][:limit]
    if "q" in found:
        return len(hits)
    if "c" in found:
        await call.out(f"{search.head}{len(hits)}\n")
    elif "l" in found:
        await call.out(f"{search.name}\n" if hits else "")
    else:
        await call.out("".join(_grep_line(search, at, line) for at, line in hits))
    return len(hits)


def _grep_line(search: _Search, at: int, line: str) -> str:
    head = search.head + (f"{at}:" if "n" in search.options else "")
    if "o" in search.options and "v" not in search.options:
        return "".join(f"{head}{match[0]}\n" for match in search.matcher.finditer(line) if match[0])
    return f"{head}{line}\n"


@applet("head", "tail")
async def head_tail(call: Call) -> int:
    args = [f"-n{word[1:]}" if re.fullmatch(r"-\d+", word) else word for word in call.args]
    found, names = options(args, "q", "nc")
    texts = await inputs(call, names)
    for name, text in texts:
        await call.out(f"==> {name} <==\n" if len(names) > 1 and "q" not in found else "")
        units = list(text) if "c" in found else text.splitlines(keepends=True)
        await call.out("".join(_end(call.name, units, found.get("c", found.get("n", "10")))))
    return int(len(texts) < len(names))


def _end(name: str, units: list[str], count: str) -> list[str]:
    value = number(count)
    if name == "head":
        return units[:value]
    if count.startswith("+"):
        return units[max(0, value - 1) :]
    return units[-abs(value) :] if value else []


@applet("wc")
async def wc(call: Call) -> int:
    found, names = options(call.args, "lwcm")
    texts = await inputs(call, names)
    for name, text in texts:
        counts = {
            "l": text.count("\n"),
            "w": len(text.split()),
            "c": len(text.encode("utf-8", "surrogateescape")),
            "m": len(text),
        }
        wanted = [key for key in "lwmc" if key in found] or ["l", "w", "c"]
        shown = [str(counts[key]) for key in wanted] if len(wanted) == 1 else [f"{counts[key]:9d}" for key in wanted]
        await call.out(" ".join(shown) + (f" {name}" if name != "-" else "") + "\n")
    return int(len(texts) < len(names))


@applet("sort")
async def sort(call: Call) -> int:
    found, names = options(call.args, "nruf", "kt")
    lines = [line for _name, text in await inputs(call, names) for line in text.splitlines()]
    field_ = number(found.get("k", "0").partition(",")[0].rstrip("nr") or "0")

    def key(line: str) -> tuple[float, str]:
        parts = line.split(found.get("t"))
        text = parts[field_ - 1] if 0 < field_ <= len(parts) else line if not field_ else ""
        value = re.match(r"\s*-?\d{1,15}", text) if "n" in found else None
        return (float(value[0]) if value else 0.0, text)

    ordered = sorted(sorted(lines), key=key, reverse="r" in found)
    if "u" in found:
        ordered = list(dict.fromkeys(ordered))
    await call.out("".join(f"{line}\n" for line in ordered))
    return 0


@applet("uniq")
async def uniq(call: Call) -> int:
    found, names = options(call.args, "cdu")
    lines = [line for _name, text in await inputs(call, names[:1]) for line in text.splitlines()]
    groups: list[list[str]] = []
    for line in lines:
        if groups and groups[-1][0] == line:
            groups[-1].append(line)
        else:
            groups.append([line])
    for group in groups:
        if ("d" in found and len(group) == 1) or ("u" in found and len(group) > 1):
            continue
        await call.out((f"{len(group):7d} " if "c" in found else "") + group[0] + "\n")
    return 0


def _ranges(text: str) -> list[tuple[int, int]]:
    found = []
    for part in text.split(","):
        low, dash, high = part.partition("-")
        first = number(low or "1")
        found.append((first, number(high) if high else 1 << 31 if dash else first))
    return found


@applet("cut")
async def cut(call: Call) -> int:
    found, names = options(call.args, "s", "dfcb")
    spec = found.get("f", found.get("c", found.get("b")))
    if spec is None:
        return await call.fail("expected a list of bytes, characters, or fields")
    ranges, by_field, mark = _ranges(spec), "f" in found, found.get("d", "\t")
    for _name, text in await inputs(call, names):
        for line in text.splitlines():
            if by_field and mark not in line:
                await call.out("" if "s" in found else line + "\n")
                continue
            units = line.split(mark) if by_field else list(line)
            kept = [unit for at, unit in enumerate(units, 1) if any(low <= at <= high for low, high in ranges)]
            await call.out((mark if by_field else "").join(kept) + "\n")
    return 0


def _characters(text: str) -> str:
    """A set of ``tr``: escapes, classes, ranges."""
    classes = {
        "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "lower": "abcdefghijklmnopqrstuvwxyz",
        "digit": "0123456789",
        "space": " \t\n\r\f\v",
    }
    text = re.sub(r"\[:(\w+):\]", lambda match: classes.get(match[1], ""), text)
    text = re.sub(r"\\([ntr\\])", lambda match: {"n": "\n", "t": "\t", "r": "\r", "\\": "\\"}[match[1]], text)
    return re.sub(
        r"(.)-(.)", lambda match: "".join(map(chr, range(ord(match[1]), ord(match[2]) + 1))), text, flags=re.DOTALL
    )


@applet("tr")
async def tr(call: Call) -> int:
    found, sets = options(call.args, "dcsC")
    if not sets:
        return await call.fail("usage: tr [-cds] STRING1 [STRING2]")
    text = await call.streams.stdin.rest()
    chosen = set(_characters(sets[0]))
    inverse = bool({"c", "C"} & found.keys())
    if "d" in found:
        text = "".join(char for char in text if (char in chosen) == inverse)
    elif len(sets) > 1:
        source, target = _characters(sets[0]), _characters(sets[1]) or "\0"
        table = {ord(char): target[min(at, len(target) - 1)] for at, char in enumerate(source)}
        text = "".join(char if char in chosen else target[-1] for char in text) if inverse else text.translate(table)
        chosen = set(target)
    if "s" in found:
        text = re.sub(r"(.)\1+", lambda match: match[1] if match[1] in chosen else match[0], text, flags=re.DOTALL)
    await call.out(text)
    return 0


@dataclass(frozen=True)
class _SedCommand:
    """``first,last verb``: addresses are line numbers, ``$`` or expressions; None means every line."""

    first: str | None
    last: str | None
    verb: str
    matcher: re.Pattern[str] | None = None
    replacement: str = ""
    flags: str = ""


_ADDRESS = r"(\d+|\$|/(?:[^/\\]|\\.)*/)"
_SED = re.compile(rf"\s*{_ADDRESS}?(?:,{_ADDRESS})?\s*([spdq])", re.DOTALL)


@applet("sed")
async def sed(call: Call) -> int:
    found, rest = options(call.args, "nEri", "e")
    script = found["e"] if "e" in found else rest.pop(0) if rest else ""
    commands = _sed_script(script, extended_regex if {"E", "r"} & found.keys() else basic_regex)
    texts = await inputs(call, rest)
    for name, text in texts:
        result = _edited(text, commands, quiet="n" in found)
        if "i" in found and name != "-":
            call.files.write(call.path(name), result)
        else:
            await call.out(result)
    return int(len(texts) < len(rest))


def _sed_script(script: str, read: Callable[[str], str]) -> list[_SedCommand]:
    found, rest = [], script.strip()
    while rest:
        match = _SED.match(rest)
        if match is None:
            raise UsageError(f"unsupported command {rest[:1]}")
        first, last, verb = match.groups()
        rest = rest[match.end() :]
        if verb == "s":
            command, rest = _substitution(first, last, rest, read)
        else:
            command = _SedCommand(first, last, verb)
        found.append(command)
        rest = rest.lstrip()
        if rest and rest[0] not in ";\n":
            raise UsageError(f"unknown command: {rest[:1]}")
        rest = rest[1:].lstrip()
    return found


def _substitution(first: str | None, last: str | None, rest: str, read: Callable[[str], str]) -> tuple[_SedCommand, str]:
    mark = re.escape(rest[:1])
    match = re.match(rf"{mark}((?:[^\\]|\\.)*?){mark}((?:[^\\]|\\.)*?){mark}([gpIi]*)", rest, re.DOTALL) if rest else None
    if match is None:
        raise UsageError("unmatched '/'")
    expression, replacement, flags = match.groups()
    expression = expression.replace(f"\\{rest[0]}", rest[0]) if rest[0] not in "().|+?*" else expression
    matcher = compile_regex(read(expression), re.IGNORECASE if "i" in flags.lower() else 0)
    return _SedCommand(first, last, "s", matcher, replacement, flags), rest[match.end() :]


def _edited(text: str, commands: list[_SedCommand], *, quiet: bool) -> str:
    lines, found = text.splitlines(), list[str]()
    inside: set[int] = set()
    for at, original in enumerate(lines, 1):
        line: str | None = original
        for index, command in enumerate(commands):
            if line is None or not _addressed(command, index, inside, (at, len(lines), line)):
                continue
            if command.verb == "q":
                return "".join(f"{out}\n" for out in [*found, *([] if quiet else [line])])
            line, printed = _edit(command, line)
            found += printed
        if line is not None and not quiet:
            found.append(line)
    return "".join(f"{line}\n" for line in found)


def _edit(command: _SedCommand, line: str) -> tuple[str | None, list[str]]:
    """The line after a command (None: deleted), and what the command printed."""
    if command.verb == "d":
        return None, []
    if command.verb == "p" or command.matcher is None:
        return line, [line]
    result, count = command.matcher.subn(
        lambda match: _replaced(match, command.replacement), line, count=0 if "g" in command.flags else 1
    )
    return result, [result] if count and "p" in command.flags else []


def _replaced(match: re.Match[str], replacement: str) -> str:
    def one(found: re.Match[str]) -> str:
        text = found[0]
        if text == "&":
            return match[0]
        if text[1].isdigit():
            return (match[int(text[1])] or "") if int(text[1]) <= match.re.groups else ""
        return {"n": "\n", "t": "\t"}.get(text[1], text[1])

    return re.sub(r"\\.|&", one, replacement, flags=re.DOTALL)


def _addressed(command: _SedCommand, index: int, inside: set[int], where: tuple[int, int, str]) -> bool:
    if command.first is None:
        return True
    if command.last is None:
        return _at(command.first, where)
    if index in inside:
        if _at(command.last, where):
            inside.discard(index)
        return True
    if not _at(command.first, where):
        return False
    if not (command.last.isdecimal() and int(command.last) <= where[0]):
        inside.add(index)
    return True


def _at(address: str, where: tuple[int, int, str]) -> bool:
    number_, count, line = where
    if address == "$":
        return number_ == count
    if address.isdecimal():
        return number_ == int(address)
    return bool(compile_regex(basic_regex(address[1:-1].replace("\\/", "/"))).search(line))


@applet("seq")
async def seq(call: Call) -> int:
    match [number(word) for word in call.args]:
        case [last]:
            first, step = 1, 1
        case [first, last]:
            step = 1
        case [first, step, last] if step:
            pass
        case _:
            return await call.fail("usage: seq [FIRST [INC]] LAST")
    if abs(last - first) // abs(step) > _MAX_COUNT:
        return await call.fail("too many numbers")
    await call.out("".join(f"{value}\n" for value in range(first, last + (1 if step > 0 else -1), step)))
    return 0


@applet("xargs")
async def xargs(call: Call) -> int:
    found, words = options(call.args, "rt", "n")
    values = (await call.streams.stdin.rest()).split()
    if not values and "r" in found:
        return 0
    size = number(found["n"]) if "n" in found else max(1, len(values))
    status = 0
    for at in range(0, max(1, len(values)), max(1, size)):
        status = max(status, await call.shell.command([*(words or ["echo"]), *values[at : at + size]], call.streams))
    return status and 123
