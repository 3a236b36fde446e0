"""What the lab's shell does beyond a real ``sh``: the device's own commands, jobs, and the limits that hold it."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.lab.ssh.shell.files import MAX_FILE
from fleet.lab.ssh.shell.parse import is_complete, parse
from fleet.lab.ssh.shell.syntax import ShellSyntaxError
from tests.unit.lab_ssh.shell_runner import done, machine, run

WIRELESS = {"/etc/config/wireless": "\nconfig wifi-device 'radio0'\n\toption channel '1'\n\n"}
HOSTILE = [
    "; reboot", "$(reboot)", "`reboot`", "&& reboot", "| reboot", "\nreboot\n", "' ; reboot ; '", '" ; reboot ; "',
    "${x:-$(reboot)}", "\\", "\\'; reboot", "*", "~", "#", "{{ lookup('pipe','id') }}", "../../etc/passwd", "-n", "EOF",
    "$((reboot))", "a'b\"c", "ümläut €", "\x1b[0m",
]  # fmt: skip


def quoted(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - a job gives no event
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "form",
    [
        'x={}; printf %s "$x"',
        "printf %s {}",
        'f() {{ printf %s "$1"; }}; f {}',
        "x=$(printf '%s.' {}); printf %s \"${{x%.}}\"",
        "case {} in nothing) ;; *) printf %s {};; esac",
        'for i in {}; do printf %s "$i"; done',
        'uci set wireless.radio0.country={}; x=$(uci get wireless.radio0.country; echo .); printf %s "${{x%?.}}"',
    ],
)  # fmt: skip
async def test_quoted_text_is_only_text(text: str, form: str) -> None:
    if "uci" in form and "\x1b" in text:
        pytest.skip("uci refuses control characters")
    where = machine(dict(WIRELESS))

    ran = await run(form.format(*[quoted(text)] * 2), where)

    assert (ran.status, ran.out, ran.err) == (0, text, "")
    assert done(where) == []


@given(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"), max_size=60))
@settings(deadline=None)
def test_any_text_survives_quotes_variables_and_documents(text: str) -> None:
    script = f"x={quoted(text)}; printf %s \"$x\"; cat <<'---end---'\n{text}\n---end---\n"

    assert asyncio.run(run(script)).out == text + text + "\n"


@given(st.text("ab $`'\"\\;&|<>(){}[]!#*?~=\n-x1", max_size=25))
@settings(deadline=None, max_examples=400)
def test_no_script_breaks_the_interpreter(script: str) -> None:
    ran = asyncio.run(run(script, machine(steps=300, output=2000)))

    assert 0 <= ran.status <= 255


@pytest.mark.parametrize(
    "command", ["python3", "python", "/usr/bin/python3", "sftp-server", "scp -t /tmp", "perl", "bash", "dd"]
)
async def test_has_no_python_and_nothing_of_the_host(command: str) -> None:
    ran = await run(command)

    name = command.split(maxsplit=1)[0]
    assert (ran.status, ran.err) == (127, f"ash: {name}: not found\n")


async def test_sees_no_file_of_the_host() -> None:
    ran = await run("cat /etc/passwd; ls /home; ls /proc/1; cat ../../../etc/hostname")

    assert ran.out == ""
    assert ran.status == 1


async def test_configures_by_uci_and_reloads() -> None:
    where = machine(dict(WIRELESS))

    ran = await run(
        "uci batch <<'E'\nset wireless.radio0.channel='11'\nE\nuci commit && wifi reload; uci get wireless.radio0.channel",
        where,
    )

    assert (ran.status, ran.out) == (0, "11\n")
    assert "option channel '11'" in where.device.files["/etc/config/wireless"]
    assert done(where) == ["reload wireless"]


async def test_services_follow_their_configuration() -> None:
    where = machine()

    ran = await run(
        "/etc/init.d/system reload; service snmpd restart; /etc/init.d/sysntpd restart; service nonsense start", where
    )

    assert done(where) == ["reload system", "reload snmpd"]
    assert ran.status == 127


async def test_tells_what_it_is() -> None:
    ran = await run("uname -n; hostname; cut -d. -f1 /proc/uptime; ubus call system board | grep hostname; id -u")

    assert ran.out.split() == ["ap-204", "ap-204", "4711", '"hostname":', '"ap-204",', "0"]


async def test_a_job_can_be_seen_and_killed() -> None:
    where = machine()

    ran = await run(
        "setsid sh -c 'sleep 500' >/dev/null 2>&1 & ps | grep -c 'sh -c'; kill -0 $! && kill $!; kill -0 $! || echo gone",
        where,
    )

    assert ran.out == "1\ngone\n"
    assert not where.jobs


async def test_a_job_goes_on_when_its_script_is_over() -> None:
    where = machine()

    await run("(sleep 0.01; echo done > /etc/proof) &", where)
    await until(lambda: "/etc/proof" in where.files.entries)

    assert where.files.entries["/etc/proof"] == "done\n"


async def test_a_reboot_ends_jobs_and_empties_memory() -> None:
    where = machine(dict(WIRELESS))
    await run("sleep 500 & touch /tmp/x /etc/y; uci set wireless.radio0.channel=5; reboot", where)

    await until(lambda: done(where))

    assert not where.jobs
    assert sorted(where.files.entries) == ["/etc/config/wireless", "/etc/y"]


@pytest.mark.parametrize(
    "script",
    [
        "while :; do :; done", "f() { f; }; f", "f() { f | f; }; f", "x=a; while :; do x=$x$x; done",
        "while :; do echo filling; done", "eval 'while :; do :; done'", "f() { x=$(f); }; f",
        "while :; do echo x; done | cat", "sh -c 'while :; do :; done'", "printf '%9999999s' x",
        "echo " + "$(echo " * 80 + ")" * 80, "a=1; " + "(" * 300 + "echo" + ")" * 300,
    ],
)  # fmt: skip
async def test_a_script_without_end_is_ended(script: str) -> None:
    async with asyncio.timeout(60):
        ran = await run(script, machine(steps=20_000, output=100_000))

    assert ran.status != 0
    assert len(ran.out) <= 100_000


async def test_a_fork_bomb_burns_out() -> None:
    where = machine(steps=5_000, jobs=16)

    first, running = where.next_pid(), list[int]()

    await run("f() { f & f & }; f", where)

    await until(lambda: running.append(len(where.jobs)) or not where.jobs)
    assert where.next_pid() - first > 16, "more have begun than may run at once"
    assert 1 < max(running) <= 16
    assert (await run("echo well & wait", where)).out == "well\n", "the machine is none the worse"


async def test_a_file_cannot_fill_the_machine() -> None:
    where = machine({"/etc/x": "x" * (MAX_FILE // 2)})

    ran = await run("cat /etc/x /etc/x /etc/x > /etc/y; echo $?; cp /etc/x /etc/z; ls /etc/z", where)

    assert "No space left on device" in ran.err
    assert ran.out == "1\n/etc/z\n"


@pytest.mark.parametrize(
    "script",
    ["if true", "echo 'x", "case x in", "a && ", "$(", "((", "cat <<< x", "a |& b", "select x in y; do z; done"],
)
async def test_a_script_it_cannot_read_is_not_begun(script: str) -> None:
    ran = await run(f"touch /etc/begun\n{script}\n")

    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("ash: ")


def test_nothing_runs_before_the_whole_script_is_read() -> None:
    with pytest.raises(ShellSyntaxError):
        parse("echo begun\nif true\n")


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("echo a\n", True),
        ("for i in 1; do\n", False),
        ("cat <<E\nx\n", False),
        ("cat <<E\nx\nE\n", True),
        ("echo 'x\n", False),
        ("echo a \\\n", False),
        ("fi\n", True),
        ("", True),
    ],
)
def test_knows_when_a_person_has_finished_a_command(text: str, complete: bool) -> None:
    assert is_complete(text) is complete
