#!/usr/bin/env python3
"""Ansible's dynamic inventory: what `manage.py inventory --list` prints, with every text marked as never to be templated.

A device's name is typed by people. `{{ lookup('pipe', …) }}` in a host variable is executed on the controller unless the
variable is marked `__ansible_unsafe`; so here all of them are, whoever wrote them.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parent.parent


def unsafe(value: Any) -> Any:
    if isinstance(value, str):
        return {"__ansible_unsafe": value}
    if isinstance(value, list):
        return [unsafe(item) for item in value]
    if isinstance(value, dict):
        return value if "__ansible_unsafe" in value else {str(key): unsafe(item) for key, item in value.items()}
    return value


def guarded(inventory: dict[str, Any]) -> dict[str, Any]:
    """The inventory with every variable of hosts and groups marked. Names of hosts and groups are ours: `device-7`."""
    hostvars = inventory.get("_meta", {}).get("hostvars", {})
    groups = {name: _group(content) for name, content in inventory.items() if name != "_meta"}
    return {**groups, "_meta": {"hostvars": {host: unsafe(variables) for host, variables in hostvars.items()}}}


def _group(content: Any) -> Any:
    return {**content, "vars": unsafe(content["vars"])} if isinstance(content, dict) and "vars" in content else content


def main() -> int:
    if sys.argv[1:2] == ["--host"]:
        print("{}")
        return 0
    own = TOP / ".venv" / "bin" / "python"
    command = [str(own) if own.exists() else sys.executable, str(TOP / "manage.py"), "inventory", "--list"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode == 0:
        print(json.dumps(guarded(json.loads(done.stdout)), indent=2))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
