"""Scripts nobody would write, put together at random but always the same, must end as in busybox's ash."""

import shutil
import subprocess
import tempfile
from random import Random

import pytest

from tests.unit.lab_ssh.shell_runner import run

PIECES = [
    "a", r"b\ c", "'q  \"r'", '"s  t"', "$x", '"$x"', "${y:-d e}", '"${y-z}"', "$((1+2))", "x=1", r"\$", "*z", '"$@"', "$*",
]  # fmt: skip
ENDINGS = ["", "", "", "", "", " >f", " 2>&1", " >>f", " </dev/null", " >/dev/null"]
DEEPEST = 3


class Maker:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - not for secrets

    def script(self) -> str:
        return f'{self.command(0)}\n{self.command(0)}\necho "=$?" "$x" "$*"; cat f 2>/dev/null'

    def word(self, depth: int) -> str:
        parts = self.random.choices(PIECES, k=self.random.randint(1, 2))
        if depth < DEEPEST and self.random.random() < 0.1:
            parts.append(self.random.choice(["$( {})", '"$( {})"']).format(self.command(depth + 1)))
        return "".join(parts)

    def simple(self, depth: int) -> str:
        first, second = self.word(depth), self.word(depth)
        made = self.random.choice([
            f"echo {first} {second}", f"printf '[%s]' {first} {second}", f"x={first}", "true", "false",
            f'[ "$x" = "{self.random.choice("ab")}" ]', f'set -- {first} {second}; echo $# "$@"', "! true",
            f"y={first} true", "cat <<E\n$x  y\na\\$x `echo z`\nE\n",
        ])  # fmt: skip
        return made if "\n" in made else made + self.random.choice(ENDINGS)

    def ended(self, depth: int) -> str:
        made = self.command(depth)
        return made if made.endswith(("\n", ";")) else made + ";"

    def command(self, depth: int) -> str:
        if depth >= DEEPEST or self.random.random() < 0.2:
            return self.simple(depth)
        one, two, three = (self.ended(depth + 1) for _ in range(3))
        left, right = self.simple(DEEPEST).partition("\n")[0].partition(" <<E")[0], self.simple(DEEPEST)
        return self.random.choice([
            one + two, f"{left} && {right}", f"{left} || {right}", f"if {one} then {two} else {three} fi",
            f"for i in {self.word(depth)} b; do echo $i; {one} done", f"( {one}\n)", f"{{ {one} }} | cat",
            f"case {self.word(DEEPEST)} in a*) {one}\n;; *) echo o;; esac", f"f() {{ {one} }}; f {self.word(depth)}",
            f'echo {self.word(depth)} | {{ read x y; echo "$x|$y"; }}',
        ])  # fmt: skip


@pytest.mark.skipif(shutil.which("busybox") is None, reason="needs busybox as the oracle")
@pytest.mark.parametrize("seed", range(250))
async def test_agrees_with_busybox(seed: int) -> None:
    script = Maker(seed).script()
    with tempfile.TemporaryDirectory() as directory:
        real = subprocess.run(  # noqa: ASYNC221 - nothing else runs in this loop
            ["busybox", "ash", "-c", script],
            capture_output=True, text=True, cwd=directory, env={"PATH": "/usr/bin:/bin", "HOME": "/root"},
            stdin=subprocess.DEVNULL, check=False, timeout=20,
        )  # fmt: skip

    ours = await run(script)

    assert (ours.status, ours.out) == (real.returncode, real.stdout), script
