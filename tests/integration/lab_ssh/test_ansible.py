"""Ansible sees an access point as what it is: ``raw`` works, everything that needs Python or a file transfer does not."""

import os
from pathlib import Path

import pytest

from tests.integration.lab_ssh.conftest import Answer, Lab, run


async def ansible(lab: Lab, bin_: Path, module: str, *args: str, **env: str) -> Answer:
    inventory = lab.home / "inventory"
    common = " ".join(lab.ssh_args()[:6])
    inventory.write_text(
        f"ap ansible_host={lab.ap.device.address} ansible_port={lab.port} ansible_user=root"
        f" ansible_ssh_private_key_file={lab.client_key} ansible_ssh_common_args='{common}'\n"
    )
    (lab.home / "ansible.cfg").touch()  # Ansible as it comes, not as the product configures it
    # … but for kept connections: a socket's path has 108 bytes (unix(7)), pytest's folder alone may be longer
    clean = {"PATH": f"{bin_}:{os.environ['PATH']}", "HOME": str(lab.home), "LC_ALL": "C.UTF-8"}
    clean |= {"ANSIBLE_CONFIG": str(lab.home / "ansible.cfg"), "ANSIBLE_SSH_ARGS": "-o ControlMaster=no"}
    return await run([str(bin_ / "ansible"), "-i", str(inventory), "ap", "-m", module, *args], env=clean | env)


async def test_raw_works_and_takes_text_as_text(lab: Lab, ansible_bin: Path) -> None:
    answer = await ansible(lab, ansible_bin, "raw", "-a", "uci get system.system.hostname; echo 'a;b $(id)'")

    assert answer.status == 0, answer.out + answer.err
    assert lab.ap.hostname in answer.out
    assert "a;b $(id)" in answer.out


@pytest.mark.parametrize("transfer", ["sftp", "scp", "piped", "smart"])
async def test_modules_fail_for_want_of_python(lab: Lab, ansible_bin: Path, transfer: str) -> None:
    answer = await ansible(lab, ansible_bin, "ping", ANSIBLE_SSH_TRANSFER_METHOD=transfer)

    assert answer.status != 0
    assert '"ping": "pong"' not in answer.out


async def test_modules_fail_with_pipelining_as_well(lab: Lab, ansible_bin: Path) -> None:
    answer = await ansible(lab, ansible_bin, "setup", ANSIBLE_PIPELINING="True")

    assert answer.status != 0
    assert "python" in answer.out + answer.err
    assert "ansible_kernel" not in answer.out


async def test_a_hostile_variable_reaches_the_device_as_text(lab: Lab, ansible_bin: Path) -> None:
    hostile = "{{ lookup('pipe','id') }}; reboot $(reboot) `reboot`"
    quoted = "'" + hostile.replace("'", "'\"'\"'") + "'"

    answer = await ansible(
        lab, ansible_bin, "raw", "-a", "true; {% raw %}" + f"printf %s {quoted} > /etc/note" + "{% endraw %}"
    )

    assert answer.status == 0, answer.out + answer.err
    assert lab.ap.files["/etc/note"] == hostile
