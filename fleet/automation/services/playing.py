"""Playing a playbook that only reads, without a change and without rows: what it answers goes to the caller alone."""

import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from fleet.automation.catalogue import get
from fleet.automation.services import assembling
from fleet.automation.services.launching import ChildProcess
from fleet.devices.models import Device

BATCH_S = 0.3
LEASE_S = 120.0
LEFT_OVER_S = 86_400


@dataclass(frozen=True)
class Reading:
    """What to play where. `devices` have their type and login selected."""

    playbook: str
    devices: Sequence[Device]
    arguments: dict[str, Any] = field(default_factory=dict)
    secrets: Sequence[str] = ()
    """Values among the arguments that are masked wherever they show."""


def play(reading: Reading) -> Iterator[dict[str, Any]]:
    """The events as the child tells them (`execution.__main__`), in check mode, so that nothing is ever written."""
    name = uuid.uuid4().hex
    wanted = assembling.Play(
        playbook=get(reading.playbook),
        devices=reading.devices,
        folder=Path(settings.RUN_DIR) / f"reading-{name}",
        lease_s=LEASE_S,
        check=True,
        arguments=reading.arguments,
        secrets=reading.secrets,
    )
    order = assembling.order(wanted)
    beat_at = 0.0
    try:
        with ChildProcess(order, f"reading:{name}") as child:
            for batch in child.batches(BATCH_S):
                yield from batch
                if time.monotonic() >= beat_at:
                    child.beat()
                    beat_at = time.monotonic() + LEASE_S / 6
    finally:
        shutil.rmtree(order.path, ignore_errors=True)


def sweep(now_s: float) -> None:
    """Directories of readings whose worker was killed; they hold redacted events only."""
    for path in Path(settings.RUN_DIR).glob("reading-*"):
        if now_s - path.stat().st_mtime > LEFT_OVER_S:
            shutil.rmtree(path, ignore_errors=True)
