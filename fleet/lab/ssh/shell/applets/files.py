"""Commands on files and directories."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable

from fleet.lab.ssh.shell.applets.registry import UsageError, applet, inputs, options
from fleet.lab.ssh.shell.call import Applet, Call
from fleet.lab.ssh.shell.files import FileError


@applet("cat")
async def cat(call: Call) -> int:
    _found, names = options(call.args, "u")
    texts = await inputs(call, names)
    for _name, text in texts:
        await call.out(text)
    return int(len(texts) < len(names))


@applet("tee")
async def tee(call: Call) -> int:
    found, names = options(call.args, "ai")
    text = await call.streams.stdin.rest()
    await call.out(text)
    for name in names:
        path = call.path(name)
        call.files.write(path, (call.files.read(path) if "a" in found and call.files.is_file(path) else "") + text)
    return 0


def _targets(call: Call, names: list[str]) -> list[tuple[str, str]]:
    """``(source, target)`` paths of ``cp`` and ``mv``."""
    if len(names) < 2:  # noqa: PLR2004 - a source and a target
        raise UsageError("missing file operand")
    *sources, last = names
    target = call.path(last)
    into = call.files.is_directory(target)
    if len(sources) > 1 and not into:
        raise UsageError(f"target '{last}' is not a directory")
    found = [(name, call.path(name)) for name in sources]
    return [(path, posixpath.join(target, posixpath.basename(path)) if into else target) for _name, path in found]


@applet("cp")
async def cp(call: Call) -> int:
    found, names = options(call.args, "afpRr")
    status = 0
    for source, target in _targets(call, names):
        if call.files.is_directory(source):
            if not {"a", "R", "r"} & found.keys():
                status = await call.fail(f"omitting directory '{source}'")
            else:
                _copy_tree(call, source, target)
        elif source == target:
            status = await call.fail(f"'{source}' and '{target}' are the same file")
        else:
            try:
                call.files.write(target, call.files.read(source))
            except FileError as error:
                status = await call.fail(
                    f"can't stat '{source}': {error}"
                    if not call.files.exists(source)
                    else f"can't create '{target}': {error}"
                )
    return status


def _copy_tree(call: Call, source: str, target: str) -> None:
    if target == source or target.startswith(source.rstrip("/") + "/"):
        raise UsageError("cannot copy a directory into itself")
    if not call.files.is_directory(target):
        call.files.make_directory(target)
    for name in call.files.names(source):
        below, to = posixpath.join(source, name), posixpath.join(target, name)
        if call.files.is_file(below):
            call.files.write(to, call.files.read(below))
        else:
            _copy_tree(call, below, to)


@applet("mv")
async def mv(call: Call) -> int:
    _found, names = options(call.args, "fin")
    status = 0
    for source, target in _targets(call, names):
        if source == target:
            continue
        if call.files.is_directory(source):
            _copy_tree(call, source, target)
            call.files.remove_tree(source)
        elif not call.files.is_file(source):
            status = await call.fail(f"can't rename '{source}': No such file or directory")
        else:
            call.files.write(target, call.files.read(source))
            call.files.remove_file(source)
    return status


@applet("rm")
async def rm(call: Call) -> int:
    found, names = options(call.args, "firR")
    status = 0
    for name in names:
        path = call.path(name)
        if {"r", "R"} & found.keys() and call.files.is_directory(path):
            call.files.remove_tree(path)
        elif call.files.exists(path) or "f" not in found:
            try:
                call.files.remove_file(path)
            except FileError as error:
                status = await call.fail(f"can't remove '{name}': {error}")
    return status


@applet("mkdir")
async def mkdir(call: Call) -> int:
    found, names = options(call.args, "p", "m")
    status = 0
    for name in names:
        path = call.path(name)
        try:
            if "p" in found:
                _make_parents(call, path)
            else:
                call.files.make_directory(path)
        except FileError as error:
            status = await call.fail(f"can't create directory '{name}': {error}")
    return status


def _make_parents(call: Call, path: str) -> None:
    parent = posixpath.dirname(path)
    if parent != path and not call.files.is_directory(parent):
        _make_parents(call, parent)
    if not call.files.is_directory(path):
        call.files.make_directory(path)


@applet("rmdir")
async def rmdir(call: Call) -> int:
    for name in call.args:
        try:
            call.files.remove_directory(call.path(name))
        except FileError as error:
            return await call.fail(f"'{name}': {error}")
    return 0


@applet("touch")
async def touch(call: Call) -> int:
    _found, names = options(call.args, "c")
    for name in names:
        path = call.path(name)
        if not call.files.exists(path):
            call.files.write(path, "")
    return 0


@applet("mktemp")
async def mktemp(call: Call) -> int:
    found, names = options(call.args, "dq", "p")
    template = names[0] if names else "/tmp/tmp.XXXXXX"  # noqa: S108 - a path on the simulated device
    stem = template.rstrip("X")
    path = call.path(f"{stem}{call.machine.next_pid():0{len(template) - len(stem)}d}")
    if "d" in found:
        call.files.make_directory(path)
    else:
        call.files.write(path, "")
    await call.out(path + "\n")
    return 0


@applet("chmod", "chown", "sync")
async def accepted(_call: Call) -> int:
    """Known, without effect: the files here have no owner and no mode."""
    return 0


@applet("ls")
async def ls(call: Call) -> int:
    found, names = options(call.args, "1aAdlhrt")
    status = 0
    for name in names or ["."]:
        path = call.path(name)
        if call.files.is_directory(path) and "d" not in found:
            listed = [entry for entry in call.files.names(path) if not entry.startswith(".") or {"a", "A"} & found.keys()]
            head = f"{name}:\n" if len(names) > 1 else ""
            await call.out(head + "".join(_listed(call, posixpath.join(path, entry), entry, found) for entry in listed))
        elif call.files.exists(path):
            await call.out(_listed(call, path, name, found))
        else:
            status = await call.fail(f"{name}: No such file or directory")
    return status


def _listed(call: Call, path: str, name: str, found: dict[str, str]) -> str:
    if "l" not in found:
        return name + "\n"
    size = len(call.files.read(path).encode("utf-8", "surrogateescape")) if call.files.is_file(path) else 0
    mode = "-rw-r--r--" if call.files.is_file(path) else "drwxr-xr-x"
    return f"{mode}    1 root     root     {size:9d} Jan  1 00:00 {name}\n"


@applet("basename")
async def basename(call: Call) -> int:
    name = posixpath.basename(call.args[0].rstrip("/")) if call.args else ""
    suffix = call.args[1] if len(call.args) > 1 else ""
    await call.out((name.removesuffix(suffix) or name) + "\n")
    return 0


@applet("dirname")
async def dirname(call: Call) -> int:
    await call.out((posixpath.dirname(call.args[0].rstrip("/")) if call.args else "") or ".")
    await call.out("\n")
    return 0


def _summing(algorithm: Callable[[bytes], str]) -> Applet:
    async def command(call: Call) -> int:
        _found, names = options(call.args, "b")
        texts = await inputs(call, names)
        for name, text in texts:
            await call.out(f"{algorithm(text.encode('utf-8', 'surrogateescape'))}  {name}\n")
        return int(len(texts) < len(names))

    return command


applet("md5sum")(_summing(lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest()))
applet("sha256sum")(_summing(lambda data: hashlib.sha256(data).hexdigest()))


@applet("cmp")
async def cmp(call: Call) -> int:
    found, names = options(call.args, "sl")
    texts = await inputs(call, names)
    if len(texts) != 2:  # noqa: PLR2004 - it compares two
        return 2
    same = texts[0][1] == texts[1][1]
    if not same and "s" not in found:
        await call.out(f"{names[0]} {names[1]} differ\n")
    return int(not same)
