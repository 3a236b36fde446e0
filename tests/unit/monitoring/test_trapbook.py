"""traps.toml is strict, and the longest beginning of an OID counts."""

import pytest

from fleet.monitoring import trapbook
from fleet.monitoring.checks import check_traps

GOOD = """
["1.3.6.1.4.1.9"]
name = "any"
title = {de = "etwas", en = "something"}
ask = ["device"]

["1.3.6.1.4.1.9.1"]
name = "link"
title = {de = "Port", en = "port"}
port = "1.3.6.1.2.1.2.2.1.1"
ask = ["device", "port"]
"""


def test_ours_is_valid_and_means_something_in_both_languages() -> None:
    assert check_traps() == []
    assert all(one.title.de and one.title.en for one in trapbook.known().values())


@pytest.mark.parametrize(
    ("oid", "expected"),
    [
        ("1.3.6.1.4.1.9", "any"),
        ("1.3.6.1.4.1.9.2.7", "any"),
        ("1.3.6.1.4.1.9.1", "link"),
        ("1.3.6.1.4.1.9.1.0.5", "link"),
        ("1.3.6.1.4.1.99", None),
        ("nonsense", None),
    ],
)
def test_the_longest_beginning_counts(oid: str, expected: str | None) -> None:
    found = trapbook.entry(oid, trapbook.parse(GOOD, "t.toml"))
    assert (found.name if found else None) == expected


@pytest.mark.parametrize(
    ("varbinds", "expected"),
    [
        ([("1.3.6.1.2.1.2.2.1.1.7", 7)], 7),
        ([("1.3.6.1.2.1.2.2.1.10.7", 9), ("1.3.6.1.2.1.2.2.1.1.7", 7)], 7),
        ([("1.3.6.1.2.1.2.2.1.1.7", "seven")], None),
        ([("1.3.6.1.2.1.2.2.1.1.7", -1)], None),
        ([("1.3.6.1.2.1.2.2.1.1.7", 2**64 - 1)], None),
        ([], None),
    ],
)
def test_the_port_is_what_the_entry_says(varbinds: list[tuple[str, object]], expected: int | None) -> None:
    assert trapbook.parse(GOOD, "t.toml")["1.3.6.1.4.1.9.1"].port_of(varbinds) == expected


@pytest.mark.parametrize(
    ("old", "new", "place", "what"),
    [
        ('["1.3.6.1.4.1.9"]', '["1.3.6.x"]', "t.toml:2:", "not an OID"),
        ('name = "any"', 'nmae = "any"', "t.toml:2:", "1.3.6.1.4.1.9.nmae"),
        ('ask = ["device"]', 'ask = ["everybody"]', "t.toml:2:", "1.3.6.1.4.1.9.ask"),
        ('en = "something"', 'fr = "chose"', "t.toml:2:", "1.3.6.1.4.1.9.title"),
        ('port = "1.3.6.1.2.1.2.2.1.1"\n', "", "t.toml:7:", "does not name"),
        ('port = "1.3.6.1.2.1.2.2.1.1"', 'port = "ifIndex"', "t.toml:7:", "1.3.6.1.4.1.9.1.port"),
        ("name =", "name", "t.toml", "t.toml"),
    ],
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, place: str, what: str) -> None:
    with pytest.raises(trapbook.TrapsError) as caught:
        trapbook.parse(GOOD.replace(old, new), "t.toml")
    assert any(line.startswith(place) and what in line for line in str(caught.value).splitlines()), caught.value
