"""Playbooks out of real git repositories: nothing comes in that was not looked at, and fetching runs nothing."""

import os
import socket
import stat
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings, settings

from fleet.automation import catalogue, services
from fleet.automation.catalogue import CatalogueError, pinned
from fleet.automation.models import Approval, Change, PlaybookSource, SourceVersion
from fleet.automation.services import sources
from fleet.automation.services.sources import Address, SourceError
from fleet.devices.models import Credential
from fleet.devices.services import create_credential
from fleet.events.models import Event
from fleet.people import services as people
from fleet.people.rules import Role
from fleet.sites.services import create_authority
from tests.conftest import City
from tests.integration.automation.conftest import MANIFEST, TEXTS, School

SPECS = "argument_specs:\n  main:\n    options: {}\n"
PLAY = "- hosts: all\n  gather_facts: false\n  tasks:\n    - raw: 'true'\n"


class Repository:
    def __init__(self, home: Path) -> None:
        self.path = home / "repository"
        self.path.mkdir()
        self.key = home / "signer"
        self.git("init", "-q", "-b", "main")

    @property
    def url(self) -> str:
        return f"file://{self.path}"

    def git(self, *words: str, given: str | None = None) -> str:
        author = {f"GIT_{who}_{what}": "Ada" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.path.parent), "GIT_CONFIG_NOSYSTEM": "1", **author}
        argv = ["git", "-c", "protocol.file.allow=always", *words]
        place: dict[str, Any] = {"cwd": self.path, "env": environment, "input": given}
        return str(subprocess.run(argv, check=True, capture_output=True, text=True, **place).stdout)

    def playbook(self, slug: str = "banner", play: str = PLAY, **manifest: object) -> Path:
        folder = self.path / "playbooks" / slug
        (folder / "meta").mkdir(parents=True, exist_ok=True)
        body = {"texts": TEXTS, "labels": "", "timeout_s": 60, "check_mode": "honest", "within_s": 5, **manifest}
        (folder / "manifest.toml").write_text(MANIFEST.format(**body))
        (folder / "meta" / "argument_specs.yml").write_text(SPECS)
        (folder / "playbook.yml").write_text(play)
        return folder

    def commit(self, *options: str) -> str:
        self.git("add", "-A")
        self.git(*options, "commit", "-q", "--allow-empty", "-m", "Change")
        return self.git("rev-parse", "HEAD").strip()

    def sign(self, name: str = "signer") -> tuple[str, ...]:
        key = self.key.with_name(name)
        if not key.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        return ("-c", "gpg.format=ssh", "-c", f"user.signingkey={key}.pub", "-c", "commit.gpgsign=true")

    @property
    def allowed_signers(self) -> str:
        return f'ada@city.example namespaces="git" {self.key.with_suffix(".pub").read_text()}'


@pytest.fixture
def repository(tmp_path: Path, settings: LazySettings) -> Repository:
    settings.SOURCE_PROTOCOLS = ("https", "ssh", "file")
    settings.SOURCES_DIR = tmp_path / "sources"
    made = Repository(tmp_path)
    made.playbook()
    made.commit()
    return made


@pytest.fixture
def source(city: City, repository: Repository) -> PlaybookSource:
    """Added by nobody whom the tests ask: Ada may approve."""
    return sources.add(authority=city.authority, address=Address("city", repository.url), by=None)


def fetched(source: PlaybookSource) -> PlaybookSource:
    sources.fetch(source_id=source.pk)
    source.refresh_from_db()
    return source


def test_a_commit_counts_once_it_is_approved(city: City, source: PlaybookSource, repository: Repository) -> None:
    with pytest.raises(CatalogueError):
        catalogue.get("banner")
    fetched(source)
    assert (source.state, source.problem, source.commit) == ("idle", "", "")
    with pytest.raises(CatalogueError):
        catalogue.get("banner")

    sources.approve(source=source, commit=source.fetched_commit, by=city.administrator)

    playbook = catalogue.get("banner")
    assert (playbook.source, playbook.commit, playbook.risk) == ("city", source.fetched_commit, "medium")
    assert "banner" in {one.slug for one in catalogue.all_playbooks()}
    assert stat.S_IMODE(playbook.path.stat().st_mode) == 0o400
    told = Event.objects.filter(name__startswith="playbook-source.").order_by("pk").values_list("name", flat=True)
    assert [name.split(".")[1] for name in told] == ["added", "fetched", "approved"]

    repository.playbook(play=PLAY + "    - raw: 'second'\n")
    newer = repository.commit()
    fetched(source)
    assert catalogue.get("banner") == playbook, "what is newer waits to be looked at"
    (change,) = sources.changes_of(source.versions.get(commit=newer))
    assert (change.slug, change.kind, [file.path for file in change.files]) == ("banner", "changed", ["banner/playbook.yml"])
    assert "+    - raw: 'second'" in change.files[0].diff

    sources.remove(source=source, by=city.administrator)
    pinned.forget()
    with pytest.raises(CatalogueError):
        catalogue.get("banner")


def test_another_machine_writes_the_folder_from_the_rows(city: City, source: PlaybookSource) -> None:
    sources.approve(source=fetched(source), commit=source.fetched_commit, by=city.administrator)
    before = catalogue.get("banner")
    place = before.folder.parent.parent
    pinned.remove(place)
    assert not place.exists()

    assert catalogue.get("banner").digest == before.digest
    assert [path.name for path in Path(settings.SOURCES_DIR).iterdir()] == [place.name], "no draft stays"


def test_one_that_is_not_in_order_any_more_keeps_no_other_from_being_used(
    city: City, source: PlaybookSource, repository: Repository
) -> None:
    """What was in order when it was approved may be refused by a later version of ours."""
    repository.playbook("aaa")
    repository.commit()
    sources.approve(source=fetched(source), commit=source.fetched_commit, by=city.administrator)
    version = source.versions.get(commit=source.fetched_commit)
    manifest = version.files["aaa/manifest.toml"]
    version.files["aaa/manifest.toml"] = manifest.replace('"openwrt"', '"openwtr"')
    assert version.files["aaa/manifest.toml"] != manifest
    version.save()
    pinned.remove(catalogue.get("banner").folder.parent.parent)

    assert catalogue.get("banner").slug == "banner"
    with pytest.raises(CatalogueError):
        catalogue.get("aaa")


def test_a_playbook_has_no_neighbours(city: City, source: PlaybookSource, repository: Repository) -> None:
    """What it could include from another one's folder would change without its digest."""
    repository.playbook("library")
    repository.commit()
    sources.approve(source=fetched(source), commit=source.fetched_commit, by=city.administrator)
    banner, library = catalogue.get("banner").folder, catalogue.get("library").folder
    assert [path.name for path in banner.parent.iterdir()] == ["banner"]
    repository.playbook("library", play=PLAY + "    - raw: 'second'\n")
    repository.commit()
    sources.approve(source=fetched(source), commit=source.fetched_commit, by=city.administrator)
    assert catalogue.get("library").folder.parent.name != library.parent.name, "named after what it holds"
    assert catalogue.get("banner").folder.parent.name == banner.parent.name

    repository.playbook(play=PLAY + "    - ansible.builtin.import_tasks: ../library/playbook.yml\n")
    repository.commit()

    version = source.versions.get(commit=fetched(source).fetched_commit)
    assert [one.split(": ")[1] for one in version.problems] == ["this lies outside of the playbook's folder"]
    with pytest.raises(SourceError, match="not-in-order"):
        sources.approve(source=source, commit=version.commit, by=city.administrator)


@pytest.mark.parametrize("what", ["link out", "link in", "submodule", "huge", "binary", "folder", "file"])
def test_what_leads_elsewhere_or_is_odd_is_refused_and_said(
    source: PlaybookSource, repository: Repository, what: str
) -> None:
    folder = repository.path / "playbooks" / "banner"
    expected = {"link out": "link", "link in": "link", "huge": "too-large", "binary": "not-text", "folder": "folder-name"}
    expected |= {"submodule": "submodule", "file": "file-name"}
    if what == "link out":
        (folder / "x").symlink_to("/etc/passwd")
    elif what == "link in":
        (folder / "x").symlink_to("playbook.yml")
    elif what == "submodule":
        repository.git("submodule", "--quiet", "add", repository.url, "lib")
    elif what == "huge":
        (folder / "x").write_bytes(b"x" * (1 << 20) + b"y")
    elif what == "binary":
        (folder / "x").write_bytes(b"\xff\xfe\0")
    elif what == "folder":
        folder.rename(folder.with_name("Ban ner"))
    else:
        (folder / "{{ x }}").write_text("x")
    repository.commit()

    fetched(source)

    assert (source.state, source.problem) == (
        "failed",
        expected.get(what, "submodule" if what == "submodule" else "file-name"),
    )
    assert source.detail
    assert not SourceVersion.objects.exists()


def test_a_playbook_that_is_not_in_order_cannot_be_approved(
    city: City, source: PlaybookSource, repository: Repository
) -> None:
    repository.playbook("ssid")
    repository.playbook("crooked", texts='{de = "x"}')
    repository.commit()
    fetched(source)

    problems = source.versions.get().problems
    assert any(problem.startswith("crooked/manifest.toml:1: title.en") for problem in problems), problems
    assert "ssid: a playbook of the product has this name" in problems
    with pytest.raises(SourceError, match="not-in-order"):
        sources.approve(source=source, commit=source.fetched_commit, by=city.administrator)
    with pytest.raises(SourceError, match="changed-meanwhile"):
        sources.approve(source=source, commit="0" * 40, by=city.administrator)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ("port-label", "port-label needs label, port"),
        ("linux-updates", "linux-updates is not for all of its platforms"),
        ("nowhere", "there is no playbook 'nowhere'"),
        ("again", "again needs port"),
        ("banner", None),
    ],
)
def test_what_makes_good_must_be_there_and_fit(
    source: PlaybookSource, repository: Repository, other: str, says: str | None
) -> None:
    again = repository.playbook("again")
    options = "argument_specs:\n  main:\n    options:\n      port: {type: int, required: true}\n"
    (again / "meta" / "argument_specs.yml").write_text(options)
    with (again / "manifest.toml").open("a") as manifest:
        manifest.write('\n[arguments.port]\nlabel = {de = "Port", en = "Port"}\n')
    manifest_path = repository.playbook("cycle") / "manifest.toml"
    manifest_path.write_text(f'after_cut = "{other}"\n{manifest_path.read_text()}')
    repository.commit()

    problems = fetched(source).versions.get().problems

    assert len(problems) == bool(says), problems
    assert all(one.startswith("cycle/manifest.toml: ") and says in one for one in problems if says)


def test_what_is_changed_must_be_said_where_measuring_names_nothing(source: PlaybookSource, repository: Repository) -> None:
    folder = repository.playbook("queue")
    options = "".join(f"      {name}: {{type: str}}\n" for name in ("name", "host", "state"))
    (folder / "meta" / "argument_specs.yml").write_text(f"argument_specs:\n  main:\n    options:\n{options}")
    with (folder / "manifest.toml").open("a") as manifest:
        for name in ("name", "host", "state"):
            manifest.write(f'\n[arguments.{name}]\nlabel = {{de = "x", en = "x"}}\n')
        manifest.write('\n[rollback]\narguments = {state = "absent"}\n')
    repository.commit()
    assert [one for one in fetched(source).versions.get().problems if one.startswith("queue/manifest.toml: subject: ")]

    text = (folder / "manifest.toml").read_text()
    (folder / "manifest.toml").write_text(f'subject = ["name"]\n{text}')
    repository.commit()

    assert fetched(source).versions.latest("pk").problems == []


def test_who_added_a_repository_does_not_approve_it(city: City, repository: Repository) -> None:
    address = Address("own", repository.url)
    source = fetched(sources.add(authority=city.authority, address=address, by=city.administrator))
    with pytest.raises(SourceError, match="own-source"):
        sources.approve(source=source, commit=source.fetched_commit, by=city.administrator)

    people.grant(user=city.stranger, role=Role.ADMINISTRATOR, scope_id=city.authority.pk)
    assert sources.approve(source=source, commit=source.fetched_commit, by=city.stranger).commit == source.fetched_commit


def test_what_nobody_can_see_is_not_approved(city: City, source: PlaybookSource, repository: Repository) -> None:
    repository.playbook(play="# a comment\n" * 6000 + PLAY)
    repository.commit()
    fetched(source)
    with pytest.raises(SourceError, match=r"too-long-to-look-at banner/playbook\.yml"):
        sources.approve(source=source, commit=source.fetched_commit, by=city.administrator)

    repository.playbook(play=PLAY + "# \u202egnp.txt\n")
    repository.commit()
    fetched(source)
    version = source.versions.get(commit=source.fetched_commit)
    assert version.problems == ["banner/playbook.yml:5: a character that cannot be seen (U+202E)"]


def test_a_device_password_goes_to_no_git_server(city: City, settings: LazySettings) -> None:
    kinds, secret = Credential.Kind, {"username": "u", "password": "planted-password"}
    made = {
        kind: create_credential(authority=city.authority, name=str(kind.label), kind=kind, secret=secret)
        for kind in (kinds.SSH_PASSWORD, kinds.GIT)
    }
    url = "https://git.example/a/b"
    with pytest.raises(SourceError, match="credential"):
        sources.add(authority=city.authority, address=Address("a", url, credential=made[kinds.SSH_PASSWORD]), by=None)
    sources.add(authority=city.authority, address=Address("a", url, credential=made[kinds.GIT]), by=None)
    source = PlaybookSource.objects.get(credential=made[kinds.GIT])
    PlaybookSource.objects.filter(pk=source.pk).update(credential=made[kinds.SSH_PASSWORD])
    assert fetched(source).problem == "credential", "nor from a row of before"


def test_a_tree_without_end_and_a_subject_without_end_are_cut_off(source: PlaybookSource, repository: Repository) -> None:
    """One object per level, each naming the one below eight times: 8^9 paths from ten objects."""
    blob = repository.git("hash-object", "-w", "playbooks/banner/playbook.yml").strip()
    sound, kind, below = repository.git("rev-parse", "HEAD^{tree}").strip(), "100644 blob", blob
    for _level in range(9):
        listing = "".join(f"{kind} {below}\t{name}\n" for name in "abcdefgh")
        below = repository.git("mktree", given=listing).strip()
        kind = "040000 tree"
    commit = repository.git("commit-tree", below, "-m", "Bomb").strip()
    repository.git("update-ref", "refs/heads/main", commit)
    assert (fetched(source).state, source.problem) == ("failed", "too-large")

    commit = repository.git("commit-tree", sound, given="x" * (5 << 20)).strip()
    repository.git("update-ref", "refs/heads/main", commit)
    assert (fetched(source).state, source.problem) == ("failed", "too-large")


def test_another_authority_hears_no_name_of_ours(city: City, source: PlaybookSource, repository: Repository) -> None:
    sources.approve(source=fetched(source), commit=source.fetched_commit, by=city.administrator)
    theirs = create_authority(name="Gemeinde Nebenan")
    other = fetched(sources.add(authority=theirs, address=Address("other", repository.url), by=None))
    with pytest.raises(SourceError, match="another repository has a playbook of this name"):
        sources.approve(source=other, commit=other.fetched_commit, by=city.administrator)


def test_two_repositories_cannot_have_one_name(city: City, source: PlaybookSource, repository: Repository) -> None:
    sources.approve(source=fetched(source), commit=source.fetched_commit, by=city.administrator)
    other = sources.add(authority=city.authority, address=Address("other", repository.url), by=None)

    with pytest.raises(SourceError, match="city has a playbook of this name"):
        sources.approve(source=fetched(other), commit=other.fetched_commit, by=city.administrator)


def test_where_a_signature_is_asked_for_only_the_right_one_counts(city: City, repository: Repository) -> None:
    repository.commit(*repository.sign())
    address = Address("signed", repository.url, allowed_signers=repository.allowed_signers)
    source = fetched(sources.add(authority=city.authority, address=address, by=None))
    assert (source.problem, source.versions.get().signed_by) == ("", "ada@city.example")

    for options in ((), repository.sign("stranger")):
        repository.commit(*options)
        assert (fetched(source).state, source.problem) == ("failed", "signature")
    assert source.versions.count() == 1


def test_neither_hooks_nor_configuration_nor_prompts_have_a_say(
    source: PlaybookSource, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = tmp_path / "trace"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {trace}\n")
    program.chmod(0o755)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("reference-transaction", "post-checkout", "post-merge"):
        (hooks / name).symlink_to(program)
    (tmp_path / ".gitconfig").write_text(f"[core]\n hooksPath = {hooks}\n fsmonitor = {program}\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_ASKPASS", str(program))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(program))

    assert fetched(source).state == "idle"
    assert not trace.exists()

    PlaybookSource.objects.filter(pk=source.pk).update(url=f"ext::{program}")
    assert fetched(source).state == "failed"
    assert not trace.exists()


def test_a_repository_that_is_not_there_or_too_slow_is_said(
    source: PlaybookSource, monkeypatch: pytest.MonkeyPatch, repository: Repository
) -> None:
    PlaybookSource.objects.filter(pk=source.pk).update(branch="nothing")
    assert (fetched(source).problem, source.detail) == ("no-branch", "")

    monkeypatch.setattr("fleet.automation.catalogue.git.fetch.__kwdefaults__", {"limit_s": 0.0})
    assert fetched(source).problem == "too-slow"


@pytest.mark.parametrize("url", ["https://127.0.0.1:9200/a", "ssh://x@[::1]:6379/a", "https://169.254.169.254/latest"])
def test_no_repository_is_fetched_from_our_own_machine(source: PlaybookSource, settings: LazySettings, url: str) -> None:
    settings.MODE = "production"
    PlaybookSource.objects.filter(pk=source.pk).update(url=url)
    assert (fetched(source).problem, source.detail) == ("address-home", "")


def test_what_answers_there_is_not_quoted(source: PlaybookSource) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        PlaybookSource.objects.filter(pk=source.pk).update(url=f"ssh://x@127.0.0.1:{server.getsockname()[1]}/a")

        def answer() -> None:
            with server.accept()[0] as peer:
                peer.sendall(b"-ERR planted banner\r\n" * 3)

        answering = threading.Thread(target=answer)
        answering.start()
        assert (fetched(source).problem, source.detail) == ("git", "")
        answering.join()


def test_one_fetch_at_a_time(source: PlaybookSource, city: City) -> None:
    assert sources.fetch_soon(source=source, by=city.administrator)
    assert not sources.fetch_soon(source=source, by=city.administrator)
    assert fetched(source).state == "idle"
    assert sources.fetch_soon(source=source, by=city.administrator)


def test_an_approval_is_void_when_the_playbook_has_changed_since(
    school: School, tmp_path: Path, settings: LazySettings
) -> None:
    settings.SOURCE_PROTOCOLS, settings.SOURCES_DIR = ("file",), tmp_path / "sources"
    repository = Repository(tmp_path)
    repository.playbook()
    repository.commit()
    address = Address("city", repository.url)
    source = sources.add(authority=school.ap.authority, address=address, by=None)
    sources.approve(source=fetched(source), commit=source.fetched_commit, by=school.approvers[0])
    assert school.approved(school.order("banner")).state == Change.State.CONFIRMED

    waiting = school.work(school.order("banner"))
    agreed = Approval.Decision.APPROVED
    services.decide(change=waiting, approver=school.approvers[0], decision=agreed, digest=waiting.digest)
    repository.playbook(play=PLAY + "    - raw: 'other'\n")
    repository.commit()
    sources.approve(source=fetched(source), commit=source.fetched_commit, by=school.approvers[0])

    school.work(waiting)

    assert waiting.state == Change.State.FAILED
    assert school.run(waiting).problem == "playbook-changed"
