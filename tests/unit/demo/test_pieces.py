"""What the demo leaves behind outside of its own folder."""

from pathlib import Path

import pytest
from django.conf import LazySettings

from config.demo.pieces import leave_no_empty_run_dir


@pytest.mark.parametrize(("interrupted", "left"), [(False, False), (True, True)])
def test_the_folder_of_runs_stays_only_for_an_interrupted_run(
    tmp_path: Path, settings: LazySettings, *, interrupted: bool, left: bool
) -> None:
    settings.RUN_DIR = tmp_path / "runs"
    settings.RUN_DIR.mkdir()
    if interrupted:
        (settings.RUN_DIR / "run-1-abc").mkdir()

    leave_no_empty_run_dir()

    assert settings.RUN_DIR.exists() == left


def test_no_folder_of_runs_is_no_trouble(tmp_path: Path, settings: LazySettings) -> None:
    settings.RUN_DIR = tmp_path / "runs"

    leave_no_empty_run_dir()

    assert not list(tmp_path.iterdir()), "nothing is made of it either"
