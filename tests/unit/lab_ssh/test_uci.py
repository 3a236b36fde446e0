"""UCI: the text survives a round trip, the command line answers as OpenWrt's does, staging is staging."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.lab.ssh import uci

WIRELESS = """
config wifi-device 'radio0'
\toption type 'mac80211'
\toption channel '1'

config wifi-iface 'school'
\toption device 'radio0'
\toption ssid 'It'\\''s a "school"'
\tlist maclist 'aa'
\tlist maclist 'b b'

config wifi-iface
\toption device 'radio0'
\toption ssid 'guest'

"""
HOSTILE = [
    "'", "''", '"', "\\", "\\'", "$(id)", "`id`", "; reboot", "a\nb", "{{ lookup('pipe','id') }}", "../../etc/passwd",
    "x' 'option", "#comment", " lead", "trail ", "ümläut €", "\t", "'\noption evil '1",
]  # fmt: skip

names = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=12)
texts = st.text(st.characters(blacklist_categories=("Cs", "Cc")) | st.sampled_from("\n\t'\"\\#;$"), min_size=1, max_size=40)
options = st.dictionaries(names, texts | st.lists(texts, min_size=1, max_size=4), max_size=5)
kinds = st.text(string.ascii_lowercase + "-", min_size=1, max_size=12)


def files() -> dict[str, str]:
    return {"/etc/config/wireless": WIRELESS}


def ok(device: dict[str, str], *args: str, stdin: str = "") -> str:
    outcome = uci.run(device, list(args), stdin)
    assert (outcome.status, outcome.err) == (0, "")
    return outcome.out


@given(st.dictionaries(names, st.tuples(kinds, options), max_size=5))
def test_sections_survive_a_round_trip(made: dict[str, tuple[str, dict[str, uci.Value]]]) -> None:
    sections = [uci.Section(kind, name, dict(values)) for name, (kind, values) in made.items()]

    assert uci.parse(uci.serialise(sections)) == sections


@given(texts)
def test_any_text_comes_back_as_it_was_set(value: str) -> None:
    device = files()

    ok(device, "batch", stdin=f"set wireless.school.ssid={uci.text.quote(value)}\ncommit wireless\n")

    assert ok(device, "get", "wireless.school.ssid") == value + "\n"
    assert len(uci.parse(device["/etc/config/wireless"])) == 3


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_text_stays_text(value: str) -> None:
    device = files()

    ok(device, "set", f"wireless.school.ssid={value}")
    ok(device, "add_list", f"wireless.school.maclist={value}")
    ok(device, "commit")

    school = uci.parse(device["/etc/config/wireless"])[1]
    assert school.options == {"device": "radio0", "ssid": value, "maclist": ["aa", "b b", value]}
    assert device.keys() == {"/etc/config/wireless"}


def test_what_is_written_is_what_was_read() -> None:
    assert uci.serialise(uci.parse(WIRELESS)) == WIRELESS


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("config a b\n option x y", {"x": "y"}),
        ('config \'a\' "b"\n\toption x "a\\"b"', {"x": 'a"b'}),
        ("config a b # comment\n option x 'a'\"b\"c # more", {"x": "abc"}),
        ("config a b; option x y\\ z", {"x": "y z"}),
        ("config a b\n option x 'two\nlines'", {"x": "two\nlines"}),
        ("config a b\n list x 1\n list x 2\n option y ''", {"x": ["1", "2"], "y": ""}),
        ("package p\nconfig a b\n option x 1\nconfig a b\n option z 2", {"x": "1", "z": "2"}),
    ],
)
def test_reads_what_people_write_by_hand(written: str, read: dict[str, uci.Value]) -> None:
    assert uci.parse(written) == [uci.Section("a", "b", read)]


@pytest.mark.parametrize("broken", ["option x y", "config", "config a 'b", "config a b c", "config a b\noption x", "conf a"])
def test_broken_text_is_refused(broken: str) -> None:
    with pytest.raises(uci.ParseError, match="Parse error"):
        uci.parse(broken)


def test_show_prints_names_lists_and_anonymous_sections() -> None:
    assert ok(files(), "show", "wireless").splitlines() == [
        "wireless.radio0=wifi-device",
        "wireless.radio0.type='mac80211'",
        "wireless.radio0.channel='1'",
        "wireless.school=wifi-iface",
        "wireless.school.device='radio0'",
        "wireless.school.ssid='It'\\''s a \"school\"'",
        "wireless.school.maclist='aa' 'b b'",
        "wireless.@wifi-iface[1]=wifi-iface",
        "wireless.@wifi-iface[1].device='radio0'",
        "wireless.@wifi-iface[1].ssid='guest'",
    ]


def test_get_prints_a_value_a_type_or_a_list() -> None:
    assert ok(files(), "get", "wireless.@wifi-iface[-1].ssid") == "guest\n"
    assert ok(files(), "get", "wireless.radio0") == "wifi-device\n"
    assert ok(files(), "get", "wireless.school.maclist") == "aa 'b b'\n"
    assert ok(files(), "-d", ",", "get", "wireless.school.maclist") == "aa,'b b'\n"


@pytest.mark.parametrize(
    ("args", "status", "err"),
    [
        (["get", "wireless.nobody"], 1, "uci: Entry not found\n"),
        (["get", "wireless.radio0.nothing"], 1, "uci: Entry not found\n"),
        (["-q", "get", "nothing.at.all"], 1, ""),
        (["show", "nothing"], 1, "uci: Entry not found\n"),
        (["set", "wireless.nobody.ssid=x"], 1, "uci: Invalid argument\n"),
        (["set", "wireless.radio0.channel"], 1, "uci: Invalid argument\n"),
        (["set", "wireless.ra-dio.x=1"], 1, "uci: Invalid argument\n"),
        (["set", "wireless.radio0.channel=\x07"], 1, "uci: Invalid argument\n"),
        (["delete", "wireless.radio0.nothing"], 1, "uci: Entry not found\n"),
        (["commit", "nothing"], 1, "uci: Entry not found\n"),
    ],
)
def test_errors_are_those_of_the_real_one(args: list[str], status: int, err: str) -> None:
    outcome = uci.run(files(), args)

    assert (outcome.status, outcome.err) == (status, err)


@pytest.mark.parametrize("args", [[], ["nonsense"], ["get"], ["get", "a", "b"], ["-z", "show"]])
def test_wrong_usage_ends_with_255(args: list[str]) -> None:
    assert uci.run(files(), args).status == 255


def test_a_path_leads_nowhere_but_to_the_configuration() -> None:
    device = files() | {"/etc/shadow": "config secret 'x'\n"}

    for name in ("../shadow", "/etc/shadow", "..", "."):
        assert uci.run(device, ["show", name]).status == 1
        assert uci.run(device, ["import", name], "config a b\n").status == 1
    assert device["/etc/shadow"] == "config secret 'x'\n"


def test_changes_are_staged_until_commit() -> None:
    device = files()
    ok(device, "set", "wireless.radio0.channel=36")
    ok(device, "delete", "wireless.school.ssid")
    ok(device, "add_list", "wireless.school.maclist=cc")
    ok(device, "del_list", "wireless.school.maclist=aa")
    ok(device, "set", "wireless.exam=wifi-iface")

    assert device["/etc/config/wireless"] == WIRELESS
    assert ok(device, "changes").splitlines() == [
        "wireless.radio0.channel='36'",
        "-wireless.school.ssid",
        "wireless.school.maclist+='cc'",
        "wireless.school.maclist-='aa'",
        "wireless.exam=wifi-iface",
    ]
    assert ok(device, "get", "wireless.radio0.channel") == "36\n"

    ok(device, "commit", "wireless")

    assert ok(device, "changes") == ""
    assert "option channel '36'" in device["/etc/config/wireless"]
    assert ok(device, "get", "wireless.school.maclist") == "'b b' cc\n"


def test_revert_forgets_a_package_a_section_or_an_option() -> None:
    device = files()
    for change in ("radio0.channel=36", "radio0.type=x", "school.ssid=y"):
        ok(device, "set", f"wireless.{change}")

    ok(device, "revert", "wireless.radio0.channel")
    assert ok(device, "changes").splitlines() == ["wireless.radio0.type='x'", "wireless.school.ssid='y'"]
    ok(device, "revert", "wireless.school")
    ok(device, "revert", "wireless")

    assert ok(device, "changes") == ""
    assert device == files()


def test_an_added_section_keeps_its_name_through_the_commit() -> None:
    device = files()
    name = ok(device, "add", "wireless", "wifi-iface").strip()
    ok(device, "set", f"wireless.{name}.ssid=exam")
    ok(device, "rename", "wireless.@wifi-iface[1]=guest")
    ok(device, "reorder", "wireless.guest=0")

    assert ok(device, "get", "wireless.@wifi-iface[-1].ssid") == "exam\n"
    ok(device, "commit")

    assert [section.type for section in uci.parse(device["/etc/config/wireless"])] == [
        "wifi-iface", "wifi-device", "wifi-iface", "wifi-iface",
    ]  # fmt: skip
    assert ok(device, "get", "wireless.guest.ssid") == "guest\n"


def test_batch_goes_on_after_an_error_and_ends_with_zero() -> None:
    device = files()

    outcome = uci.run(device, ["batch"], "set wireless.nobody.x=1\nnonsense\n\nset wireless.radio0.channel='11'\n")

    assert outcome.status == 0
    assert outcome.err == "uci: Invalid argument\nUnknown command\n"
    assert ok(device, "get", "wireless.radio0.channel") == "11\n"


def test_export_and_import_are_each_others_opposite() -> None:
    device = files()
    exported = ok(device, "export")
    assert exported == "package wireless\n" + WIRELESS

    ok(device, "set", "wireless.radio0.channel=36")
    ok(device, "import", stdin=exported)

    assert ok(device, "changes") == ""
    assert device["/etc/config/wireless"] == WIRELESS


def test_a_broken_import_changes_nothing() -> None:
    device = files()

    assert uci.run(device, ["import", "wireless"], "config a 'b").status == 1
    assert device == files()
