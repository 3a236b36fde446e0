"""Which device suffers what."""

from pathlib import Path

import pytest

from fleet.lab import faults
from fleet.lab.faults import DeviceFaults, Fault, judge

KEYS = [f"a-ap-{n}" for n in range(10)] + ["a-sw-1"]


def test_a_glob_hits_what_it_matches_and_nothing_else() -> None:
    assert judge([Fault("dead", "a-ap-1"), Fault("slow", "a-sw-*", 1.5)], KEYS) == {
        "a-ap-1": DeviceFaults(dead=True),
        "a-sw-1": DeviceFaults(delay_s=1.5),
    }


def test_several_faults_on_one_device_add_up_to_the_worst() -> None:
    several = [Fault("slow", "a-*", 1), Fault("slow", "a-sw-1", 3), Fault("loss", "a-sw-1", 0.3)]
    assert judge(several, KEYS)["a-sw-1"] == DeviceFaults(delay_s=3, loss=0.3)


def test_half_takes_the_same_half_every_time() -> None:
    hit = judge([Fault("half", "a-ap-*")], KEYS)
    assert len(hit) == 5
    assert judge([Fault("half", "a-ap-*")], list(reversed(KEYS))) == hit


def test_faults_are_kept_changed_and_healed_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    faults.add(path, Fault("slow", "a-sw-1", 1))
    faults.add(path, Fault("slow", "a-sw-1", 2))
    faults.add(path, Fault("dead", "a-ap-3"))
    assert faults.read(path) == [Fault("slow", "a-sw-1", 2), Fault("dead", "a-ap-3")]
    assert faults.heal(path, "a-ap-*") == [Fault("slow", "a-sw-1", 2)]
    assert faults.heal(path) == []
    assert faults.read(path) == []


@pytest.mark.parametrize("text", ["{", '[{"kind": "dead"}]', '[{"kind": "melted", "target": "*"}]', '["dead"]'])
def test_a_file_nobody_of_us_wrote_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "faults.json"
    path.write_text(text)
    with pytest.raises(faults.FaultError, match=r"faults\.json"):
        faults.read(path)
