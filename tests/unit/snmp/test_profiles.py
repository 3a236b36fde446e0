from collections import defaultdict
from pathlib import Path

import pytest

from fleet.snmp import profiles
from fleet.snmp.errors import ProfileError

NET_SNMP_LINUX = "1.3.6.1.4.1.8072.3.2.10"


def _write(directory: Path, name: str, text: str) -> None:
    path = directory / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('kind = "switch"', r"acme.toml, line 1: kind: Extra inputs"),
        ('\n[fields]\nmodell = {value = "x"}', r"acme.toml, line 2: fields: .*'modell' is no field"),
        ('[fields]\nmodel = {oid = "1.3.x"}', r"acme.toml, line 2: fields.model.0.oid: .*not a dotted object identifier"),
        ('[fields]\nmodel = {oid = "1.3.6", regex = "("}', r"line 2: fields.model.0.regex: .*not a regular expression"),
        ('[fields]\nmodel = {oid = "1.3.6", column = "1.3.6"}', r"line 2: fields.model.0: .*exactly one of"),
        ('[fields]\nmodel = {regex = "x"}', r"exactly one of"),
        ('[fields]\nuptime_s = {oid = "1.3.6", expr = "x * y"}', r"uptime_s: y is not defined under let"),
        ('[fields]\nuptime_s = {oid = "1.3.6", expr = "open(x)"}', r"line 2: .*expr: .*only numbers"),
        ('[fields]\nuptime_s = {oid = "1.3.6", scale = "10"}', r"line 2: fields.uptime_s.0.scale"),
        ('[fields]\nmodel = {text = "x {y}"}', r"model: y is not defined under let"),
        ('[fields]\nmodel = {oid = "1.3.6", at = "1"}', r"at, at_text and holding belong to column"),
        ('[[tables]]\ninto = "ports"\ncolumns.name = {value = "x"}', r"line 2: tables.0.into: .*'ports' is no list"),
        ('[[tables]]\ninto = "poe"\ncolumns.colour = {value = "x"}', r"line 1: tables.0: .*poe has no 'colour'"),
        ('[[tables]]\ninto = "poe"\nwhere.a = ["1"]\ncolumns.ifIndex = {index = 1}', r"where.a is not defined"),
        ('[[tables]]\ninto = "poe"\ncolumns.ifIndex = {column = "1.3.6", at = "{b}"}', r"b is not defined under let"),
        ("[[match]]\nsysOid = []", r"line 2: match.0.sysOid: Extra inputs"),
        ('drop = ["colour"]', r"line 1: drop: .*neither field nor list"),
        ('extends = ["nobody"]', r"acme.toml: extends 'nobody', which does not exist"),
        ('extends = ["acme"]', r"acme.toml: extends goes in a circle: acme → acme"),
        ("fields = 5 5", r"acme.toml: .*line 1"),
        ('[fields]\nkind = {value = "swich"}', r"line 1: fields: .*kind: 'swich' is none of access-point, "),
        ('[fields]\nkind = {oid = "1.3.6", enum = {1 = "toaster"}}', r"kind: 'toaster' is none of"),
        ('[fields]\nkind = {oid = "1.3.6", give = "toaster"}', r"kind: 'toaster' is none of"),
        ('[fields]\nkind = {oid = "1.3.6"}', r"kind: wants value, enum, map or give"),
        ('[fields]\nuptime_s = {value = "abc"}', r"uptime_s: 'abc' is no int"),
        ('[fields]\nuptime_s = {oid = "1.3.6", enum = {1 = "ten"}}', r"uptime_s: 'ten' is no int"),
        ('[fields]\n"ups.on_battery" = {oid = "1.3.6", enum = {1 = 1}}', r"ups.on_battery: 1 is no bool"),
        ("[fields]\nmodel = {value = true}", r"model: True is no str"),
        ('[[tables]]\ninto = "poe"\ncolumns.ifIndex = {value = "x"}', r"ifIndex: 'x' is no int"),
        ('[fields]\nmodel = {oid = "1.3.6", replace = [["(B)", "\\\\2"]]}', r"line 2: .*replace.*invalid group reference 2"),
        ('[fields]\nmodel = {oid = "1.3.6", replace = [["B", "\\\\g<x>"]]}', r"line 2: .*replace.*unknown group name"),
        ('[fields]\nmodel = {oid = "1.3.6", regex = "(a)", format = "{3}"}', r"model: 3 is not defined under let"),
        ('[fields]\nmodel = {oid = "1.3.6", regex = "a{99999999999}"}', r"not a regular expression"),
        ("[fields]\nmodel = {index = 1}", r"model: index is not defined .*by a row"),
        ("[fields]\nmodel = {text_index = true}", r"model: index is not defined"),
        ('[fields]\nmodel = {column = "1.3.6"}', r"model: index is not defined"),
        ('[fields]\nmodel = {text = "{index.2}"}', r"model: index is not defined"),
        ('[fields]\nmodel = {of = "a", let.a = {column = "1.3.6"}}', r"model: index is not defined"),
        ("[fields]\nmodel = []", r"line 2: fields.model: .*at least 1"),
        ("[[match]]\nsysObjectID = []", r"line 2: match.0.sysObjectID: .*at least 1"),
        ("[[match]]\npresent = []", r"line 2: match.0.present: .*at least 1"),
        ('[[tables]]\ninto = "poe"\ncolumns.ifIndex = {index = []}', r"index: .*two parts"),
        ('[[tables]]\ninto = "poe"\ncolumns.ifIndex = {index = 0}', r"index: .*counted from 1"),
        (
            '[[tables]]\ninto = "poe"\nlet.a = {index = 1}\nwhere.a = []\ncolumns.ifIndex = {index = 1}',
            r"line 4: tables.0.where.a",
        ),
        ('[fields]\nuptime_s = {oid = "1.3.6", min = 10, max = 1}', r"min is greater than max"),
        ('[fields]\nuptime_s = {oid = "1.3.6", scale = 0}', r"scale"),
        ('[fields]\nuptime_s = {oid = "1.3.6", scale = nan}', r"scale.*finite"),
        ('[fields]\nuptime_s = {oid = "1.3.6", expr = "abs(x, 2)"}', r"abs takes 1 "),
        ('[fields]\nuptime_s = {oid = "1.3.6", expr = "max(x)"}', r"max takes 2 or more"),
        ('[fields]\nuptime_s = {oid = "1.3.6", expr = "' + "-" * 3000 + 'x"}', r"expr: .*too long"),
        ('[fields]\nmodel = {oid = "1.3.6", enum = {}}', r"enum: .*at least 1"),
        ('[fields]\nmodel = {oid = "1.3.6.4294967296"}', r"not a dotted object identifier"),
        ('[[tables]]\ninto = "interfaces"\ncolumns.name = {column = "1.3.6"}', r"interfaces wants columns.ifIndex"),
        ('[[tables]]\ninto = "memory"\ncolumns = {}', r"columns: .*at least 1"),
        ('[[tables]]\ninto = "poe"\nneeds = ["admin"]\ncolumns.ifIndex = {index = 1}', r"poe wants columns.admin"),
        ('[[tables]]\ninto = "poe"\nmerge_by = ["admin"]\ncolumns.ifIndex = {index = 1}', r"poe wants columns.admin"),
        ('[[tables]]\ninto = "poe"\ncompletes = true\ncolumns.ifIndex = {index = 1}', r"completes belongs to join"),
        ("x = " + "[" * 5000, r"acme.toml: too deep"),
    ],
)
def test_a_wrong_profile_names_file_line_and_key(tmp_path: Path, text: str, complaint: str) -> None:
    _write(tmp_path, "acme", text)

    with pytest.raises(ProfileError, match=complaint):
        profiles.load(tmp_path)


def test_a_profile_is_text_in_utf_8(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_bytes('[fields]\nmodel = {value = "ü"}'.encode("latin-1"))

    with pytest.raises(ProfileError, match=r"acme.toml: .*utf-8"):
        profiles.load(tmp_path)


def test_a_map_is_text_in_utf_8(tmp_path: Path) -> None:
    _write(tmp_path, "maps/models", "")
    (tmp_path / "maps/models.toml").write_bytes('1 = "ü"'.encode("latin-1"))

    with pytest.raises(ProfileError, match=r"maps/models.toml: .*utf-8"):
        profiles.load(tmp_path)


def test_a_source_has_one_table_of_names(tmp_path: Path) -> None:
    _write(tmp_path, "maps/models", '1 = "One"')
    _write(tmp_path, "acme", '[fields]\nmodel = {oid = "1.3.6", map = "models", enum = {2 = "Two"}}')

    with pytest.raises(ProfileError, match=r"acme.toml: map 'models' and enum exclude each other"):
        profiles.load(tmp_path)


def test_rows_with_a_name_can_be_counted(tmp_path: Path) -> None:
    _write(tmp_path, "acme", '[fields]\n"wireless.clients" = {column = "1.3.6", enum = {1 = "yes"}, aggregate = "count"}')

    assert "wireless.clients" in profiles.load(tmp_path).by_name["acme"].fields


def test_second_table_is_found_in_the_file(tmp_path: Path) -> None:
    good = '[[tables]]\ninto = "poe"\ncolumns.ifIndex = {index = 1}\n'
    _write(tmp_path, "acme", good + "\n" + good + "colour = 1\n")

    with pytest.raises(ProfileError, match=r"line 8: tables\.1\.colour"):
        profiles.load(tmp_path)


def test_own_sources_come_before_inherited_ones(tmp_path: Path) -> None:
    _write(tmp_path, "base", '[fields]\nmodel = {value = "base"}\nserial = {value = "base"}')
    _write(tmp_path, "acme", 'extends = ["base"]\ndrop = ["serial"]\n[fields]\nmodel = {value = "own"}')

    resolved = profiles.load(tmp_path).by_name["acme"]

    assert [source.value for source in resolved.fields["model"]] == ["own", "base"]
    assert "serial" not in resolved.fields


def test_columns_of_one_table_are_walked_together(tmp_path: Path) -> None:
    _write(tmp_path, "acme", 'extends = ["base"]\n[fields]\nmodel = {column = "1.3.6.9.1", aggregate = "first"}')
    _write(tmp_path, "base", '[[tables]]\ninto = "vlans"\ncolumns.value = [{column = "1.3.6.10.1"}, {column = "1.3.6.9.2"}]')

    assert profiles.load(tmp_path).by_name["acme"].columns == (("1.3.6.9.1", "1.3.6.9.2"), ("1.3.6.10.1",))


@pytest.mark.parametrize(
    ("sys_object_id", "sys_descr", "best"),
    [
        (NET_SNMP_LINUX, "Linux OpenWrt 5.15.150", "openwrt"),
        ("1.3.6.1.4.1.8072.9999.9999.1", "a switch", "lab/switch"),
        ("1.3.6.1.4.1.8072.9999.9999.10", "a switch's cousin", "generic"),
        ("1.3.6.1.4.1.99999.1", "nobody knows", "generic"),
        (None, None, "generic"),
    ],
)
def test_the_most_specific_profile_matches(sys_object_id: str | None, sys_descr: str | None, best: str) -> None:
    candidates = profiles.default().candidates(sys_object_id, sys_descr)

    assert next(profile.name for profile, match in candidates if not match.present) == best


def test_presence_is_asked_before_what_always_holds() -> None:
    names = [profile.name for profile, _ in profiles.default().candidates("1.3.6.1.4.1.99999.1", "nobody knows")]

    assert names.index("generic/printer") < names.index("generic")
    assert names[-1] == "generic"


def test_no_two_profiles_want_the_same_devices_by_the_same_rule() -> None:
    claims = defaultdict(set)
    for profile in profiles.default().by_name.values():
        for match in profile.match:
            for sys_object_id in match.sysObjectID or [""]:
                claims[sys_object_id, match.sysDescr, tuple(match.present)].add(profile.name)

    assert {claim: names for claim, names in claims.items() if len(names) > 1} == {}
