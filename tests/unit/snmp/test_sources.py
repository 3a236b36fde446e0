"""What a source of a profile can do, each on answers as small as can be."""

from pathlib import Path
from typing import Any

import pytest

from fleet.snmp import profiles
from fleet.snmp.errors import ProfileError
from fleet.snmp.interpret import Answers, interpret
from fleet.snmp.types import Interface, Temperature

A, B, C = "1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.2", "1.3.6.1.4.1.99999.3"


def _model(tmp_path: Path, source: str, answers: Answers) -> str | None:
    (tmp_path / "acme.toml").write_text(f"[fields]\nmodel = {source}\n")
    return interpret(profiles.load(tmp_path).by_name["acme"], answers).model


@pytest.mark.parametrize(
    ("source", "said", "model"),
    [
        ('{oid = "A.0", not = ["N/A", "-1"]}', b"N/A", None),
        ('{oid = "A.0", not = ["N/A", "-1"]}', -1, None),
        ('{oid = "A.0", not = ["N/A", "-1"]}', b"X1", "X1"),
        ("""{oid = "A.0", replace = [['\\s+rev\\.', " Rev "], ['_', "-"]]}""", b"X_1  rev.2", "X-1 Rev 2"),
        ("""{oid = "A.0", regex = '(\\S+) v(\\d)', format = "{1} ({2})"}""", b"X1 v2", "X1 (2)"),
        ("""{oid = "A.0", regex = '(\\S+)( v\\d)?', format = "{1}{2?}"}""", b"X1", "X1"),
        ("""{oid = "A.0", regex = '(\\S+)( v\\d)?', format = "{1}{2}"}""", b"X1", None),
        ('{oid = "A.0", scale = 0.5, format = "{x} GB"}', 8, "4 GB"),
        ('{oid = "A.0", as = "hex"}', b"\x01\xab", "01ab"),
        ('{oid = "A.0", as = "upper"}', b"x1", "X1"),
        ('{oid = "A.0", as = "date"}', b"\x07\xe8\x05\x1f\0\0\0\0", "2024-05-31"),
        ('{oid = "A.0", as = "date"}', b"\x07\xe8\0\0", None),
        ('{of = "name", as = "lower", let = {name = {oid = "A.0"}}}', b"X1", "x1"),
        ("""{value = "X9", let = {name = {oid = "A.0"}}, where = {name = '^X'}}""", b"X1", "X9"),
        ("""{value = "X9", let = {name = {oid = "A.0"}}, where = {name = '^X'}}""", b"Y1", None),
        ("""{value = "X9", let = {name = {oid = "B.0"}}, where = {name = ['']}}""", b"Y1", "X9"),
        ('{expr = "max(a, 3) + round(a / 2)", let = {a = {oid = "A.0"}}}', 8, "12"),
        ('{expr = "log10(a)", let = {a = {oid = "A.0"}}}', 0, None),
    ],
)
def test_one_value(tmp_path: Path, source: str, said: Any, model: str | None) -> None:
    source = source.replace('"A.0"', f'"{A}.0"').replace('"B.0"', f'"{B}.0"')

    assert _model(tmp_path, source, Answers({f"{A}.0": said})) == model


@pytest.mark.parametrize(
    ("source", "model"),
    [
        (f'{{column = "{A}", aggregate = "first", let.class = {{column = "{B}"}}, where.class = ["3"]}}', "chassis"),
        (f'{{column = "{A}", aggregate = "last"}}', "fan"),
        (f'{{column = "{B}", holding = "9"}}', "3"),
        (f'{{column = "{A}", at = "{{row}}", let.row = {{column = "{B}", holding = "9"}}}}', "fan"),
    ],
)
def test_a_row_found_by_what_it_says(tmp_path: Path, source: str, model: str) -> None:
    columns = {A: {"1": b"stack", "2": b"chassis", "3": b"fan"}, B: {"1": 11, "2": 3, "3": 9}}

    assert _model(tmp_path, source, Answers(columns=columns)) == model


@pytest.mark.parametrize(
    ("name", "index", "written"),
    [
        ('{text = "{index.1}/{index.-1}"}', "1.7.9", "1/9"),
        ('{text = "{index.2-3}"}', "1.7.9", "7.9"),
        ('{text = "{index.2-}"}', "1.7.9", "7.9"),
        ("{index = -1}", "1.7.9", "9"),
        ("{text_index = true}", "2.65.66", "AB"),
        ("{text_index = 2}", "1.2.65.66.5", "AB"),
        ("{text_index = 2}", "1.3.65.66", None),
    ],
)
def test_parts_of_an_index(tmp_path: Path, name: str, index: str, written: str | None) -> None:
    table = f'[[tables]]\ninto = "temperatures_c"\ncolumns.name = {name}\ncolumns.value = {{column = "{A}"}}\n'
    (tmp_path / "acme.toml").write_text(table)

    reading = interpret(profiles.load(tmp_path).by_name["acme"], Answers(columns={A: {index: 40}}))

    assert reading.temperatures_c == (Temperature(written, 40.0),)


def test_a_model_from_a_map(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "models.toml").write_text(f'"{B}" = "X2"\n')

    known = Answers({f"{A}.0": B})
    assert _model(tmp_path, f'{{oid = "{A}.0", map = "models"}}', known) == "X2"
    with pytest.raises(ProfileError, match="map 'other' does not exist; there are models"):
        _model(tmp_path, f'{{oid = "{A}.0", map = "other"}}', known)


def test_only_what_is_an_interface_is_listed() -> None:
    columns = {
        "1.3.6.1.2.1.2.2.1.2": {"1": b"port 1", "2": b"Async0/1", "3": b"slot 2", "4": b"", "6": b"console"},
        "1.3.6.1.2.1.2.2.1.3": {"1": 6, "2": 1, "3": 6, "4": 6, "6": 33},
        "1.3.6.1.2.1.2.2.1.5": {"1": 0, "6": 9600},
        "1.3.6.1.2.1.2.2.1.8": {"1": 1, "2": 2, "3": 6, "4": 1},
        "1.3.6.1.2.1.31.1.1.1.1": {"5": b"nothing else"},
        "1.3.6.1.2.1.31.1.1.1.15": {"6": 0},
    }

    reading = interpret(profiles.default().by_name["standard/if"], Answers(columns=columns))

    assert reading.interfaces == (
        Interface(1, "port 1", oper="up", speed_bps=0),
        Interface(6, "console", speed_bps=9600),
    )


@pytest.mark.parametrize(
    ("sys_object_id", "model"),
    [(f"{A}.8.20", "X1"), (f"{A}.8", None), (None, None)],
    ids=["long enough", "too short", "not said"],
)
def test_objects_below_the_devices_own_product(tmp_path: Path, sys_object_id: str | None, model: str | None) -> None:
    written = '[[match]]\n[fields]\nmodel = {oid = "{sysObjectID.1-9}.1.{sysObjectID.10}"}\n'
    (tmp_path / "acme.toml").write_text(written)

    ((profile, _),) = profiles.load(tmp_path).candidates(sys_object_id, None)

    assert interpret(profile, Answers({f"{A}.8.1.20": b"X1"})).model == model
