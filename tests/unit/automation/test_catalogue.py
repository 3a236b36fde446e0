"""Playbook folders: read strictly, each fault named with its file and line."""

import shutil
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks

from fleet.automation import catalogue
from fleet.automation.catalogue import CatalogueError, load
from fleet.automation.services.sources import problems_of
from tests.unit.automation.conftest import SPECS

VLAN = 'vlan = {label = {de = "VLAN", en = "VLAN"}}'


def line_of(folder: Path, text: str) -> int:
    lines = (folder / "manifest.toml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def spoil(folder: Path, old: str, new: str, file: str = "manifest.toml") -> None:
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))


def test_a_folder_becomes_a_playbook(folder: Path) -> None:
    playbook = load(folder)

    assert playbook.slug == "exam-wifi"
    assert playbook.title.in_language("de-at") == "WLAN"
    assert playbook.title.in_language("en") == "Wi-Fi"
    assert playbook.secret_names == {"psk"}
    assert playbook.argument("state").choices == ("present", "absent")
    assert playbook.argument("ssid").required
    assert playbook.rollback is not None
    assert playbook.rollback.arguments == {"state": "absent"}
    assert playbook.verification.expect[0].when == {"state": "present"}


@pytest.mark.parametrize(
    ("old", "new", "marker", "says"),
    [
        ('risk = "medium"', 'risk = "medium"\ncolour = "red"', "colour", "colour"),
        ('risk = "medium"', 'risk = "extreme"', "risk", "risk"),
        ("timeout_s = 300", 'timeout_s = "300"', "timeout_s", "timeout_s"),
        ("within_s = 60", "within_s = 60\nsoon = true", "soon", "verification.soon"),
        ('value = "{ssid}"', 'value = "{network}"', "{network}", "network is not a declared argument"),
        ('when = {state = "present"}', 'when = {mode = "present"}', "{mode", "mode is not a declared argument"),
        ('when = {state = "present"}', 'when = {state = "here"}', "state = {label", "state cannot be 'here'"),
        ('arguments = {state = "absent"}', 'arguments = {state = "gone"}', "state = {label", "state cannot be 'gone'"),
        ('"poe[ifIndex={port}].power_w"', '"poe[ifIndex={port}.power_w"', "{port}.power_w", "no path"),
        ('value = "{ssid}"', 'value = "{psk}"', '"wireless.ssids"', "psk is secret"),
        ("value = 1.5", 'value = "{ssid}"', "power_w", "at_least needs a number"),
        ("value = 1.5", "", "power_w", "at_least needs a value"),
        ('arguments = {state = "absent"}', 'arguments = {port = "none"}', "port = {label", "port cannot be 'none'"),
        ('arguments = {state = "absent"}', 'arguments = {port = "2"}', "port = {label", "port cannot be '2'"),
        ('platforms = ["openwrt"]', 'platforms = ["openwtr"]', "platforms", "there is no platform 'openwtr'"),
        ("expected_duration_s = 15", "expected_duration_s = 301", "expected_duration_s", "longer than timeout_s"),
        ('psk = {label = {de = "Schlüssel", en = "Key"}}\n', "", None, "argument psk has no label"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_line(folder: Path, old: str, new: str, marker: str | None, says: str) -> None:
    spoil(folder, old, new)
    line = line_of(folder, marker) if marker else 1

    with pytest.raises(CatalogueError) as caught:
        load(folder)

    assert str(caught.value).startswith(f"{folder / 'manifest.toml'}:{line}: ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("{type: int, default: 1}", "{type: int, default: one}", ":8: port: its default"),
        ("default: present", "default: here", ":7: state: its default"),
        ("{type: int, default: 1}", "{type: list, elements: string}", ":8: elements"),
        ("{type: int, default: 1}", "{type: list, elements: int, default: [one]}", ":8: port: its default"),
        ("      port: {type: int, default: 1}", "      1: {type: str}", "1 cannot be the name"),
        ("      port: {type: int, default: 1}", "      a-b: {type: str}", "'a-b' cannot be the name"),
        (SPECS[SPECS.index("options:") :], "options: [ssid, psk]", "not an argument specification"),
        (SPECS[SPECS.index("options:") :], "options: ssid", "not an argument specification"),
        ("default: 1", "default: 2026-13-40", "not an argument specification"),
    ],
)
def test_an_odd_argument_specification_is_named(folder: Path, old: str, new: str, says: str) -> None:
    spoil(folder, old, new, "meta/argument_specs.yml")

    with pytest.raises(CatalogueError) as caught:
        load(folder)

    assert str(caught.value).startswith(f"{folder / 'meta' / 'argument_specs.yml'}:")
    assert says in str(caught.value)


def test_what_is_no_text_is_named(folder: Path) -> None:
    (folder / "manifest.toml").write_bytes(b"title = '\xff'")

    with pytest.raises(CatalogueError, match=r"manifest\.toml: not UTF-8"):
        load(folder)


RETIRES = "      retired_keys: {type: list}\n      ssid:"


@pytest.mark.parametrize(
    ("said", "retires", "means"),
    [
        ("", False, "stays"),
        ("", True, "retired"),
        ('predecessor = "replaced"', False, "replaced"),
        ('predecessor = "stays"', False, "stays"),
        ('predecessor = "retired"', False, CatalogueError),
        ('predecessor = "stays"', True, CatalogueError),
    ],
)
def test_what_becomes_of_the_old_secret_is_said_or_is_to_be_seen(
    folder: Path, said: str, retires: bool, means: str | type[Exception]
) -> None:
    spoil(folder, 'risk = "medium"', f'risk = "medium"\nrotates = "ssh"\n{said}')
    if retires:
        spoil(folder, "      ssid:", RETIRES, "meta/argument_specs.yml")
        spoil(folder, "[arguments]", '[arguments]\nretired_keys = {label = {de = "Alte", en = "Old"}}')

    if isinstance(means, str):
        assert load(folder).predecessor == means
    else:
        with pytest.raises(means, match="predecessor"):
            load(folder)


@pytest.mark.django_db
def test_check_warns_of_a_playbook_that_leaves_the_old_secret(folder: Path, settings: LazySettings) -> None:
    settings.PLAYBOOKS_DIR = folder.parent
    spoil(folder, 'risk = "medium"', 'risk = "medium"\nrotates = "ssh"')

    (warning,) = [one for one in run_checks() if one.id == "automation.W002"]

    assert str(folder / "manifest.toml") in warning.msg


def test_what_changes_a_part_of_another_ones_doing_does_not_undo_itself(folder: Path) -> None:
    spoil(folder, 'risk = "medium"', 'risk = "medium"\nadjusts = "ssid"')

    with pytest.raises(CatalogueError, match="adjusts"):
        load(folder)


@pytest.mark.django_db
@pytest.mark.parametrize(("other", "says"), [("psk-rotate", ""), ("nowhere", "nowhere"), ("exam-wifi", "arguments")])
def test_check_says_what_cannot_be_a_part(folder: Path, settings: LazySettings, other: str, says: str) -> None:
    for slug in ("ssid", "psk-rotate"):
        shutil.copytree(Path(settings.PLAYBOOKS_DIR) / slug, folder.parent / slug)
    settings.PLAYBOOKS_DIR = folder.parent
    if says:
        part = folder.parent / "psk-rotate"
        spoil(part, 'adjusts = "ssid"', f'adjusts = "{other}"')

    found = [one.msg for one in run_checks() if one.id == "automation.E001"]

    assert len(found) == bool(says)
    assert all("adjusts" in one and says in one for one in found)


@pytest.mark.parametrize(
    ("subject", "says"),
    [
        ('["ssid"]', ""),
        ('["colour"]', "colour is not a declared argument"),
        ('["psk"]', "psk is secret"),
        ('["state"]', "state takes it back"),
    ],
)
def test_what_is_changed_is_said_by_arguments_that_stay(folder: Path, subject: str, says: str) -> None:
    spoil(folder, 'risk = "medium"', f'risk = "medium"\nsubject = {subject}')

    if not says:
        assert load(folder).subject == {"ssid"}
        return
    with pytest.raises(CatalogueError, match=says):
        load(folder)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("undo", "subject", "says"),
    [
        ('arguments = {state = "absent"}', "", "subject"),
        ('arguments = {state = "absent"}', 'subject = ["ssid"]\n', ""),
        ("restore_backup = true", "", ""),
    ],
)
def test_check_wants_to_know_what_is_changed(
    folder: Path, settings: LazySettings, undo: str, subject: str, says: str
) -> None:
    for slug in ("backup", "restore"):
        shutil.copytree(Path(settings.PLAYBOOKS_DIR) / slug, folder.parent / slug)
    manifest = (folder / "manifest.toml").read_text()
    head = manifest.split("[[verification.expect]]", 1)[0]
    measured = '[[verification.expect]]\nholds = "reachable"\n[rollback]\n'
    (folder / "manifest.toml").write_text(f"{subject}{head}{measured}{undo}\n")
    settings.PLAYBOOKS_DIR = folder.parent

    found = [one.msg for one in run_checks() if one.id == "automation.E001"]

    assert len(found) == bool(says), found
    assert all(str(folder / "manifest.toml") in one and says in one for one in found)


@pytest.mark.parametrize("name", ["ansible_connection", "ansible_ssh_common_args", "hostvars", "inventory_hostname", "omit"])
def test_names_of_ansible_itself_cannot_be_declared(folder: Path, name: str) -> None:
    spoil(folder, "      ssid:", f"      {name}: {{type: str}}\n      ssid:", "meta/argument_specs.yml")

    with pytest.raises(CatalogueError, match=rf"argument_specs.yml:5: {name} is Ansible's own name"):
        load(folder)


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["playbook.yml", "manifest.toml", "meta/argument_specs.yml"])
def test_check_finds_a_folder_that_lacks_a_file(folder: Path, settings: LazySettings, missing: str) -> None:
    settings.PLAYBOOKS_DIR = folder.parent
    assert [error for error in run_checks() if error.id == "automation.E001"] == []
    (folder / missing).unlink()

    errors = [error for error in run_checks() if error.id == "automation.E001"]

    assert [error.msg for error in errors] == [f"{folder / missing}: missing"]


def test_the_digest_covers_every_file_by_name_and_content(folder: Path) -> None:
    seen = {load(folder).digest}
    spoil(folder, "tasks: []", "tasks: [{debug: {}}]", "playbook.yml")
    seen.add(load(folder).digest)
    (folder / "notes.txt").write_text("x")
    seen.add(load(folder).digest)
    (folder / "notes.txt").rename(folder / "other.txt")
    seen.add(load(folder).digest)

    assert len(seen) == 4


def test_a_changed_folder_is_read_again(folder: Path, settings: LazySettings) -> None:
    settings.PLAYBOOKS_DIR = folder.parent
    before = catalogue.get("exam-wifi").digest

    spoil(folder, "tasks: []", "tasks: [{debug: {}}]", "playbook.yml")

    assert catalogue.get("exam-wifi").digest != before


@pytest.mark.parametrize("name", ["../../etc/passwd", "exam-wifi/../exam-wifi", "", ".", "Exam", "collections", "nothing"])
@pytest.mark.django_db
def test_any_other_text_is_no_playbook(folder: Path, settings: LazySettings, name: str) -> None:
    settings.PLAYBOOKS_DIR = folder.parent

    with pytest.raises(CatalogueError):
        catalogue.get(name)


@pytest.mark.django_db
def test_our_own_playbooks_are_in_order() -> None:
    assert {playbook.slug for playbook in catalogue.all_playbooks()} >= {"ap-restart", "baseline", "poe-cycle", "ssid"}
    assert [error for error in run_checks() if error.id == "automation.E001"] == []


@pytest.mark.parametrize(
    ("new", "key", "says"),
    [
        ('who_may_run = ["wizard"]', "who_may_run", "there is no role 'wizard'"),
        ('who_approves = ["technician"]', "who_approves", "the role 'technician' never may"),
        ('who_may_run = "technician"', "who_may_run", "list"),
        ("max_per_step = 3", "max_per_step", "more than a whole change may touch"),
        ("max_per_step = 0", "max_per_step", "greater than 0"),
        ("blast_radius = 3", "blast_radius", "not permitted"),
        ('rotates = "telnet"', "rotates", "'ssh'"),
        ('hooks = ["x"]', "hooks", "not permitted"),
    ],
)
def test_keys_of_roles_and_limits_are_checked(folder: Path, new: str, key: str, says: str) -> None:
    spoil(folder, 'risk = "medium"', f'risk = "medium"\n{new}')

    with pytest.raises(CatalogueError) as caught:
        load(folder)

    assert str(caught.value).startswith(f"{folder / 'manifest.toml'}:{line_of(folder, key)}: ")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("undo", "says"),
    [
        ('playbook = "exam-off"\nrestore_backup = true', "exactly one"),
        ("restore_backup = false", "exactly one"),
        ('playbook = "../exam-off"', "pattern"),
        ('script = "x"', "not permitted"),
    ],
)
def test_there_is_one_way_back(folder: Path, undo: str, says: str) -> None:
    spoil(folder, 'arguments = {state = "absent"}', undo)

    with pytest.raises(CatalogueError, match=says):
        load(folder)


@pytest.mark.parametrize(
    ("undo", "why_no_end"),
    [('playbook = "exam-off"', ""), ("restore_backup = true", "whole-device"), ("arguments = {port = 2}", "")],
)
def test_what_says_more_of_itself_is_read(folder: Path, undo: str, why_no_end: str) -> None:
    spoil(folder, 'arguments = {state = "absent"}', undo)
    spoil(folder, "max_targets = 2", 'blast_radius = 9\nmax_per_step = 2\nwho_may_run = ["technician"]\nrotates = "snmp"')

    playbook = load(folder)

    assert (playbook.blast_radius, playbook.max_targets, playbook.max_per_step) == (9, 9, 2)
    assert (playbook.who_may_run, playbook.who_approves, playbook.rotates) == ({"technician"}, frozenset(), "snmp")
    assert (playbook.why_no_end, playbook.undoes_itself) == (why_no_end, not why_no_end)
    assert playbook.path == folder / "playbook.yml"


@pytest.mark.parametrize(
    ("platforms", "more", "settles_s"),
    [
        ('["ios"]', "", 10),
        ('["ios", "openwrt"]', "", 90),
        ('["linux"]', "", 180),
        ('["openwrt", "linux"]', "", 180),
        ('["openwrt", "linux"]', "settles_s = 5", 5),
    ],
)
def test_how_long_devices_settle_is_that_of_the_slowest_platform(
    folder: Path, platforms: str, more: str, settles_s: int
) -> None:
    spoil(folder, 'platforms = ["openwrt"]', f"platforms = {platforms}\n{more}")

    assert load(folder).settles_s == settles_s


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('after_cut = "poe-on"', 'after_cut = "nowhere"', "nowhere"),
        ('after_cut = "poe-on"', 'after_cut = "port-label"', "port-label needs label"),
        ('platforms = ["labswitch", "ios"', 'platforms = ["openwrt", "ios"', "poe-on is not for all of its platforms"),
        ("", "", ""),
    ],
)
def test_what_makes_good_must_be_there_and_fit(
    tmp_path: Path, settings: LazySettings, old: str, new: str, says: str
) -> None:
    for slug in ("poe-cycle", "poe-on", "port-label"):
        shutil.copytree(Path(settings.PLAYBOOKS_DIR) / slug, tmp_path / slug)
    settings.PLAYBOOKS_DIR = tmp_path
    spoil(tmp_path / "poe-cycle", old, new)

    found = [one.msg for one in run_checks() if one.id == "automation.E001"]

    assert len(found) == bool(says)
    assert all("after_cut" in one and says in one for one in found)


def test_how_long_the_unreachable_are_waited_for_is_declared(folder: Path) -> None:
    rollback = load(folder).rollback
    assert rollback is not None
    assert rollback.give_up_after_h == 72
    spoil(folder, 'arguments = {state = "absent"}', 'arguments = {state = "absent"}\ngive_up_after_h = 5')

    rollback = load(folder).rollback
    assert rollback is not None
    assert rollback.give_up_after_h == 5


@pytest.mark.django_db
def test_an_inverse_must_be_there(folder: Path, settings: LazySettings) -> None:
    settings.PLAYBOOKS_DIR = folder.parent
    spoil(folder, 'arguments = {state = "absent"}', 'playbook = "exam-off"')

    errors = [error for error in run_checks() if error.id == "automation.E001"]

    assert [error.msg for error in errors] == [
        f"{folder / 'manifest.toml'}: there is no playbook 'exam-off' to undo it with"
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("inverse", "spoilt", "says"),
    [
        ("exam-wifi", {}, "it cannot be undone with itself"),
        ("exam-off", {'platforms = ["openwrt"]': 'platforms = ["ios"]'}, "exam-off is not for all of its platforms"),
        ("exam-off", {"[arguments]": f"[arguments]\n{VLAN}"}, "exam-off needs vlan"),
        ("exam-off", {}, ""),
    ],
)
def test_an_inverse_must_fit(folder: Path, settings: LazySettings, inverse: str, spoilt: dict[str, str], says: str) -> None:
    settings.PLAYBOOKS_DIR = folder.parent
    shutil.copytree(folder, off := folder.parent / "exam-off")
    for old, new in spoilt.items():
        spoil(off, old, new)
    if VLAN in "".join(spoilt.values()):
        spoil(off, "      ssid:", "      vlan: {type: int, required: true}\n      ssid:", "meta/argument_specs.yml")
    spoil(folder, 'arguments = {state = "absent"}', f'playbook = "{inverse}"')
    expected = [f"exam-wifi/manifest.toml: rollback: {says}"] if says else []

    found = [one.msg.removeprefix(f"{folder.parent}/") for one in run_checks() if one.id == "automation.E001"]
    files = {str(one.relative_to(folder.parent)): one.read_text() for one in folder.parent.rglob("*") if one.is_file()}
    settings.PLAYBOOKS_DIR = folder.parent / "none"

    assert found == expected
    assert problems_of(files) == expected, "nor from a repository"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("ansible-core 2.19", "ansible-core 2.16", "it is for ansible-core 2.16, and 2.19 plays them"),
        ("version: 11.1.1", 'version: ">=11"', "cisco.ios has no version of its own"),
        ("    version: 11.1.1\n", "", "cisco.ios has no version of its own"),
    ],
)
def test_collections_are_of_the_ansible_that_plays(
    tmp_path: Path, settings: LazySettings, old: str, new: str, says: str
) -> None:
    ours = (Path(settings.PLAYBOOKS_DIR) / "requirements.yml").read_text()
    assert old in ours
    (tmp_path / "requirements.yml").write_text(ours.replace(old, new))
    assert [one for one in run_checks() if one.id == "automation.E006"] == []
    settings.PLAYBOOKS_DIR = tmp_path

    (error,) = [one for one in run_checks() if one.id == "automation.E006"]

    assert error.msg == f"{tmp_path / 'requirements.yml'}: {says}"
