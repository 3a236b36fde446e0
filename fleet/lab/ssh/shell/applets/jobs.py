"""Processes: what runs beside the session, and for how long."""

from __future__ import annotations

import asyncio

from fleet.lab.ssh.shell.applets.registry import UsageError, applet, number, options
from fleet.lab.ssh.shell.call import Call

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MAX_SLEEP_S = 7 * 86400
_TIMED_OUT = 143


def _seconds(text: str) -> float:
    value, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
    try:
        seconds = float(value) * _UNITS[unit]
    except ValueError:
        raise UsageError(f"invalid number '{text}'") from None
    if not 0 <= seconds <= _MAX_SLEEP_S:
        raise UsageError(f"invalid number '{text}'")
    return seconds


@applet("sleep", "usleep")
async def sleep(call: Call) -> int:
    if not call.args:
        raise UsageError("missing operand")
    total = sum(map(_seconds, call.args))
    await asyncio.sleep(total / 1_000_000 if call.name == "usleep" else total)
    return 0


@applet("setsid", "nohup", "nice", "env", "time")
async def wrapper(call: Call) -> int:
    """Runs the command that follows; a job outlives its session here anyway."""
    _found, words = options(call.args, "ci", "nu")
    while call.name == "env" and words and "=" in words[0]:
        name, _equals, value = words.pop(0).partition("=")
        call.shell.assign(name, value)
        call.shell.exported.add(name)
    if words:
        return await call.shell.command(words, call.streams)
    if call.name == "env":
        held = sorted(call.shell.exported & call.shell.variables.keys())
        await call.out("".join(f"{name}={call.shell.variables[name]}\n" for name in held))
    return 0


@applet("timeout")
async def timeout(call: Call) -> int:
    _found, words = options(call.args, "", "sk")
    if len(words) < 2:  # noqa: PLR2004 - how long, and what
        raise UsageError("missing operand")
    try:
        async with asyncio.timeout(_seconds(words[0])):
            return await call.shell.command(words[1:], call.streams)
    except TimeoutError:
        return _TIMED_OUT


@applet("ps")
async def ps(call: Call) -> int:
    lines = ["  PID USER       VSZ STAT COMMAND", "    1 root      1392 S    /sbin/procd"]
    lines += [f"{job.pid:5d} root      1316 S    {job.command}" for job in call.machine.jobs.values()]
    await call.out("".join(f"{line}\n" for line in lines))
    return 0


@applet("pgrep", "pidof", "killall")
async def by_name(call: Call) -> int:
    _found, names = options(call.args, "fxoq9")
    jobs = [job for job in call.machine.jobs.values() if any(name in job.command for name in names)]
    for job in jobs:
        if call.name == "killall":
            job.task.cancel()
        else:
            await call.out(f"{job.pid}\n")
    return int(not jobs)


@applet("kill")
async def kill(call: Call) -> int:
    words = list(call.args)
    signal = words.pop(0) if words[:1] and words[0].startswith("-") and words[0] != "--" else "-TERM"
    if signal == "-s" and words:
        signal = "-" + words.pop(0)
    status = 0
    for word in [word for word in words if word != "--"]:
        job = call.machine.jobs.get(abs(number(word)))
        if job is None:
            status = await call.fail(f"can't kill pid {word}: No such process")
        elif signal not in ("-0", "-EXIT"):
            job.task.cancel()
            call.machine.jobs.pop(job.pid, None)
    return status


@applet("wait")
async def wait(call: Call) -> int:
    wanted = [number(word) for word in call.args] or list(call.shell.children)
    tasks = [job.task for pid in wanted if (job := call.machine.jobs.get(pid))]
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    last = ended[-1] if ended and call.args else 0
    return last if isinstance(last, int) else _TIMED_OUT


@applet("jobs", "bg", "fg")
async def listed(_call: Call) -> int:
    return 0
