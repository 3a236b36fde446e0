"""The shell that runs on the device: POSIX, needs nothing but busybox and `uci`. Every value in it is quoted.

One change lives in /tmp/fleetdesk/<id>/ on the device (memory: a restart forgets it):

    old/  new/      the files before and after
    delta/          where `uci` keeps what is not committed: our own, apart from what somebody has staged
    pending         renamed to `confirmed` by us or to `restoring` by the dead-man's switch: whoever renames first wins
    refused         we ask the switch to act at once
    reloaded        exit status of the reload, its words in reload.out

/tmp/fleetdesk itself is the lock: a second change waits until the first is confirmed or taken back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .uci_plan import State
from .uci_text import UciTextError, parse, quote

ROOM = "/tmp/fleetdesk"  # noqa: S108 - a path on the device; made with mkdir, which takes no existing one
SERVICE = re.compile(r"[a-z0-9_-]{1,32}", re.ASCII)
BUSY, REFUSED_BY_UCI, GONE, NOT_YET, RELOAD_FAILED, NOT_WRITTEN, STAGED = 3, 4, 5, 6, 7, 8, 9
"""Exit statuses of our scripts. 255 would look like a broken connection."""


@dataclass(frozen=True)
class Change:
    """What is written in one command."""

    id: str
    """Hexadecimal and random: marks our lines in the output, so that no value can pretend to be one."""
    packages: Sequence[str]
    lines: Sequence[str]
    files: Mapping[str, str]
    reload: Sequence[str]
    timeout_s: int

    @property
    def room(self) -> str:
        return f"{ROOM}/{self.id}"

    def targets(self) -> list[tuple[str, str]]:
        """(name in old/ and new/, path on the device)"""
        named = [(package, f"/etc/config/{package}") for package in self.packages]
        return named + [(f"file{number}", path) for number, path in enumerate(sorted(self.files))]


def reading(mark: str, packages: Sequence[str], files: Sequence[str]) -> str:
    """Prints every package and file between marked lines.

    What somebody has staged and not committed stops us: libuci would read it in, and commit it along with ours.
    """
    lines = []
    for package in packages:
        lines += [
            f'[ -z "$(uci -q changes {package} </dev/null)" ] || {{ echo {package} >&2; exit {STAGED}; }}',
            f"echo '{mark} package {package}'",
            f"uci -q -P {ROOM}.none export {package} </dev/null || echo '{mark} missing'",
        ]
    for path in files:
        shown = f"cat {quote(path)} 2>/dev/null </dev/null || echo '{mark} missing'"
        lines += [f"echo '{mark} file {path}'", shown]
    return "\n".join([*lines, f"echo '{mark} done'", "exit 0", ""])


def read(mark: str, output: str) -> tuple[State, dict[str, str | None]]:
    """What `reading` or `writing` printed: packages, and files (None: not there). Raises UciTextError when it is cut off."""
    *parts, last = output.split(f"{mark} ")
    if last.strip() != "done":
        raise UciTextError("the device's answer is not complete")
    packages: State = {}
    files: dict[str, str | None] = {}
    for part, following in zip(parts, [*parts[1:], last], strict=True):
        head, _, body = part.partition("\n")
        kind, _, name = head.partition(" ")
        missing = following.startswith("missing")
        if kind == "package" and not missing:
            packages[name] = parse(body)
        elif kind == "file":
            files[name] = None if missing else body
    return packages, files


def writing(change: Change) -> str:
    """Everything in one command: save, arm the switch, change a copy, put it in place, reload beside the session."""
    room = change.room
    uci = f"uci -c {room}/new -P {room}/delta"
    lines = [
        "umask 077",
        f"mkdir {ROOM} 2>/dev/null || exit {BUSY}",
        f"mkdir {room} {room}/old {room}/new {room}/delta && : >{room}/pending || {{ rm -rf {ROOM}; exit {NOT_WRITTEN}; }}",
        *(_saved(change, name, path) for name, path in change.targets()),
        "alone=; command -v setsid >/dev/null 2>&1 && alone=setsid",
        f"$alone sh -c {quote(_switch(change))} </dev/null >/dev/null 2>&1 &",
        f"cp -p {room}/old/* {room}/new/ 2>/dev/null",
        f"{uci} batch 2>{room}/errors <<'{change.id}'",
        *change.lines,
        *(f"commit {package}" for package in change.packages),
        change.id,
        f"if [ -s {room}/errors ]; then cat {room}/errors >&2; rm -rf {ROOM}; exit {REFUSED_BY_UCI}; fi",
        *_new_files(change),
        *_printed(change),
        *(_placed(change, name, path) for name, path in change.targets()),
        f"$alone sh -c {quote(_reload(change))} </dev/null >/dev/null 2>&1 &",
        f"echo '{change.id} done'",
        "exit 0",
        "",
    ]
    return "\n".join(lines)


def _saved(change: Change, name: str, path: str) -> str:
    copied = f"[ ! -e {quote(path)} ] || cp -p {quote(path)} {change.room}/old/{name}"
    return f"{copied} || {{ rm -rf {ROOM}; exit {NOT_WRITTEN}; }}"


def _new_files(change: Change) -> list[str]:
    names = {path: name for name, path in change.targets()}
    return [f"printf %s {quote(text)} >{change.room}/new/{names[path]}" for path, text in sorted(change.files.items())]


def _printed(change: Change) -> list[str]:
    uci = f"uci -q -c {change.room}/new -P {change.room}/delta"
    lines = []
    for package in change.packages:
        lines += [
            f"echo '{change.id} package {package}'",
            f"{uci} export {package} </dev/null || echo '{change.id} missing'",
        ]
    return lines


def _placed(change: Change, name: str, path: str) -> str:
    """Into place by a rename, so that nobody ever reads half a file."""
    folder, _, base = path.rpartition("/")
    beside = quote(f"{folder}/.{base}.fleetdesk")
    there = f"cp -p {change.room}/new/{name} {beside} && mv {beside} {quote(path)}"
    return f"{there} || {{ : >{change.room}/refused; exit {NOT_WRITTEN}; }}"


def _commands(reload: Sequence[str]) -> str:
    """`wifi` is a command of its own, everything else a service."""
    said = ("wifi reload" if name == "wifi" else f"/etc/init.d/{name} reload" for name in reload)
    return " && ".join(said) or ":"


def _reload(change: Change) -> str:
    room, said = change.room, _commands(change.reload)
    return f"trap '' HUP\n{{ {said}; }} >{room}/reload.out 2>&1\necho $? >{room}/status && mv {room}/status {room}/reloaded"


def _switch(change: Change) -> str:
    """Sleeps until confirmed, refused, or out of time; in the last two cases puts everything back."""
    room = change.room
    back = []
    for name, path in change.targets():
        back.append(f"if [ -e {room}/old/{name} ]; then cp -p {room}/old/{name} {quote(path)}; else rm -f {quote(path)}; fi")
    return "\n".join(
        [
            "trap '' HUP",
            f"left={change.timeout_s}",
            f'while [ "$left" -gt 0 ] && [ ! -e {room}/refused ]; do',
            f"[ -e {room}/pending ] || exit 0",
            "sleep 1",
            "left=$((left - 1))",
            "done",
            f"mv {room}/pending {room}/restoring 2>/dev/null || exit 0",
            *back,
            f"{{ {_commands(change.reload)}; }} >/dev/null 2>&1",
            f"rm -rf {ROOM}",
            "logger -t fleetdesk 'not confirmed in time: the old configuration is back' 2>/dev/null",
        ]
    )


def confirming(change_id: str, wait_s: int) -> str:
    """Over a fresh connection: the device is reachable with its new configuration, so it may keep it."""
    room = f"{ROOM}/{change_id}"
    return "\n".join(
        [
            f"left={wait_s}",
            f'while [ -d {room} ] && [ ! -e {room}/reloaded ] && [ "$left" -gt 0 ]; do sleep 1; left=$((left - 1)); done',
            f"[ -e {room}/pending ] || exit {GONE}",
            f"[ -e {room}/reloaded ] || exit {NOT_YET}",
            f"read status <{room}/reloaded",
            f'[ "$status" = 0 ] || {{ cat {room}/reload.out >&2; : >{room}/refused; exit {RELOAD_FAILED}; }}',
            f"mv {room}/pending {room}/confirmed 2>/dev/null || exit {GONE}",
            f"rm -rf {ROOM}",
            "exit 0",
            "",
        ]
    )


def refusing(change_id: str) -> str:
    """Ask the switch to put the old configuration back at once."""
    return f"[ -d {ROOM}/{change_id} ] && : >{ROOM}/{change_id}/refused\nexit 0\n"


def settled(change_id: str) -> str:
    """Whether the switch has finished its work: 0, or NOT_YET."""
    return f"[ ! -e {ROOM}/{change_id} ] || exit {NOT_YET}\nexit 0\n"
