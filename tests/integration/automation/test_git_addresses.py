"""git goes to the addresses of a repository's host that were looked at, to one after the other, and nowhere else."""

import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from fleet.automation.catalogue import git
from fleet.automation.catalogue.git import GitError


@pytest.mark.parametrize("url", ["http://{name}:{port}/x.git", "ssh://git@{name}:{port}/x.git"])
@pytest.mark.parametrize("name", ["rebound.example", "REBOUND.example."])
def test_git_goes_to_the_address_that_was_looked_at(url: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere a moment later leads nowhere: here only the first look finds it at all."""
    real = socket.getaddrinfo
    looks: list[str] = []

    def once(host: str, *more: Any, **named: Any) -> Any:
        looks.append(host)
        return real("127.0.0.1" if len(looks) == 1 else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def answer() -> None:
            with server.accept()[0] as peer:
                peer.sendall(b"SSH-2.0-x\r\n" if url.startswith("ssh") else b"")
                heard.append(peer.recv(1000))

        answering = threading.Thread(target=answer)
        answering.start()
        wish = git.Wish(url.format(name=name, port=server.getsockname()[1]), "main", protocols=("http", "ssh"))
        with pytest.raises(GitError):
            git.fetch(wish, limit_s=10)
        answering.join()

    assert len(looks) == 1
    assert heard[0].startswith((b"GET /x.git/info/refs", b"SSH-2.0-"))


def test_ssh_goes_to_the_next_address_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    both = ["127.0.0.7", "127.0.0.8"]
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *more, **named: [real(one, *more, **named)[0] for one in both])
    heard: list[bytes] = []
    with socket.create_server((both[1], 0)) as server:
        server.settimeout(20)

        def answer() -> None:
            with server.accept()[0] as peer:
                peer.sendall(b"SSH-2.0-x\r\n")
                heard.append(peer.recv(1000))

        answering = threading.Thread(target=answer)
        answering.start()
        url = f"ssh://git@two.example:{server.getsockname()[1]}/x.git"
        with pytest.raises(GitError):
            git.fetch(git.Wish(url, "main", protocols=("ssh",)), limit_s=10)
        answering.join()

    assert heard[0].startswith(b"SSH-2.0-")


def test_a_host_is_no_part_of_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *more, **named: real("127.0.0.1", *more, **named))
    mark = tmp_path / "mark"

    with pytest.raises(GitError):
        git.fetch(git.Wish("ssh://x@a;touch${IFS}mark;:1/a", "main", protocols=("ssh",)), limit_s=10)

    command = git._ssh(tmp_path, git.Wish("ssh://x@a;touch${IFS}mark;:1/a", "main"), None, ["127.0.0.1"])
    subprocess.run(["/bin/sh", "-c", f"{command} -V"], cwd=tmp_path, check=False, capture_output=True)
    assert not mark.exists()
