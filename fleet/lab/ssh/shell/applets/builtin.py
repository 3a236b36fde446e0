"""Builtins of the shell itself."""

from __future__ import annotations

import re

from fleet.lab.ssh.shell.applets.registry import APPLETS, UsageError, applet, number, options
from fleet.lab.ssh.shell.call import Call
from fleet.lab.ssh.shell.files import FileError
from fleet.lab.ssh.shell.parse import parse
from fleet.lab.ssh.shell.process import Exit
from fleet.lab.ssh.shell.streams import TextInput

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\", "e": "\x1b"}
_FORMAT = re.compile(r"%([-+ 0#]*)(\*|\d+)?(?:\.(\*|\d+))?([a-zA-Z%])")
_MAX_WIDTH = 4096


@applet(":", "true")
async def true(_call: Call) -> int:
    return 0


@applet("false")
async def false(_call: Call) -> int:
    return 1


@applet("cd")
async def cd(call: Call) -> int:
    name = call.args[0] if call.args else call.shell.variables.get("HOME", "/root")
    target = call.shell.variables.get("OLDPWD", "/") if name == "-" else name
    path = call.path(target)
    if not call.files.is_directory(path):
        return await call.fail(
            f"can't cd to {name}: {'Not a directory' if call.files.is_file(path) else 'No such file or directory'}", 2
        )
    call.shell.variables["OLDPWD"], call.shell.cwd = call.shell.cwd, path
    call.shell.variables["PWD"] = path
    return 0


@applet("pwd")
async def pwd(call: Call) -> int:
    await call.out(call.shell.cwd + "\n")
    return 0


@applet("exit")
async def exit_(call: Call) -> int:
    raise Exit(number(call.args[0]) if call.args else call.shell.status)


@applet("return")
async def return_(call: Call) -> int:
    call.shell.leave_function(number(call.args[0]) if call.args else call.shell.status)
    return 0


@applet("break", "continue")
async def leave(call: Call) -> int:
    call.shell.leave_loop(call.name, max(1, number(call.args[0]) if call.args else 1))
    return 0


@applet("eval")
async def eval_(call: Call) -> int:
    return await call.shell.run(parse(" ".join(call.args)), call.streams)


@applet(".", "source")
async def source(call: Call) -> int:
    return await call.shell.run(parse(call.files.read(call.path(call.args[0]))), call.streams) if call.args else 2


@applet("export", "readonly")
async def export(call: Call) -> int:
    for word in call.args:
        name, equals, value = word.partition("=")
        if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
            return await call.fail(f"{name}: bad variable name", 2)
        if equals:
            call.shell.assign(name, value)
        call.shell.exported.add(name)
    return 0


@applet("local")
async def local(call: Call) -> int:
    if not call.shell.locals:
        return await call.fail("not in a function", 2)
    for word in call.args:
        name, equals, value = word.partition("=")
        call.shell.locals[-1].setdefault(name, call.shell.variables.get(name))
        if equals:
            call.shell.assign(name, value)
        else:
            call.shell.variables.pop(name, None)
    return 0


@applet("unset")
async def unset(call: Call) -> int:
    found, names = options(call.args, "fv")
    for name in names:
        if "f" in found:
            call.shell.functions.pop(name, None)
        else:
            call.shell.variables.pop(name, None)
            call.shell.exported.discard(name)
    return 0


@applet("set")
async def set_(call: Call) -> int:
    args = list(call.args)
    while args and args[0][:1] in ("-", "+") and len(args[0]) > 1:
        word = args.pop(0)
        if word == "--":
            call.shell.arguments = args
            return 0
        if word[1:] == "o":
            word = word[0] + {"errexit": "e", "nounset": "u"}.get(args.pop(0) if args else "", "")
        call.shell.errexit = (word[0] == "-") if "e" in word else call.shell.errexit
        call.shell.nounset = (word[0] == "-") if "u" in word else call.shell.nounset
    if args:
        call.shell.arguments = args
    return 0


@applet("shift")
async def shift(call: Call) -> int:
    count = number(call.args[0]) if call.args else 1
    if not 0 <= count <= len(call.shell.arguments):
        return await call.fail("can't shift that many", 2)
    call.shell.arguments = call.shell.arguments[count:]
    return 0


@applet("umask")
async def umask(call: Call) -> int:
    if not call.args:
        await call.out("0022\n")
    return 0


@applet("trap", "ulimit", "hash", "alias")
async def accepted(_call: Call) -> int:
    """Known, without effect: nothing sends signals here."""
    return 0


@applet("read")
async def read(call: Call) -> int:
    found, names = options(call.args, "rs", "pt")
    line = await call.streams.stdin.line()
    text = line.removesuffix("\n")
    while "r" not in found and text.endswith("\\") and line.endswith("\n"):
        line = await call.streams.stdin.line()
        text = text[:-1] + line.removesuffix("\n")
    if "r" not in found:
        text = re.sub(r"\\(.)", r"\1", text)
    for name, value in zip(
        names or ["REPLY"], _shares(text, call.shell.variables.get("IFS", " \t\n"), len(names)), strict=False
    ):
        call.shell.assign(name, value)
    return 0 if line.endswith("\n") else 1


def _shares(text: str, separators: str, count: int) -> list[str]:
    """``text`` cut into ``count`` parts at IFS; the last takes the rest."""
    blanks = "".join(char for char in separators if char in " \t\n")
    rest = text.strip(blanks)
    found: list[str] = []
    expression = re.compile(f"[{re.escape(blanks)}]*[{re.escape(separators)}][{re.escape(blanks)}]*") if blanks else None
    if not blanks and separators:
        expression = re.compile(f"[{re.escape(separators)}]")
    while expression is not None and len(found) < count - 1:
        match = expression.search(rest)
        if match is None:
            break
        found.append(rest[: match.start()])
        rest = rest[match.end() :]
    return [*found, rest] + [""] * max(0, count - len(found) - 1)


@applet("command")
async def command(call: Call) -> int:
    found, names = options(call.args, "vVp")
    if not ({"v", "V"} & found.keys()):
        if not names:
            return 0
        known = call.shell.find(names[0])
        if known is None:
            return await call.shell.command(names, call.streams)
        return await known(Call(call.shell, names[0], names[1:], call.streams))
    status = 0
    for name in names:
        place = place_of(call, name)
        status = status if place else 127
        await call.out(f"{place}\n" if place else "")
    return status


_BUILTIN = frozenset({
    *(".", ":", "[", "alias", "break", "cd", "command", "continue", "echo", "eval", "exec", "exit", "export", "false"),
    *("hash", "kill", "local", "printf", "pwd", "read", "readonly", "return", "set", "shift", "source", "test", "trap"),
    *("true", "type", "ulimit", "umask", "unset", "wait"),
})  # fmt: skip


def place_of(call: Call, name: str) -> str:
    """What ``command -v`` says of a name; empty if there is no such command."""
    if name in call.shell.functions or name in _BUILTIN:
        return name
    if call.shell.find(name) is None:
        return ""
    return name if name.startswith("/") else f"{'/sbin' if name in ('uci', 'wifi', 'reboot', 'logread') else '/bin'}/{name}"


@applet("type")
async def type_(call: Call) -> int:
    status = 0
    for name in call.args:
        place = place_of(call, name)
        kind = "a shell builtin" if name in _BUILTIN else "a function" if name in call.shell.functions else place
        await call.out(f"{name} is {kind}\n" if place else f"{name}: not found\n")
        status = status if place else 127
    return status


@applet("which")
async def which(call: Call) -> int:
    places = [place for name in call.args if (place := place_of(call, name)).startswith("/")]
    await call.out("".join(f"{place}\n" for place in places))
    return int(len(places) < len(call.args))


@applet("sh", "ash")
async def sh(call: Call) -> int:
    found, rest = options(call.args, "ceuls")
    if "c" in found:
        if not rest:
            raise UsageError("-c requires an argument")
        shell = call.shell.child(rest[2:], rest[1] if len(rest) > 1 else call.name)
        script = rest[0]
    elif rest:
        shell, script = call.shell.child(rest[1:], rest[0]), _script_file(call, rest[0])
    else:
        shell, script = call.shell.child([], call.name), await call.streams.stdin.rest()
    shell.errexit, shell.nounset = "e" in found, "u" in found
    streams = call.streams.copy()
    if "c" not in found and not rest:
        streams.stdin = TextInput()
    return await shell.script(script, streams)


def _script_file(call: Call, name: str) -> str:
    try:
        return call.files.read(call.path(name))
    except FileError as error:
        raise UsageError(f"can't open '{name}': {error}") from error


@applet("echo")
async def echo(call: Call) -> int:
    args, newline, escapes = list(call.args), True, False
    while args and re.fullmatch("-[neE]+", args[0]):
        word = args.pop(0)
        newline, escapes = newline and "n" not in word, escapes or "e" in word
    text, stop = unescape(" ".join(args)) if escapes else (" ".join(args), False)
    await call.out(text + ("\n" if newline and not stop else ""))
    return 0


def unescape(text: str) -> tuple[str, bool]:
    """Resolve backslash escapes; the second value is True if ``\\c`` ended the output."""
    head, stop, _rest = text.partition("\\c") if "\\c" in text else (text, "", "")
    return re.sub(r"\\(0?[0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)", _unescaped, head, flags=re.DOTALL), bool(stop)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "01234567":
        return _byte(int(code, 8))
    if code[0] == "x" and len(code) > 1:
        return _byte(int(code[1:], 16))
    return _ESCAPES.get(code, match[0])


def _byte(value: int) -> str:
    return bytes([value & 0xFF]).decode("utf-8", "surrogateescape")


@applet("printf")
async def printf(call: Call) -> int:
    if not call.args:
        return await call.fail("usage: printf FORMAT [ARG...]")
    form, args = call.args[0], list(call.args[1:])
    while True:
        before = len(args)
        text, stop = _formatted(form, args)
        await call.out(text)
        if stop or not args or len(args) == before:
            return 0


def _formatted(form: str, args: list[str]) -> tuple[str, bool]:
    """One pass over the format; what it uses of ``args`` is taken from its front."""
    found, at = [], 0
    for match in _FORMAT.finditer(form):
        text, stop = unescape(form[at : match.start()])
        found.append(text)
        if stop:
            return "".join(found), True
        text, stop = _conversion(match, args)
        found.append(text)
        if stop:
            return "".join(found), True
        at = match.end()
    text, stop = unescape(form[at:])
    return "".join([*found, text]), stop


def _conversion(match: re.Match[str], args: list[str]) -> tuple[str, bool]:
    flags, width, precision, kind = match.groups()
    if kind == "%":
        return "%", False
    width, precision = (_measure(value, args) for value in (width, precision))
    value = args.pop(0) if args else ""
    if kind == "b":
        return unescape(value)
    form = f"%{flags}{width or ''}{'' if precision is None else '.' + precision}"
    if kind in "sc":
        return f"{form}s" % (value[:1] if kind == "c" else value), False
    if kind in "diuoxX":
        return f"{form}{'d' if kind in 'iu' else kind}" % _integer(value), False
    raise UsageError(f"%{kind}: invalid format")


def _measure(value: str | None, args: list[str]) -> str | None:
    text = (args.pop(0) if args else "0") if value == "*" else value
    if text and abs(number(text)) > _MAX_WIDTH:
        raise UsageError(f"{text}: invalid format")
    return text


def _integer(text: str) -> int:
    if text[:1] in ("'", '"') and len(text) > 1:
        return ord(text[1])
    if not text:
        return 0
    try:
        return int(text, 0) if not re.fullmatch("[+-]?0[0-7]+", text) else int(text, 8)
    except ValueError:
        raise UsageError(f"{text}: invalid number") from None


APPLETS["exec"] = true
