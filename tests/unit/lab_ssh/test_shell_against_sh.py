"""The same scripts through a real shell and through the lab's: status, output and whether it complained must agree."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.lab_ssh.shell_runner import run

SCRIPTS = (Path(__file__).parent / "scripts.txt").read_text().rstrip("\n").split("\n----\n")
# busybox is the shell that a device has; where it is missing, the system's own sh speaks for POSIX.
ORACLE = [shutil.which("busybox"), "ash"] if shutil.which("busybox") else ["/bin/sh"]


@pytest.mark.parametrize("script", SCRIPTS, ids=range(len(SCRIPTS)))
async def test_agrees_with_a_real_shell(script: str, tmp_path: Path) -> None:
    real = subprocess.run(  # noqa: ASYNC221 - nothing else runs in this loop
        [*ORACLE, "-c", script],
        capture_output=True, text=True, cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "HOME": "/root"},
        stdin=subprocess.DEVNULL, check=False, timeout=20,
    )  # fmt: skip

    ours = await run(script)

    assert (ours.status, ours.out) == (real.returncode, real.stdout)
    assert bool(ours.err) == bool(real.stderr), (ours.err, real.stderr)
