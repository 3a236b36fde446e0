"""Playbooks out of real git repositories: nothing comes in that was not looked at, and fetching runs nothing."""

import os
import stat
import subprocess
from pathlib import Path

import pytest
from django.conf import LazySettings, settings

from fleet.automation import catalogue, services
from fleet.automation.catalogue import CatalogueError, pinned
from fleet.automation.models import Approval, Change, PlaybookSource, Run, SourceVersion
from fleet.automation.services import sources
from fleet.automation.services.sources import Address, SourceError
from fleet.events.models import Event
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

    def git(self, *words: str) -> str:
        author = {f"GIT_{who}_{what}": "Ada" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.path.parent), "GIT_CONFIG_NOSYSTEM": "1", **author}
        argv = ["git", "-c", "protocol.file.allow=always", *words]
        return subprocess.run(argv, cwd=self.path, env=environment, check=True, capture_output=True, text=True).stdout

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
    return sources.add(authority=city.authority, address=Address("city", repository.url), by=city.administrator)


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
    assert (playbook.source, playbook.commit) == ("city", source.fetched_commit)
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
    place = before.folder.parent
    pinned.remove(place)
    assert not place.exists()

    assert catalogue.get("banner").digest == before.digest
    assert [path.name for path in Path(settings.SOURCES_DIR).iterdir()] == [place.name], "no draft stays"


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
    assert fetched(source).problem == "git"
    assert "nothing" in source.detail

    monkeypatch.setattr("fleet.automation.catalogue.git.fetch.__kwdefaults__", {"limit_s": 0.0})
    assert fetched(source).problem == "too-slow"


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
    sound = school.order("banner")
    services.execute(run_id=school.run(sound, Run.Kind.PREVIEW).pk)
    assert school.work(sound).state == Change.State.CONFIRMED

    waiting = school.order("banner")
    services.execute(run_id=school.run(waiting, Run.Kind.PREVIEW).pk)
    repository.playbook(play=PLAY + "    - raw: 'other'\n")
    repository.commit()
    sources.approve(source=fetched(source), commit=source.fetched_commit, by=school.approvers[0])

    school.work(waiting)

    assert waiting.state == Change.State.FAILED
    assert school.run(waiting).problem == "playbook-changed"
    assert not Approval.objects.exists()
