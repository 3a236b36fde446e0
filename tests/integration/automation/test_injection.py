"""What people type stays what they typed, whatever it looks like; and what is the worker's own stays with it."""

import json
from pathlib import Path
from typing import Any

import pytest

from fleet.automation.catalogue import CatalogueError, get
from fleet.automation.models import Change, HostResult, Run
from fleet.automation.services.attempt import arguments_of, playbook_of
from fleet.automation.services.ordering import OrderError
from tests.integration.automation.conftest import School

LOCAL = """
      delegate_to: localhost
      connection: local
      vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
"""
ECHO = f"""
    - ansible.builtin.command: env{LOCAL}      register: seen
    - ansible.builtin.copy:
        content: "{{{{ dict(word=word, place=place, any=any, words=words, map=map, key=key, env=seen.stdout) | to_json }}}}"
        dest: "{{{{ into }}}}"
        mode: "0600"{LOCAL}
    - raw: "touch /tmp/{{{{ word | quote }}}} || true"
"""
OPTIONS = """
word: {type: str}
place: {type: path}
any: {type: raw}
words: {type: list, elements: str}
map: {type: dict}
key: {type: str, no_log: true}
into: {type: path}
"""


def traps(trace: Path) -> list[str]:
    touch = f"touch {trace}"
    return [
        f"{{{{ lookup('pipe', '{touch}') }}}}",
        f"{{% set x = lookup('pipe', '{touch}') %}}{{{{ x }}}}",
        f"{{# #}}{{{{ ().__class__ }}}}$(({touch}))",
        "!unsafe 'x'",
        f"!!python/object/apply:os.system ['{touch}']",
        f"!vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  {touch}",
        "word: x\nansible_connection: local\nansible_host: 127.0.0.1",
        f"x\n- raw: {touch}\n",
        f"'; {touch}; echo '",
        f'"$({touch})`{touch}`" && {touch} | {touch}',
        "&anchor *anchor <<: @/etc/passwd % # --- ...",
        "../../../../etc/passwd",
        *("yes", "00012345", "1:30", "null", "2026-01-01", "0x10", "1e3", "~"),
        "\t ü \u2028 \x1b[31m ",
    ]


def test_data_stays_data_and_the_workers_environment_stays_its_own(
    school: School, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL", "ENCRYPTION_KEYS", "BROKER_URL"):
        monkeypatch.setenv(name, f"sentinel-4711-{name}")
    trace, into = tmp_path / "trace", tmp_path / "echo.json"
    hostile = traps(trace)
    together = "\n".join(hostile)
    given: dict[str, Any] = {
        "word": together,
        "place": together,
        "any": together,
        "words": hostile,
        "map": {trap: {"deep": [trap]} for trap in hostile},
        "key": "00012345",
    }
    school.playbook("echo", ECHO, options=OPTIONS, check_mode="none")

    change = school.work(school.order("echo", arguments={**given, "into": str(into)}))

    assert change.state == Change.State.CONFIRMED, school.run(change).error
    said = json.loads(into.read_text())
    environment = said.pop("env")
    assert said == given
    assert "sentinel-4711" not in environment
    assert not {"SECRET_KEY", "DATABASE_URL", "ENCRYPTION_KEYS"} & {line.split("=")[0] for line in environment.splitlines()}
    assert not trace.exists()


def test_a_key_may_be_a_word_by_which_the_worker_reads_what_ansible_tells(school: School) -> None:
    change = school.approved(school.order("ssid", arguments={"ssid": "Neu", "psk": "playbook"}))

    assert (change.state, school.run(change).hosts.get().state) == (Change.State.CONFIRMED, HostResult.State.CHANGED)


@pytest.mark.parametrize(
    "name", ["../ssid", "ssid/../ssid", "/etc/passwd", "ssid\n", "ssid ", "{{ x }}", "", "SSID", "a" * 60]
)
def test_a_name_that_is_none_leads_nowhere(school: School, name: str) -> None:
    with pytest.raises(CatalogueError):
        get(name)
    with pytest.raises(OrderError) as caught:
        school.order(name)
    assert list(caught.value.problems) == ["playbook"]


def test_a_playbook_for_certain_roles_is_ordered_by_them_alone(school: School) -> None:
    slug = school.playbook("careful", "    - raw: 'true'")
    manifest = school.playbooks / slug / "manifest.toml"
    manifest.write_text('who_may_run = ["administrator"]\n' + manifest.read_text())

    with pytest.raises(OrderError) as caught:
        school.order(slug)

    assert list(caught.value.problems) == ["playbook"]
    manifest.write_text(manifest.read_text().replace("administrator", "technician"))
    assert school.order(slug).state == Change.State.PREVIEWING


def test_a_playbook_with_an_inverse_is_taken_back_by_it(school: School) -> None:
    school.playbook("mark", "    - raw: 'touch /tmp/mark-{{ name }}'", options="name: {type: str}\nidle: {type: str}")
    school.playbook("unmark", "    - raw: 'rm /tmp/mark-{{ name }}'", options="name: {type: str}")
    manifest = school.playbooks / "mark" / "manifest.toml"
    manifest.write_text(manifest.read_text() + '[rollback]\nplaybook = "unmark"\n')

    change = school.order("mark", arguments={"name": "x", "idle": "y"})

    run = Run.objects.create(change=change, kind=Run.Kind.REVERT, state=Run.State.SUCCEEDED)

    assert playbook_of(run).slug == "unmark"
    assert arguments_of(run) == {"name": "x"}
