import configparser
from pathlib import Path

from config.demo.processes import product, supervisor_config


def test_every_process_has_its_section_and_percent_signs_survive(tmp_path: Path) -> None:
    text = supervisor_config(product(8000), tmp_path / "100%")

    parser = configparser.RawConfigParser()
    parser.read_string(text)

    programs = {name.removeprefix("program:") for name in parser.sections() if name.startswith("program:")}
    assert programs == {process.name for process in product(8000)}
    assert "100%%" in parser["program:web"]["stdout_logfile"]
    assert parser["program:worker-automation"]["autorestart"] == "true"
